"""Write the training fixtures: reference trajectories of pReLU networks, from PyTorch.

Each case trains a small network for 20 steps by autograd and `torch.optim`, once in float32 and
once in float64 from the same float32 numbers, and is stored in one safetensors file beside this
script. The tests of Swift's losses, gradients and optimisers compare with them.

Network (theory: f(x) = sum_j v_j relu(<w_j, x>)^p / ||w_j||^(p-1)), for one sample u = x - center:

    r_j = relu(<w_j, u>)
    H_j = r_j^p / ||w_j||^(p-1)                    without input normalisation
    H_j = r_j^p / (||w_j|| ||u||)^(p-1)            with it
    logits = H V^T + b                             V is (outputs, hidden); b only if `bias`

Losses, mean over the batch; y in {-1, +1} is 2 label - 1:

    exponential      exp(-y f)
    logistic         log(1 + exp(-y f))
    cross-entropy    -log softmax(logits)[label]

Tensors of a file:

    input (n, 12) float32; labels (n) int64, the class (binary: 0 or 1, and 1 means y = +1)
    batches (20, 8) int64: the rows of the batch of every step, in order
    center (12) float32, zero where the case does not centre
    initial.{hiddenWeights (hidden, 12), outputWeights (outputs, hidden), outputBias (outputs)}
        float32; outputBias is present only if `bias`
    logits64 (n, outputs) float64: initial network on the whole input
    gradient64.{...} float64: gradient of the mean loss of batch 0 at the initial network, without
        weight decay
    inputGradient64 (8, 12) float64: gradient of the same mean loss by the inputs of batch 0
        (the whole derivative: of the mean, so it carries the factor 1/8)
    losses32, losses64 (20) float64: mean loss of batch t before step t, trained in float32, float64
    final32.{...} float32, final64.{...} float64: parameters after 20 steps

Metadata (all values are strings): format, case, p, loss, optimizer, learningRate, momentum,
nesterov, weightDecay, beta1, beta2, epsilon, normalizeInput, center, bias, seed, torch. Keys that
do not apply to the optimizer are absent. weightDecay is added to the gradient (torch.optim.SGD); no
case uses it with Adam. momentum is torch's: buffer = momentum buffer + gradient (buffer = gradient
at the first step), step = buffer, or gradient + momentum buffer with Nesterov.

Every case is checked before it is written: the gradients against the closed formulas of the theory
(numpy, float64), and that no neuron of the batch is so near its kink that float32 could disagree
with float64 about its sign.

Run:  python make_training_fixtures.py        (needs torch, numpy, safetensors)
"""

import itertools
import json
import math
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save
from torch import nn
from torch.nn import functional

INPUT, HIDDEN, SAMPLES, BATCH, STEPS = 12, 16, 64, 8, 20
MAXIMUM_BYTES = 200_000


class PReLUNetwork(nn.Module):
    """The network of the module comment, its parameters copied from a dictionary of tensors."""

    def __init__(self, parameters, center, p, normalize_input, dtype):
        super().__init__()
        self.p, self.normalize_input = p, normalize_input
        self.center = center.to(dtype)
        self.hiddenWeights = nn.Parameter(parameters["hiddenWeights"].to(dtype, copy=True))
        self.outputWeights = nn.Parameter(parameters["outputWeights"].to(dtype, copy=True))
        if "outputBias" in parameters:
            self.outputBias = nn.Parameter(parameters["outputBias"].to(dtype, copy=True))
        else:
            self.outputBias = None

    def forward(self, x):
        u = x - self.center
        features = torch.relu(u @ self.hiddenWeights.T) ** self.p
        features = features / self.hiddenWeights.norm(dim=1) ** (self.p - 1)
        if self.normalize_input:
            features = features / u.norm(dim=1, keepdim=True) ** (self.p - 1)
        return functional.linear(features, self.outputWeights, self.outputBias)


