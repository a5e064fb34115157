"""Make ensemble_reference.json: robust accuracies under reference implementations.

APGD-T, FAB-T and Square as in AutoAttack (package `pyautoattack`), with their
default effort, each alone. Networks and samples are those of
make_apgd_reference.py, which must lie beside this file. `DATA` is a folder
with `mnist/` and `pretrained/`.

    python make_ensemble_reference.py DATA ensemble_reference.json
"""

import argparse
import json
import time

import torch
from make_apgd_reference import Network, paper_test
from pyautoattack.autopgd_base import APGDAttack_targeted
from pyautoattack.fab_pt import FABAttack_PT
from pyautoattack.square import SquareAttack

NORMS = {"linf": "Linf", "l2": "L2"}


def adversarial(name, network, x, y, norm, epsilon):
    """Perturbed inputs, (samples, 784). Square gets images, of one channel."""
    if name == "apgd-t":
        attack = APGDAttack_targeted(
            network, n_iter=100, norm=NORMS[norm], n_restarts=1, eps=epsilon, seed=0, device="cpu")
        return attack.perturb(x, y)
    if name == "fab-t":
        attack = FABAttack_PT(
            network, norm=NORMS[norm], n_restarts=1, n_iter=100, eps=epsilon, seed=0,
            targeted=True, n_target_classes=9, device="cpu")
        return attack.perturb(x, y)
    attack = SquareAttack(
        lambda images: network(images.reshape(len(images), -1)), norm=NORMS[norm], n_queries=5000,
        eps=epsilon, p_init=0.8, n_restarts=1, seed=0, device="cpu")
    return attack.perturb(x.reshape(-1, 1, 28, 28), y).reshape(len(x), -1)


def robust_accuracy(name, network, x, y, norm, epsilon):
    perturbed = adversarial(name, network, x, y, norm, epsilon)
    order = float("inf") if norm == "linf" else 2
    assert (perturbed - x).norm(p=order, dim=1).max() <= epsilon * (1 + 1e-4)
    with torch.no_grad():
        correct = (network(x).argmax(1) == y) & (network(perturbed).argmax(1) == y)
    return correct.sum().item() / len(x)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("out")
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.set_flush_denormal(True)
    x, y = paper_test(arguments.data, arguments.samples)
    entries = []
    for name in ("apgd-t", "fab-t", "square"):
        for p in (1, 3):
            network = Network(f"{arguments.data}/pretrained/mnist-digits-p{p}.safetensors", p)
            for norm, epsilon in (("linf", 0.05), ("linf", 0.1), ("l2", 1.0)):
                start = time.perf_counter()
                accuracy = robust_accuracy(name, network, x, y, norm, epsilon)
                entries.append({
                    "attack": name, "p": p, "norm": norm, "epsilon": epsilon,
                    "robustAccuracy": accuracy})
                print(entries[-1], f"{time.perf_counter() - start:.1f} s", flush=True)
    with open(arguments.out, "w") as file:
        json.dump({
            "effort": "100 steps, 9 targets, 5000 queries, 1 restart, box [0, 1]",
            "samples": arguments.samples, "networks": "mnist-digits-p{1,3}", "entries": entries,
        }, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
