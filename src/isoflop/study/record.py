"""A study as its folder holds it: the values that its report, its terminal answer and `isoflop status` are made of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from isoflop.codec import JsonObject, from_json
from isoflop.corpus import load_corpus
from isoflop.errors import Notice
from isoflop.fit import FitReport
from isoflop.laws.repeated import repeated_data
from isoflop.report.panels.best_size import size_notices
from isoflop.report.plan_record import PlanRecord
from isoflop.report.record import (
    BacktestRecord,
    ComparedModel,
    Conventions,
    ForecastRecord,
    LearningRateCheck,
    Machine,
    MeasuredSpeed,
    PlannedVsLarger,
    RunCurve,
    RunRecord,
    StudyRecord,
    versions,
)
from isoflop.runs.folder import RunFolder
from isoflop.runs.out_of_memory import out_of_memory_events
from isoflop.runs.outcomes import FLOPS_CONVENTION, PARAMS_CONVENTION
from isoflop.runs.result import RunResult
from isoflop.spec import RunSpec
from isoflop.study.decisions import adaptive_record
from isoflop.study.file_shapes import read_backtest, read_plan
from isoflop.study.folder import StudyFolder
from isoflop.study.machine import read_machine
from isoflop.study.recipe_in_words import recipe_in_words
from isoflop.study.seals import check_planned, data_notices, read_seals
from isoflop.study.serving import read_serving
from isoflop.study.settings import read_settings
from isoflop.study.sweep_table import curves_of
from isoflop.study.watch_record import watch_record
from isoflop.sweep import Design, Purpose
from isoflop.sweep.designs import FITTED
from isoflop.units import format_number


def study_record(folder: StudyFolder, *, curves: bool = True) -> StudyRecord:
    """The study in `folder`, as far as it has come; without `curves` those are empty, as only the page shows them.

    Raises InputError when `folder` holds no study, and where a file of it is not as isoflop writes it.
    """
    read_settings(folder)  # a study of another version may lay its files out otherwise
    designs = designs_of(folder)
    corpus = load_corpus(folder.corpus) if (folder.corpus / "corpus.json").exists() else None
    runs = designed_runs(folder, designs, None if corpus is None else corpus.train_tokens)
    report = FitReport.load(folder.fit) if folder.fit.exists() else None
    plan = from_json(PlanRecord, read_plan(folder.plan), str(folder.plan)) if folder.plan.exists() else None
    answer = read_backtest(folder.backtest)
    tested = None if answer is None or "refused" in answer else from_json(BacktestRecord, answer, str(folder.backtest))
    check_planned(folder)
    seals = read_seals(folder) if folder.forecast.exists() else None
    checks = learning_rate_checks(runs)
    drawn = [run.run_id for run in runs if run.status == "done" and run.purposes[0] != "learning_rate_check"]
    notices = [
        *(seals.notices if seals else ()),
        *run_notices(runs),
        *check_notices(checks),
        *_plan_notices(plan),
        *_backtest_notices(answer),
        *(() if report is None else size_notices(report)),
        *(data_notices(folder, designs[0]) if designs else ()),
    ]
    return StudyRecord(
        title=folder.path.resolve().name,
        versions={**versions(), "runs by": " and ".join(_makers(runs)) or "none yet"},
        conventions=Conventions.of(PARAMS_CONVENTION, FLOPS_CONVENTION, "nats_per_token"),
        machine=_machine(folder.machine),
        corpus=None if corpus is None else corpus.info,
        recipe=recipe_in_words(designs[0].specs[0]) if designs else {},
        runs=runs,
        curves={
            name: RunCurve(flops=tuple(flops.tolist()), loss=tuple(loss.tolist()))
            for name, (_, flops, loss) in curves_of(folder, drawn if curves else ()).items()
        },
        fit=report,
        backtest=tested,
        learning_rate_checks=checks,
        sweep=adaptive_record(folder),
        plan=plan,
        forecast=None if seals is None else ForecastRecord(sealed=seals.sealed, score=seals.score, order=seals.order),
        watch=watch_record(folder, curves=curves),
        comparison=planned_vs_larger(folder, runs),
        notices=tuple(notices),
    )


def designs_of(folder: StudyFolder) -> list[Design]:
    """The designs of a study: the sweep's, then that of the final runs, as far as there are."""
    return [Design.load(path) for path in (folder.sweep, folder.final_design) if path.exists()]


