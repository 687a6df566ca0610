"""RunResult: the facts of one run, written once, by the trainer, when they are known."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, fields
from typing import Literal

from isoflop.arch import FLOPS_CONVENTIONS, Architecture
from isoflop.codec import JsonObject
from isoflop.errors import InputError, Notice

SCHEMA = 1
"""Version of result.json. Raise it when a field changes its meaning."""

Status = Literal["done", "failed"]
Reason = Literal["", "diverged", "killed", "out_of_memory", "error"]
STATUSES: tuple[Status, ...] = ("done", "failed")
REASONS: tuple[Reason, ...] = ("", "diverged", "killed", "out_of_memory", "error")
DOMAIN_FACTS = ("loss_nats", "loss_se", "bits_per_byte", "tokens", "bytes")
"""Keys of each entry of `RunResult.domains`."""

_WHOLE = (
    "steps",
    "tokens_seen",
    "metric_version",
    "threads",
    "attempts",
    "shortages",
    "micro_batch_sequences",
    "spent_tokens",
)
_SPEEDS = ("flops_per_second", "mfu")
OF_THE_CLOCK = ("wall_seconds", *_SPEEDS)
"""Facts of a result or a line of metrics that depend on the machine and its load: runs of one spec differ in them."""
_NUMBERS = ("train_loss_nats", "val_loss_nats", "val_loss_se", "bits_per_byte", "wall_seconds", "finished", *_SPEEDS)
_TEXTS = ("run_id", "status", "reason", "message", "device", "code_version", "torch_version", "products")
_MAY_BE_NONE = (*_WHOLE[:2], "threads", *_NUMBERS[:5], "device", "torch_version", "metric_version")
# One validation sequence has no standard error, so that alone may stay unknown in a finished run.
_NEEDED_WHEN_DONE = tuple(name for name in _MAY_BE_NONE if name != "val_loss_se")

_LATER = ("shortages", "products", "micro_batch_sequences", *_SPEEDS, "spent_tokens", "spent_flops", "notices")
"""Fields that results of earlier versions lack."""


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """What one run came to. Numbers that a failed run never reached are None, never 0."""

    run_id: str
    status: Status
    reason: Reason = ""
    """Why it failed; empty when done."""
    message: str = ""
    """One sentence for a person."""
    steps: int | None
    """Optimiser steps taken."""
    tokens_seen: int | None
    """Training tokens."""
    params: dict[str, int]
    """Parameters by role, and `total`, `non_embedding`, `matmul`; see `counted_params`."""
    flops: dict[str, float]
    """Training FLOPs of the whole run, by convention (`arch.FLOPS_CONVENTIONS`)."""
    train_loss_nats: float | None
    """Nats per token, mean over the last 5 % of the steps."""
    val_loss_nats: float | None
    """Nats per token, weighted over the domains by tokens."""
    val_loss_se: float | None
    """Standard error of `val_loss_nats` over validation sequences, in nats per token."""
    bits_per_byte: float | None
    domains: dict[str, dict[str, float | None]]
    """{domain: {loss_nats, loss_se, bits_per_byte, tokens, bytes}}"""
    metric_version: int | None
    """Version of the way losses are measured; different versions are not compared."""
    wall_seconds: float | None
    """Over all attempts, of the steps that it took itself."""
    device: str | None
    threads: int | None
    code_version: str
    torch_version: str | None
    finished: float
    """Unix time in seconds."""
    attempts: int
    """Starts that it took."""
    products: str | None = "float32"
    """What matrix products of training were computed in (`MatmulPrecision`), at its end. Results of
    earlier versions lack it: they were computed in float32."""
    micro_batch_sequences: int | None = None
    """Sequences that a process took at a time, at its end."""
    shortages: int = 0
    """Times that memory ran out in a step, which was taken again with half as many."""
    flops_per_second: float | None = None
    """Model FLOPs (`matmul`) over the seconds of training, of the last attempt."""
    mfu: float | None = None
    """That over the catalogued peak of its devices (0 to 1); None where the catalogue does not know them."""
    spent_tokens: int | None = None
    """Training tokens of the steps that it took itself: of a run that begins from another's checkpoint, those from
    there on. All where it is not said."""
    spent_flops: dict[str, float] = field(default_factory=dict)
    """Training FLOPs of these, by convention."""
    notices: tuple[Notice, ...] = ()
    """What a reader should know of how it was trained."""
    schema: int = field(default=SCHEMA)

    def __post_init__(self) -> None:
        if self.spent_tokens is None:
            object.__setattr__(self, "spent_tokens", self.tokens_seen)
            object.__setattr__(self, "spent_flops", dict(self.flops) if isinstance(self.flops, dict) else self.flops)
        problems = self._wrong_types() + self._wrong_parts()
        if not problems and self.status == "done":
            problems += [f"{name}: missing in a run that is done" for name in _NEEDED_WHEN_DONE if self._none(name)]
            if self.reason:
                problems.append(f"reason: expected none in a run that is done, got {self.reason!r}")
        if not problems and self.status == "failed" and not self.reason:
            problems.append("reason: missing in a run that failed")
        if problems:
            raise InputError.gathered("result", problems)

    def _none(self, name: str) -> bool:
        return getattr(self, name) is None

    def _wrong_types(self) -> list[str]:
        problems = []
        if self.schema != SCHEMA:
            problems.append(f"schema: this version of isoflop reads {SCHEMA}, got {self.schema!r}; run the study again")
        for names, wanted, fits in (
            (_WHOLE, "a whole number of at least 0", _is_count),
            (_NUMBERS, "a finite number", _is_finite),
            (_TEXTS, "text", lambda value: isinstance(value, str)),
        ):
            for name in names:
                value = getattr(self, name)
                if not (value is None and name in (*_MAY_BE_NONE, *_LATER[1:])) and not fits(value):
                    problems.append(f"{name}: expected {wanted}, got {value!r}")
        return problems

    def _wrong_parts(self) -> list[str]:
        problems = []
        if self.status not in STATUSES:
            problems.append(f"status: expected one of {', '.join(STATUSES)}, got {self.status!r}")
        if self.reason not in REASONS:
            problems.append(f"reason: expected one of {', '.join(REASONS[1:])} or nothing, got {self.reason!r}")
        if not isinstance(self.params, dict) or not all(_is_count(value) for value in self.params.values()):
            problems.append(f"params: expected whole numbers by role, got {self.params!r}")
        if not isinstance(self.flops, dict) or not all(_is_finite(value) for value in self.flops.values()):
            problems.append(f"flops: expected finite numbers by convention, got {self.flops!r}")
        elif unknown := sorted(set(self.flops) - set(FLOPS_CONVENTIONS)):
            problems.append(f"flops: not conventions of FLOPs: {', '.join(unknown)}")
        problems += self._wrong_spending()
        if not isinstance(self.domains, dict):
            return [*problems, f"domains: expected an object, got {self.domains!r}"]
        for domain, facts in self.domains.items():
            if not isinstance(facts, dict) or set(facts) != set(DOMAIN_FACTS):
                problems.append(f"domains.{domain}: expected the keys {', '.join(DOMAIN_FACTS)}, got {facts!r}")
            else:
                problems += [
                    f"domains.{domain}.{name}: expected a finite number, got {value!r}"
                    for name, value in facts.items()
                    if not (_is_finite(value) or (name == "loss_se" and value is None))
                ]
        return problems

    def _wrong_spending(self) -> list[str]:
        problems = []
        if not isinstance(self.spent_flops, dict) or not all(_is_finite(value) for value in self.spent_flops.values()):
            problems.append(f"spent_flops: expected finite numbers by convention, got {self.spent_flops!r}")
        elif isinstance(self.flops, dict) and self.spent_flops.keys() != self.flops.keys():
            problems.append(f"spent_flops: expected the conventions of flops, got {', '.join(self.spent_flops)}")
        if not all(isinstance(notice, Notice) for notice in self.notices):
            problems.append(f"notices: expected objects of code and message, got {self.notices!r}")
        return problems

    def as_json(self) -> JsonObject:
        """A JSON object that `from_json` reads back."""
        value: JsonObject = asdict(self)
        value["notices"] = [dict(notice.as_json()) for notice in self.notices]
        return value

    @classmethod
    def from_json(cls, value: object) -> RunResult:
        """The result that `as_json` wrote. Raises InputError that lists every problem."""
        if not isinstance(value, dict):
            raise InputError(f"result: expected a JSON object, got {type(value).__name__}")
        if value.keys() != _NAMES:
            problems = [f"{name}: missing" for name in sorted(_NAMES - set(value) - set(_LATER))]
            problems += [f"{name}: not a field of a run result" for name in sorted(set(value) - _NAMES)]
            if problems:
                raise InputError.gathered("result", problems)
        parts = {name: part for name, part in value.items() if name != "notices"}
        return cls(**parts, notices=_notices(value.get("notices", [])))


def _notices(value: object) -> tuple[Notice, ...]:
    """The notices of a result. Raises InputError for anything else."""
    listed = value if isinstance(value, list) else [None]
    notices = []
    for one in listed:
        code, message = (one.get("code"), one.get("message")) if isinstance(one, dict) else (None, None)
        if not isinstance(code, str) or not isinstance(message, str):
            raise InputError("result: notices: expected objects of code and message")
        notices.append(Notice(code=code, message=message))
    return tuple(notices)


_NAMES = {f.name for f in fields(RunResult)}


def counted_params(architecture: Architecture) -> dict[str, int]:
    """`RunResult.params` of a shape: parameters by role, then `total`, `non_embedding` and `matmul`."""
    count = architecture.params()
    totals = {"total": count.total, "non_embedding": count.non_embedding, "matmul": count.matmul}
    return {**count.by_role(), **totals}


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
