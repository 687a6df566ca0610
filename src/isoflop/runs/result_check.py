"""Whether a result is of the run in whose folder it lies: another run's, an edited or a damaged one is none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from isoflop.errors import InputError
from isoflop.runs.result import RunResult

LARGEST_LOSS = 4.0
"""Over ln(vocabulary), the loss of a guess that knows nothing. One nat above that a trainer ends a run as diverged: no
finished one comes near this, on whatever validation text."""


def check_result(result: RunResult, run_id: str, spec: Mapping[str, Any]) -> None:
    """Raises InputError where `result` cannot be of the run `run_id`, whose spec.json holds `spec`.

    Of the spec only plain numbers are looked at: whoever needs all of it has it checked.
    """
    problems = []
    if result.run_id != run_id:
        problems.append(f"run_id: expected {run_id}, the folder's name, got {result.run_id}")
    tokens, batch = spec.get("tokens"), spec.get("batch_tokens")
    if isinstance(tokens, int) and isinstance(batch, int) and batch > 0:
        for name, told, whole in (
            ("tokens_seen", result.tokens_seen, tokens),
            ("steps", result.steps, tokens // batch),
        ):
            if result.status == "done" and told != whole:
                problems.append(f"{name}: expected {whole}, as the spec asks, got {told}")
            elif told is not None and told > whole:
                problems.append(f"{name}: expected at most {whole}, as the spec asks, got {told}")
    problems += _impossible_losses(result, spec)
    if problems:
        what = "not a result of this run; delete it to have the run trained again, or restore it"
        raise InputError.gathered(what, problems)


def _impossible_losses(result: RunResult, spec: Mapping[str, Any]) -> list[str]:
    shape = spec.get("architecture")
    vocabulary = shape.get("vocab_size") if isinstance(shape, dict) else None
    known = isinstance(vocabulary, int) and vocabulary > 1
    most = LARGEST_LOSS * math.log(vocabulary) if known and vocabulary is not None else math.inf
    losses = {"train_loss_nats": result.train_loss_nats, "val_loss_nats": result.val_loss_nats}
    losses |= {f"domains.{name}.loss_nats": facts["loss_nats"] for name, facts in result.domains.items()}
    return [
        f"{name}: expected 0 to {most:.4g} nats with a vocabulary of {vocabulary}, got {loss!r}"
        for name, loss in losses.items()
        if loss is not None and not 0 <= loss <= most
    ]
