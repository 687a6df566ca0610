"""decisions.json: which rates were chosen, what each look at the pairs found, and why the comparison stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from isoflop.codec import to_json
from isoflop.compare.result import Verdict
from isoflop.digest import write_with_digest
from isoflop.errors import Notice

SCHEMA = 1
Stopped = Literal["verdict", "pairs", "minutes", "diverged"]
"""Why no further pair is trained: the verdict stands, all pairs are trained, the time is spent, or a side diverged."""


@dataclass(frozen=True, kw_only=True)
class PairLosses:
    """What a pair came to."""

    cell: int
    seed: int
    a: str
    """Run id of side A."""
    b: str
    loss_a: float | None
    """Nats per token over all evaluation text; None where the run failed."""
    loss_b: float | None

    @property
    def whole(self) -> bool:
        """Whether both runs ended well."""
        return self.loss_a is not None and self.loss_b is not None


@dataclass(frozen=True, kw_only=True)
class LookFound:
    """What a look at the pairs so far found, on all evaluation text together."""

    pairs: int
    level: float
    """Of the interval, so that all looks together are as sure as the comparison says."""
    verdict: Verdict
    multiplier: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True, kw_only=True)
class Decisions:
    """Everything that was decided while pairs were trained. It follows from the runs, but for the minutes left."""

    a: str
    b: str
    rates: Mapping[str, Mapping[float, float | None]] = field(default_factory=dict)
    """{side: {factor on the recipe's rate: loss}}"""
    chosen: Mapping[str, float] = field(default_factory=dict)
    """{side: factor}"""
    pairs: tuple[PairLosses, ...] = ()
    looks: tuple[LookFound, ...] = ()
    stopped: Stopped | None = None
    """None while pairs are still to be trained."""

    @property
    def lost_notices(self) -> tuple[Notice, ...]:
        """What is said of pairs of which a run has no loss; nothing where all are whole."""
        counts = {
            self.a: sum(pair.loss_a is None for pair in self.pairs),
            self.b: sum(pair.loss_b is None for pair in self.pairs),
        }
        of_side = [f"{name} in {count}" for name, count in counts.items() if count]
        if not of_side:
            return ()
        message = f"runs diverged or failed, {' and '.join(of_side)} of {len(self.pairs)} pairs, all left out"
        return (
            Notice(code="pairs_lost", message=f"{message}: the others had luck, and the verdict leans to that side"),
        )

    def save(self, path: Path) -> None:
        """Writes them to `path`, atomically, with their digest."""
        body = to_json(self)
        assert isinstance(body, dict)
        write_with_digest(path, {"schema": SCHEMA, **body})
