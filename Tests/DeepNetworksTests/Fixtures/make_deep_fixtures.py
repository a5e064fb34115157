"""Write the fixtures of deep networks: a small convolutional network in PyTorch, at four degrees p.

Each case is one safetensors file beside this script. It is a model file of the project, with
`architecture` in the metadata and the trained tensors (float32) under their names, and holds besides

    input (40, 8 x 8 x 3) float32, channels last; labels (40) int64, ten classes
    batches (10, 8) int64: the rows of the batch of every step, in order
    logits32 (40, 10) float32, logits64 float64: initial network on the whole input
    gradient64.{...} float64: gradient of the mean cross-entropy of batch 0, by every trained tensor
    inputGradient64 (8, 192) float64: gradient of the same mean loss by the inputs of batch 0
    losses32, losses64 (10) float64: mean loss of batch t before step t, trained in float32, float64
    final64.{...} float64: trained tensors after 10 steps

and in the metadata `optimizer` and `schedule`, as this module describes them in `CASES`. The learning
rate changes with every step (cosine) or after every epoch of five steps (step).

The formula of a neuron is written as in the theory, relu(<w, x>)^p / ||w||^(p-1), with input
normalisation divided by ||x||^(p-1) as well; derivatives are autograd's. Images go through torch
channels first, and are put back before they become vectors.

Run:  python make_deep_fixtures.py        (needs torch, numpy, safetensors)
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

SAMPLES, SIDE, CHANNELS, CLASSES, BATCH, STEPS, EPOCH = 40, 8, 3, 10, 8, 10, 5

CASES = {
    1: {"optimizer": {"name": "adamW", "learningRate": 0.01, "weightDecay": 0.1}, "schedule": "cosine"},
    1.5: {
        "optimizer": {"name": "sgd", "learningRate": 0.05, "momentum": 0, "weightDecay": 0.01},
        "schedule": "step",
    },
    2: {
        "optimizer": {"name": "sgd", "learningRate": 0.02, "momentum": 0.9, "weightDecay": 0},
        "schedule": "cosine",
    },
    3: {"optimizer": {"name": "adamW", "learningRate": 0.01, "weightDecay": 0}, "schedule": "step"},
}


def architecture(p):
    def convolution(filters, stride, normalizes):
        return {
            "kind": "convolutional-prelu",
            "filters": filters,
            "kernel": 3,
            "stride": stride,
            "padding": 1,
            "exponent": p,
            "normalizesInput": normalizes,
        }

    return {
        "inputShape": {"rows": SIDE, "columns": SIDE, "channels": CHANNELS},
        "layers": [
            {"kind": "standardization", "means": [0.5, 0.4, 0.3], "deviations": [0.3, 0.25, 0.2]},
            convolution(6, 1, False),
            {"kind": "layer-normalization", "epsilon": 1e-5},
            convolution(8, 2, True),
            {"kind": "layer-normalization", "epsilon": 1e-5},
            {"kind": "residual", "block": [convolution(8, 1, False)]},
            {"kind": "average-pooling", "window": 2, "stride": 2},
            {"kind": "dense-prelu", "units": 12, "exponent": p, "normalizesInput": True},
            {"kind": "linear", "outputs": CLASSES, "hasBias": True},
        ],
    }


def initial_parameters(generator):
    def uniform(rows, columns, bound):
        return (2 * torch.rand(rows, columns, generator=generator) - 1) * bound

    return {
        "layers.1.weights": uniform(6, 27, (6 / 27) ** 0.5),
        "layers.2.gain": 1 + uniform(1, 6, 0.2),
        "layers.2.shift": uniform(1, 6, 0.2),
        "layers.3.weights": uniform(8, 54, (6 / 54) ** 0.5),
        "layers.4.gain": 1 + uniform(1, 8, 0.2),
        "layers.4.shift": uniform(1, 8, 0.2),
        "layers.5.block.0.weights": uniform(8, 72, (6 / 72) ** 0.5),
        "layers.7.weights": uniform(12, 32, (6 / 32) ** 0.5),
        "layers.8.weights": uniform(CLASSES, 12, 12**-0.5),
        "layers.8.bias": uniform(1, CLASSES, 12**-0.5),
    }


class Network:
    """The network, with parameters of our names and shapes."""

    def __init__(self, layers, parameters, dtype):
        self.layers = layers["layers"]
        self.parameters = {
            name: nn.Parameter(tensor.to(dtype, copy=True)) for name, tensor in parameters.items()
        }

    def __call__(self, x):
        values = x.reshape(-1, SIDE, SIDE, CHANNELS).permute(0, 3, 1, 2)
        for number, layer in enumerate(self.layers):
            values = self.apply(layer, f"layers.{number}", values)
        return values

    def apply(self, layer, name, x):
        kind = layer["kind"]
        get = lambda key: self.parameters[f"{name}.{key}"]
        if kind == "standardization":
            means = torch.tensor(layer["means"], dtype=x.dtype)[None, :, None, None]
            return (x - means) / torch.tensor(layer["deviations"], dtype=x.dtype)[None, :, None, None]
        if kind == "convolutional-prelu":
            weights, p, side = get("weights"), layer["exponent"], layer["kernel"]
            filters = weights.reshape(-1, side, side, x.shape[1]).permute(0, 3, 1, 2)
            place = {"stride": layer["stride"], "padding": layer["padding"]}
            h = torch.relu(functional.conv2d(x, filters, **place)) ** p
            h = h / weights.norm(dim=1)[None, :, None, None] ** (p - 1)
            if layer["normalizesInput"]:
                squares = functional.conv2d(x * x, torch.ones_like(filters[:1]), **place)
                h = h / squares.sqrt() ** (p - 1)
            return h
        if kind == "layer-normalization":
            return functional.group_norm(
                x, 1, get("gain")[0], get("shift")[0], eps=layer["epsilon"]
            )
        if kind == "residual":
            return x + self.apply(layer["block"][0], f"{name}.block.0", x)
        if kind == "average-pooling":
            return functional.avg_pool2d(x, layer["window"], layer["stride"])
        if kind == "dense-prelu":
            weights, p = get("weights"), layer["exponent"]
            flat = x.permute(0, 2, 3, 1).flatten(1)
            h = torch.relu(flat @ weights.T) ** p / weights.norm(dim=1) ** (p - 1)
            return h / flat.norm(dim=1, keepdim=True) ** (p - 1)
        return functional.linear(x, get("weights"), get("bias")[0])


def train(case, p, problem, dtype):
    x, labels, batches, parameters = problem
    network = Network(architecture(p), parameters, dtype)
    settings = case["optimizer"]
    if settings["name"] == "adamW":
        optimizer = torch.optim.AdamW(
            network.parameters.values(),
            lr=settings["learningRate"],
            weight_decay=settings["weightDecay"],
        )
    else:
        optimizer = torch.optim.SGD(
            network.parameters.values(),
            lr=settings["learningRate"],
            momentum=settings["momentum"],
            weight_decay=settings["weightDecay"],
        )
    if case["schedule"] == "cosine":
        scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=STEPS)
    else:
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=EPOCH, gamma=0.1)
    losses = []
    for rows in batches:
        optimizer.zero_grad()
        loss = functional.cross_entropy(network(x[rows].to(dtype)), labels[rows])
        loss.backward()
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    return torch.tensor(losses, dtype=torch.float64), network


def main():
    folder = Path(__file__).parent
    for p, case in CASES.items():
        generator = torch.Generator().manual_seed(int(10 * p))
        labels = torch.arange(SAMPLES) % CLASSES
        means = torch.rand(CLASSES, SIDE * SIDE * CHANNELS, generator=generator)
        noise = torch.rand(SAMPLES, SIDE * SIDE * CHANNELS, generator=generator)
        x = (means[labels] + noise) / 2
        order = [torch.randperm(SAMPLES, generator=generator) for _ in range(STEPS // EPOCH)]
        batches = torch.cat(order).reshape(STEPS, BATCH)
        parameters = initial_parameters(generator)
        problem = (x, labels, batches, parameters)

        network = Network(architecture(p), parameters, torch.float64)
        logits64 = network(x.double()).detach()
        logits32 = Network(architecture(p), parameters, torch.float32)(x).detach()
        batch = x[batches[0]].double().requires_grad_()
        functional.cross_entropy(network(batch), labels[batches[0]]).backward()
        losses32, _ = train(case, p, problem, torch.float32)
        losses64, final = train(case, p, problem, torch.float64)
        # No neuron is so near its kink that the precisions take different ways.
        assert (logits32 - logits64).abs().max() < 1e-5 * logits64.abs().max()
        assert ((losses32 - losses64).abs() < 1e-5 * losses64).all(), (losses32, losses64)

        tensors = dict(parameters)
        tensors |= {"input": x, "labels": labels, "batches": batches}
        tensors |= {"logits32": logits32, "logits64": logits64}
        tensors |= {"losses32": losses32, "losses64": losses64, "inputGradient64": batch.grad}
        for name, tensor in network.parameters.items():
            tensors[f"gradient64.{name}"] = tensor.grad
        for name, tensor in final.parameters.items():
            tensors[f"final64.{name}"] = tensor.detach()
        metadata = {
            "format": "polyrelu-deep-1",
            "architecture": json.dumps(architecture(p), sort_keys=True),
            "optimizer": json.dumps(case["optimizer"]),
            "schedule": case["schedule"],
            "torch": torch.__version__,
        }
        path = folder / f"convolutional-p{p}.safetensors"
        save_file({k: t.contiguous() for k, t in tensors.items()}, path, metadata)
        print(path.name, path.stat().st_size, losses64[0].item(), losses64[-1].item())


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
