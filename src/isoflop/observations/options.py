"""How a table is to be read: what a caller may state about it, checked once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from isoflop.errors import InputError

SCHEDULES = ("matched", "constant", "unmatched", "unknown")
"""matched: each row is the end of its own schedule; constant: checkpoints at a constant rate, not annealed; unmatched:
one schedule for several horizons; unknown: not stated."""

LOSS_UNITS = (
    "nats_per_token", "bits_per_token", "perplexity", "bits_per_byte", "nats_per_byte", "bits_per_character",
    "nats_per_character",
)  # fmt: skip
"""Units a file's losses may have. The first three are one quantity and become nats per token; the others stay."""
NATS_PER_TOKEN = ("nats_per_token", "bits_per_token", "perplexity")

DECIMAL_MARKS = (",", ".")
"""Decimal marks of numbers that are text."""

DEFAULT_PARAMS = "total"
DEFAULT_FLOPS = "six_n"
DEFAULT_LOSS = "nats_per_token"


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """Everything that may be stated about a table; None and empty where nothing was."""

    columns: Mapping[str, str] = field(default_factory=dict)
    """{field: column, or a number that holds for every row}; overrules the names recognised by themselves."""
    scale: Mapping[str, str | float] = field(default_factory=dict)
    """{field: units of one that a plain number counts}, e.g. {"params": 1e6} or {"tokens": "billions"}."""
    where: Sequence[str] = ()
    """Conditions such as "dataset=c4": which rows to use. One alone may be a plain string."""
    params_convention: str | None = None
    """What N counts."""
    flops_convention: str | None = None
    """What C counts."""
    loss_unit: str | None = None
    """One of LOSS_UNITS."""
    schedule: str | None = None
    """One of SCHEDULES."""
    decimal: str | None = None
    """The decimal mark of numbers in text, `,` or `.`; None: as the file's own numbers prove."""
    keep_all: bool = False
    """Whether every setting and every copy of a design point (same N and D) stays."""
    optima: bool = False
    """Whether rows are compute-optimal points, which need no loss."""

    def __post_init__(self) -> None:
        if isinstance(self.where, str):
            object.__setattr__(self, "where", (self.where,))
        for what, value, known in (
            ("loss unit", self.loss_unit, LOSS_UNITS),
            ("schedule", self.schedule, SCHEDULES),
            ("decimal mark", self.decimal, DECIMAL_MARKS),
        ):
            if value is not None and value not in known:
                raise InputError(f"{what}: expected one of {', '.join(known)}, got {value!r}")
