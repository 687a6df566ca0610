"""From the results of a study's sweep to the table that fits take, and their training curves."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from isoflop.laws import ComputeCost
from isoflop.observations import Observations, RunOutcome
from isoflop.recipe import SmallRecipe
from isoflop.runs.folder import RunFolder
from isoflop.spec import RunSpec
from isoflop.study.folder import StudyFolder
from isoflop.sweep import Design

PARAMS_CONVENTION = "non_embedding"
"""N of a study's fits. The other counts are in every result; see the report's methods card."""
FLOPS_CONVENTION = "matmul"

_LARGEST = 1e60
_COLUMNS = ("run_id", "params", "tokens", "flops", "budget", "loss", "loss_se", "status", "failure_reason")
_NOT_ENDED = {"waiting": "not run", "running": "still training", "interrupted": "interrupted"}

Curve = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
"""(tokens, FLOPs, training loss in nats per token)."""


def sweep_outcomes(folder: StudyFolder, design: Design) -> list[RunOutcome]:
    """The isoFLOP runs of `design` as their folders have them, in the order of the design.

    Raises InputError that names a corrupt result.
    """
    return [outcome_of(RunFolder(folder.runs / spec.run_id), spec) for spec in isoflop_specs(design)]


def isoflop_specs(design: Design) -> list[RunSpec]:
    """The runs of `design` that fits learn from: those of the learning-rate check alone are left out."""
    return [design.by_id[name] for name, purposes in design.purposes().items() if "isoflop" in purposes]


def outcome_of(run: RunFolder, spec: RunSpec) -> RunOutcome:
    """What became of the run of `spec`, as fits count it."""
    result = run.read_result(spec) if run.spec.exists() else None
    if result is None:
        state = run.status() if run.spec.exists() else "waiting"
        return RunOutcome(run_id=spec.run_id, status="unfinished", reason=_NOT_ENDED[state])
    return RunOutcome(
        run_id=spec.run_id,
        status=result.status,
        reason=result.reason,
        params=result.params[PARAMS_CONVENTION],
        tokens=result.tokens_seen,
        flops=result.flops.get(FLOPS_CONVENTION),
        budget=spec.budget_flops,
        loss=result.val_loss_nats,
        loss_se=result.val_loss_se,
    )


def observations_of(outcomes: Sequence[RunOutcome]) -> Observations:
    """The table that fits take; runs that did not end well are listed in it with their reasons."""
    read = Observations.from_results(
        outcomes,
        params_convention=PARAMS_CONVENTION,
        flops_convention=FLOPS_CONVENTION,
        loss_unit="nats_per_token",
        schedule="matched",  # every run of a design is decayed to the end of its own tokens
    )
    # tiny models are tiny: their parameters were counted here, and are in no other unit
    return replace(read, notices=tuple(one for one in read.notices if one.code != "small_numbers"))


def is_table_of(data: bytes, outcomes: Sequence[RunOutcome]) -> bool:
    """Whether `data` is what `table_of` makes of the same, of this version or of one that wrote fewer columns."""
    columns = data.partition(b"\n")[0].decode(errors="replace").split(",")
    return set(columns) <= set(_COLUMNS) and data == table_of(outcomes, columns).encode()


def table_of(outcomes: Sequence[RunOutcome], columns: Sequence[str] = _COLUMNS) -> str:
    """The outcomes as CSV, with empty cells where a number is not known: columns that `isoflop fit` knows by name."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for outcome in outcomes:
        writer.writerow([getattr(outcome, "reason" if name == "failure_reason" else name) for name in columns])
    return text.getvalue()


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
