"""The ledger: every forecast that was found, and how good they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from isoflop.codec import JsonObject, to_json
from isoflop.errors import Notice
from isoflop.ledger.collect import collect
from isoflop.ledger.entry import Entry, Kind
from isoflop.ledger.hits import INTERVAL_LEVEL, Hits, hits_of
from isoflop.ledger.lean import KindSummary, Reach, kind_summary, reaches_of

_KINDS: tuple[Kind, ...] = ("loss", "size", "other")
FEWEST_STUDIES = 11
"""With fewer, even a perfect record does not tell intervals of 90 % from intervals of 80 %: the Wilson interval of ten
hits of ten begins at .787, that of eleven at .803."""


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """Forecasts, their outcomes, and what they come to."""

    entries: tuple[Entry, ...]
    """Forecasts made before their outcome, in the order of their sealing, counted or not."""
    backtests: tuple[Entry, ...]
    """What studies forecast of their own largest budget."""
    coverage: tuple[Hits, ...]
    """Hits of the intervals of all entries that count."""
    kinds: tuple[KindSummary, ...]
    """Entries that count, by what was predicted; kinds without any are left out."""
    reaches: tuple[Reach, ...]
    """Entries that count, by kind and by how far beyond their data they reach."""
    backtest_kinds: tuple[KindSummary, ...]
    """The backtests, by what was predicted."""
    notices: tuple[Notice, ...]

    @property
    def counted(self) -> tuple[Entry, ...]:
        """The entries that count."""
        return tuple(entry for entry in self.entries if entry.counted)

    @property
    def studies(self) -> int:
        """Studies that the entries which count are of."""
        return len({entry.study for entry in self.counted})

    def as_json(self) -> JsonObject:
        """The object that `isoflop ledger --json` prints."""
        return {
            "entries": [entry.as_json() for entry in self.entries],
            "coverage": to_json(self.coverage),
            "interval_level": INTERVAL_LEVEL,
            "interval_method": "Wilson, each study counted once",
            "studies": self.studies,
            "kinds": to_json(self.kinds),
            "by_extrapolation_factor": to_json(self.reaches),
            "backtests": {
                "entries": [entry.as_json() for entry in self.backtests],
                "kinds": to_json(self.backtest_kinds),
            },
            "warnings": to_json(self.notices),
        }


def read_ledger(places: Sequence[str | Path]) -> Ledger:
    """The ledger of every forecast in the files and folders `places`; of one folder, its own and those below it.

    Raises InputError for a place that is not there, and for a file that holds no forecast.
    """
    found = collect([Path(place) for place in places])
    counted = [entry for entry in found.entries if entry.counted]
    backtests = [entry for entry in found.backtests if entry.counted]
    return Ledger(
        entries=found.entries,
        backtests=found.backtests,
        coverage=hits_of(counted),
        kinds=_by_kind(counted),
        reaches=reaches_of(counted),
        backtest_kinds=_by_kind(backtests),
        notices=(*found.notices, *_notices(counted)),
    )


def _by_kind(entries: Sequence[Entry]) -> tuple[KindSummary, ...]:
    return tuple(summary for kind in _KINDS if (summary := kind_summary(kind, entries)).of)


def _notices(counted: Sequence[Entry]) -> list[Notice]:
    notices = []
    studies = len({entry.study for entry in counted})
    if counted and studies < FEWEST_STUDIES:
        message = (
            f"{studies} {'study is' if studies == 1 else 'studies are'} too few to tell good intervals from bad ones: "
            f"from {FEWEST_STUDIES} on, all hits would tell 90 % from 80 %"
        )
        notices.append(Notice(code="few_forecasts", message=message))
    if len(counted) > studies:
        message = f"{len(counted)} forecasts are of {studies} studies: each study counts once in every interval"
        notices.append(Notice(code="forecasts_of_one_study", message=message))
    stated = [entry for entry in counted if entry.stated_only]
    if stated:
        message = (
            f"that {len(stated)} of {len(counted)} forecasts came before their outcomes is what their files state; "
            "nothing else shows it"
        )
        notices.append(Notice(code="order_as_stated", message=message))
    return notices
