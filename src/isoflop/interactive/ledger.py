"""`isoflop.ledger(paths)`: how good forecasts have been, with what a reader does next as methods."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isoflop.codes import grade_of
from isoflop.interactive.answer import AnswerWithFigures
from isoflop.interactive.frames import Columns, frame_of
from isoflop.ledger import Entry, Ledger, read_ledger
from isoflop.report.html import write_page
from isoflop.report.ledger_page import ledger_page
from isoflop.report.ledger_words import counted_words, headline, lean_sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isoflop.codec import JsonObject
    from isoflop.errors import Notice
    from isoflop.report.panel import Page


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ForecastLedger(AnswerWithFigures):
    """What `isoflop.ledger` found; `result` has all of it as values."""

    result: Ledger
    library: str = field(default="", repr=False)
    """Whose frames `entries` and `coverage` are: `pandas`, `polars` or `pyarrow`; empty: the first installed."""

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What looked odd, and what limits the answer."""
        return self.result.notices

    @cached_property
    def entries(self) -> Any:
        """A frame with a row a forecast, counted or not: what was predicted, what came, z, why it does not count."""
        return frame_of(entry_columns([*self.result.entries, *self.result.backtests]), self.library)

    @cached_property
    def coverage(self) -> Any:
        """A frame with a row a nominal level: hits, share of hits and its interval."""
        rows = self.result.coverage
        return frame_of(
            {
                "level": [one.level for one in rows],
                "hits": [one.hits for one in rows],
                "of": [one.of for one in rows],
                "studies": [one.studies for one in rows],
                "share": [one.share for one in rows],
                "low": [None if one.interval is None else one.interval[0] for one in rows],
                "high": [None if one.interval is None else one.interval[1] for one in rows],
                "finding": [one.finding for one in rows],
            },
            self.library,
        )

    def _page(self) -> Page:
        return ledger_page(self.result)

    def report(self, path: str | Path) -> Path:
        """Writes the page of the ledger, one HTML file, and returns its path."""
        return write_page(self._page(), Path(path))

    def as_json(self) -> JsonObject:
        """The object that `isoflop ledger --json` prints."""
        return self.result.as_json()

    def lines(self) -> tuple[str, str, str]:
        """The answer; whether forecasts lean; how many count, and the grade: what `repr` prints."""
        grade = grade_of(notice.code for notice in self.notices)
        counted = f"{len(self.result.counted)} of {counted_words(len(self.result.entries), 'forecast')} count"
        codes = f" ({', '.join(grade.codes)})" if grade.codes else ""
        leans = " ".join(line for one in self.result.kinds if (line := lean_sentence(one)))
        return (
            headline(self.result),
            leans or "no outcome has a ratio to its forecast",
            f"{counted}; {grade.word}{codes}",
        )


def ledger(paths: str | Path | Sequence[str | Path] = ".", *, library: str = "") -> ForecastLedger:
    """How good forecasts have been: how often intervals held what came, and whether forecasts lean to one side.

    `paths` are studies, folders of studies, and files of forecasts, sealed or written down by hand. Frames are those of
    `library`. Raises InputError for a place that is not there, and for a file that holds no forecast.

    >>> import isoflop, tempfile
    >>> isoflop.ledger(tempfile.mkdtemp()).result.entries
    ()
    """
    places = [paths] if isinstance(paths, str | Path) else list(paths)
    return ForecastLedger(result=read_ledger(places), library=library)


def entry_columns(entries: Sequence[Entry]) -> Columns:
    """A row a forecast."""
    return {
        "name": [one.name for one in entries],
        "source": [one.source for one in entries],
        "quantity": [one.quantity for one in entries],
        "sealed": [one.sealed for one in entries],
        "scored": [one.scored for one in entries],
        "predicted": [one.predicted for one in entries],
        "low": [None if one.interval is None else one.interval[0] for one in entries],
        "high": [None if one.interval is None else one.interval[1] for one in entries],
        "level": [one.level for one in entries],
        "actual": [one.actual for one in entries],
        "log_ratio": [one.log_ratio for one in entries],
        "z": [one.z for one in entries],
        "extrapolation_factor": [one.factor for one in entries],
        "study": [one.study for one in entries],
        "counted": [one.counted for one in entries],
        "why_not": [one.why_not for one in entries],
    }
