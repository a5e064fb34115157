"""Time APGD-CE in AutoAttack's implementation on a network that the paper's authors published.

100 steps, one run, inputs kept in [0, 1], for l1 with decreasing radius. The
samples are the first of rows 50000 to 59999 of MNIST's training set.

By default denormal numbers are flushed to zero, and batches of 1,000 are
attacked, whose intermediate results are smaller: the tuned variant. As shipped
is `--denormals --batch-size 10000`, the batch of the paper's authors.

Example:
    python apgd.py --data DATA --p 3 --norm linf --epsilon 0.1 --samples 1000
"""

import torch
from pyautoattack.autopgd_base import APGDAttack

from common import (
    PReLUNetwork, accuracies_under, argument_parser, measured, mnist, report, start,
)


def main():
    parser = argument_parser(__doc__.split("\n")[0])
    parser.add_argument("--norm", choices=["linf", "l2", "l1"], default="linf")
    parser.add_argument("--epsilon", type=float, default=0.1)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--batch-size", type=int, default=1_000)
    parser.add_argument("--denormals", action="store_true", help="keep denormal numbers")
    arguments = parser.parse_args()
    start(arguments, flush_denormal=not arguments.denormals)
    x, y = mnist(arguments.data, "test", limit=arguments.samples)
    network = PReLUNetwork.load(
        f"{arguments.data}/pretrained/mnist-digits-p{arguments.p:g}.safetensors", arguments.p
    ).requires_grad_(False)
    attack = APGDAttack(
        network, n_iter=arguments.steps, n_restarts=1, eps=arguments.epsilon, loss="ce",
        norm=arguments.norm.capitalize(), seed=arguments.seed, device="cpu",
        use_largereps=arguments.norm == "l1",
    )

    (clean, robust), seconds, processor_seconds = measured(
        lambda: accuracies_under(attack, network, x, y, arguments.batch_size)
    )
    report(
        job="apgd" + ("-denormals" if arguments.denormals else ""),
        p=arguments.p,
        norm=arguments.norm,
        epsilon=arguments.epsilon,
        threads=arguments.threads,
        seconds=seconds,
        processorSeconds=processor_seconds,
        samples=len(x),
        steps=arguments.steps,
        cleanAccuracy=clean,
        robustAccuracy=robust,
    )


if __name__ == "__main__":
    main()
