"""Time gradient flow of the full-batch exponential loss by torchdiffeq's Dormand-Prince method.

The tolerance is relative, and for weights near zero relative to the largest
initial one. By default in single precision with gradients from the formula, and
denormal numbers flushed to zero: the tuned variant. `--as-shipped`
differentiates by autograd in double precision.

Initial weights and samples are those that our side of the job left in `--work`.

Example:
    python gradient_flow.py --work FOLDER --p 3 --threads 2
"""

import torch
from torchdiffeq import odeint

from common import measured, report, shared_files, shared_parser, start


def main():
    parser = shared_parser(__doc__.split("\n")[0])
    parser.add_argument("--samples", type=int, help="not used: the samples are given")
    parser.add_argument("--epochs", type=int, default=3, help="how often the work is timed")
    parser.add_argument("--as-shipped", action="store_true")
    arguments = parser.parse_args()
    start(arguments, flush_denormal=not arguments.as_shipped)
    p = int(arguments.p) if arguments.p.is_integer() else arguments.p
    hidden, output, x, y, files = shared_files(arguments.work, "gradient-flow")
    kind = torch.float64 if arguments.as_shipped else torch.float32
    hidden, output, x, y = (tensor.to(kind) for tensor in (hidden, output, x, y))
    evaluations = 0

    def loss_of(w, v):
        features = torch.relu(x @ w.T) ** p / w.norm(dim=1) ** (p - 1)
        return torch.exp(-y * (features @ v)).mean()

    def flow_by_autograd(_, state):
        nonlocal evaluations
        evaluations += 1
        with torch.enable_grad():
            w, v = (part.detach().requires_grad_(True) for part in state)
            gradients = torch.autograd.grad(loss_of(w, v), (w, v))
        return tuple(-gradient for gradient in gradients)

    def flow_by_formula(_, state):
        nonlocal evaluations
        evaluations += 1
        w, v = state
        norms = w.norm(dim=1)
        # a = relu(<w, x>) / ||w||: h = ||w|| a^p and dh/dw = p a^(p-1) x - (p-1) a^p w / ||w||.
        a = (x @ w.T).div_(norms).relu_()
        slopes = a ** (p - 1)
        powers = a.mul_(slopes)
        pull = y * torch.exp(-y * (powers @ (norms * v))) / len(y)
        # For every neuron: sum_i pull_i a^p.
        along = pull @ powers
        change_w = (slopes.mul_(pull[:, None]).T @ x).mul_((p * v)[:, None])
        change_w -= ((p - 1) * v * along / norms)[:, None] * w
        return change_w, norms * along

    flow = flow_by_autograd if arguments.as_shipped else flow_by_formula
    times = torch.tensor([0.0, files["endTime"]], dtype=torch.float64)
    largest = hidden.abs().max().item()

    def integrate():
        nonlocal evaluations
        evaluations = 0
        tolerance = files["tolerance"]
        with torch.no_grad():
            w, v = odeint(
                flow, (hidden, output), times, rtol=tolerance, atol=tolerance * largest,
                method="dopri5",
            )
            return loss_of(w[-1], v[-1]).item()

    runs = [measured(integrate) for _ in range(arguments.epochs)]
    report(
        job="gradient-flow" + ("-as-shipped" if arguments.as_shipped else ""),
        p=arguments.p,
        threads=arguments.threads,
        seconds=min(run[1] for run in runs),
        processorSeconds=min(run[2] for run in runs),
        finalLoss=runs[-1][0],
        evaluations=evaluations,
    )


if __name__ == "__main__":
    main()
