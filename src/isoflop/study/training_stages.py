"""The stages of a study up to its trained runs. Each reads its inputs from disk, leaves its outcome there, and does
nothing twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

from isoflop.corpus import Corpus, build_corpus, check_epochs, load_corpus
from isoflop.errors import InputError, RefusedError
from isoflop.hardware import available_cores
from isoflop.recipe import SmallRecipe
from isoflop.recipe.file import RecipeFile
from isoflop.runs import Engine, RunFolder, RunIndex, execute
from isoflop.runs.engines.processes import ONE_PROCESS, Processes
from isoflop.runs.engines.settings import EngineRequest
from isoflop.runs.registry import make_engine
from isoflop.spec import RunSpec
from isoflop.study.devices import check_gone, find_devices, placement_of
from isoflop.study.folder import StudyFolder
from isoflop.study.listener import Listener
from isoflop.study.machine import SCHEMA as MACHINE_SCHEMA
from isoflop.study.machine import MeasuredMachine, devices_of, measure, read_machine, speed_of
from isoflop.study.recipe_setting import optimizer_where_none_is_named
from isoflop.study.runs_ahead import runs_ahead
from isoflop.study.settings import StudySettings
from isoflop.study.tracking import following
from isoflop.study.trainer import explained, require_trainer
from isoflop.sweep import Design, Speed, SweepCost, design_study, sweep_cost
from isoflop.sweep.devices import SharedDevice
from isoflop.sweep.places import TrainingPlaces


@dataclass(frozen=True, kw_only=True)
class Study:
    """A study: its folder, its settings, and who hears how it proceeds."""

    folder: StudyFolder
    settings: StudySettings
    listener: Listener = field(default_factory=Listener)
    processes: Processes = ONE_PROCESS
    """Processes of each run."""
    clock: Callable[[], float] = field(default_factory=lambda: seconds_since(time.monotonic()))
    """Seconds since this driver of the study started."""

    @property
    def workers(self) -> int:
        """Training processes side by side on cores: as the settings say, or one a core that no accelerator needs."""
        return self.settings.workers or max(1, self.cores - sum(device.place.slots for device in self.devices))

    @property
    def cores(self) -> int:
        """Training processes side by side where there is no accelerator."""
        return self.settings.workers or available_cores()

    @property
    def devices(self) -> tuple[SharedDevice, ...]:
        """Accelerators that runs go to: those that were measured, where the engine trains on this machine."""
        here = self.settings.starter_settings.trains_here and self.processes == ONE_PROCESS
        if not here or self.settings.devices == "cpu" or not self.folder.machine.exists():
            return ()
        return devices_of(read_machine(self.folder.machine))

    def places(self, speed: Speed) -> TrainingPlaces:
        """Where runs are trained, `speed` being that of a core."""
        return TrainingPlaces(speed=speed, cores=self.workers, devices=self.devices)

    @property
    def processes_of_a_run(self) -> Processes:
        """As laid out; else one, in a cluster's job on a GPU where the settings say cuda."""
        on_gpu = self.settings.devices == "cuda" and not self.settings.starter_settings.trains_here
        return Processes(device="cuda") if on_gpu and self.processes == ONE_PROCESS else self.processes

    @property
    def logs(self) -> Path:
        """The folder that engines write logs into."""
        return self.folder.path / "logs"

    def recipe(self, vocab_size: int) -> SmallRecipe:
        """The recipe by which this study trains."""
        changed, settings = self.settings.recipe or RecipeFile(), self.settings
        hidden = optimizer_where_none_is_named(self.folder, settings.engine)
        return changed.small_recipe(vocab_size, family=settings.family, seq_len=settings.seq_len, hidden=hidden)

    def engine(self, runs: int) -> Engine:
        """The engine that trains `runs` runs; the caller closes it."""
        starter, notices = self.settings.starter_settings.for_cluster()
        for notice in notices:
            self.listener.notice(notice)
        devices, placement = self.devices, None
        if devices:
            speed = speed_of(read_machine(self.folder.machine))
            placement = placement_of(speed, self.workers, devices, self.listener, runs)
        request = EngineRequest(
            workers=min(self.workers, runs),
            logs=self.logs,
            corpus=self.folder.corpus,
            processes=self.processes_of_a_run,
            placement=placement,
        )
        tables = {**self.settings.engines, self.settings.starter: starter}
        return make_engine(self.settings.engine, tables, request)

    def run_index(self) -> RunIndex:
        """The table of all runs."""
        return RunIndex(self.folder.run_index, self.folder.runs)


def seconds_since(start: float) -> Callable[[], float]:
    """A clock that shows the seconds since `start` of the steady clock."""
    return lambda: time.monotonic() - start


def corpus(study: Study) -> Corpus:
    """The corpus, built unless it exists."""
    study.listener.stage("corpus")
    settings = study.settings
    existing = _designed_corpus(study.folder)
    if existing is not None:
        return existing
    built = build_corpus(
        study.folder.corpus,
        settings.sources,
        tokenizer=settings.tokenizer,
        end_of_text=settings.end_of_text,
        seed=settings.seed,
        progress=study.listener.share,
    )
    for notice in built.notices:
        study.listener.notice(notice)
    return built


def _designed_corpus(folder: StudyFolder) -> Corpus | None:
    """The corpus that the runs were designed for, if it exists: then the text is not read again.

    A text that was changed or removed since must not cost the runs that were trained on it.
    """
    if not folder.sweep.exists() or not (folder.corpus / "corpus.json").exists():
        return None
    try:
        existing = load_corpus(folder.corpus)
    except InputError:
        return None  # damaged: it is built again
    return existing if _is_of(Design.load(folder.sweep), existing) else None


