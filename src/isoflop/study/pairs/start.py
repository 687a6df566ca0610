"""What the command line calls: a new recipe against a study's own, and two recipes without a study."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from isoflop.compare.looks import error_when_raised
from isoflop.compare.options import CompareOptions
from isoflop.corpus import Corpus
from isoflop.errors import InputError, Notice
from isoflop.files import storing
from isoflop.logs.run import setting_text
from isoflop.recipe import SmallRecipe
from isoflop.recipe.file import RecipeFile, read_recipe
from isoflop.runs import run_folders
from isoflop.runs.registry import require_extra
from isoflop.study import training_stages
from isoflop.study.folder import StudyFolder
from isoflop.study.listener import Listener
from isoflop.study.lock import study_lock
from isoflop.study.machine import speed_of
from isoflop.study.pairs.begin import begun_design, check_kept, check_runs, keep
from isoflop.study.pairs.design import PairDesign
from isoflop.study.pairs.folder import REPEATS, ComparisonFolder
from isoflop.study.pairs.run import PairsOutcome, PairsRun
from isoflop.study.pairs.side import TrainedSide
from isoflop.study.pairs.text import text_of
from isoflop.study.pairs.trained import PairTrainer
from isoflop.study.pipeline import check_commands, open_study
from isoflop.study.recipe_setting import optimizer_where_none_is_named
from isoflop.study.running import reported
from isoflop.study.settings import begin_or_resume
from isoflop.study.stopping import stoppable
from isoflop.study.training_stages import Study


@dataclass(frozen=True, kw_only=True)
class PairsRequest:
    """How a comparison is trained."""

    pairs: int | None = None
    """Pairs at the most; None: DEFAULT_PAIRS, or as it was begun."""
    minutes: float | None = None
    """Wall time, earlier starts included; None: not limited."""
    name: str | None = None
    """Of its folder; None: the new recipe's file."""
    options: CompareOptions = field(default_factory=CompareOptions)
    trust: bool = False
    """Run the commands in the settings of a study of somebody else."""
    seed: int | None = None
    """Of the first pair of two recipes; None: 0, or as it was begun. A study has its own."""
    seed_shift: int = 0
    """Added to the seeds of the new recipe: to hold a recipe against itself."""


def compare_with_study(
    path: Path, new: Path, request: PairsRequest | None = None, *, listener: Listener | None = None
) -> PairsOutcome:
    """Trains pairs of runs, the recipe in the file `new` against the own recipe of the study in `path`, until the
    verdict stands or the pairs or minutes are spent; the same call resumes it, and does nothing once it has ended.

    Raises InputError for a recipe, a study or a number that cannot be used, RefusedError as `run_study` does, and
    InterruptedStudy on Ctrl-C.
    """
    return _compared(open_study(path, listener), new, None, request or PairsRequest())


def compare_recipes(
    old: Path, new: Path, into: Path, request: PairsRequest | None = None, *, listener: Listener | None = None
) -> PairsOutcome:
    """As `compare_with_study`, the recipe in `new` against that in `old`, on the default text, in the folder `into`."""
    request = request or PairsRequest()
    for file in (old, new):
        read_recipe(file)  # a recipe that cannot be read must not leave a folder behind
    folder = StudyFolder(into)
    asked: dict[str, object] = {} if request.seed is None else {"seed": request.seed}
    if not folder.settings.exists():
        asked["minutes"] = request.minutes or DEFAULT_STUDY_MINUTES
    settings = begin_or_resume(folder, asked)
    study = Study(folder=folder, settings=settings, listener=listener or Listener())
    return _compared(study, new, old, request)


DEFAULT_STUDY_MINUTES = 15.0
"""Minutes in study.toml of a folder that was made for a comparison: what a study begun in it would take."""


