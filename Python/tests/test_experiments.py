"""Experiments that are run in this process, and run directories that are loaded."""

import numpy as np
import pytest

import polyrelu

SETTINGS = {
    "degrees": [1, 3.0], "mixture.dimension": 16, "subclasses": 4, "positive": np.int64(2), "samples": 60,
    "hiddenWidth": 20, "attackedSamples": 6, "alpha": 0.1,
}


@pytest.fixture(scope="module")
def reproduced(command, tmp_path_factory):
    """The same experiment, run by the command."""
    out = tmp_path_factory.mktemp("experiments") / "command"
    changes = ["degrees=1,3", "mixture.dimension=16", "subclasses=4", "positive=2", "samples=60", "hiddenWidth=20"]
    changes += ["attackedSamples=6", "alpha=0.1"]
    command("reproduce", "p-sweep", "--out", out, "--quiet", *[part for change in changes for part in ("--set", change)])
    return out


def test_tables_are_those_of_the_command(reproduced, tmp_path):
    shares = []
    run = polyrelu.run_experiment("p-sweep", out=tmp_path / "run", settings=SETTINGS, progress=shares.append)
    for name in ["config.json", "results/cells.csv", "results/runs.csv", "results/summary.json"]:
        assert (tmp_path / "run" / name).read_bytes() == (reproduced / name).read_bytes(), name
    assert run["cells"]["p"].tolist() == [1, 3]
    assert abs(run["cells"]["medianRadius"][0] - 0.5) < 0.05
    assert run.flags == [] and run.report.exists() and all(0 <= share <= 1 for share in shares)


def test_a_run_is_loaded(reproduced):
    run = polyrelu.load_run(reproduced)
    assert run.config["degrees"] == [1, 3] and run.summary["answer"].startswith("The median radius")
    assert sorted(run.tables) == ["cells", "runs"]
    runs = run["runs"]
    assert runs.dtype["medianRadius"] == np.float64 and runs["seed"].tolist() == [0, 0]
    # A column without any number, and the figures, which need gnuplot.
    assert np.isnan(runs["failure"]).all()
    assert {path.suffix for path in run.figures} <= {".svg", ".pdf"}
    with pytest.raises(KeyError, match="'nothing', expected one of cells, runs"):
        run["nothing"]


def test_tables_become_data_frames(reproduced):
    pandas = pytest.importorskip("pandas")
    frame = polyrelu.load_run(reproduced).to_pandas("cells")
    expected = pandas.read_csv(reproduced / "results" / "cells.csv")
    assert list(frame.columns) == list(expected.columns)
    assert np.array_equal(frame.to_numpy(float), expected.to_numpy(float), equal_nan=True)


def test_an_interrupted_experiment_goes_on(reproduced, tmp_path):
    def interrupt(share):
        raise KeyboardInterrupt

    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        polyrelu.run_experiment("p-sweep", out=out, settings=SETTINGS, progress=interrupt)
    assert not (out / "results" / "summary.json").exists()
    run = polyrelu.run_experiment("p-sweep", out=out, settings=SETTINGS, progress=False, resume=True)
    assert (out / "results" / "runs.csv").read_bytes() == (reproduced / "results" / "runs.csv").read_bytes()
    assert len(run["runs"]) == 2


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"name": "nonsense"}, "no experiment 'nonsense', expected one of"),
        ({"name": "p-sweep", "preset": "huge"}, "preset is 'huge', expected one of quick, laptop, paper"),
        ({"name": "p-sweep", "settings": {"nonsense": 1}}, "nonsense"),
        ({"name": "p-sweep", "settings": {"alpha": {}}}, "settings: alpha is {}, expected a number"),
        ({"name": "p-sweep", "repeats": 0}, "repeats is 0, expected at least 1"),
    ],
)
def test_refusals(arguments, message, tmp_path):
    with pytest.raises(polyrelu.InputError, match=message):
        polyrelu.run_experiment(**arguments, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_damaged_directories_are_named(tmp_path):
    with pytest.raises(polyrelu.InputError, match="config.json: cannot be read"):
        polyrelu.load_run(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "cells.csv").write_text("a,b\n1\n")
    with pytest.raises(polyrelu.InputError, match="cells.csv: row 1 has 1 cells, expected 2"):
        polyrelu.load_run(tmp_path)
    (tmp_path / "results" / "cells.csv").write_text('a,b\n1,"x, y"\n,z\n')
    table = polyrelu.load_run(tmp_path)["cells"]
    assert table["b"].tolist() == ["x, y", "z"] and np.isnan(table["a"][1])
