"""The same numbers as the command line, bit for bit."""

import csv
import json

import numpy as np
import pytest

import polyrelu


@pytest.mark.parametrize("norm, box", [("l2", True), ("linf", True), ("l2", False)])
def test_radii_are_those_of_the_command(command, trained, digits, tmp_path, norm, box):
    table, witnesses = tmp_path / "radii.csv", tmp_path / "witnesses.npz"
    arguments = ["attack", "--model", trained, "--data", "digits", "--norm", norm, "--limit", 60, "--quiet", "--json"]
    if not box:
        arguments.append("--no-box")
    said = json.loads(command(*arguments, "--per-sample", table, "--witnesses", witnesses))
    test, train = digits
    found = polyrelu.attack(
        trained, test.X[:60], test.y[:60], norm=norm, box=test.box if box else None, reference=train, progress=False
    )
    rows = list(csv.DictReader(table.open()))
    assert [float(row["radius"]) for row in rows] == found.radii.tolist()
    assert [row["attack"] for row in rows] == found.attacks.tolist()
    assert [int(row["predicted"]) for row in rows] == found.predictions.tolist()
    assert [row["status"] for row in rows] == found.statuses.tolist()
    with np.load(witnesses) as stored:
        assert np.array_equal(stored["X"], found.witnesses)
    assert said["cleanAccuracy"] == found.clean_accuracy
    assert [point["robustAccuracy"] for point in said["curve"]] == found.curve()[1].tolist()
    assert said["flags"] == found.flags


def test_data_of_the_library_give_the_same_as_arrays(trained, digits):
    test, train = digits
    arrays = polyrelu.attack(
        str(trained), test.X, test.y, box=(0, 1), reference=train, attack="quick", progress=False
    )
    whole = polyrelu.attack(str(trained), test, reference=train, attack="quick", progress=False)
    assert np.array_equal(arrays.radii, whole.radii)


def test_targets_and_files_of_samples(command, trained, digits, tmp_path):
    test, _ = digits
    X, y = test.X[:30], test.y[:30]
    np.savez(tmp_path / "samples.npz", X=X, y=y)
    table = tmp_path / "radii.csv"
    command(
        "attack", "--model", trained, "--data", tmp_path / "samples.npz", "--norm", "l2", "--attack", "ddn",
        "--target", 3, "--seed", 7, "--box", "0,1", "--per-sample", table, "--quiet",
    )
    found = polyrelu.attack(trained, X, y, attack="ddn", targets=3, seed=7, box=(0, 1), progress=False)
    rows = list(csv.DictReader(table.open()))
    written = [float(row["radius"] or "nan") for row in rows]
    assert np.array_equal(written, found.radii, equal_nan=True)
    assert (found.statuses == "excluded").sum() == (y == 3).sum() > 0
