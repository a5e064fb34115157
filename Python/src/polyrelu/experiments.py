"""Experiments: what they leave behind, as arrays and tables, and a way to run them."""

from __future__ import annotations

import csv
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Union

import numpy as np

from . import _jobs
from ._library import InputError, options, restore, whole

#: Seconds that an experiment which was interrupted gets to keep what it has done.
_PATIENCE = 15.0


@dataclass(repr=False)
class Run:
    """What a run directory holds.

    Attributes
    ----------
    path : pathlib.Path
        The directory.
    config : dict
        The settings.
    summary : dict
        ``results/summary.json``; empty where the run has none.
    tables : dict
        By name, such as "cells" for ``results/cells.csv`` and "distance/table" in folders: a structured array of NumPy
        with a field for each column. Columns of numbers are float64, NaN where a cell is empty; all others are text.
    figures : list of pathlib.Path
        The pictures, SVG and PDF.
    flags : list of str
        Reasons not to trust a number; only where :func:`run_experiment` has run it.
    """

    path: Path
    config: Dict[str, Any]
    summary: Dict[str, Any]
    tables: Dict[str, np.ndarray]
    figures: List[Path]
    flags: List[str] = field(default_factory=list)

    @property
    def report(self) -> Optional[Path]:
        """``report.html``; None where the run has none."""
        path = self.path / "report.html"
        return path if path.exists() else None

    def to_pandas(self, name: str) -> Any:
        """A table as a DataFrame."""
        import pandas as pd

        return pd.DataFrame(self[name])

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self.tables:
            raise KeyError(f"there is no table '{name}', expected one of {', '.join(sorted(self.tables))}")
        return self.tables[name]

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r}, tables: {', '.join(sorted(self.tables)) or 'none'})"


def load_run(path: Union[str, "os.PathLike[str]"]) -> Run:
    """Reads the directory of an experiment or another run.

    Raises
    ------
    InputError
        Naming the file that is missing or damaged.
    """
    root = Path(path)
    config = _document(root / "config.json")
    summary = root / "results" / "summary.json"
    tables = {}
    for file in sorted((root / "results").rglob("*.csv")):
        tables[file.relative_to(root / "results").with_suffix("").as_posix()] = _table(file)
    for file in sorted(root.glob("*.csv")):
        tables.setdefault(file.stem, _table(file))
    # An experiment of several parts has a directory for each.
    for part in sorted(root.glob("*/config.json")):
        folder = part.parent / "results"
        for file in sorted(folder.rglob("*.csv")):
            name = file.relative_to(folder).with_suffix("").as_posix()
            tables[f"{part.parent.name}/{name}"] = _table(file)
    figures = sorted(file for file in root.rglob("figures/*") if file.suffix in (".svg", ".pdf"))
    return Run(root, config, _document(summary) if summary.exists() else {}, tables, figures)


def run_experiment(
    name: str,
    preset: str = "quick",
    out: Union[str, "os.PathLike[str]", None] = None,
    settings: Optional[Mapping[str, Any]] = None,
    progress: _jobs.Progress = True,
    *,
    seed: Optional[int] = None,
    repeats: Optional[int] = None,
    data: Union[str, "os.PathLike[str]", None] = None,
    resume: bool = False,
) -> Run:
    """Runs an experiment, as ``polyrelu reproduce`` does, and loads it. Tables are the same bytes.

    Parameters
    ----------
    name : str
        One of ``polyrelu reproduce --list``.
    preset : str
        "quick", "laptop" or "paper".
    out : path, optional
        The directory to write, ``runs/NAME-PRESET`` by default.
    settings : dict, optional
        Settings to change, by name or by the end of one: ``{"degrees": [1, 3], "alpha": 0.02}``. None stands for none.
    progress : bool or function, optional
        As for :func:`polyrelu.attack`.
    seed, repeats, data : optional
        As the options of the command.
    resume : bool
        Whether to go on with a run found in the directory. Ctrl-C keeps what was done.

    Raises
    ------
    InputError
        For an unknown name or setting, or a directory that holds something else.
    """
    target = Path("runs") / f"{name}-{preset}" if out is None else Path(out)
    text = options(
        {
            "name": name, "preset": preset, "out": str(target), "resume": resume, "repeats": repeats,
            "seed": None if seed is None else whole(seed, "seed"),
            "data": None if data is None else os.fspath(data),
            "settings": [f"{key}={_text(value, key)}" for key, value in (settings or {}).items()],
        }
    )
    result = _jobs.run("experiment", text, progress=progress, patience=_PATIENCE)
    run = load_run(target)
    run.flags = list(result["flags"])
    return run


def _text(value: Any, key: str) -> str:
    """A value of a setting as the command reads it."""
    if value is None:
        return "none"
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, (int, str)):
        return str(value)
    if isinstance(value, (list, tuple)) and not any(isinstance(part, (list, tuple, dict)) for part in value):
        return ",".join(_text(part, key) for part in value)
    raise InputError(f"settings: {key} is {value!r}, expected a number, a text, None or a list")


def _document(path: Path) -> Dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read, {error.strerror}; expected a run directory") from None
    except ValueError as error:
        raise InputError(f"{path}: is no JSON, {error}") from None
    if not isinstance(document, dict):
        raise InputError(f"{path}: expected a JSON object")
    restore(document)
    return document


def _table(path: Path) -> np.ndarray:
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = [row for row in csv.reader(file) if row]
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read, {error}") from None
    if not rows:
        raise InputError(f"{path}: is empty, expected a line with the names of the columns")
    header, body = rows[0], rows[1:]
    for number, row in enumerate(body, start=1):
        if len(row) != len(header):
            raise InputError(f"{path}: row {number} has {len(row)} cells, expected {len(header)}")
    if len(set(header)) != len(header) or "" in header:
        raise InputError(f"{path}: the columns need names, each another one")
    columns = [_column([row[place] for row in body]) for place in range(len(header))]
    table = np.empty(len(body), dtype=[(name, column.dtype) for name, column in zip(header, columns)])
    for name, column in zip(header, columns):
        table[name] = column
    return table


def _column(cells: List[str]) -> np.ndarray:
    try:
        return np.array([float(cell) if cell else np.nan for cell in cells], dtype=np.float64)
    except ValueError:
        return np.array(cells, dtype=object)


__all__ = ["Run", "load_run", "run_experiment"]
