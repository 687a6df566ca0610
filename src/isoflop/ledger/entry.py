"""One forecast of the ledger: what was predicted and when, what came, and whether it counts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from isoflop.codec import JsonObject
from isoflop.ledger.distribution import StatedForecast, is_log_scaled
from isoflop.units import format_number

Source = Literal["sealed", "written", "backtest"]
"""Sealed by isoflop before a run, written down by hand, or made afterwards from the earlier rows of a study."""
Kind = Literal["loss", "size", "other"]

LEVELS = (0.5, 0.8, 0.9)
"""Nominal levels whose hits are counted."""
_KINDS: dict[str, Kind] = {"loss": "loss", "params": "size", "tokens": "size"}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A forecast, its outcome, and what is known of both."""

    name: str
    source: Source
    quantity: str
    """`loss`, `params`, `tokens`, `flops`, or another word for the number."""
    unit: str
    """Unit or convention of the number; empty where none was stated."""
    predicted: float
    interval: tuple[float, float] | None
    """Where the number was expected with probability `level`; None without one."""
    level: float | None
    made_from: str
    """What it was made from, in words; empty where nothing says it."""
    study: str
    """Forecasts with the same word here rest on the same runs: they are not independent."""
    sealed: float | None
    """Unix time at which it was made; None of a backtest."""
    evidence: str
    """How it is known that it came before its outcome."""
    stated_only: bool
    """Whether that rests on times which the forecaster wrote down, and not on the run's own first start."""
    path: str
    digest: str = ""
    actual: float | None = None
    """What came, in the same unit; None while nobody knows."""
    scored: float | None = None
    """Unix time of the outcome."""
    flops: float | None = None
    """Training FLOPs of the run that it is of."""
    data_flops: float | None = None
    """FLOPs of the largest run that it was made from."""
    wasted: float | None = None
    """Of a size: share of the compute that a run of the predicted size would have wasted."""
    why_not: str = ""
    """Why it does not count; empty where it does."""

    @property
    def counted(self) -> bool:
        """Whether it has a part in the statistics."""
        return not self.why_not

    @property
    def kind(self) -> Kind:
        """A loss, a size (parameters or tokens), or another number."""
        return _KINDS.get(self.quantity, "other")

    @property
    def factor(self) -> float | None:
        """The run's compute over that of the largest run that the forecast was made from; None where not known."""
        return None if self.flops is None or self.data_flops is None else self.flops / self.data_flops

    @property
    def stated(self) -> StatedForecast | None:
        """The distribution that the forecast states; None without an interval."""
        if self.interval is None or self.level is None:
            return None
        return StatedForecast(
            predicted=self.predicted,
            low=self.interval[0],
            high=self.interval[1],
            level=self.level,
            log_scaled=is_log_scaled(self.quantity),
        )

    @property
    def log_ratio(self) -> float | None:
        """ln(actual / predicted): above 0 where the outcome was above the forecast; None of what has no ratio."""
        if self.actual is None or not is_log_scaled(self.quantity):
            return None
        return math.log(self.actual / self.predicted)

    @property
    def z(self) -> float | None:
        """(outcome - forecast) in standard deviations of the stated distribution; None where there is none."""
        stated = self.stated
        return None if stated is None or self.actual is None else stated.z(self.actual)

    def inside(self, level: float) -> bool | None:
        """Whether the forecast's interval of this level holds the outcome; None without an interval or an outcome."""
        stated = self.stated
        return None if stated is None or self.actual is None else stated.inside(self.actual, level)

    def as_json(self) -> JsonObject:
        """The entry under the keys of `isoflop ledger --json`."""
        return {
            "name": self.name,
            "source": self.source,
            "kind": self.kind,
            "quantity": self.quantity,
            "unit": self.unit,
            "sealed": self.sealed,
            "scored": self.scored,
            "counted": self.counted,
            "why_not": self.why_not or None,
            "predicted": self.predicted,
            "interval": None if self.interval is None else list(self.interval),
            "level": self.level,
            "actual": self.actual,
            "z": self.z,
            "log_ratio": self.log_ratio,
            "inside": {format_number(level): self.inside(level) for level in LEVELS},
            "made_from": self.made_from,
            "study": self.study,
            "evidence": self.evidence,
            "stated_only": self.stated_only,
            "flops": self.flops,
            "data_flops": self.data_flops,
            "extrapolation_factor": self.factor,
            "wasted": self.wasted,
            "digest": self.digest,
            "path": self.path,
        }
