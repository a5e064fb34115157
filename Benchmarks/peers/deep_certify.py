"""Certify radii of a deep network by linear bound propagation: auto_LiRPA, or our own.

With --auto-lirpa PATH, a checkout of github.com/Verified-Intelligence/auto_LiRPA,
its CROWN or (--optimized) alpha-CROWN; without, CROWN and alpha-CROWN written
here for chains of Gemm and Relu, and the result says so. The radius of every
sample by bisection, one sample at a time, no box of valid inputs. The samples are
the first of MNIST's test set that the network classifies rightly.

Example:
    python deep_certify.py --data DATA --norm linf --optimized --auto-lirpa CHECKOUT
"""

import sys

import numpy
import torch

from common import argument_parser, dense_chain, measured, mnist, report, start

LARGEST = {"linf": 0.3, "l2": 4.0}


def margins(label, outputs):
    """Rows e_label - e_j for all j but the label."""
    others = [j for j in range(outputs) if j != label]
    rows = torch.zeros(len(others), outputs)
    rows[:, label] = 1
    rows[range(len(others)), others] = -1
    return rows


class AutoLirpa:
    """Bounds by the library."""

    name = "auto_LiRPA"

    def __init__(self, path, network, optimized, steps):
        sys.path.insert(0, path)
        import auto_LiRPA

        self.library = auto_LiRPA
        self.name = f"auto_LiRPA {auto_LiRPA.__version__}"
        self.method = "CROWN-Optimized" if optimized else "CROWN"
        options = {"optimize_bound_args": {"iteration": steps}}
        self.model = auto_LiRPA.BoundedModule(
            network, torch.zeros(1, network[0].in_features), bound_opts=options
        )

    def least(self, x, rows, norm, epsilon):
        perturbation = self.library.PerturbationLpNorm(
            norm=numpy.inf if norm == "linf" else 2, eps=epsilon
        )
        inputs = self.library.BoundedTensor(x, perturbation)
        lower, _ = self.model.compute_bounds(
            x=(inputs,), C=rows[None], method=self.method, bound_upper=False
        )
        return lower.min().item()


class OwnBounds:
    """Backward bounds of a chain of Linear and ReLU; slopes shared by the rows of a layer."""

    name = "own"

    def __init__(self, network, optimized, steps):
        self.layers = [layer for layer in network if isinstance(layer, torch.nn.Linear)]
        self.steps = steps if optimized else 0

    def backward(self, rows, number, intervals, slopes, x, norm, epsilon):
        """At most rows @ (output of layer `number`) on the ball."""
        coefficients, constant = rows, torch.zeros(len(rows))
        for k in range(number, -1, -1):
            layer = self.layers[k]
            constant = constant + coefficients @ layer.bias
            coefficients = coefficients @ layer.weight
            if k == 0:
                break
            low, high = intervals[k - 1]
            chord = high.clamp(min=0) / (high.clamp(min=0) - low.clamp(max=0)).clamp(min=1e-12)
            below = torch.where(low >= 0, 1.0, torch.where(high <= 0, 0.0, slopes[k - 1]))
            positive, negative = coefficients.clamp(min=0), coefficients.clamp(max=0)
            constant = constant - negative @ (chord * low.clamp(max=0))
            coefficients = positive * below + negative * chord
        size = coefficients.abs().sum(1) if norm == "linf" else coefficients.norm(dim=1)
        return constant + coefficients @ x[0] - epsilon * size

    def bounds(self, rows, slopes, x, norm, epsilon):
        """Intervals of every hidden layer, then of the rows; slopes by target layer, or None."""
        intervals, default = [], []
        for number, layer in enumerate(self.layers[:-1]):
            own = slopes[number] if slopes else default
            identity = torch.eye(layer.out_features)
            both = self.backward(
                torch.cat([identity, -identity]), number, intervals, own, x, norm, epsilon
            )
            low, high = both[: layer.out_features], -both[layer.out_features :]
            intervals.append((low, high))
            default.append((high > -low).float().detach())
        own = slopes[-1] if slopes else default
        least = self.backward(rows, len(self.layers) - 1, intervals, own, x, norm, epsilon)
        return least, default

    def least(self, x, rows, norm, epsilon):
        with torch.no_grad():
            least, default = self.bounds(rows, None, x, norm, epsilon)
        best = least.min().item()
        if not self.steps:
            return best
        slopes = [
            [slope.clone().requires_grad_(True) for slope in default[:number]]
            for number in range(len(self.layers))
        ]
        parameters = [slope for own in slopes for slope in own]
        optimizer = torch.optim.Adam(parameters, lr=0.1)
        for _ in range(self.steps):
            least, _ = self.bounds(rows, slopes, x, norm, epsilon)
            best = max(best, least.min().item())
            optimizer.zero_grad()
            (-least.sum()).backward()
            optimizer.step()
            with torch.no_grad():
                for slope in parameters:
                    slope.clamp_(0, 1)
        return best


def radius(method, x, rows, norm, bisections):
    low, high = 0.0, LARGEST[norm]
    for _ in range(bisections):
        middle = (low + high) / 2
        if method.least(x, rows, norm, middle) > 0:
            low = middle
        else:
            high = middle
    return low


def main():
    parser = argument_parser(__doc__.split("\n")[0])
    parser.add_argument("--model", default="onnx/mnist-net_256x2.onnx",
                        help="an ONNX file below the data folder")
    parser.add_argument("--norm", choices=sorted(LARGEST), default="linf")
    parser.add_argument("--samples", type=int, default=30)
    parser.add_argument("--bisections", type=int, default=12)
    parser.add_argument("--optimized", action="store_true", help="alpha-CROWN")
    parser.add_argument("--steps", type=int, default=20, help="of alpha-CROWN")
    parser.add_argument("--auto-lirpa", help="a checkout of auto_LiRPA")
    parser.add_argument("--nodes", help="of our side")
    parser.add_argument("--seconds", help="of our side")
    arguments = parser.parse_args()
    start(arguments, flush_denormal=True)
    network = dense_chain(f"{arguments.data}/{arguments.model}").requires_grad_(False)
    x, y = mnist(arguments.data, "published-test")
    right = (network(x).argmax(1) == y).nonzero()[: arguments.samples, 0]
    if arguments.auto_lirpa:
        method = AutoLirpa(arguments.auto_lirpa, network, arguments.optimized, arguments.steps)
    else:
        print("no --auto-lirpa: bounds of our own", file=sys.stderr)
        method = OwnBounds(network, arguments.optimized, arguments.steps)
    outputs = network[-1].out_features

    def radii():
        return [
            radius(method, x[i : i + 1], margins(y[i].item(), outputs), arguments.norm,
                   arguments.bisections)
            for i in right.tolist()
        ]

    found, seconds, processor_seconds = measured(radii)
    report(
        job="deep-certify",
        method=f"{method.name}, {'alpha-CROWN' if arguments.optimized else 'CROWN'}",
        norm=arguments.norm,
        threads=arguments.threads,
        seconds=seconds,
        processorSeconds=processor_seconds,
        processorSecondsPerSample=processor_seconds / len(found),
        samples=len(found),
        medianRadius=float(numpy.median(found)),
        radii=found,
    )


if __name__ == "__main__":
    main()
