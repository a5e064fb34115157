"""Time one epoch of the paper's MNIST experiments (Section 5.2.1, Appendix B) in PyTorch.

Width 500, ten logits (two with `--labels parity`) with bias, mean image
subtracted, input normalisation, Kaiming initialisation, Adam 1e-3, batch 1,000,
cross-entropy, 50,000 samples.

By default batches are slices of a permuted index, and denormal numbers are
flushed to zero: the tuned variant. `--loader` does as the paper's authors do: a
shuffling `DataLoader` over a `TensorDataset` with 8 workers, denormals kept.
Peak memory is that of the main process, without workers.

Example:
    python mnist_epoch.py --data DATA --p 3 --threads 1 --epochs 3
"""

import statistics

import torch
from torch.utils.data import DataLoader, TensorDataset

from common import (
    add_training_options, argument_parser, measured, mnist, new_network, report, sliced_batches,
    start, train_step, trained_epoch, warm_up,
)


def main():
    parser = argument_parser(__doc__.split("\n")[0])
    add_training_options(parser)
    parser.add_argument("--warm-up-steps", type=int, default=10)
    parser.add_argument("--loader", action="store_true", help="batches from a DataLoader")
    parser.add_argument("--workers", type=int, default=8, help="of the DataLoader")
    arguments = parser.parse_args()
    start(arguments, flush_denormal=not arguments.loader)
    x, y = mnist(arguments.data, "train", arguments.labels, arguments.samples)
    network = new_network(x, arguments)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    if arguments.loader:
        loader = DataLoader(
            TensorDataset(x, y), batch_size=arguments.batch_size, shuffle=True,
            num_workers=arguments.workers,
        )
        batches = lambda: iter(loader)
    else:
        batches = lambda: sliced_batches(x, y, arguments.batch_size)

    def epoch():
        return trained_epoch(lambda x, y: train_step(network, optimizer, x, y), batches())

    warm_up(network, optimizer, x, y, arguments.warm_up_steps, arguments.batch_size)
    runs = [measured(epoch) for _ in range(arguments.epochs)]
    loss, accuracy = runs[-1][0]
    seconds = [run[1] for run in runs]
    report(
        job="mnist-epoch" + ("-loader" if arguments.loader else ""),
        p=arguments.p,
        labels=arguments.labels,
        threads=arguments.threads,
        seconds=min(seconds),
        medianSecondsPerEpoch=statistics.median(seconds),
        epochSeconds=seconds,
        processorSeconds=min(run[2] for run in runs),
        samples=len(x),
        width=arguments.width,
        batchSize=arguments.batch_size,
        finalLoss=loss,
        trainAccuracy=accuracy,
    )


if __name__ == "__main__":
    main()
