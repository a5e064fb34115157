"""Look for the smallest perturbations of a PyTorch module's samples: our package, foolbox or adv-lib.

Modules and samples are those of `module_attack.py`; inputs stay in [0, 1]. Sizes are measured on what a program gives
back, with the class by the module itself: 0 for a sample that is misclassified without any perturbation, infinite for
one that no perturbation fooled.

Example:
    python module_min_norm.py --program adv-lib-fmn --data DATA --work FOLDER --model cnn --norm linf
"""

import sys
from pathlib import Path
from unittest.mock import MagicMock

import torch

from common import argument_parser, measured, report, start
from modules import MODELS, test_images, trained_module


def ours(module, x, y, arguments):
    import polyrelu

    polyrelu.set_threads(arguments.threads)
    found = polyrelu.attack(
        module, x.numpy(), y.numpy(), norm=arguments.norm, epsilon=[], box=(0, 1), seed=arguments.seed, progress=False
    )
    return torch.from_numpy(found.witnesses)


def foolbox(attack):
    def run(module, x, y, arguments):
        import foolbox

        kinds = {
            ("fmn", "l2"): foolbox.attacks.L2FMNAttack, ("fmn", "linf"): foolbox.attacks.LInfFMNAttack,
            ("ddn", "l2"): foolbox.attacks.DDNAttack,
            ("deepfool", "l2"): foolbox.attacks.L2DeepFoolAttack,
            ("deepfool", "linf"): foolbox.attacks.LinfDeepFoolAttack,
        }
        model = foolbox.PyTorchModel(module, bounds=(0, 1), device="cpu")
        steps = {} if attack == "deepfool" else {"steps": arguments.steps}
        _, adversarial, _ = kinds[attack, arguments.norm](**steps)(model, x, y, epsilons=None)
        return adversarial.detach()

    return run


def adv_lib(attack):
    def run(module, x, y, arguments):
        # The package imports these for other attacks than these.
        for name in ("torchvision", "tqdm", "visdom"):
            sys.modules.setdefault(name, MagicMock())
        from adv_lib import attacks

        if attack == "ddn":
            return attacks.ddn(module, x, y, steps=arguments.steps, levels=None)
        if attack == "alma":
            return attacks.alma(module, x, y, distance="l2", num_steps=10 * arguments.steps)
        if attack == "pdpgd":
            norm = 2 if arguments.norm == "l2" else float("inf")
            return attacks.pdpgd(module, x, y, norm=norm, num_steps=10 * arguments.steps)
        return attacks.fmn(module, x, y, norm=2 if arguments.norm == "l2" else float("inf"), steps=arguments.steps)

    return run


PROGRAMS = {
    "polyrelu": ours,
    **{f"foolbox-{name}": foolbox(name) for name in ("fmn", "ddn", "deepfool")},
    **{f"adv-lib-{name}": adv_lib(name) for name in ("fmn", "ddn", "alma", "pdpgd")},
}


def main():
    parser = argument_parser(__doc__.split("\n")[0])
    parser.add_argument("--program", choices=PROGRAMS, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--model", choices=MODELS, default="cnn")
    parser.add_argument("--norm", choices=["linf", "l2"], default="linf")
    parser.add_argument("--samples", type=int, default=1_000)
    parser.add_argument("--steps", type=int, default=100, help="of the peers; ten times as many for alma and pdpgd")
    arguments = parser.parse_args()
    start(arguments, flush_denormal=True)
    module = trained_module(arguments.model, arguments.data, arguments.work)
    x, y = test_images(arguments.data, arguments.samples)
    adversarial, seconds, processor_seconds = measured(
        lambda: PROGRAMS[arguments.program](module, x, y, arguments)
    )
    adversarial = adversarial.clamp(0, 1)
    size = (adversarial.double() - x.double()).flatten(1).norm(dim=1, p={"linf": torch.inf, "l2": 2}[arguments.norm])
    correct = module(x).argmax(1) == y
    fooled = module(adversarial).argmax(1) != y
    radii = torch.where(correct, torch.where(fooled, size, torch.inf), 0)
    report(
        job=f"module-min-norm-{arguments.program}",
        model=arguments.model,
        norm=arguments.norm,
        threads=arguments.threads,
        seconds=seconds,
        processorSeconds=processor_seconds,
        samples=len(x),
        cleanAccuracy=correct.double().mean().item(),
        medianRadius=radii.quantile(0.5).item(),
        failed=int(torch.isinf(radii).sum()),
    )


if __name__ == "__main__":
    main()
