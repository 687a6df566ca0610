"""What would stop a study for certain, found within a second and before its folder is made: too small a budget, a
library that is not installed, text that is not there."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from isoflop.corpus.tokenizer import ByteTokenizer, bpe_vocabulary, is_tokenizer_file
from isoflop.corpus.tokenizer_file import load_tokenizer_file
from isoflop.errors import InputError, RefusedError
from isoflop.runs.registry import require_extra
from isoflop.study.folder import StudyFolder
from isoflop.study.least_adaptive import can_begin, too_little
from isoflop.study.machine import SCHEMA, read_machine, speed_of
from isoflop.study.settings import StudySettings
from isoflop.study.trainer import require_trainer
from isoflop.study.training_stages import Study
from isoflop.sweep import Speed
from isoflop.sweep.study_design import OVERHEAD_SECONDS, TYPICAL_SPEED, least_study

FASTEST = 4.0
"""A machine that is not measured yet is taken to train at most so many times as fast as TYPICAL_SPEED."""
_READERS = {".parquet": ("pyarrow", "tables"), ".zst": ("zstandard", "corpus")}
"""{ending of a file of text: (module that reads it, extra that has the module)}"""


def check_study(folder: StudyFolder, settings: StudySettings) -> None:
    """Raises InputError, with what to do, for a study that cannot be trained as it is asked for."""
    check_budget(folder, settings)
    used = dict.fromkeys((settings.engine, settings.starter, *settings.log))
    checks: list[Callable[[], None]] = [require_trainer, partial(check_text, settings)]
    checks += [partial(require_extra, name) for name in used]
    problems = []
    for check in checks:
        try:
            check()
        except InputError as error:
            problems.append(error)
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise InputError.gathered("study", map(str, problems))


def check_text(settings: StudySettings) -> None:
    """Raises InputError for text that is not there, and for a library that is needed to read it."""
    for domain in settings.sources.domains():
        for ending in sorted({file.path.suffix.lower() for file in domain.files} & set(_READERS)):
            module, extra = _READERS[ending]
            if find_spec(module) is None:
                raise InputError(f"{module}: not installed; {ending} needs it: pip install 'isoflop[{extra}]'")


def check_budget(folder: StudyFolder, settings: StudySettings) -> None:
    """Raises InputError, which names the least that works, for FLOPs or minutes that are too few for any sweep.

    Minutes are held against the speed of this machine where it is measured. Else only those are refused that are too
    few on a machine FASTEST times as fast as the one of TYPICAL_SPEED: others are refused once it is measured.
    """
    study = Study(folder=folder, settings=settings)
    measured = _measured(study)
    if settings.design == "adaptive":
        _check_adaptive(study, measured)
        return
    least_of = partial(
        least_study,
        study.recipe(_vocab_size(settings)),
        workers=study.workers,
        budgets=settings.budgets,
        budget_ratio=settings.budget_ratio,
        final_ratio=settings.final_ratio,
    )
    try:
        least = least_of(measured or TYPICAL_SPEED)
    except RefusedError as error:
        raise InputError(str(error)) from error
    seconds = None if settings.minutes is None else 60 * settings.minutes
    fastest = least.seconds if measured else OVERHEAD_SECONDS + (least.seconds - OVERHEAD_SECONDS) / FASTEST
    too_few = settings.flops is not None and settings.flops < 0.99 * least.flops
    if too_few or (seconds is not None and math.ceil(seconds) < fastest):
        where = " here" if measured else ""
        raise InputError(least.refusal(seconds=seconds, flops=settings.flops, where=where))


def _check_adaptive(study: Study, measured: Speed | None) -> None:
    """Raises InputError where the runs that an adaptive sweep begins with cannot be built within its size."""
    settings, fastest = study.settings, 1.0
    if measured is None and settings.minutes is not None:
        fastest = FASTEST
    recipe = study.recipe(_vocab_size(settings))
    fast = measured or replace(
        TYPICAL_SPEED,
        step_seconds=TYPICAL_SPEED.step_seconds / fastest,
        seconds_per_value=TYPICAL_SPEED.seconds_per_value / fastest,
        seconds_per_flop=TYPICAL_SPEED.seconds_per_flop / fastest,
    )
    if not can_begin(settings, recipe, study.places(fast), most_tokens=math.inf):
        where = " here" if measured else ""
        places = study.places(measured or TYPICAL_SPEED)
        raise too_little(settings, recipe, places, most_tokens=math.inf, where=where)


def _measured(study: Study) -> Speed | None:
    """The speed of this machine, where the study has measured it with as many workers."""
    if not study.folder.machine.exists():
        return None
    machine = read_machine(study.folder.machine)
    return speed_of(machine) if machine.schema == SCHEMA and machine.workers == study.cores else None


def _vocab_size(settings: StudySettings) -> int:
    """The vocabulary that the corpus will have; of a BPE to be learned the largest that it can have."""
    if is_tokenizer_file(settings.tokenizer):
        return int(load_tokenizer_file(Path(settings.tokenizer), settings.end_of_text).vocab_size)
    return bpe_vocabulary(settings.tokenizer) or ByteTokenizer.vocab_size
