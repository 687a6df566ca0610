"""The view: everything that a report shows, as one plain dict read from the study folder. Absent parts are None."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from typing import Any

import numpy as np

from isoflop import __version__
from isoflop.codec import to_json
from isoflop.corpus import load_corpus
from isoflop.errors import Notice
from isoflop.fit import FitReport
from isoflop.laws.repeated import repeated_data
from isoflop.report.panels.best_size import size_notices, size_parts
from isoflop.study.file_shapes import read_backtest, read_machine, read_plan
from isoflop.study.folder import StudyFolder
from isoflop.study.seals import Seals, check_planned, data_notices, read_seals
from isoflop.study.settings import read_settings
from isoflop.study.shown_runs import contest, designs_of, rate_checks, run_entries
from isoflop.study.sweep_table import PARAMS_CONVENTION, curves_of
from isoflop.sweep import Design

SCHEMA = 1


def build_view(folder: StudyFolder, *, curves: bool = True) -> dict[str, Any]:
    """The view of a study, as far as it has come; without `curves` those are empty, since no answer shows them.

    Raises InputError when `folder` holds no study.
    """
    read_settings(folder)  # a study of another version may lay its files out otherwise
    designs = designs_of(folder)
    corpus = load_corpus(folder.corpus) if (folder.corpus / "corpus.json").exists() else None
    train_tokens = None if corpus is None else corpus.train_tokens
    runs = run_entries(folder, designs, train_tokens)
    report = FitReport.load(folder.fit) if folder.fit.exists() else None
    plan = read_plan(folder.plan) if folder.plan.exists() else None
    tested = read_backtest(folder.backtest)
    check_planned(folder)
    seals = read_seals(folder) if folder.forecast.exists() else None
    finished = [r["run_id"] for r in runs if r["status"] == "done" and r["purposes"][0] != "learning_rate_check"]
    return {
        "schema": SCHEMA,
        "title": folder.path.resolve().name,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": _versions(runs),
        "machine": _machine(folder),
        "corpus": None if corpus is None else to_json(corpus.info),
        "conventions": {"params": PARAMS_CONVENTION, "flops": "matmul", "loss_unit": "nats_per_token"},
        "recipe": _recipe(designs),
        "runs": runs,
        "curves": {name: _curve(curve) for name, curve in curves_of(folder, finished if curves else ()).items()},
        "fit": None if report is None else report.as_json(),
        "backtest": None if tested is None or "refused" in tested else tested,
        **_sizes(report, plan),
        "learning_rate_check": rate_checks(runs),
        "plan": plan,
        "forecast": _forecast(seals),
        "contest": contest(folder, runs),
        "notices": [
            *(notice.as_json() for notice in (seals.notices if seals else ())),
            *(notice.as_json() for notice in _notices(folder, designs, runs, plan, tested, report)),
        ],
    }


def _sizes(report: FitReport | None, plan: dict[str, Any] | None) -> dict[str, Any]:
    """{size_backtest, size_band}: the forecast of the size goes to the planned budget."""
    if report is None:
        return {"size_backtest": None, "size_band": None}
    return size_parts(report, (plan or {}).get("budget_flops"))


def _notices(
    folder: StudyFolder,
    designs: list[Design],
    runs: list[dict[str, Any]],
    plan: dict[str, Any] | None,
    tested: dict[str, Any] | None,
    report: FitReport | None,
) -> list[Notice]:
    """What no part of the view says of itself: repeated text, rates at the edge, doubts of forecast and backtests."""
    found = []
    epochs = max((run["epochs"] for run in runs if run["epochs"]), default=0.0)
    if epochs > 1:
        found.append(repeated_data(f"runs read the text up to {epochs:.2g} times"))
    makers = sorted({run["made_by"] for run in runs if run.get("made_by")})
    if len(makers) > 1:
        told = f"runs were made by different trainers, whose losses may differ by more than noise: {'; '.join(makers)}"
        found.append(Notice(code="mixed_trainers", message=told))
    short = [run["run_id"] for run in runs if run.get("shortages")]
    if short:
        told = (
            f"memory ran out in {len(short)} of the runs ({', '.join(short[:3])}{', ...' if len(short) > 3 else ''}), "
            "which went on with fewer sequences at a time: slower, and the same but for the order of sums"
        )
        found.append(Notice(code="memory_ran_out", message=told))
    for check in rate_checks(runs):
        if not check["interior"]:
            told = (
                f"at {check['params']:,} parameters and {check['budget_flops']:.3g} FLOPs the best of three learning "
                "rates is an outer one: sizes may be tuned unequally, which moves the optimum"
            )
            found.append(Notice(code="learning_rate_at_edge", message=told))
    said = [item for item in (plan or {}).get("warnings") or [] if item["code"] == "rate_moved"]
    said += ((plan or {}).get("forecast") or {}).get("warnings") or []
    found += [Notice(code=item["code"], message=item["message"]) for item in said]
    if tested is not None and "refused" in tested:
        found.append(Notice(code=tested["code"], message=f"no backtest: {tested['refused']}"))
    found += () if report is None else size_notices(report)
    if designs:
        found += data_notices(folder, designs[0])
    return found


def _versions(runs: list[dict[str, Any]]) -> dict[str, str]:
    """Versions that wrote this view, and every trainer, PyTorch and device that its runs were made by."""
    makers = sorted({run["made_by"] for run in runs if run.get("made_by")})
    return {
        "isoflop": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "runs by": " and ".join(makers) or "none yet",
    }


def _forecast(seals: Seals | None) -> dict[str, Any] | None:
    if seals is None:
        return None
    sealed, score = seals.sealed, seals.score
    said = sealed.forecast
    return {
        **seals.as_json(),
        "loss": said.loss,
        "interval": list(said.interval) if said.interval else None,
        "level": said.level,
        "params": said.params,
        "tokens": said.tokens,
        "flops": said.flops,
        "law": said.law,
        "sealed": datetime.fromtimestamp(sealed.sealed, UTC).isoformat(timespec="seconds"),
        "actual": score.actual if score else None,
        "error": score.error if score else None,
        "inside": score.inside if score else None,
    }


def _recipe(designs: list[Design]) -> dict[str, Any] | None:
    """How all runs were trained, in words, for the methods card."""
    if not designs:
        return None
    spec = designs[0].specs[0]
    schedule, optimizer = spec.schedule, spec.optimizer
    shape = {
        "cosine": f"cosine to {schedule.final_fraction:g} of the peak",
        "wsd": f"constant, then a cooldown 1 - sqrt over the last {schedule.cooldown_fraction:.0%} "
        f"to {schedule.final_fraction:g} of the peak",
        "constant": "constant",
    }[schedule.kind]
    return {
        "family": spec.architecture.family,
        "context": f"{spec.seq_len} tokens",
        "schedule": f"{shape}; ends at each run's own token count",
        "optimizer": f"AdamW, betas {optimizer.beta1:g} and {optimizer.beta2:g}, weight decay "
        f"{optimizer.weight_decay:g}, gradient clipped at {optimizer.clip_norm:g}",
        "learning_rates": f"embedding {optimizer.embedding_lr:g}, output head {optimizer.output_head_lr:g}, vectors "
        f"{optimizer.vectors_lr:g} times that of the hidden matrices",
        "evaluation": f"{spec.eval_tokens:,} validation tokens a domain, after the last step",
        "precision": spec.precision,
        "seed": spec.seed,
    }


def _machine(folder: StudyFolder) -> dict[str, Any] | None:
    if not folder.machine.exists():
        return None
    machine = read_machine(folder.machine)
    return {
        "cores": machine["cores"],
        "workers": machine["workers"],
        "matmul_flops_per_core": machine["matmul_flops_per_core"],
        "trainer_flops": machine["trainer"],
    }


def _curve(curve: tuple[Any, Any, Any]) -> dict[str, list[float]]:
    names = ("tokens", "flops", "train_loss_nats")
    return {name: np.asarray(values).tolist() for name, values in zip(names, curve, strict=True)}