def mean_loss(kind, logits, labels):
    if kind == "cross-entropy":
        return functional.cross_entropy(logits, labels)
    margins = (2 * labels - 1).to(logits.dtype) * logits[:, 0]
    return (torch.exp(-margins) if kind == "exponential" else functional.softplus(-margins)).mean()


def make_optimizer(case, parameters):
    if case["optimizer"] == "adam":
        return torch.optim.Adam(
            parameters,
            lr=case["learningRate"],
            betas=(case["beta1"], case["beta2"]),
            eps=case["epsilon"],
        )
    return torch.optim.SGD(
        parameters,
        lr=case["learningRate"],
        momentum=case["momentum"],
        nesterov=case["nesterov"],
        weight_decay=case["weightDecay"],
    )


def make_problem(case):
    """Input, labels, batches, centre, initial parameters: float32 or int64, from the seed."""
    generator = torch.Generator().manual_seed(case["seed"])
    outputs = 3 if case["loss"] == "cross-entropy" else 1
    classes = max(outputs, 2)
    labels = torch.arange(SAMPLES) % classes
    means = torch.randn(classes, INPUT, generator=generator)
    noise = torch.randn(SAMPLES, INPUT, generator=generator)
    x = (means[labels] + noise) / math.sqrt(INPUT)
    if case["center"]:
        x = x + 0.5  # so that leaving out the centre is an error that shows
    center = x.mean(dim=0) if case["center"] else torch.zeros(INPUT)
    parameters = {
        "hiddenWeights": torch.randn(HIDDEN, INPUT, generator=generator) / 2,
        "outputWeights": torch.randn(outputs, HIDDEN, generator=generator) / 4,
    }
    if case["bias"]:
        parameters["outputBias"] = torch.randn(outputs, generator=generator) / 4
    # Epochs with reshuffling: 64 samples are 8 batches, and 20 steps are two epochs and a half.
    epochs = math.ceil(STEPS * BATCH / SAMPLES)
    order = torch.cat([torch.randperm(SAMPLES, generator=generator) for _ in range(epochs)])
    batches = order[: STEPS * BATCH].reshape(STEPS, BATCH)
    return x, labels, batches, center, parameters


def train(case, problem, dtype):
    """Losses before every step (20, float64) and the final parameters."""
    x, labels, batches, center, parameters = problem
    network = PReLUNetwork(parameters, center, case["p"], case["normalizeInput"], dtype)
    optimizer = make_optimizer(case, network.parameters())
    losses = []
    for rows in batches:
        optimizer.zero_grad()
        loss = mean_loss(case["loss"], network(x[rows].to(dtype)), labels[rows])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return torch.tensor(losses, dtype=torch.float64), tensors_of(network.named_parameters())


def tensors_of(named):
    return {name: tensor.detach().clone().contiguous() for name, tensor in named}


def first_gradients(case, problem):
    """Initial logits, and gradients of the mean loss of batch 0 by parameters and inputs."""
    x, labels, batches, center, parameters = problem
    network = PReLUNetwork(parameters, center, case["p"], case["normalizeInput"], torch.float64)
    logits = network(x.double()).detach()
    batch = x[batches[0]].double().requires_grad_()
    mean_loss(case["loss"], network(batch), labels[batches[0]]).backward()
    gradient = tensors_of((name, q.grad) for name, q in network.named_parameters())
    return logits, gradient, batch.grad.clone()


