"""Time APGD-CE in AutoAttack's implementation on the network of CIFAR-10 that our side has left.

l2, 100 steps, one run, images kept in [0, 1]: the first of batch 5. `--flush-denormal`
makes denormal numbers zeros; `--channels-last` stores images as oneDNN likes them.

Example:
    python cifar_apgd.py --data DATA --work FOLDER --architecture convolution --p 3
"""

from pathlib import Path

import torch
from pyautoattack.autopgd_base import APGDAttack

import deep
from common import accuracies_under, argument_parser, measured, report, start


def main():
    parser = argument_parser(__doc__.split("\n")[0])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--architecture", choices=["convolution", "dense"], default="convolution")
    parser.add_argument("--epsilon", type=float, default=0.5)
    parser.add_argument("--samples", type=int, default=1_000)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--batch-size", type=int, default=250)
    parser.add_argument("--flush-denormal", action="store_true")
    parser.add_argument("--channels-last", action="store_true")
    arguments = parser.parse_args()
    start(arguments, arguments.flush_denormal)
    x, y = deep.cifar10(arguments.data, "validation", arguments.samples)
    name = f"cifar-{arguments.architecture}-p{arguments.p:g}.safetensors"
    network = deep.load(arguments.work / name, arguments.architecture, arguments.p)
    network.eval().requires_grad_(False)
    if arguments.channels_last:
        network = network.to(memory_format=torch.channels_last)
    attack = APGDAttack(
        network, n_iter=arguments.steps, n_restarts=1, eps=arguments.epsilon, loss="ce", norm="L2",
        seed=arguments.seed, device="cpu",
    )

    (clean, robust), seconds, processor_seconds = measured(
        lambda: accuracies_under(attack, network, x, y, arguments.batch_size)
    )
    report(
        job="cifar-apgd",
        architecture=arguments.architecture,
        p=arguments.p,
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
