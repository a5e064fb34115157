"""Time what the paper's MNIST experiments record in every epoch, in PyTorch.

Loss and accuracy on the 50,000 training samples, accuracy on the 10,000 test
samples, and the stable ranks ||A||_F^2 / ||A||_2^2 of the hidden features of all
training samples and of the hidden weights, for a network trained for two epochs
(or the one of `--model`).

By default as the paper's authors do: one batch with all samples from a
`DataLoader` with 8 workers, `torch.linalg.norm(A, ord=2)`, which computes all
singular values, a second forward pass for the accuracy, denormals kept.
`--tuned` slices tensors, runs one forward pass, takes the spectral norm from the
eigenvalues of A^T A, and flushes denormal numbers to zero.

Example:
    python mnist_metrics.py --data DATA --p 3 --threads 1 --tuned
"""

import torch
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

from common import (
    PReLUNetwork, add_training_options, argument_parser, measured, mnist, new_network, report,
    sliced_batches, start, train_step,
)


def accuracy(logits, y):
    return (logits.argmax(1) == y).float().mean()


def stable_rank_by_svd(a):
    return (torch.linalg.norm(a, ord="fro") / torch.linalg.norm(a, ord=2)) ** 2


def stable_rank_by_gram(a):
    gram = a.T @ a
    return gram.trace() / torch.linalg.eigvalsh(gram)[-1]


def metrics_as_shipped(network, train, test):
    x, y = next(iter(train))
    logits, features = network(x), network.features(x)
    values = {
        "trainLoss": cross_entropy(logits, y),
        "trainAccuracy": accuracy(logits, y),
    }
    test_x, test_y = next(iter(test))
    values["testAccuracy"] = accuracy(network(test_x), test_y)
    values["featureStableRank"] = stable_rank_by_svd(features)
    values["weightStableRank"] = stable_rank_by_svd(network.hidden_weights)
    return values


def metrics_tuned(network, train, test):
    (x, y), (test_x, test_y) = train, test
    # In blocks, so that the features are still in cache when the next layer needs them.
    blocks = [network.features(part) for part in x.split(1000)]
    logits = torch.cat([network.output(block) for block in blocks])
    gram = sum(block.T @ block for block in blocks)
    test_logits = torch.cat([network(part) for part in test_x.split(1000)])
    return {
        "trainLoss": cross_entropy(logits, y),
        "trainAccuracy": accuracy(logits, y),
        "testAccuracy": accuracy(test_logits, test_y),
        "featureStableRank": gram.trace() / torch.linalg.eigvalsh(gram)[-1],
        "weightStableRank": stable_rank_by_gram(network.hidden_weights),
    }


def main():
    parser = argument_parser(__doc__.split("\n")[0])
    add_training_options(parser)
    parser.add_argument("--training-epochs", type=int, default=2, help="before anything is timed")
    parser.add_argument("--model", help="a state dict (safetensors) in place of a trained network")
    parser.add_argument("--tuned", action="store_true")
    parser.add_argument("--workers", type=int, default=8, help="of the DataLoader")
    arguments = parser.parse_args()
    start(arguments, flush_denormal=arguments.tuned)
    x, y = mnist(arguments.data, "train", arguments.labels, arguments.samples)
    test_x, test_y = mnist(arguments.data, "test", arguments.labels)
    if arguments.model:
        network = PReLUNetwork.load(arguments.model, arguments.p)
    else:
        network = new_network(x, arguments)
        optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
        for _ in range(arguments.training_epochs):
            for batch_x, batch_y in sliced_batches(x, y, arguments.batch_size):
                train_step(network, optimizer, batch_x, batch_y)

    if arguments.tuned:
        work = lambda: metrics_tuned(network, (x, y), (test_x, test_y))
    else:
        loaders = [
            DataLoader(TensorDataset(*part), batch_size=len(part[0]), num_workers=arguments.workers)
            for part in ((x, y), (test_x, test_y))
        ]
        work = lambda: metrics_as_shipped(network, *loaders)
    with torch.no_grad():
        runs = [
            measured(lambda: {name: value.item() for name, value in work().items()})
            for _ in range(arguments.epochs)
        ]
    report(
        job="mnist-metrics" + ("-tuned" if arguments.tuned else ""),
        p=arguments.p,
        labels=arguments.labels,
        threads=arguments.threads,
        seconds=min(run[1] for run in runs),
        processorSeconds=min(run[2] for run in runs),
        samples=len(x),
        width=network.hidden_weights.shape[1],
        **runs[-1][0],
    )


if __name__ == "__main__":
    main()