def _is_of(design: Design, corpus: Corpus) -> bool:
    return all(spec.corpus == corpus.digest for spec in design.specs)


def machine(study: Study, recipe: SmallRecipe) -> MeasuredMachine:
    """What this machine can do, measured unless that was done with as many workers and the same accelerators."""
    study.listener.stage("machine")
    here = study.settings.starter_settings.trains_here
    found = find_devices(study.settings.devices) if here else ()
    if study.folder.machine.exists():
        measured = read_machine(study.folder.machine)
        before = [(device.number, device.name) for device in measured.devices]
        same = before == [(device.number, device.name) for device in found]
        if measured.schema == MACHINE_SCHEMA and measured.workers == study.cores and same:
            return measured
        check_gone(measured.devices, found, study.listener)
    return measure(study.folder.machine, recipe, study.cores, found)


def design(
    study: Study, recipe: SmallRecipe, text: Corpus, speed: Speed, *, keep: bool = True
) -> tuple[Design, SweepCost]:
    """The runs of the sweep and what they cost. Nothing is started.

    With `keep` the design is saved; from then on the study keeps to its settings.
    """
    study.listener.stage("design")
    settings = study.settings
    if study.folder.sweep.exists():
        existing = Design.load(study.folder.sweep)
        check_corpus(study, existing, text)
        return existing, sweep_cost(existing.specs, speed, study.workers, study.devices)
    try:
        sweep = design_study(
            recipe,
            speed,
            corpus=text.digest,
            seed=settings.seed,
            workers=study.workers,
            devices=study.devices,
            seconds=None if settings.minutes is None else settings.minutes * 60,
            flops=settings.flops,
            budgets=settings.budgets,
            budget_ratio=settings.budget_ratio,
            final_ratio=settings.final_ratio,
        )
    except RefusedError as error:  # the budget is an option of the user's
        raise InputError(str(error)) from error
    warn_of_repeated_text(study, sweep, text)  # before it is saved: a refused design must not restrict later options
    sweep = replace(sweep, asked=settings.deciding)
    if keep:
        sweep.save(study.folder.sweep)
    return sweep, sweep_cost(sweep.specs, speed, study.workers, study.devices)


def check_corpus(study: Study, design: Design, text: Corpus) -> None:
    """Raises InputError where an existing design is of another text, and as `warn_of_repeated_text` does."""
    if not _is_of(design, text):
        raise InputError(
            f"{study.folder.sweep}: designed for another corpus than {study.folder.corpus} holds now; "
            "bring the text back as it was and run the same command again, or use a new folder"
        )
    warn_of_repeated_text(study, design, text)


def warn_of_repeated_text(study: Study, design: Design, text: Corpus) -> None:
    """Warns of runs that repeat the text. Raises InputError for a text shorter than a batch, and for more than four
    epochs that were not allowed.
    """
    batch = max(spec.batch_tokens for spec in design.specs)
    if text.train_tokens <= batch:
        raise InputError(
            f"corpus: expected more than one batch of {batch} tokens for training, got {text.train_tokens}; "
            "give more text"
        )
    most = max(spec.tokens for spec in design.specs)
    for notice in check_epochs(
        most, text.train_tokens, allow=study.settings.allow_epochs, different=text.different_share
    ):
        study.listener.notice(notice)


def train(study: Study, specs: list[RunSpec], seconds: Callable[[RunSpec], float]) -> None:
    """Trains or resumes the runs of `specs` that have no result, `study.workers` at a time, each of about `seconds`."""
    folders = [RunFolder.create(study.folder.runs, spec) for spec in specs]
    missing = [folder for folder in folders if folder.read_result() is None]
    if not missing:
        study.run_index().record(*folders)
        return
    with trainers(study, len(missing)) as engine:
        train_with(engine, study, specs, seconds)


@contextmanager
def trainers(study: Study, runs: int) -> Generator[Engine]:
    """The engine for `runs` runs, and the trackers that follow them, until the block ends."""
    require_trainer()
    with _followed(study), closing(study.engine(runs)) as engine:
        yield engine


def train_with(
    engine: Engine,
    study: Study,
    specs: Sequence[RunSpec],
    seconds: Callable[[RunSpec], float],
    sides: Mapping[str, str] | None = None,
) -> None:
    """Has `engine` train or resume the runs of `specs` that have no result, each of about `seconds`.

    `sides` is {run_id: recipe} of a comparison.
    """
    folders = [RunFolder.create(study.folder.runs, spec) for spec in specs]
    ahead = runs_ahead(study, specs, seconds, designed_runs(study.folder) or folders)
    study.listener.runs(replace(ahead, sides=sides or {}))
    try:
        execute(folders, engine, study.run_index(), on_event=study.listener.run, on_stop=study.listener.stopping)
    except InputError as error:
        raise explained(str(error)) from error


def designed_specs(folder: StudyFolder) -> list[RunSpec]:
    """The specs of the sweep, and of the final runs once they are planned."""
    return [spec for path in (folder.sweep, folder.final_design) if path.exists() for spec in Design.load(path).specs]


def designed_runs(folder: StudyFolder) -> list[RunFolder]:
    """The folders of the designed runs, whether they exist or not."""
    return [RunFolder(folder.runs / spec.run_id) for spec in designed_specs(folder)]


def _followed(study: Study) -> AbstractContextManager[None]:
    """Sends what the runs write meanwhile to the trackers of the study."""
    folder, notice = study.folder.path, study.listener.notice
    return following(folder, study.settings.log, notice) if study.settings.log else nullcontext()


def built_corpus(study: Study) -> Corpus:
    """The existing corpus, for stages that only read. Raises InputError where it is missing."""
    return load_corpus(study.folder.corpus)
