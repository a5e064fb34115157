"""Certify linf radii by linear bound propagation, as general verifiers do.

relu, the power and the output weights are separate nodes, each bounded by two
lines: relu by its chord and a line of slope a in [0, 1], the power by its chord
and a tangent. Bounds are propagated backwards to the input (CROWN) and, with
--optimized, the slopes and tangent points are improved by gradient ascent
(alpha-CROWN). Radii by bisection, all samples at once, in double precision.

The network and the samples are those that our side of the job left in
`--work`. Written by us: the auto_LiRPA on PyPI (0.3) needs torch below 1.13 and
bounds no power but 2.

Example:
    python linf_certify.py --work FOLDER --p 3 --optimized
"""

import torch

from common import measured, report, shared_files, shared_parser, start


def load(folder):
    """Unit directions (width, D), contributions (width,), x (n, D), y (n,) of -1 and +1."""
    hidden, output, x, y, _ = shared_files(folder, "linf-certify")
    hidden, output = hidden.double(), output.double()
    norms = hidden.norm(dim=1)
    used = norms > 0
    return hidden[used] / norms[used, None], (output * norms)[used], x.double(), y.double()


def margin_bound(z, reach, directions, weights, epsilon, p, slope, place):
    """A lower bound of sum_j w_j relu(z_j)^p on the ball; weights are (n, width)."""
    low, high = z - epsilon[:, None] * reach, z + epsilon[:, None] * reach
    top, bottom = high.clamp(min=0), low.clamp(min=0)
    crossing = (low < 0) & (high > 0)
    # relu: chord above; below, the identity, 0, or a line through 0.
    chord = torch.where(crossing, high / (high - low), (low >= 0).double())
    chord_offset = torch.where(crossing, -low * chord, torch.zeros_like(low))
    below = torch.where(crossing, slope, (low >= 0).double())
    # The power on [bottom, top]: chord above, tangent below.
    width = (top - bottom).clamp(min=1e-12)
    point = bottom + place * (top - bottom)
    tangent = p * point ** (p - 1)
    tangent_offset = point**p - tangent * point
    power_chord = (top**p - bottom**p) / width
    power_offset = bottom**p - power_chord * bottom
    positive = weights > 0
    # For w > 0 lower bounds of both nodes, for w < 0 upper bounds; all slopes of the power are >= 0.
    relu_slope = torch.where(positive, below, chord)
    relu_offset = torch.where(positive, torch.zeros_like(low), chord_offset)
    power_slope = torch.where(positive, tangent, power_chord)
    offset = torch.where(positive, tangent_offset, power_offset)
    coefficients = weights * power_slope * relu_slope
    constant = (weights * (power_slope * relu_offset + offset)).sum(dim=1)
    linear = (coefficients * z).sum(dim=1)
    return constant + linear - epsilon * (coefficients @ directions).abs().sum(dim=1)


def main():
    parser = shared_parser(__doc__.split("\n")[0])
    parser.add_argument("--samples", type=int, default=50)
    parser.add_argument("--optimized", action="store_true")
    parser.add_argument("--steps", type=int, default=20)
    arguments = parser.parse_args()
    start(arguments, flush_denormal=True)
    directions, contributions, x, y = load(arguments.work)
    p = arguments.p
    z = x @ directions.T
    reach = directions.abs().sum(dim=1)
    weights = y[:, None] * contributions

    def bound(epsilon):
        crossing_slope = (z > 0).double()
        middle = torch.full_like(z, 0.5)
        common = (z, reach, directions, weights, epsilon, p)
        best = margin_bound(*common, crossing_slope, middle)
        if not arguments.optimized:
            return best
        raw = torch.stack([4 * crossing_slope - 2, torch.zeros_like(z)]).requires_grad_(True)
        optimizer = torch.optim.Adam([raw], lr=0.3)
        for _ in range(arguments.steps):
            value = margin_bound(*common, *torch.sigmoid(raw))
            best = torch.maximum(best, value.detach())
            optimizer.zero_grad()
            (-value.sum()).backward()
            optimizer.step()
        return best

    def radii():
        low, high = torch.zeros(len(x), dtype=torch.float64), torch.ones(len(x), dtype=torch.float64)
        for _ in range(14):
            middle = (low + high) / 2
            holds = bound(middle) > 0
            low, high = torch.where(holds, middle, low), torch.where(holds, high, middle)
        return low

    result, seconds, processor_seconds = measured(radii)
    correct = (weights * torch.relu(z) ** p).sum(dim=1) > 0
    report(
        job="linf-certify",
        p=p,
        threads=arguments.threads,
        seconds=seconds,
        processorSeconds=processor_seconds,
        samples=len(x),
        medianRadius=result[correct].median().item(),
    )


if __name__ == "__main__":
    main()
