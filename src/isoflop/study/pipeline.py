"""corpus -> sweep -> runs -> fits -> plan -> sealed forecast -> final runs -> scores -> report, one call a stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from isoflop.corpus import Corpus
from isoflop.errors import InputError, RefusedError
from isoflop.files import storing
from isoflop.plan import score_path
from isoflop.recipe import SmallRecipe
from isoflop.recipe.large_range import EXPLAINED, beyond_joint
from isoflop.report.html import write_page
from isoflop.report.pages import study_page
from isoflop.runs import RunFolder, RunResult
from isoflop.runs.registry import require_extra
from isoflop.study import analysis_stages, training_stages
from isoflop.study.adaptive_sweep import AdaptiveSweep
from isoflop.study.devices import where_lines
from isoflop.study.expected_time import before_the_design, of_missing_runs
from isoflop.study.folder import StudyFolder
from isoflop.study.listener import Listener
from isoflop.study.lock import study_lock
from isoflop.study.machine import read_machine, speed_of
from isoflop.study.record import study_record
from isoflop.study.running import reported
from isoflop.study.seals import check_planned, name_forecast
from isoflop.study.serving import serve
from isoflop.study.settings import begin_or_resume, read_settings
from isoflop.study.stopping import stoppable
from isoflop.study.training_stages import Study, designed_runs, designed_specs
from isoflop.study.trust import check_trust, commands_of
from isoflop.study.watching import planned_watched
from isoflop.sweep import Design, Speed, SweepCost, study_cost, sweep_cost
from isoflop.units import format_bytes, format_duration, format_flops, format_quantity


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A study whose runs are designed and priced, none started."""

    recipe: SmallRecipe
    corpus: Corpus
    design: Design
    """Of an adaptive sweep the runs that are decided on so far."""
    adaptive: AdaptiveSweep | None
    """What decides on further runs; None where all are designed at once."""
    speed: Speed
    sweep_bill: SweepCost
    final_bill: SweepCost


def open_study(
    path: Path,
    listener: Listener | None = None,
    engine: str | None = None,
    log: Sequence[str] = (),
    sbatch: Sequence[str] = (),
) -> Study:
    """The study that was begun in `path`; `engine`, the trackers `log` and the options `sbatch` of Slurm's jobs become
    its settings where they are given.

    Raises InputError when the folder holds no study.
    """
    folder = StudyFolder(path)
    settings = read_settings(folder)
    options: dict[str, object] = {"engine": engine, "log": list(log), "sbatch": list(sbatch)}
    if requested := {name: value for name, value in options.items() if value}:
        settings = begin_or_resume(folder, requested)
    return Study(folder=folder, settings=settings, listener=listener or Listener())


def is_finished(folder: StudyFolder) -> bool:
    """Whether every outcome exists, from the design to the report."""
    outcomes = (folder.sweep, folder.run_index, folder.observations, folder.fit, folder.backtest, folder.plan)
    finals = (folder.final_design, folder.forecast, score_path(folder.forecast), folder.serving, folder.report)
    if not all(path.exists() for path in outcomes + finals):
        return False
    return not unfinished_runs(folder)


def prepare(study: Study, *, keep: bool = True) -> Prepared:
    """Builds the corpus, measures the machine, designs the sweep and prices it. Only `keep` saves the design."""
    corpus = training_stages.corpus(study)
    recipe = study.recipe(corpus.vocab_size)
    speed = speed_of(training_stages.machine(study, recipe))
    adaptive = None
    if study.settings.design == "adaptive":
        adaptive = AdaptiveSweep(study=study, recipe=recipe, text=corpus, speed=speed)
        design = adaptive.first_design(keep=keep)
        flops = adaptive.final_flops()
    else:
        design, _ = training_stages.design(study, recipe, corpus, speed, keep=keep)
        flops = analysis_stages.final_budget(study, design)
    sweep, final = study_cost(recipe, design, flops, speed, study.workers, study.devices)
    return Prepared(
        recipe=recipe,
        corpus=corpus,
        design=design,
        adaptive=adaptive,
        speed=speed,
        sweep_bill=sweep,
        final_bill=final,
    )


def bill_lines(study: Study, prepared: Prepared) -> list[str]:
    """What is about to be spent, in lines for the terminal."""
    lines = []
    lines.append(
        f"corpus: {format_quantity(prepared.corpus.train_tokens)} training tokens "
        f"({format_bytes(prepared.corpus.train_bytes)} of text), vocabulary {prepared.corpus.vocab_size}"
    )
    budgets = prepared.design.budgets
    if prepared.adaptive is not None:
        lines += prepared.adaptive.bill_lines(prepared.design)
    else:
        lines.append(
            f"sweep: {prepared.sweep_bill.runs} runs at {len(budgets)} budgets, "
            f"{format_flops(budgets[0])} to {format_flops(budgets[-1])} FLOPs"
        )
    for what, bill in (
        ("sweep" if prepared.adaptive is None else "its runs so far", prepared.sweep_bill),
        ("final runs", prepared.final_bill),
    ):
        lines.append(
            f"{what}: {format_flops(bill.flops)} FLOPs, about {format_duration(bill.seconds)} "
            f"with {study.workers} workers, {format_bytes(bill.disk_bytes)} of disk at the most"
        )
    largest = max(spec.architecture.params().non_embedding for spec in prepared.design.specs)
    if beyond_joint(largest):
        lines.append(f"recipe: {EXPLAINED}")
    return lines + where_lines(prepared.design.specs, prepared.speed, study.workers, study.devices)


