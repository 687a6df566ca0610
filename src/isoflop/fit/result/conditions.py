"""The conditions that a table mixes, and what each of them says alone."""

from __future__ import annotations

from dataclasses import dataclass, field

from isoflop.codec import Count, Number, Pair, Positive, PositivePair
from isoflop.errors import RefusedError
from isoflop.fit.result.approach import Approach

MIXED = "mixed_conditions"
"""Code of the refusal of one answer for a table of several conditions."""
_NAMED = 8  # values that a message names


@dataclass(frozen=True, kw_only=True)
class ConditionGroup:
    """The runs of one condition, and what they alone say."""

    where: dict[str, str]
    """{column: its word}, as `--where COLUMN=VALUE` takes them."""
    rows: Count
    """Rows used of it."""
    approach: Approach | None = None
    """The approach that answers; None where none does."""
    a: Number | None = None
    """N_opt grows as C^a."""
    a_interval: Pair | None = None
    """90 %."""
    params: Positive | None = None
    """Best N at the common compute."""
    params_interval: PositivePair | None = None
    """90 %."""
    reason: str = ""
    """Why no approach answers; empty where one does."""

    @property
    def options(self) -> str:
        """The options that choose it: `--where dataset=rw --where hparams=tuned`."""
        return " ".join(f"--where {_quoted(f'{column}={word}')}" for column, word in self.where.items())


@dataclass(frozen=True, kw_only=True)
class ConditionGroups:
    """A table's conditions, by the columns that tell them apart."""

    by: tuple[str, ...]
    """The columns, the strongest first."""
    flops: Positive
    """Compute at which the groups' N are compared: the smallest of their largest."""
    groups: tuple[ConditionGroup, ...] = field(default=())

    @property
    def differ(self) -> str:
        """`dataset (owt2, rw), decay (const, kaplan)`."""
        return ", ".join(f"{column} ({_listed([group.where[column] for group in self.groups])})" for column in self.by)

    @property
    def message(self) -> str:
        """Why there is no one answer, and what to do."""
        return (
            f"the runs differ in {self.differ}, and no one law is theirs: choose one condition, such as "
            f"{self.groups[0].options}, or take all for one with --pooled"
        )

    def error(self) -> RefusedError:
        """The error to raise where one law is needed."""
        return RefusedError(MIXED, self.message)


def _listed(words: list[str]) -> str:
    distinct = sorted(set(words))
    shown = ", ".join(word or "empty" for word in distinct[:_NAMED])
    return shown if len(distinct) <= _NAMED else f"{shown} and {len(distinct) - _NAMED} more"


def _quoted(text: str) -> str:
    return text if all(letter.isalnum() or letter in "=_-./:+" for letter in text) else f"'{text}'"
