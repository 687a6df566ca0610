"""From run folders to the rows that fits take, and the digest of those rows, which forecasts name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace

from isoflop.observations import Observations, RunOutcome
from isoflop.runs.folder import RunFolder
from isoflop.spec import RunSpec

PARAMS_CONVENTION = "non_embedding"
"""N of a study's fits. The other counts are in every result; see the report's methods card."""
FLOPS_CONVENTION = "matmul"

_NOT_ENDED = {"waiting": "not run", "running": "still training", "interrupted": "interrupted"}


def outcome_of(run: RunFolder, spec: RunSpec, tree: str = "") -> RunOutcome:
    """What became of the run of `spec`, as fits count it; `tree` is the run that took its first steps, if another."""
    tree = "" if tree == spec.run_id else tree
    result = run.read_result(spec) if run.spec.exists() else None
    if result is None:
        state = run.status() if run.spec.exists() else "waiting"
        return RunOutcome(run_id=spec.run_id, tree=tree, status="unfinished", reason=_NOT_ENDED[state])
    return RunOutcome(
        run_id=spec.run_id,
        tree=tree,
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


def digest_of(observations: Observations) -> str:
    """SHA-256 of the rows that a forecast was made from: (run, N, D, C, loss), in canonical JSON."""
    columns = (observations.N, observations.D, observations.C, observations.loss)
    rows = sorted(zip(observations.run_id, *(column.tolist() for column in columns), strict=True))
    return hashlib.sha256(json.dumps(rows, separators=(",", ":")).encode()).hexdigest()