def run_study(study: Study, *, trust: bool = False) -> Path:
    """Does everything that is still missing, in order; returns the report's path.

    Raises InputError, RefusedError or InterruptedStudy; the same call resumes where it stopped. What the runs cannot
    answer is refused only after the report has been written as far as it goes; commands of a study of somebody else are
    refused before anything else, unless `trust`.
    """
    check_commands(study, trust=trust)
    require_extra(study.settings.engine, *study.settings.log)
    folder, runs = study.folder.path, partial(designed_runs, study.folder)
    with stoppable(runs, "study", str(folder)), study_lock(folder), storing(folder), reported(study) as study:
        study.listener.expect(before_the_design(study))
        prepared = prepare(study)
        for line in bill_lines(study, prepared):
            study.listener.say(line)
        study.listener.expect(of_missing_runs(study, prepared.design, prepared.speed, prepared.final_bill))
        try:
            _learn_and_prove(study, replace(prepared, design=train_sweep(study, prepared)))
        except RefusedError:
            _report(study)
            study.listener.say(f"the report, as far as it goes: {study.folder.report}")
            raise
        return _report(study)


def train_sweep(study: Study, prepared: Prepared) -> Design:
    """Trains what is missing of the sweep, deciding on it where it is adaptive; returns all of its runs."""
    study.listener.stage("sweep")
    if prepared.adaptive is not None:
        return prepared.adaptive.train()
    training_stages.train(study, list(prepared.design.specs), prepared.speed.seconds)
    return prepared.design


def _learn_and_prove(study: Study, prepared: Prepared) -> None:
    report = analysis_stages.fit(study, prepared.recipe, prepared.design)
    for notice in analysis_stages.fit_notices(report):
        study.listener.notice(notice)
    analysis_stages.plan(study, prepared.recipe, prepared.design, report)
    name_forecast(study.folder)
    final = Design.load(study.folder.final_design)
    study.listener.stage("final")
    with planned_watched(study) as observed:
        training_stages.train(observed, list(final.specs), prepared.speed.seconds)
    serve(study, final)
    analysis_stages.score_forecast(study, final)


def _report(study: Study) -> Path:
    study.listener.stage("report")
    return write_page(study_page(study_record(study.folder)), study.folder.report)


def check_commands(study: Study, *, trust: bool = False) -> None:
    """Names the commands that the engine of `study` runs besides the trainer. Raises as `trust.check_trust` does."""
    settings = study.settings
    for commands in commands_of(settings.engine, settings.engines).values():
        check_trust(study.folder.path, commands, study.listener.notice, trust=trust)


def do_missing(study: Study, *, trust: bool = False) -> list[RunResult]:
    """Trains or resumes the designed runs that have no result; returns their results.

    Raises InputError before there is a design, and RefusedError as `run_study` does.
    """
    folder = study.folder
    check_commands(study, trust=trust)
    require_extra(study.settings.engine, *study.settings.log)
    runs = partial(designed_runs, folder)
    stopped, stored = stoppable(runs, "run", str(folder.path)), storing(folder.path)
    with stopped, study_lock(folder.path), stored, reported(study) as study:
        if not folder.sweep.exists() or not folder.machine.exists():
            raise InputError(
                f"{folder.path}: no runs are designed yet; `isoflop sweep {folder.path} --go` designs and trains them"
            )
        missing, trained = unfinished_runs(folder), {spec.run_id for spec in designed_specs(folder)}
        check_planned(folder)
        name_forecast(folder)
        speed = speed_of(read_machine(folder.machine))
        study.listener.expect({"sweep": sweep_cost(designed_specs(folder), speed, study.workers).seconds})
        if study.settings.design == "adaptive":
            train_sweep(study, prepare(study))
            missing += [
                RunFolder(folder.runs / spec.run_id) for spec in designed_specs(folder) if spec.run_id not in trained
            ]
        else:
            study.listener.stage("sweep")
        with planned_watched(study) as observed:
            training_stages.train(observed, designed_specs(folder), speed.seconds)
        results = [run.read_result() for run in missing]
        return [result for result in results if result is not None]


def unfinished_runs(folder: StudyFolder) -> list[RunFolder]:
    """Designed runs without a result."""
    return [run for run in designed_runs(folder) if not run.result.exists()]
