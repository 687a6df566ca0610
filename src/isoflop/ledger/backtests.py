"""What a study forecast of its own largest budget from the rows below it: the best loss and the best size.

Nobody waited for these outcomes: they are made when the study is fitted, and stand apart from forecasts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from isoflop.codec import Number, Positive, PositivePair, Share, from_json
from isoflop.digest import digest_of_json_file, read_with_digest
from isoflop.ledger.entry import Entry
from isoflop.ledger.safe_files import is_there


@dataclass(frozen=True, kw_only=True)
class _LossBacktest:
    held_out_budget_flops: Positive
    extrapolation_factor: Positive
    loss_predicted: Positive
    loss_actual: Positive
    interval: PositivePair | None
    level: Share


@dataclass(frozen=True, kw_only=True)
class _SizeBacktest:
    held_out_budget_flops: Positive
    factor: Positive
    predicted: Positive
    actual: Positive
    interval: PositivePair
    level: Share
    wasted: Number | None


@dataclass(frozen=True, kw_only=True)
class _Fit:
    size_backtest: _SizeBacktest | None = None


def backtest_entries(study: Path, name: str, group: str) -> Iterator[Entry]:
    """The backtests in the fits of the study in that folder; none before the fit.

    `group` is the study as entries name it. Raises InputError for files that are not as isoflop writes them.
    """
    losses, fit = study / "fits" / "backtest.json", study / "fits" / "sweep.json"
    if is_there(losses):
        value = read_with_digest(losses)
        if not (isinstance(value, dict) and "refused" in value):
            yield _entry(from_json(_LossBacktest, value, str(losses)), losses, name, group)
    if is_there(fit):
        size = from_json(_Fit, read_with_digest(fit), str(fit)).size_backtest
        if size is not None:
            yield _entry(size, fit, name, group)


def _entry(found: _LossBacktest | _SizeBacktest, path: Path, name: str, group: str) -> Entry:
    wasted = None
    if isinstance(found, _LossBacktest):
        quantity, unit = "loss", "nats_per_token"
        predicted, actual, factor = found.loss_predicted, found.loss_actual, found.extrapolation_factor
    else:
        quantity, unit, wasted = "params", "non_embedding", found.wasted
        predicted, actual, factor = found.predicted, found.actual, found.factor
    return Entry(
        name=f"{name}, best {'loss' if quantity == 'loss' else 'size'}",
        source="backtest",
        quantity=quantity,
        unit=unit,
        predicted=predicted,
        interval=found.interval,
        level=None if found.interval is None else found.level,
        made_from=_MADE_FROM,
        study=group,
        sealed=None,
        evidence=_EVIDENCE,
        stated_only=False,
        path=str(path),
        digest=digest_of_json_file(path),
        actual=actual,
        flops=found.held_out_budget_flops,
        data_flops=found.held_out_budget_flops / factor,
        wasted=wasted,
    )


_MADE_FROM = "the rows below the largest budget"
_EVIDENCE = "made when the outcome was there, from rows without it"