def closed_form_gradients(case, problem):
    """The same gradients from the formulas of the theory, neuron by neuron, in numpy."""
    x, labels, batches, center, parameters = problem
    p = case["p"]
    W = parameters["hiddenWeights"].double().numpy()
    V = parameters["outputWeights"].double().numpy()
    bias = parameters["outputBias"].double().numpy() if case["bias"] else np.zeros(len(V))
    d_hidden, d_output, d_bias = np.zeros_like(W), np.zeros_like(V), np.zeros_like(bias)
    d_input = np.zeros((BATCH, INPUT))
    for i, row in enumerate(batches[0].tolist()):
        u = x[row].double().numpy() - center.double().numpy()
        length = np.linalg.norm(u)
        scale = length ** (p - 1) if case["normalizeInput"] else 1.0
        z = W @ u
        active = z > 0
        r = np.where(active, z, 0.0)
        slope = np.where(active, p * np.where(active, z, 1.0) ** (p - 1), 0.0)  # d(r^p)/dz
        norms = np.linalg.norm(W, axis=1)
        h = r**p / norms ** (p - 1)
        logits = V @ (h / scale) + bias
        label = int(labels[row])
        if case["loss"] == "cross-entropy":
            d_logits = np.exp(logits - logits.max())
            d_logits /= d_logits.sum()
            d_logits[label] -= 1
        else:
            y = 2 * label - 1
            margin = y * logits
            d_logits = -y * (
                np.exp(-margin) if case["loss"] == "exponential" else 1 / (1 + np.exp(margin))
            )
        d_logits = d_logits / BATCH
        d_bias += d_logits
        d_output += np.outer(d_logits, h / scale)
        for j in range(HIDDEN):
            d_feature = d_logits @ V[:, j]  # derivative of the loss by H_j
            n = norms[j]
            dh_dw = slope[j] * u / n ** (p - 1) - (p - 1) * r[j] ** p * W[j] / n ** (p + 1)
            dh_dx = slope[j] * W[j] / n ** (p - 1)
            if case["normalizeInput"]:
                dh_dx = dh_dx / scale - (p - 1) * h[j] * u / length ** (p + 1)
            d_hidden[j] += d_feature * dh_dw / scale
            d_input[i] += d_feature * dh_dx
    result = {"hiddenWeights": d_hidden, "outputWeights": d_output, "inputs": d_input}
    if case["bias"]:
        result["outputBias"] = d_bias
    return result


def check(case, problem, gradient, input_gradient):
    """Autograd agrees with the closed formulas to 1e-12, and no kink of batch 0 is within 1e-6."""
    expected = closed_form_gradients(case, problem)
    for name, value in {**gradient, "inputs": input_gradient}.items():
        assert np.abs(value.numpy() - expected[name]).max() < 1e-12, (case["case"], name)
    x, _, batches, center, parameters = problem
    z = (x[batches[0]] - center).double() @ parameters["hiddenWeights"].double().T
    assert z.abs().min() > 1e-6, case["case"]


def check_initialization_bounds():
    """What PyTorch's initialisers do with these shapes; the Swift ones promise the same.

    `kaiming_uniform_(W, a=0)` takes fan_in = W.size(1), whatever the axis means to the user. For W
    stored as (input, hidden) that is the *hidden* width, so the bound is

        gain sqrt(3 / fan_in) = sqrt(2) sqrt(3 / hidden) = sqrt(6 / hidden).

    `nn.Linear(hidden, outputs)` draws its weight by `kaiming_uniform_(a=sqrt(5))`, whose bound is
    sqrt(2 / (1 + 5)) sqrt(3 / hidden) = 1 / sqrt(hidden), and its bias uniformly to the same bound.
    """
    generator = torch.Generator().manual_seed(0)
    weight = torch.empty(784, 500)
    nn.init.kaiming_uniform_(weight, a=0, generator=generator)
    assert_uniform(weight, math.sqrt(6 / 500))
    torch.manual_seed(0)
    layers = [nn.Linear(500, 10) for _ in range(200)]
    assert_uniform(torch.stack([layer.weight for layer in layers]), 1 / math.sqrt(500))
    assert_uniform(torch.stack([layer.bias for layer in layers]), 1 / math.sqrt(500))


def assert_uniform(values, bound):
    """Values within the bound, the largest within 1% of it, the variance bound^2 / 3 within 5%."""
    largest = values.abs().max().item()
    assert 0.99 * bound < largest <= bound * (1 + 1e-6), (largest, bound)
    assert abs(values.var().item() / (bound**2 / 3) - 1) < 0.05


