"""How far a study is: the object of `isoflop status --json`."""

from __future__ import annotations

from typing import Any

from isoflop.study.folder import StudyFolder
from isoflop.study.view import build_view

STAGES = ("corpus", "sweep", "fit", "plan", "final", "done")


def status_of(folder: StudyFolder, view: dict[str, Any] | None = None) -> dict[str, Any]:
    """{stage, runs, budgets, backtest_error, backtest, size_backtest, plan, forecast, contest, notices}; null where not
    reached.

    `view` is that of the study, where it was built already. Raises InputError when `folder` holds no study.
    """
    view = view or build_view(folder, curves=False)
    runs = view["runs"]
    counts = {
        status: sum(run["status"] == status for run in runs) for status in ("done", "failed", "running", "waiting")
    }
    return {
        "stage": stage_of(folder, view),
        "runs": counts,
        "budgets": budgets_of(view),
        "backtest_error": (view["backtest"] or {}).get("error"),
        "backtest": view["backtest"],
        "size_backtest": view["size_backtest"],
        "plan": view["plan"],
        "forecast": view["forecast"],
        "contest": contest_of(view),
        "notices": view["notices"],
    }


def stage_of(folder: StudyFolder, view: dict[str, Any]) -> str:
    """The stage that comes next, or `done`."""
    if view["corpus"] is None or not folder.sweep.exists():
        return "corpus"
    if view["fit"] is None:
        unfinished = any(run["status"] in ("running", "waiting") for run in view["runs"])
        return "sweep" if unfinished else "fit"
    if view["forecast"] is None:
        return "plan"
    if view["contest"] is None or view["forecast"]["actual"] is None:
        return "final"
    return "done"


def budgets_of(view: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Each isoFLOP budget of the fit, all left out where approach 2 was refused; None before the fit."""
    if view["fit"] is None:
        return None
    found = view["fit"]["isoflop"]
    designed = sorted({run["budget_flops"] for run in view["runs"] if "isoflop" in run["purposes"]})
    refused = [{"flops": flops, "kept": False, "reason": found.get("reason", "")} for flops in designed]
    keys = ("flops", "kept", "reason", "params", "tokens", "loss", "params_interval", "loss_interval")
    return [{key: row.get(key) for key in keys} for row in found.get("budgets", refused)]


def contest_of(view: dict[str, Any]) -> dict[str, Any] | None:
    """Both final models with one number for params; None before both have ended."""
    if view["contest"] is None:
        return None
    convention = view["conventions"]["params"]
    return {side: {**entry, "params": entry["params"][convention]} for side, entry in view["contest"].items()}
