"""The tables under ../shared/data as `Observations`, a set each, with what is known of their schedules."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from isoflop.observations import Observations

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
SCHEDULES = {"chinchilla": "matched", "const": "constant", "kaplan": "unmatched"}
"""Porian's name of a decay -> how the schedule of a row ends: with it, never, or beyond it."""


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """One loss of one experiment."""

    family: str
    """Sets of a family share runs or authors, and are left out together."""
    name: str
    schedule: str
    """matched, constant or unmatched."""
    alone: bool
    """False where another set here has the same runs under another count of N, another loss, or as a part."""
    runs: Observations


def data_sets() -> Iterator[DataSet]:
    """All sets that have losses at several sizes and horizons."""
    yield from _chinchilla()
    yield from _gemstones()
    yield from _porian()
    yield from _overtraining()


def _chinchilla() -> Iterator[DataSet]:
    rows = _csv("chinchilla_svg/svg_extracted_data.csv")
    N, C, loss = (_column(rows, name) for name in ("Model Size", "Training FLOP", "loss"))
    for count in (240, 245):
        keep = np.argsort(loss)[:count]
        runs = Observations.from_arrays(N=N[keep], C=C[keep], loss=loss[keep])
        yield DataSet(family="chinchilla", name=f"{count} rows", schedule="matched", alone=count == 240, runs=runs)
    rows = _jsonl("gemstones/wandb_df_for_fitting_slim_chinchilla.jsonl")  # 28 points of the same figure
    runs = _gemstone_runs(rows)
    yield DataSet(family="chinchilla", name="slim, 28 rows", schedule="matched", alone=False, runs=runs)


def _gemstones() -> Iterator[DataSet]:
    for name, schedule in (("cool_end", "matched"), ("hot", "constant")):
        runs = _gemstone_runs(_jsonl(f"gemstones/wandb_df_for_fitting_{name}.jsonl"))
        yield DataSet(family="gemstones", name=name, schedule=schedule, alone=schedule == "matched", runs=runs)


def _gemstone_runs(rows: list[dict[str, Any]]) -> Observations:
    N, D, loss = (_column(rows, name) for name in ("params_active_precise", "tokens", "final_loss"))
    names = [str(row["run_name"]) for row in rows] if "run_name" in rows[0] else None
    return Observations.from_arrays(N=N, D=D, loss=loss, run_id=names)


def _porian() -> Iterator[DataSet]:
    keys = ("dataset", "hparams", "warmup", "decay", "param_count", "val")
    conditions: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in _csv("porian/isoflop_points.csv"):
        if row["orig_loss"] and row["orig_n"] and row["orig_t"]:
            conditions.setdefault(tuple(row[key] for key in keys), []).append(row)
    for condition, rows in conditions.items():
        N, D, loss, budget = (_column(rows, name) for name in ("orig_n", "orig_t", "orig_loss", "flops"))
        yield DataSet(
            family=f"porian {condition[0]}",
            name=" ".join(condition[1:]),
            schedule=SCHEDULES[condition[3]],
            alone=condition[4] == "standard",
            runs=Observations.from_arrays(N=N, D=D, loss=loss, budget=budget),
        )


def _overtraining() -> Iterator[DataSet]:
    rows = _csv("overtraining/models_104.csv")
    losses = [name for name in rows[0] if name.startswith("loss[")]
    for data in ("c4_original", "rpj", "rw_original"):
        mine = [row for row in rows if row["dataset_name"] == data]
        for loss in losses:
            N, D, values = (_column(mine, name) for name in ("params", "tokens", loss))
            name = f"{data}, {loss[5:-1].removeprefix('val_tok_mult/').split('/shard')[0].split('/0')[0]}"
            yield DataSet(
                family="overtraining",
                name=name,
                schedule="matched",
                alone=loss.startswith("loss[c4_val"),
                runs=Observations.from_arrays(N=N, D=D, loss=values),
            )


def _csv(name: str) -> list[dict[str, Any]]:
    with (DATA / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _jsonl(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


def _column(rows: list[dict[str, Any]], name: str) -> np.ndarray:
    return np.array([float(row[name]) for row in rows])
