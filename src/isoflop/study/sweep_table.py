"""From the results of a study's sweep to the table that fits take, and their training curves."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from isoflop.laws import ComputeCost
from isoflop.observations import RunOutcome
from isoflop.recipe import SmallRecipe
from isoflop.run_tree import roots
from isoflop.runs.folder import RunFolder
from isoflop.runs.outcomes import outcome_of
from isoflop.study.folder import StudyFolder
from isoflop.sweep import Design, fitted_specs

_LARGEST = 1e60
_COLUMNS = ("run_id", "params", "tokens", "flops", "budget", "loss", "loss_se", "status", "failure_reason")
_TREE = ("tree",)

Curve = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
"""(tokens, FLOPs, training loss in nats per token)."""


def sweep_outcomes(folder: StudyFolder, design: Design) -> list[RunOutcome]:
    """The runs of `design` that fits learn from, as their folders have them, in the order of the design.

    Raises InputError that names a corrupt result.
    """
    trees = roots(design.specs)
    return [outcome_of(RunFolder(folder.runs / spec.run_id), spec, trees[spec.run_id]) for spec in fitted_specs(design)]


def is_table_of(data: bytes, outcomes: Sequence[RunOutcome]) -> bool:
    """Whether `data` is what `table_of` makes of the same, of this version or of one that wrote fewer columns."""
    columns = data.partition(b"\n")[0].decode(errors="replace").split(",")
    return set(columns) <= {*_COLUMNS, *_TREE} and data == table_of(outcomes, columns).encode()


def table_of(outcomes: Sequence[RunOutcome], columns: Sequence[str] | None = None) -> str:
    """The outcomes as CSV, with empty cells where a number is not known: columns that `isoflop fit` knows by name.

    Where runs begin from others there is one of the trees whose first steps they have in common.
    """
    columns = columns or (*_COLUMNS, *(_TREE if any(outcome.tree for outcome in outcomes) else ()))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for outcome in outcomes:
        writer.writerow([getattr(outcome, "reason" if name == "failure_reason" else name) for name in columns])
    return text.getvalue()


def cost_of(recipe: SmallRecipe, design: Design) -> ComputeCost:
    """FLOPs per token against N, through the shapes of the design."""
    shapes = {
        spec.architecture.params().non_embedding: recipe.flops_per_token(spec.architecture) for spec in design.specs
    }
    return ComputeCost.from_pairs(sorted(shapes.items()))


def curves_of(folder: StudyFolder, names: Iterable[str]) -> dict[str, Curve]:
    """The training curves of the runs with the ids `names`, as far as they have come."""
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
