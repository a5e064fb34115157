"""Gradient flow and alignment: the numbers of the command."""

import csv
import json

import numpy as np

import polyrelu


def test_a_flow_is_that_of_the_command(command, tmp_path):
    mixture = {"dimension": 20, "subclasses": 4, "positive": 2, "samples": 120}
    flags = [word for name, value in mixture.items() for word in (f"--{name}", value)]
    command(
        "train", "--data", "mixture", *flags, "--width", 16, "--p", 3, "--optimizer", "gradient-flow", "--init-scale",
        "1e-6", "--seed", 2, "--out", tmp_path / "run", "--quiet",
    )
    data = polyrelu.datasets.mixture(**mixture, split="train", seed=2)
    course = polyrelu.flow(data, p=3, hidden_width=16, init_scale=1e-6, seed=2, progress=False)
    rows = list(csv.DictReader((tmp_path / "run" / "metrics.csv").open()))
    assert [float(row["time"]) for row in rows] == course.times.tolist()
    assert [float(row["loss"]) for row in rows] == course.loss.tolist()
    with np.load(tmp_path / "run" / "results" / "neurons.npz") as neurons:
        assert any(np.array_equal(neurons[name], course.cosines) for name in neurons.files)
    assert course.ending == "loss reached" and course.records["phase"][0] == "alignment"
    found = polyrelu.alignment(course.network, data)
    said = json.loads(
        command("inspect", "--model", tmp_path / "run", "--data", "mixture", "--split", "train", "--json")
    )
    for name in ("effective_neurons", "numerical_rank", "median_best_cosine"):
        words = name.split("_")
        assert said[words[0] + "".join(word.title() for word in words[1:])] == getattr(found, name)
    course.network.save(tmp_path / "network.safetensors")
    again = polyrelu.alignment(tmp_path / "network.safetensors", data)
    assert np.array_equal(again.cosines, found.cosines)


def test_critical_radii_are_those_of_the_command(command):
    for p in (1, 1.5, 2, 3):
        said = json.loads(command("theory", "critical-radius", "--p", p, "--opposite", 4, "--json"))
        assert said["criticalRadius"] == polyrelu.theory.critical_radius(p=p, opposite=4)
    assert polyrelu.theory.critical_radius_relu(subclasses=9) == 1 / 3
