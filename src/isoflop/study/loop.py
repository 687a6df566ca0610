"""corpus -> sweep -> runs -> fits -> plan -> sealed forecast -> final runs -> scores -> report, one call a stage."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from isoflop.corpus import Corpus
from isoflop.files import read_json
from isoflop.recipe import Recipe
from isoflop.report import write_report
from isoflop.runs.folder import RunFolder
from isoflop.runs.lock import study_lock
from isoflop.study import analysis, stages
from isoflop.study.machine import speed_of
from isoflop.study.settings import StudyFolder, read_settings
from isoflop.study.stages import Listener, Silence, Study
from isoflop.study.view import build_view
from isoflop.sweep import Bill, Design, Speed, study_bill
from isoflop.units import format_bytes, format_duration, format_flops, format_quantity


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A study whose runs are designed and priced, none started."""

    recipe: Recipe
    corpus: Corpus
    design: Design
    speed: Speed
    sweep_bill: Bill
    final_bill: Bill


def open_study(path: Path, listener: Listener | None = None) -> Study:
    """The study that was begun in `path`. Raises InputError when there is none."""
    folder = StudyFolder(path)
    return Study(folder=folder, settings=read_settings(folder), listener=listener or Silence())


def is_finished(folder: StudyFolder) -> bool:
    """Whether everything is there, the report last."""
    if not folder.report.exists() or not folder.contest.exists():
        return False
    designs = (Design.load(folder.sweep), Design.load(folder.contest))
    return all((folder.runs / spec.run_id / "result.json").exists() for d in designs for spec in d.specs)


def prepare(study: Study) -> Prepared:
    """Corpus, machine and design; the bill is said before anything is spent."""
    corpus = stages.corpus(study)
    recipe = study.recipe(corpus.vocab_size)
    speed = speed_of(stages.machine(study, recipe))
    design, _ = stages.design(study, recipe, corpus, speed)
    sweep, final = study_bill(recipe, design, analysis.final_budget(study, design), speed, study.workers)
    return Prepared(recipe=recipe, corpus=corpus, design=design, speed=speed, sweep_bill=sweep, final_bill=final)


def bill_lines(study: Study, prepared: Prepared) -> list[str]:
    """The bill for people: what is about to be spent."""
    lines = []
    budgets = prepared.design.budgets
    lines.append(
        f"corpus: {format_quantity(prepared.corpus.train_tokens)} training tokens "
        f"({format_bytes(prepared.corpus.train_bytes)} of text), vocabulary {prepared.corpus.vocab_size}"
    )
    lines.append(
        f"sweep: {prepared.sweep_bill.runs} runs at {len(budgets)} budgets, "
        f"{format_flops(budgets[0])} to {format_flops(budgets[-1])} FLOPs"
    )
    for what, bill in (("sweep", prepared.sweep_bill), ("final runs", prepared.final_bill)):
        lines.append(
            f"{what}: {format_flops(bill.flops)} FLOPs, about {format_duration(bill.seconds)} "
            f"with {study.workers} workers, {format_bytes(bill.disk_bytes)} of disk at the most"
        )
    return lines


def run_study(study: Study) -> Path:
    """Everything that is still missing, in order; returns the report's path.

    Raises InputError, RefusedError or InterruptedStudy; the same call goes on where it stopped.
    """
    with study_lock(study.folder.path):
        prepared = prepare(study)
        for line in bill_lines(study, prepared):
            study.listener.say(line)
        study.listener.stage("sweep")
        stages.train(study, list(prepared.design.specs), prepared.speed)
        report = analysis.fit(study, prepared.recipe, prepared.design)
        for notice in analysis.fit_notices(report):
            study.listener.notice(notice)
        analysis.plan(study, prepared.recipe, prepared.design, report)
        final = Design.load(study.folder.contest)
        study.listener.stage("final")
        stages.train(study, list(final.specs), prepared.speed)
        analysis.serve(study, final)
        analysis.scored(study, final)
        study.listener.stage("report")
        return write_report(build_view(study.folder), study.folder.report)


def do_missing(study: Study) -> int:
    """Do or resume the designed runs that have no result; returns how many there were."""
    with study_lock(study.folder.path):
        speed = speed_of(read_json(study.folder.machine))
        specs = [s for p in (study.folder.sweep, study.folder.contest) if p.exists() for s in Design.load(p).specs]
        missing = [s for s in specs if not (study.folder.runs / s.run_id / "result.json").exists()]
        study.listener.stage("sweep")
        stages.train(study, specs, speed)
        return len(missing)


def unfinished_runs(folder: StudyFolder) -> list[RunFolder]:
    """Designed runs without a result."""
    specs = [s for p in (folder.sweep, folder.contest) if p.exists() for s in Design.load(p).specs]
    return [RunFolder(folder.runs / s.run_id) for s in specs if not (folder.runs / s.run_id / "result.json").exists()]
