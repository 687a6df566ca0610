"""Porian et al. 2024 as their authors published it: 15 conditions, their optima, their exponents."""

from __future__ import annotations

import csv
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from isoflop.observations import Observations

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "porian"
KEYS = ("dataset", "hparams", "warmup", "decay", "param_count", "val", "file", "row")


@cache
def published() -> dict[tuple[str, ...], dict[str, Any]]:
    """{condition: fit_results}."""
    if not FOLDER.is_dir():
        pytest.skip(f"needs {FOLDER}")
    entries = json.loads((FOLDER / "published_fits.json").read_text())
    return {tuple(str(entry[key]) for key in KEYS): entry["fit_results"] for entry in entries}


@cache
def rows(name: str) -> dict[tuple[str, ...], list[dict[str, str]]]:
    """{condition: its rows of the table}, in the order of the file."""
    if not FOLDER.is_dir():
        pytest.skip(f"needs {FOLDER}")
    found: dict[tuple[str, ...], list[dict[str, str]]] = {}
    with (FOLDER / name).open(newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(tuple(row[key] for key in KEYS), []).append(row)
    return found


def points(condition: tuple[str, ...]) -> Observations:
    """The isoFLOP points of a condition."""
    columns = {"N": "orig_n", "D": "orig_t", "C": "flops", "loss": "orig_loss"}
    return Observations.from_rows(rows("isoflop_points.csv")[condition], columns=columns)


def optima(condition: tuple[str, ...]) -> Observations:
    """The optimal pairs of a condition."""
    columns = {"N": "n", "D": "t", "C": "flops", "loss": "loss"}
    return Observations.from_rows(rows("optimal_pairs.csv")[condition], columns=columns)
