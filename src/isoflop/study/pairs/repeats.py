"""The noise floor of a study: which of its runs differ by their seed alone, and more of them where asked for."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from isoflop.compare import MeasuredNoise, Side, noise_floor
from isoflop.errors import InputError, RefusedError
from isoflop.files import storing
from isoflop.runs import run_folders
from isoflop.runs.outcomes import FLOPS_CONVENTION, PARAMS_CONVENTION
from isoflop.study import training_stages
from isoflop.study.folder import StudyFolder
from isoflop.study.listener import Listener
from isoflop.study.lock import study_lock
from isoflop.study.machine import speed_of
from isoflop.study.pairs.design import PairCell, cells_of_study
from isoflop.study.pairs.evidence import TrainedRun, final_run
from isoflop.study.pairs.folder import REPEATS, ComparisonFolder
from isoflop.study.pairs.trained import PairTrainer
from isoflop.study.pipeline import check_commands, open_study
from isoflop.study.running import reported
from isoflop.study.stopping import stoppable
from isoflop.units import format_number


def noise_of_study(path: Path, level: float) -> MeasuredNoise:
    """The noise floor of the study in `path`, by all of its runs that are repeated with another seed: of the sweep, of
    its comparisons, and those that were trained for this.

    Raises InputError where there is no study, and RefusedError `no_repeats`, with the command that trains repeats.
    """
    study = open_study(path)
    sides = _by_recipe(_runs_of(study.folder))
    floors = []
    for name in dict.fromkeys(name for side in sides for name in side.sets):
        try:
            floors.append(noise_floor(sides, name, level))
        except RefusedError:
            continue
    if not floors:
        raise RefusedError(
            "no_repeats",
            f"no run of {path} is repeated with another seed; train repeats of its cheapest cell: "
            f"isoflop noise {path} --pairs 4",
        )
    return MeasuredNoise(floors=tuple(floors), told_apart_by=("everything but the seed",), loss_unit="nats_per_token")


def train_repeats(path: Path, pairs: int, *, listener: Listener | None = None, trust: bool = False) -> None:
    """Trains what is missing of 2 `pairs` runs of the study's own recipe in its cheapest cell, each with its own seed.

    The study's own run is one of them; the same call resumes. Raises InputError where the study has no sweep yet, and
    InterruptedStudy on Ctrl-C.
    """
    study = open_study(path, listener)
    check_commands(study, trust=trust)
    if not study.folder.sweep.exists():
        raise InputError(
            f"{path}: no runs are designed yet, of which one could be repeated; `isoflop sweep {path} --go` designs "
            "and trains them"
        )
    folder = ComparisonFolder(study=study.folder, name=REPEATS)
    stopped = stoppable(lambda: run_folders(folder.inner.runs), "noise", str(path), "--pairs", str(pairs))
    with stopped, study_lock(study.folder.path), storing(study.folder.path), reported(study) as study:
        text = training_stages.corpus(study)
        recipe = study.recipe(text.vocab_size)
        speed = speed_of(training_stages.machine(study, recipe))
        (cell, *_) = cells_of_study(study.folder, recipe, recipe)
        specs = [
            cell.spec(recipe, corpus=text.digest, seed=study.settings.seed + number, lr_factor=1.0)
            for number in range(2 * pairs)
        ]
        study.listener.stage("repeats")
        study.listener.say(_said(cell, len(specs), len(folder.runs.missing(specs))))
        with PairTrainer(study=study, folder=folder, speed=speed, minutes=None, began=time.monotonic()) as trainer:
            trainer.train(specs)


def _said(cell: PairCell, count: int, missing: int) -> str:
    where = f"{format_number(cell.params)} parameters and {format_number(cell.flops)} FLOPs"
    return f"  {count} runs of {where} that differ by their seed alone, {missing} of them to be trained"


def _runs_of(folder: StudyFolder) -> Iterable[TrainedRun]:
    """Every run of the study and of its comparisons that ended well, once."""
    found: dict[str, TrainedRun] = {}
    for parent in (folder.runs, *sorted(folder.path.glob("compare/*/runs"))):
        for run in run_folders(parent):
            result = run.read_result()
            if result is not None and result.val_loss_nats is not None:
                found[run.run_id] = TrainedRun(spec=run.read_spec(), result=result)
    return found.values()


def _by_recipe(runs: Iterable[TrainedRun]) -> list[Side]:
    """A side for each spec, its seed left out: the runs of a side are repeats of each other."""
    repeated: dict[str, list[TrainedRun]] = {}
    for run in runs:
        repeated.setdefault(replace(run.spec, seed=0).run_id, []).append(run)
    return [
        Side(
            name=name,
            runs=tuple(final_run(run, None) for run in of_one),
            params_convention=PARAMS_CONVENTION,
            flops_convention=FLOPS_CONVENTION,
        )
        for name, of_one in repeated.items()
    ]
