"""Whether a result belongs to the run in whose folder it lies: another run's, an edited or a damaged one does not."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from isoflop.errors import InputError
from isoflop.runs.result import RunResult
from isoflop.spec import RunSpec
from isoflop.units import format_number

LARGEST_LOSS = 4.0
"""Over ln(vocabulary), the loss of uniform guessing. One nat above that a trainer ends a run as diverged: no finished
run comes near this factor, on whatever validation text."""


@dataclass(frozen=True, kw_only=True)
class SpecFacts:
    """What a spec says that its result must agree with; None where spec.json does not say it."""

    tokens: int | None
    batch_tokens: int | None
    vocab_size: int | None

    @classmethod
    def of(cls, spec: RunSpec) -> SpecFacts:
        """Of a spec whose numbers are checked."""
        return cls(tokens=spec.tokens, batch_tokens=spec.batch_tokens, vocab_size=spec.architecture.vocab_size)

    @classmethod
    def from_json(cls, value: object) -> SpecFacts:
        """Of spec.json, of which only these numbers are looked at: whoever needs all of it has it checked."""
        spec = value if isinstance(value, Mapping) else {}
        shape = spec.get("architecture")
        vocabulary = shape.get("vocab_size") if isinstance(shape, Mapping) else None
        return cls(
            tokens=_count(spec.get("tokens")),
            batch_tokens=_count(spec.get("batch_tokens")),
            vocab_size=_count(vocabulary),
        )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


def check_result(result: RunResult, run_id: str, spec: SpecFacts) -> None:
    """Raises InputError where `result` cannot be that of the run `run_id` with this `spec`."""
    problems = []
    if result.run_id != run_id:
        problems.append(f"run_id: expected {run_id}, the folder's name, got {result.run_id}")
    if spec.tokens is not None and spec.batch_tokens is not None:
        for name, reached, target in (
            ("tokens_seen", result.tokens_seen, spec.tokens),
            ("steps", result.steps, spec.tokens // spec.batch_tokens),
        ):
            if result.status == "done" and reached != target:
                problems.append(f"{name}: expected {target}, as the spec asks, got {reached}")
            elif reached is not None and reached > target:
                problems.append(f"{name}: expected at most {target}, as the spec asks, got {reached}")
    if spec.tokens is not None and (result.spent_tokens or 0) > spec.tokens:
        problems.append(f"spent_tokens: expected at most {spec.tokens}, as the spec asks, got {result.spent_tokens}")
    problems += _impossible_losses(result, spec.vocab_size)
    if problems:
        what = "not a result of this run; delete it to have the run trained again, or restore it"
        raise InputError.gathered(what, problems)


def _impossible_losses(result: RunResult, vocabulary: int | None) -> list[str]:
    most = math.inf if vocabulary is None or vocabulary < 2 else LARGEST_LOSS * math.log(vocabulary)
    losses = {"train_loss_nats": result.train_loss_nats, "val_loss_nats": result.val_loss_nats}
    losses |= {f"domains.{name}.loss_nats": facts["loss_nats"] for name, facts in result.domains.items()}
    return [
        f"{name}: expected 0 to {format_number(most, 4)} nats with a vocabulary of {vocabulary}, got {loss!r}"
        for name, loss in losses.items()
        if loss is not None and not 0 <= loss <= most
    ]
