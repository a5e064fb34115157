"""Time loading the 60,000 training images of MNIST with gzip and numpy into torch.

Example:
    python load_mnist.py --data DATA
"""

from common import argument_parser, measured, mnist, report, start


def main():
    parser = argument_parser(__doc__.split("\n")[0])
    parser.add_argument("--epochs", type=int, default=3, help="how often they are loaded")
    arguments = parser.parse_args()
    start(arguments, flush_denormal=True)
    runs = []
    for _ in range(arguments.epochs):
        # Only one copy at a time.
        x = y = None
        (x, y), *times = measured(lambda: mnist(arguments.data, "all"))
        runs.append(times)
    report(
        job="load-mnist",
        threads=arguments.threads,
        seconds=min(run[0] for run in runs),
        processorSeconds=min(run[1] for run in runs),
        images=len(x),
        meanPixel=float(x.numpy().mean(dtype="float64")),
        meanLabel=float(y.numpy().mean()),
    )


if __name__ == "__main__":
    main()
