"""From the run index's rows to the table that fits take, and the training curves beside it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isoflop.laws import ComputeCost
from isoflop.observations import Observations
from isoflop.recipe import SmallRecipe
from isoflop.runs.folder import RunFolder
from isoflop.study.folder import StudyFolder
from isoflop.sweep import Design

PARAMS_CONVENTION = "non_embedding"
"""N of a study's fits. The other counts are in every result; see the report's methods card."""
FLOPS_CONVENTION = "matmul"

_LARGEST = 1e60
_COLUMNS = ("run_id", "params", "tokens", "flops", "budget", "loss", "loss_se", "status", "failure_reason")

Curve = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
"""(tokens, FLOPs, training loss in nats per token)."""


def observations_of(rows: Iterable[dict[str, Any]], design: Design) -> Observations:
    """The isoFLOP runs of `design` among the run index's `rows`, in the order of the design; failed ones are listed."""
    return Observations.from_rows(
        _wanted(rows, design),
        params_convention=PARAMS_CONVENTION,
        flops_convention=FLOPS_CONVENTION,
        loss_unit="nats_per_token",
        schedule="matched",  # every run of a design is decayed to the end of its own tokens
    )


def is_table_of(data: bytes, rows: Iterable[dict[str, Any]], design: Design) -> bool:
    """Whether `data` is what `table_of` makes of the same, of this version or of one that wrote fewer columns."""
    columns = data.partition(b"\n")[0].decode(errors="replace").split(",")
    return set(columns) <= set(_COLUMNS) and data == table_of(rows, design, columns).encode()


def table_of(rows: Iterable[dict[str, Any]], design: Design, columns: Sequence[str] = _COLUMNS) -> str:
    """The same rows as CSV, failed ones with empty cells: the columns are those that `isoflop fit` knows by name."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(_wanted(rows, design))
    return text.getvalue()


def _wanted(rows: Iterable[dict[str, Any]], design: Design) -> list[dict[str, Any]]:
    by_id = {row["run_id"]: row for row in rows}
    wanted = [name for name, purposes in design.purposes().items() if "isoflop" in purposes]
    table = []
    for name in wanted:
        row = by_id.get(name, {"run_id": name})
        table.append(
            {
                "run_id": name,
                "params": row.get(f"params_{PARAMS_CONVENTION}"),
                "tokens": row.get("tokens_seen"),
                "flops": row.get(f"flops_{FLOPS_CONVENTION}"),
                "budget": row.get("budget_flops"),
                "loss": row.get("val_loss_nats"),
                "loss_se": row.get("val_loss_se"),
                "status": row.get("status"),
                "failure_reason": row.get("reason"),
            }
        )
    return table


def digest_of(observations: Observations) -> str:
    """SHA-256 of the rows that a forecast was made from: (run, N, D, C, loss), in canonical JSON."""
    columns = (observations.N, observations.D, observations.C, observations.loss)
    rows = sorted(zip(observations.run_id, *(column.tolist() for column in columns), strict=True))
    return hashlib.sha256(json.dumps(rows, separators=(",", ":")).encode()).hexdigest()


def cost_of(recipe: SmallRecipe, design: Design) -> ComputeCost:
    """FLOPs per token against N, through the shapes of the design."""
    shapes = {
        spec.architecture.params().non_embedding: recipe.flops_per_token(spec.architecture) for spec in design.specs
    }
    return ComputeCost.from_pairs(sorted(shapes.items()))


def curves_of(folder: StudyFolder, names: Iterable[str]) -> dict[str, Curve]:
    """Training curves of the runs called `names`, as far as they have come."""
    curves = {}
    for name in names:
        lines = [
            (line["tokens"], line["flops"], line["train_loss_nats"])
            for line in RunFolder(folder.runs / name).read_metrics().lines
            if all(_is_positive(line.get(name)) for name in ("tokens", "flops", "train_loss_nats"))
        ]
        if lines:
            tokens, flops, losses = np.asarray(lines, dtype=np.float64).T
            curves[name] = (tokens, flops, losses)
    return curves


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < _LARGEST
