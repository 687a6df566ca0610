"""How far a study is: the object of `isoflop status --json`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from isoflop.codec import JsonObject, fields_to_json, to_json
from isoflop.fit import Refused
from isoflop.report.record import ComparedModel, ForecastRecord, RunRecord, StudyRecord, WatchRecord
from isoflop.study.decisions import sweep_answer
from isoflop.study.file_shapes import read_backtest, read_plan
from isoflop.study.folder import StudyFolder
from isoflop.study.progress import Best
from isoflop.study.record import study_record
from isoflop.study.running import read_running
from isoflop.sweep.designs import budget_of

Stage = Literal["corpus", "sweep", "fit", "plan", "final", "done"]
"""What comes next."""
_OF_A_BUDGET = ("flops", "kept", "reason", "params", "tokens", "loss", "params_interval", "loss_interval")


def status_of(folder: StudyFolder, record: StudyRecord | None = None) -> JsonObject:
    """{stage, runs, running, losses, budgets, sweep, backtest_error, backtest, size_backtest, plan, forecast, watch,
    contest, notices}; null where not reached, and `running` null where no driver is at work.

    `record` is that of the study, where it was read already. Raises InputError when `folder` holds no study.
    """
    record = record or study_record(folder, curves=False)
    backtest = None if record.backtest is None else read_backtest(folder.backtest)
    comparison, running = record.comparison, read_running(folder)
    return {
        "stage": stage_of(folder, record),
        "runs": to_json(record.count()),
        "running": None if running is None else running.at(time.time()),
        "losses": to_json(best_losses(record.runs)),
        "budgets": to_json(budgets_of(record)),
        "sweep": None if record.sweep is None else sweep_answer(record.sweep),
        "backtest_error": None if backtest is None else backtest["error"],
        "backtest": backtest,
        "size_backtest": to_json(record.fit.size_backtest) if record.fit else None,
        "plan": None if record.plan is None else read_plan(folder.plan),
        "forecast": None if record.forecast is None else _forecast(record.forecast),
        "watch": None if record.watch is None else _watch(record.watch),
        "contest": None
        if comparison is None
        else {"planned": _model(comparison.planned), "larger": _model(comparison.larger)},
        "notices": to_json(record.notices),
    }


def stage_of(folder: StudyFolder, record: StudyRecord) -> Stage:
    """The stage that comes next, or `done`."""
    if record.corpus is None or not folder.sweep.exists():
        return "corpus"
    if record.fit is None:
        unfinished = any(run.status in ("running", "waiting") for run in record.runs)
        if record.sweep is not None:
            unfinished = unfinished or record.sweep.last is None or record.sweep.last.stop is None
        return "sweep" if unfinished else "fit"
    if record.forecast is None:
        return "plan"
    if record.comparison is None or record.forecast.score is None:
        return "final"
    return "done"


def budgets_of(record: StudyRecord) -> list[JsonObject] | None:
    """Each isoFLOP budget of the fit, all left out where approach 2 was refused; None before the fit."""
    if record.fit is None:
        return None
    isoflop = record.fit.isoflop
    if isinstance(isoflop, Refused):
        designed = {run.budget_flops for run in record.runs if "isoflop" in run.purposes and run.budget_flops}
        unknown = dict.fromkeys(_OF_A_BUDGET)
        return [{**unknown, "flops": flops, "kept": False, "reason": isoflop.reason} for flops in sorted(designed)]
    return [{name: to_json(getattr(budget, name)) for name in _OF_A_BUDGET} for budget in isoflop.budgets]


def best_losses(runs: Sequence[RunRecord]) -> list[Best]:
    """The runs of each budget so far with their least loss in nats a token, budgets ascending."""
    best: dict[float, Best] = {}
    for run in runs:
        spent = run.budget_flops or run.flops
        if spent:  # of a run that still trains and that no budget was stated for, they are not known
            budget = budget_of(run.budget_flops, spent, best)
            before = best.get(budget) or Best(flops=budget, runs=0)
            ended = run.status in ("done", "failed")
            best[budget] = before.with_run(ended, run.loss, run.params, run.tokens_requested)
    return [best[flops] for flops in sorted(best)]


def _forecast(record: ForecastRecord) -> JsonObject:
    """The sealed forecast, its seal and, once the run has ended, its score."""
    sealed, score, forecast = record.sealed, record.score, record.sealed.forecast
    return {
        "sealed_before_run": record.order.before,
        "seal_order": to_json(record.order),
        "digest": sealed.digest,
        "observations_digest": forecast.observations_digest,
        "fit_digest": forecast.fit_digest,
        "loss": forecast.loss,
        "interval": to_json(forecast.interval),
        "level": forecast.level,
        "params": forecast.params,
        "tokens": forecast.tokens,
        "flops": forecast.flops,
        "law": forecast.law,
        "sealed": datetime.fromtimestamp(sealed.sealed, UTC).isoformat(timespec="seconds"),
        "actual": score.actual if score else None,
        "error": score.error if score else None,
        "inside": score.inside if score else None,
    }


def _watch(record: WatchRecord) -> JsonObject:
    """The last look at the planned run, and the verdicts so far with the share at which each was first given."""
    last = record.logbook.last
    assert last is not None, "a record has a look"
    changes = [
        {
            "share": look.share,
            "tokens": look.tokens,
            "verdict": look.verdict,
            "reason": look.reason,
            "time": look.looked,
        }
        for look in record.logbook.changes
    ]
    return {**fields_to_json(last), "looks": len(record.logbook.looks), "verdicts": to_json(changes)}


def _model(model: ComparedModel) -> JsonObject:
    """One of the two final models."""
    run = model.run
    return {
        "run_id": run.run_id,
        "tokens": run.tokens_seen,
        "flops": run.flops,
        "bits_per_byte": run.bits_per_byte,
        "domains": to_json(run.domains),
        "params": run.params,
        "loss": run.loss,
        "loss_se": run.loss_se,
        "wall_seconds": run.wall_seconds,
        "d_model": run.d_model,
        "n_layers": run.n_layers,
        "tokens_per_second": model.tokens_per_second,
        "memory_bytes": model.memory_bytes,
        "served_sequences": model.served_sequences,
    }
