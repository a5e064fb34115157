"""Time the decoupled direction and norm attack of its authors (adv-lib) on a network that the paper's authors published.

100 steps in l2, inputs kept in [0, 1]. The samples are the first of rows 50000
to 59999 of MNIST's training set. A sample that is misclassified without any
perturbation has radius 0, one that no perturbation fooled an infinite one.

By default denormal numbers are flushed to zero, and perturbed inputs are not
rounded to 256 grey levels, which makes radii larger: the tuned variant.
`--as-shipped` keeps both.

Example:
    python min_norm.py --data DATA --p 3 --samples 1000 --threads 2
"""

import sys
from unittest.mock import MagicMock

import torch

from common import PReLUNetwork, argument_parser, measured, mnist, report, start

# The package imports these for other attacks than this one.
for name in ("torchvision", "tqdm", "visdom"):
    sys.modules.setdefault(name, MagicMock())
from adv_lib.attacks import ddn


def main():
    parser = argument_parser(__doc__.split("\n")[0])
    parser.add_argument("--samples", type=int, default=1_000)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--as-shipped", action="store_true")
    arguments = parser.parse_args()
    start(arguments, flush_denormal=not arguments.as_shipped)
    x, y = mnist(arguments.data, "test", limit=arguments.samples)
    network = PReLUNetwork.load(
        f"{arguments.data}/pretrained/mnist-digits-p{arguments.p:g}.safetensors", arguments.p
    ).requires_grad_(False)

    def evaluate():
        levels = 256 if arguments.as_shipped else None
        correct = network(x).argmax(1) == y
        adversarial = ddn(network, x, y, steps=arguments.steps, levels=levels)
        radii = (adversarial - x).norm(dim=1)
        fooled = network(adversarial).argmax(1) != y
        return correct, torch.where(correct, torch.where(fooled, radii, torch.inf), 0)

    (correct, radii), seconds, processor_seconds = measured(evaluate)
    report(
        job="min-norm" + ("-as-shipped" if arguments.as_shipped else ""),
        p=arguments.p,
        threads=arguments.threads,
        seconds=seconds,
        processorSeconds=processor_seconds,
        samples=len(x),
        steps=arguments.steps,
        cleanAccuracy=correct.double().mean().item(),
        medianRadius=radii.double().quantile(0.5).item(),
        meanRadius=radii.double().mean().item(),
    )


if __name__ == "__main__":
    main()