def _compared(study: Study, new: Path, old: Path | None, request: PairsRequest) -> PairsOutcome:
    began = time.monotonic()
    recipes = (None if old is None else read_recipe(old), read_recipe(new))
    folder = ComparisonFolder(study=study.folder, name=request.name or new.stem)
    if folder.name == REPEATS:
        raise InputError(f"comparison {REPEATS!r}: the repeats of the noise floor have this name; give another --name")
    check_commands(study, trust=request.trust)
    require_extra(study.settings.engine, *study.settings.log)
    stopped = stoppable(lambda: run_folders(folder.inner.runs), *_command(study.folder.path, old, new, request))
    with stopped, study_lock(study.folder.path), storing(study.folder.path), reported(study) as study:
        text = training_stages.corpus(study)
        names = ("" if old is None else old.stem, new.stem)
        sides = _sides(study, folder, text, recipes, names, request.seed_shift)
        speed = speed_of(training_stages.machine(study, study.recipe(text.vocab_size)))
        recipes_kept = {folder.recipe: new} | ({} if old is None else {folder.baseline: old})
        for kept, given in recipes_kept.items():
            check_kept(kept, given)
        design = begun_design(
            study, folder, sides, speed, pairs=request.pairs, minutes=request.minutes, level=request.options.level
        )
        check_runs(study, design, sides)
        keep(folder, design, recipes_kept)
        texts = {side.text.digest: side.text.directory for side in sides}
        with PairTrainer(
            study=study, folder=folder, speed=speed, minutes=request.minutes, began=began, texts=texts
        ) as trainer:
            run = PairsRun(
                folder=folder,
                trainer=trainer,
                design=design,
                text=text,
                a=sides[0],
                b=sides[1],
                options=request.options,
            )
            return _told(run.run())


def _command(place: Path, old: Path | None, new: Path, request: PairsRequest) -> list[str]:
    """The words after `isoflop` that go on with the comparison."""
    words = [place, "--recipe", new] if old is None else [old, new, "--into", place]
    words += [] if request.name is None else ["--name", request.name]
    words += [] if request.minutes is None else ["--minutes", setting_text(request.minutes)]
    return ["compare", *map(str, words)]


def _sides(
    study: Study,
    folder: ComparisonFolder,
    text: Corpus,
    recipes: tuple[RecipeFile | None, RecipeFile],
    names: tuple[str, str],
    shift: int,
) -> tuple[TrainedSide, TrainedSide]:
    """The two sides on the study's text; without a recipe of its own A is what the study trains by."""
    vocab, settings = text.vocab_size, study.settings
    hidden = optimizer_where_none_is_named(study.folder, settings.engine)

    def small(file: RecipeFile | None) -> SmallRecipe:
        """The recipe by which a side trains a run of any size."""
        if file is None:
            return study.recipe(vocab)
        return file.small_recipe(vocab, family=settings.family, seq_len=settings.seq_len, hidden=hidden)

    a_name, b_name = names
    if a_name == b_name:
        a_name, b_name = f"{a_name} (A)", f"{b_name} (B)"
    a_text, b_text = (
        text if file is None else text_of(study, text, file, folder.path / place, name)
        for file, place, name in zip(recipes, ("corpus-a", "corpus-b"), names, strict=True)
    )
    return (
        TrainedSide(name=a_name or f"the recipe of {study.folder.path.name}", recipe=small(recipes[0]), text=a_text),
        TrainedSide(name=b_name, recipe=small(recipes[1]), text=b_text, shift=shift),
    )


def _told(outcome: PairsOutcome) -> PairsOutcome:
    """The outcome with a word on how sure all looks together are."""
    found = outcome.comparison
    if found is None:
        return outcome
    notices = [*found.notices, *_looks_notices(outcome.design)]
    return replace(outcome, comparison=replace(found, notices=tuple(notices)))


def _looks_notices(design: PairDesign) -> list[Notice]:
    looks = design.looks
    notices = []
    if len(looks.pairs) > 1:
        notices.append(
            Notice(
                code="repeated_looks",
                message=f"the pairs may be looked at {len(looks.pairs)} times, so that each interval is one of "
                f"{looks.each:.1%}: all of them hold together in {looks.level:.0%}",
            )
        )
    if design.begun_with:
        error = error_when_raised(design.level, (*design.begun_with, design.most), design.step)
        notices.append(
            Notice(
                code="pairs_raised",
                message=f"the number of pairs was raised from {design.begun_with[-1]} to {design.most} after they had "
                f"been looked at: a difference is found between equal recipes in {error:.0%} instead of "
                f"{1 - design.level:.0%}",
            )
        )
    return notices