def designed_runs(folder: StudyFolder, designs: Sequence[Design], corpus_tokens: int | None) -> tuple[RunRecord, ...]:
    """Every designed run, the sweep's, then the final ones. A run of both designs has the purposes of both."""
    purposes: dict[str, list[Purpose]] = {}
    specs: dict[str, RunSpec] = {}
    for design in designs:
        for name, spec in design.by_id.items():
            specs.setdefault(name, spec)
        for name, added in design.purposes().items():
            purposes.setdefault(name, []).extend(p for p in added if p not in purposes.get(name, []))
    return tuple(
        run_record(RunFolder(folder.runs / name), specs[name], tuple(reasons), corpus_tokens)
        for name, reasons in purposes.items()
    )


def run_record(folder: RunFolder, spec: RunSpec, purposes: tuple[Purpose, ...], corpus_tokens: int | None) -> RunRecord:
    """The run of `spec` as far as it has come.

    The spec is the design's, whose hash is the name of the folder: the copy in the folder is for trainers.
    """
    begun = folder.spec.exists()
    result = folder.read_result(spec) if begun else None
    beat = folder.read_heartbeat() if begun and result is None else None
    status = result.status if result else folder.status() if begun else "waiting"
    counts = spec.architecture.params()
    designed = {name: getattr(counts, name) for name in ("total", "non_embedding", "matmul")}
    params = designed if result is None else {name: result.params[name] for name in designed}
    seen = result.tokens_seen if result else beat.tokens if beat else None
    return RunRecord(
        run_id=folder.run_id,
        purposes=purposes,
        group=spec.group,
        status="waiting" if status == "interrupted" else status,
        reason=result.reason if result else "",
        message=result.message if result else "",
        params=params[PARAMS_CONVENTION],
        params_by_convention=params,
        d_model=spec.architecture.d_model,
        n_layers=spec.architecture.n_layers,
        budget_flops=spec.budget_flops,
        tokens_requested=spec.tokens,
        tokens_seen=seen,
        flops=result.flops.get(FLOPS_CONVENTION) if result else None,
        spent_flops=result.spent_flops.get(FLOPS_CONVENTION) if result else None,
        begins_run=spec.begins.run if spec.begins else "",
        begins_step=spec.begins.step if spec.begins else 0,
        peak_lr=spec.peak_lr,
        batch_tokens=spec.batch_tokens,
        seed=spec.seed,
        loss=result.val_loss_nats if result else None,
        loss_se=result.val_loss_se if result else None,
        bits_per_byte=result.bits_per_byte if result else None,
        domains=result.domains if result else {},
        wall_seconds=result.wall_seconds if result else None,
        mfu=result.mfu if result else beat.mfu if beat else None,
        out_of_memory=len(out_of_memory_events(folder.path)) if begun else 0,
        attempts=result.attempts if result else len(folder.attempts()) if begun else 0,
        made_by=_made_by(result),
        epochs=spec.tokens / corpus_tokens if begun and corpus_tokens else None,
    )


def _made_by(result: RunResult | None) -> str:
    """Versions, device, threads and precision of what trained a run; empty where it never got that far."""
    if result is None or result.torch_version is None:
        return ""
    threads = f"{result.threads} thread{'s' if result.threads != 1 else ''}"
    precision = "" if result.products in (None, "float32") else f", products in {result.products}"
    return f"isoflop {result.code_version}, torch {result.torch_version}, {result.device}, {threads}{precision}"


def _makers(runs: Sequence[RunRecord]) -> list[str]:
    return sorted({run.made_by for run in runs if run.made_by})


