"""Entries of the ledger from forecasts that were written down by hand (written.py)."""

from __future__ import annotations

from pathlib import Path

from isoflop.ledger.dates import day
from isoflop.ledger.entry import Entry
from isoflop.ledger.safe_files import is_there
from isoflop.ledger.written import FORECAST_SUFFIX, OUTCOME_SUFFIX, Written, read_written

WAITING = "no outcome yet"
_A_DAY = 86_400.0


def written_entry(path: Path) -> Entry:
    """The entry of the forecast in `path`. Raises InputError where it or its outcome was changed or is none."""
    is_there(path)
    found = read_written(path)
    forecast, outcome = found.forecast, found.outcome
    return Entry(
        name=forecast.name,
        source="written",
        quantity=forecast.quantity,
        unit=forecast.unit,
        predicted=forecast.predicted,
        interval=forecast.interval,
        level=forecast.level,
        made_from=forecast.made_from,
        study=forecast.study or forecast.made_from or forecast.name,
        sealed=forecast.sealed_at,
        evidence=_evidence(found),
        stated_only=True,
        path=str(path),
        digest=found.digest,
        actual=None if outcome is None else outcome.actual,
        scored=None if outcome is None else outcome.scored_at,
        flops=forecast.flops,
        data_flops=forecast.data_flops,
        why_not=_why_not(found),
    )


def why_not_counted(path: Path) -> str | None:
    """Why the forecast in that file, or of the outcome in it, will never count; None where it does or will."""
    forecast = path.with_name(path.name.removesuffix(OUTCOME_SUFFIX) + FORECAST_SUFFIX)
    why_not = written_entry(forecast if path.name.endswith(OUTCOME_SUFFIX) else path).why_not
    return why_not.removesuffix(WAITING).removesuffix("; ") or None


def _why_not(found: Written) -> str:
    sealed, began, outcome = found.forecast.sealed_at, found.forecast.began_at, found.outcome
    problems = []
    if began is not None and sealed > began:
        problems.append(f"made on {day(sealed)}, after its run began on {day(began)}")
    if outcome is None:
        problems.append(WAITING)
    elif outcome.scored_at < sealed:
        problems.append(f"its outcome ({day(outcome.scored_at)}) is older than the forecast ({day(sealed)})")
    return "; ".join(problems)


def _evidence(found: Written) -> str:
    if found.written is None:
        return "as stated, in a file without a digest"
    if found.outcome is not None and found.written > found.outcome.scored_at:
        return f"as stated; written down on {day(found.written)}, when the outcome was known"
    late = found.written - found.forecast.sealed_at > _A_DAY
    return f"as stated; written down on {day(found.written)}" if late else "as stated, and written down then"
