"""Attack a PyTorch module at one radius: our package, or AutoAttack's standard version.

The modules are those of `modules.py`, trained before the first measurement and kept in `--work`. The samples are
the first of MNIST's test set. Robust accuracy is counted by the module itself, on what the program gives back.

Example:
    python module_attack.py --program autoattack --data DATA --work FOLDER --model cnn --norm linf --epsilon 0.1
"""

from pathlib import Path

import torch

from common import argument_parser, measured, report, start
from modules import MODELS, test_images, trained_module


def autoattack(module, x, y, arguments):
    from pyautoattack import AutoAttack

    attack = AutoAttack(
        module, norm=arguments.norm.capitalize(), eps=arguments.epsilon, seed=arguments.seed, version="standard",
        device="cpu",
    )
    found = attack.run_standard_evaluation(x, y, batch_size=arguments.batch_size)
    return found[0] if isinstance(found, tuple) else found


def ours(module, x, y, arguments):
    import polyrelu

    polyrelu.set_threads(arguments.threads)
    found = polyrelu.attack(
        module, x.numpy(), y.numpy(), norm=arguments.norm, epsilon=arguments.epsilon, attack=arguments.attack,
        box=(0, 1), seed=arguments.seed, progress=False,
    )
    return torch.from_numpy(found.witnesses)


PROGRAMS = {"polyrelu": ours, "autoattack": autoattack}


def main():
    parser = argument_parser(__doc__.split("\n")[0])
    parser.add_argument("--program", choices=PROGRAMS, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--model", choices=MODELS, default="cnn")
    parser.add_argument("--norm", choices=["linf", "l2"], default="linf")
    parser.add_argument("--epsilon", type=float, default=0.1)
    parser.add_argument("--samples", type=int, default=1_000)
    parser.add_argument("--attack", default="accuracy", help="of our package")
    parser.add_argument("--batch-size", type=int, default=1_000)
    arguments = parser.parse_args()
    start(arguments, flush_denormal=True)
    module = trained_module(arguments.model, arguments.data, arguments.work)
    x, y = test_images(arguments.data, arguments.samples)
    adversarial, seconds, processor_seconds = measured(
        lambda: PROGRAMS[arguments.program](module, x, y, arguments)
    )
    size = (adversarial - x).flatten(1).norm(dim=1, p={"linf": torch.inf, "l2": 2}[arguments.norm])
    inside = size <= arguments.epsilon * (1 + 1e-5)
    correct = module(x).argmax(1) == y
    fooled = (module(adversarial).argmax(1) != y) & inside
    report(
        job=f"module-attack-{arguments.program}",
        model=arguments.model,
        norm=arguments.norm,
        epsilon=arguments.epsilon,
        threads=arguments.threads,
        seconds=seconds,
        processorSeconds=processor_seconds,
        samples=len(x),
        cleanAccuracy=correct.double().mean().item(),
        robustAccuracy=(correct & ~fooled).double().mean().item(),
    )


if __name__ == "__main__":
    main()