def learning_rate_checks(runs: Sequence[RunRecord]) -> tuple[LearningRateCheck, ...]:
    """Each cell of the check whose runs have all ended, small models first."""
    cells: dict[str, list[RunRecord]] = {}
    for run in runs:
        if "learning_rate_check" in run.purposes and run.status in ("done", "failed"):
            cells.setdefault(run.group, []).append(run)
    checks = []
    for cell in cells.values():
        tried = sorted(cell, key=lambda run: run.peak_lr)
        # A run that failed has no loss: a rate that diverges is not better than its neighbours.
        known = [(run.loss, place) for place, run in enumerate(tried) if run.loss is not None]
        if len(tried) < 3 or not known:
            continue
        best = min(known)[1]
        middle = tried[len(tried) // 2].peak_lr
        checks.append(
            LearningRateCheck(
                params=tried[0].params,
                budget_flops=tried[0].budget_flops,
                rates=tuple(run.peak_lr for run in tried),
                losses=tuple(run.loss for run in tried),
                # The cell's own run of the sweep is the one at the recipe's own rate.
                chosen=next((run.peak_lr for run in tried if FITTED & set(run.purposes)), middle),
                interior=0 < best < len(tried) - 1,
            )
        )
    return tuple(sorted(checks, key=lambda check: check.params))


def planned_vs_larger(folder: StudyFolder, runs: Sequence[RunRecord]) -> PlannedVsLarger | None:
    """The planned and the larger model; None until both are trained."""
    serving = read_serving(folder.serving)
    models = {}
    for run in runs:
        for side in ("planned", "larger"):
            if side in run.purposes and run.status == "done":
                served = serving.get(run.run_id)
                models[side] = ComparedModel(
                    run=run,
                    tokens_per_second=served.tokens_per_second if served else None,
                    memory_bytes=served.memory_bytes if served else None,
                    served_sequences=served.sequences if served else None,
                )
    return PlannedVsLarger(planned=models["planned"], larger=models["larger"]) if len(models) == 2 else None


def run_notices(runs: Sequence[RunRecord]) -> list[Notice]:
    """`repeated_data`, `mixed_trainers` and `memory_ran_out`, where the runs call for them."""
    notices = []
    epochs = max((run.epochs for run in runs if run.epochs), default=0.0)
    if epochs > 1:
        notices.append(repeated_data(f"runs read the text up to {format_number(epochs, 2)} times"))
    makers = _makers(runs)
    if len(makers) > 1:
        listed = "; ".join(makers)
        message = f"runs were made by different trainers, whose losses may differ by more than noise: {listed}"
        notices.append(Notice(code="mixed_trainers", message=message))
    short = [run.run_id for run in runs if run.out_of_memory]
    if short:
        listed = ", ".join(short[:3]) + (", ..." if len(short) > 3 else "")
        message = (
            f"memory ran out in {len(short)} of the runs ({listed}), which continued with fewer sequences at a time: "
            "slower, and the same but for the order of sums"
        )
        notices.append(Notice(code="memory_ran_out", message=message))
    return notices


def check_notices(checks: Sequence[LearningRateCheck]) -> list[Notice]:
    """`learning_rate_at_edge` for each check whose best rate is an outer one."""
    notices = []
    for check in checks:
        if not check.interior:
            budget = "" if check.budget_flops is None else f" and {format_number(check.budget_flops)} FLOPs"
            message = (
                f"at {check.params:,} parameters{budget} the best of three learning rates is an outer one: sizes may "
                "be tuned unequally, which moves the optimum"
            )
            notices.append(Notice(code="learning_rate_at_edge", message=message))
    return notices


def _plan_notices(plan: PlanRecord | None) -> list[Notice]:
    """That the plan's learning rate was moved, and the doubts of its loss forecast: the plan itself shows the rest."""
    if plan is None:
        return []
    moved = [notice for notice in plan.warnings if notice.code == "rate_moved"]
    return [*moved, *(plan.forecast.warnings if plan.forecast else ())]


def _backtest_notices(tested: JsonObject | None) -> list[Notice]:
    if tested is None or "refused" not in tested:
        return []
    return [Notice(code=str(tested["code"]), message=f"no backtest: {tested['refused']}")]


def _machine(path: Path) -> Machine | None:
    if not path.exists():
        return None
    measured = read_machine(path)
    speeds = [
        MeasuredSpeed(params=one.params, flops_per_second=one.flops_per_second, step_seconds=one.step_seconds)
        for one in measured.trainer
    ]
    return Machine(cores=measured.cores, matmul_flops_per_core=measured.matmul_flops_per_core, trainer=tuple(speeds))