def make_cases():
    """All optimisers, losses and powers, each pair of a loss and a power at least once."""
    optimizers = {
        "sgd": {"optimizer": "sgd"},
        "momentum": {"optimizer": "sgd", "momentum": 0.9, "learningRate": 0.05},
        "nesterov": {"optimizer": "sgd", "momentum": 0.9, "nesterov": True, "learningRate": 0.05},
        "weight-decay": {
            "optimizer": "sgd",
            "momentum": 0.9,
            "weightDecay": 0.1,
            "learningRate": 0.05,
        },
        "adam": {"optimizer": "adam", "learningRate": 0.01},
    }
    powers = [1, 2, 2.5, 3]
    names = list(optimizers)
    chosen = []
    for (i, loss), (j, p) in itertools.product(
        enumerate(["exponential", "logistic", "cross-entropy"]), enumerate(powers)
    ):
        # Adam everywhere; beside it the four kinds of SGD rotate through losses and powers.
        chosen.append((loss, p, names[(i + j) % 4]))
        chosen.append((loss, p, "adam"))
    for seed, (loss, p, optimizer) in enumerate(chosen, start=1):
        several = loss == "cross-entropy"
        case = {
            "case": f"{loss}-p{p}-{optimizer}",
            "p": p,
            "loss": loss,
            "learningRate": 0.1,
            "normalizeInput": several,
            "center": several,
            "bias": several,
            "seed": seed,
            **optimizers[optimizer],
        }
        if case["optimizer"] == "sgd":
            case = {"momentum": 0.0, "nesterov": False, "weightDecay": 0.0, **case}
        else:
            case = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, **case}
        yield case


def metadata_of(case):
    """Hyper-parameters as strings; booleans are true and false."""
    text = {k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in case.items()}
    return {"format": "polyrelu-training-fixture-1", **text, "torch": torch.__version__}


def stored(tensors, metadata):
    """The bytes of a safetensors file, the same in every run.

    The library writes metadata in the order of a randomly seeded hash table; here the header is
    written again with its metadata sorted, padded to 8 bytes as the format recommends.
    """
    data = save({name: tensor.contiguous() for name, tensor in tensors.items()}, metadata)
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


def main():
    folder = Path(__file__).parent
    torch.set_num_threads(1)
    check_initialization_bounds()
    for case in make_cases():
        problem = make_problem(case)
        x, labels, batches, center, parameters = problem
        logits, gradient, input_gradient = first_gradients(case, problem)
        check(case, problem, gradient, input_gradient)
        tensors = {
            "input": x,
            "labels": labels,
            "batches": batches,
            "center": center,
            "logits64": logits,
            "inputGradient64": input_gradient,
        }
        tensors |= {f"initial.{name}": tensor for name, tensor in parameters.items()}
        tensors |= {f"gradient64.{name}": tensor for name, tensor in gradient.items()}
        for bits, dtype in ((32, torch.float32), (64, torch.float64)):
            losses, final = train(case, problem, dtype)
            assert torch.isfinite(losses).all(), case["case"]
            tensors[f"losses{bits}"] = losses
            tensors |= {f"final{bits}.{name}": tensor for name, tensor in final.items()}
        path = folder / f"{case['case']}.safetensors"
        data = stored(tensors, metadata_of(case))
        assert len(data) < MAXIMUM_BYTES
        path.write_bytes(data)
        difference = max(
            (tensors[f"final32.{k}"].double() - tensors[f"final64.{k}"]).abs().max().item()
            for k in parameters
        )
        assert difference < 2e-6, case["case"]  # no kink crossed in one precision only
        moved = (tensors["final64.hiddenWeights"] - parameters["hiddenWeights"]).norm().item()
        print(
            f"{path.name:<44} {len(data):>6} bytes  loss {tensors['losses64'][0]:.4f}"
            f" -> {tensors['losses64'][-1]:.4f}  moved {moved:.2e}  32 vs 64 bits {difference:.1e}",
            file=sys.stderr,
        )


if __name__ == "__main__":
    main()
