"""Time one epoch on images of CIFAR-10 in PyTorch.

Networks of `deep.py`, AdamW 1e-3 with weight decay 5e-4, batch 128, random crop and
flip, cross-entropy. `--flush-denormal` makes denormal numbers zeros;
`--channels-last` stores images as oneDNN likes them.

Example:
    python cifar_epoch.py --data DATA --architecture convolution --p 3 --threads 2
"""

import statistics

import torch

import deep
from common import (
    argument_parser, measured, report, sliced_batches, start, train_step, trained_epoch,
)


def main():
    parser = argument_parser(__doc__.split("\n")[0])
    parser.add_argument("--architecture", choices=["convolution", "dense"], default="convolution")
    parser.add_argument("--samples", type=int, default=4_000)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=3, help="how often the work is timed")
    parser.add_argument("--warm-up-steps", type=int, default=5)
    parser.add_argument("--flush-denormal", action="store_true")
    parser.add_argument("--channels-last", action="store_true")
    arguments = parser.parse_args()
    start(arguments, arguments.flush_denormal)
    x, y = deep.cifar10(arguments.data, "train", arguments.samples)
    network = deep.network(arguments.architecture, arguments.p)
    if arguments.channels_last:
        network = network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=5e-4)

    def step(batch, labels):
        images = deep.cropped_and_flipped(batch)
        if arguments.channels_last:
            images = images.contiguous(memory_format=torch.channels_last)
        return train_step(network, optimizer, images, labels)

    def epoch():
        return trained_epoch(step, sliced_batches(x, y, arguments.batch_size))

    for warm_up in range(arguments.warm_up_steps):
        first = warm_up * arguments.batch_size % len(x)
        rows = slice(first, first + arguments.batch_size)
        step(x[rows], y[rows])
    runs = [measured(epoch) for _ in range(arguments.epochs)]
    loss, accuracy = runs[-1][0]
    seconds = [run[1] for run in runs]
    report(
        job="cifar-epoch",
        architecture=arguments.architecture,
        p=arguments.p,
        threads=arguments.threads,
        seconds=min(seconds),
        medianSecondsPerEpoch=statistics.median(seconds),
        epochSeconds=seconds,
        processorSeconds=min(run[2] for run in runs),
        samples=len(x),
        batchSize=arguments.batch_size,
        finalLoss=loss,
        trainAccuracy=accuracy,
    )


if __name__ == "__main__":
    main()
