"""Make minimum_norm_reference.json: median radii under the DDN and FMN of adv-lib.

Networks and samples are those of make_apgd_reference.py; l2, box [0, 1], 100 steps, perturbed inputs
not rounded to grey levels. A sample that the network gets wrong counts as radius 0, one that the attack
does not fool as infinity. Needs torch, safetensors, `pyautoattack` and `adv-lib`.

    python make_minimum_norm_reference.py DATA minimum_norm_reference.json
"""

import argparse
import json
import sys
from unittest.mock import MagicMock

import torch

# adv-lib imports these for pictures and logs only.
for module in ("torchvision", "torchvision.models", "torchvision.transforms", "visdom", "tqdm"):
    sys.modules.setdefault(module, MagicMock())

from adv_lib.attacks.decoupled_direction_norm import ddn  # noqa: E402
from adv_lib.attacks.fast_minimum_norm import fmn  # noqa: E402
from make_apgd_reference import Network, paper_test  # noqa: E402

ATTACKS = {
    "ddn": lambda network, x, y: ddn(network, x, y, steps=100, levels=None),
    "fmn": lambda network, x, y: fmn(network, x, y, norm=2, steps=100),
}


def radii(network, x, y, attack):
    adversarial = ATTACKS[attack](network, x, y)
    sizes = (adversarial - x).norm(dim=1)
    sizes[network(adversarial).argmax(1) == y] = float("inf")
    sizes[network(x).argmax(1) != y] = 0
    return sizes


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("out")
    parser.add_argument("--samples", type=int, default=200)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    torch.set_flush_denormal(True)
    x, y = paper_test(arguments.data, arguments.samples)
    entries = []
    for p in (1, 3):
        network = Network(f"{arguments.data}/pretrained/mnist-digits-p{p}.safetensors", p)
        for attack in ATTACKS:
            sizes = radii(network, x, y, attack)
            entries.append({
                "p": p, "attack": attack, "fooled": sizes.isfinite().float().mean().item(),
                "medianRadius": sizes.median().item() if sizes.median().isfinite() else None})
            print(entries[-1], flush=True)
    with open(arguments.out, "w") as file:
        json.dump({
            "norm": "l2", "steps": 100, "samples": arguments.samples,
            "networks": "mnist-digits-p{1,3}", "entries": entries,
        }, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
