"""Entries of the ledger from forecasts that isoflop sealed: of studies, of planned runs, and in files of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from isoflop.codec import from_json
from isoflop.errors import InputError
from isoflop.files import read_json
from isoflop.ledger.dates import day
from isoflop.ledger.entry import Entry
from isoflop.ledger.safe_files import is_there
from isoflop.ledger.study_data import StudyData, run_folder, study_data
from isoflop.plan import Forecast, Score, SealedForecast, SealOrder, load_forecast, load_score, score_path, seal_order
from isoflop.runs.folder import RunFolder
from isoflop.units import format_number

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class _Findings:
    """What is known of a forecast besides its own file."""

    score: Score | None
    data: StudyData | None
    evidence: str
    by_run: bool
    """Whether the run itself shows that the forecast came first."""
    problems: tuple[str, ...]


def sealed_entry(path: Path, name: str) -> Entry:
    """The entry of the forecast sealed in `path`.

    Raises InputError where nothing in the file can be shown: it is no forecast, or its numbers are none.
    """
    is_there(path)
    try:
        sealed = load_forecast(path)
    except InputError as error:
        return _entry(path, name, _as_it_stands(path, error), None, (str(error).removeprefix(f"{path}: "),))
    study = path.parent.parent if path.parent.name == "forecasts" else None
    findings = _findings(path, sealed, study)
    return _entry(path, name, sealed, findings, findings.problems)


def _as_it_stands(path: Path, error: InputError) -> SealedForecast:
    """The forecast in a file that was changed. Raises `error` where it cannot be read at all."""
    try:
        value = read_json(path)
        body = value if isinstance(value, dict) else {}
        forecast = from_json(Forecast, body.get("forecast"), str(path))
    except InputError:
        raise error from None
    when = body.get("sealed")
    sealed = float(when) if isinstance(when, int | float) and 0 <= when < 2.5e11 else 0.0
    return SealedForecast(forecast=forecast, sealed=sealed, isoflop_version="", digest=str(body.get("digest")))


def _findings(path: Path, sealed: SealedForecast, study: Path | None) -> _Findings:
    problems: list[str] = []
    run = _tried(problems, lambda: _run(study, sealed))
    order = _tried(problems, lambda: None if run is None else seal_order(sealed, run))
    data = _tried(problems, lambda: None if study is None else study_data(study))
    unread = len(problems)
    score = _tried(problems, lambda: load_score(path) if is_there(score_path(path)) else None)
    if len(problems) == unread:  # a score that cannot be read was named already
        problems += _score_problems(sealed, score, run)
    if order is not None:
        problems += _order_problems(order, score)
    named = sealed.forecast.observations_digest
    if data is not None and named not in (None, data.digest):
        problems.append(
            f"its data changed: sealed from rows of digest {str(named)[:12]}, and the study holds {data.digest[:12]}"
        )
    shown = order is not None and order.order in ("before", "not_begun")
    evidence = order.evidence if order is not None else "by the times in its files"
    return _Findings(score=score, data=data, evidence=evidence, by_run=shown, problems=tuple(problems))


def _tried(problems: list[str], call: Callable[[], T]) -> T | None:
    """What `call` returns; None where it raises InputError, whose message joins `problems`."""
    try:
        return call()
    except InputError as error:
        problems.append(str(error))
        return None


def _run(study: Path | None, sealed: SealedForecast) -> RunFolder | None:
    name = sealed.forecast.run_id
    return None if study is None or name is None else run_folder(study / "runs", name)


def _order_problems(order: SealOrder, score: Score | None) -> list[str]:
    if order.order == "after":
        return [f"sealed after its run began ({order.evidence})"]
    if order.order == "unknown":
        return [f"it is not known whether it was sealed before its run: {order.evidence}"]
    if order.order == "not_begun" and score is not None:
        return ["it has a score, and its run has not begun"]
    return []


def _score_problems(sealed: SealedForecast, score: Score | None, run: RunFolder | None) -> list[str]:
    if score is None:
        return ["no outcome yet"]
    if score.scored < sealed.sealed:
        return [f"its outcome ({day(score.scored)}) is older than the forecast ({day(sealed.sealed)})"]
    result = None if run is None else run.read_result()
    if result is not None and result.val_loss_nats != score.actual:
        return [
            f"its score is of a loss of {format_number(score.actual, 6)}, and its run has another: "
            f"{'none' if result.val_loss_nats is None else format_number(result.val_loss_nats, 6)}"
        ]
    return []


def _entry(
    path: Path, name: str, sealed: SealedForecast, findings: _Findings | None, problems: tuple[str, ...]
) -> Entry:
    forecast = sealed.forecast
    score = None if findings is None else findings.score
    data = None if findings is None else findings.data
    return Entry(
        name=name,
        source="sealed",
        quantity="loss",
        unit=forecast.loss_unit,
        predicted=float(forecast.loss),
        interval=forecast.interval,
        level=forecast.level,
        made_from=forecast.law,
        # a study and its planned runs rest on the same rows; forecasts of a published law have none
        study=forecast.observations_digest or sealed.digest,
        sealed=sealed.sealed,
        evidence="" if findings is None else findings.evidence,
        stated_only=findings is None or not findings.by_run,
        path=str(path),
        digest=sealed.digest,
        actual=None if score is None else score.actual,
        scored=None if score is None else score.scored,
        flops=float(forecast.flops),
        data_flops=None if data is None else data.largest_flops,
        why_not="; ".join(dict.fromkeys(problems)),
    )
