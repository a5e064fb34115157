"""Time the distance of a trained network to its ideal classifier (Section 5.1 (a) of the paper) by the paper's method.

Normalised projected gradient ascent of (c f - F)^2 over the unit sphere: 10
batches of 1,000 random points, 2,000 steps of length 0.01 along the normalised
gradient, each put back on the sphere; the largest |c f - F| is reported. One
batch of 1,000 points is followed for `--steps` steps, and the time scaled to
all: `seconds` are those of the whole, `sliceSeconds` what was measured. The
scale c is given, and costs nothing here.

By default gradients come from the formula, intermediate results are reused in
place, and denormal numbers are flushed to zero: the tuned variant.
`--as-shipped` differentiates by autograd and keeps denormal numbers, as the
paper's authors do.

Network and scale are those that our side of the job left in `--work`.

Example:
    python distance.py --work FOLDER --p 3 --threads 2
"""

import torch

from common import measured, report, shared_files, shared_parser, start


def ideal_classifier(p, positive, subclasses, dimension):
    """Unit directions and coefficients of F: one neuron a class for p = 1, one a centre otherwise."""
    centers = torch.eye(subclasses, dimension)
    if p != 1:
        return centers, torch.where(torch.arange(subclasses) < positive, 1.0, -1.0)
    sums = torch.stack([centers[:positive].sum(0), centers[positive:].sum(0)])
    norms = sums.norm(dim=1)
    return sums / norms[:, None], torch.stack([norms[0], -norms[1]])


def main():
    parser = shared_parser(__doc__.split("\n")[0])
    parser.add_argument("--samples", type=int, help="not used: the network is given")
    parser.add_argument("--batches", type=int, default=10)
    parser.add_argument("--points", type=int, default=1_000)
    parser.add_argument("--all-steps", type=int, default=2_000)
    parser.add_argument("--steps", type=int, default=200, help="that are measured")
    parser.add_argument("--as-shipped", action="store_true")
    arguments = parser.parse_args()
    start(arguments, flush_denormal=not arguments.as_shipped)
    p = int(arguments.p) if arguments.p.is_integer() else arguments.p
    hidden, output, _, _, files = shared_files(arguments.work, "distance")
    ideal, ideal_output = ideal_classifier(
        p, files["positive"], files["subclasses"], hidden.shape[1]
    )
    scale = files["scale"]

    def difference(x):
        features = torch.relu(x @ hidden.T)
        ideal_features = torch.relu(x @ ideal.T)
        if p != 1:
            features = features**p / hidden.norm(dim=1) ** (p - 1)
            ideal_features = ideal_features**p
        return scale * features @ output - ideal_features @ ideal_output

    # Everything in one product: c f - F = sum_j a_j relu(<w_j, x>)^p.
    norms = hidden.norm(dim=1).clamp(min=1e-30)
    directions = torch.cat([hidden / norms[:, None], ideal])
    weights = torch.cat([scale * output * norms, -ideal_output])

    def ascend_tuned(x):
        largest = torch.zeros(len(x))
        for _ in range(arguments.steps):
            features = (x @ directions.T).relu_()
            if p == 1:
                values = features @ weights
                slopes = features.sign_().mul_(weights)
            else:
                slopes = features ** (p - 1)
                values = torch.mul(features, slopes, out=features) @ weights
                slopes.mul_(weights)
            gradient = (slopes @ directions).mul_(values.sign()[:, None])
            largest = torch.maximum(largest, values.abs())
            x = x.addcdiv_(
                gradient, gradient.norm(dim=1, keepdim=True).clamp_(min=1e-30), value=0.01
            )
            x /= x.norm(dim=1, keepdim=True)
        return largest.max().item()

    def ascend_as_shipped(x):
        for _ in range(arguments.steps):
            x.requires_grad_(True)
            (gradient,) = torch.autograd.grad((difference(x) ** 2).sum(), x)
            with torch.no_grad():
                x = x + 0.01 * gradient / (gradient.norm(dim=1, keepdim=True) + 1e-12)
                x = x / x.norm(dim=1, keepdim=True)
        with torch.no_grad():
            return difference(x).abs().max().item()

    x = torch.randn(arguments.points, hidden.shape[1])
    x /= x.norm(dim=1, keepdim=True)
    ascend = ascend_as_shipped if arguments.as_shipped else ascend_tuned
    distance, seconds, processor_seconds = measured(lambda: ascend(x))
    factor = arguments.batches * arguments.all_steps / arguments.steps
    report(
        job="distance" + ("-as-shipped" if arguments.as_shipped else ""),
        p=arguments.p,
        threads=arguments.threads,
        seconds=seconds * factor,
        processorSeconds=processor_seconds * factor,
        sliceSeconds=seconds,
        steps=arguments.steps,
        points=arguments.points,
        distance=distance,
    )


if __name__ == "__main__":
    main()
