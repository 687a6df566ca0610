"""A planned run, from plan.toml to its score: text, sealed forecast, training, score. No step is done twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from isoflop.codec import JsonObject, to_json
from isoflop.corpus import Corpus, check_epochs, load_corpus
from isoflop.errors import InputError, RefusedError
from isoflop.files import storing
from isoflop.own_hardware import CATALOGUE, DeviceSource
from isoflop.plan import Score, score, seal
from isoflop.plan.plan_toml import PlannedRun
from isoflop.recipe import SmallRecipe
from isoflop.runs import RunFolder, RunResult, run_folders, write_parallel_config
from isoflop.runs.registry import check_reach, require_extra
from isoflop.spec import RunSpec
from isoflop.study import training_stages
from isoflop.study.engine_settings import with_sbatch
from isoflop.study.folder import StudyFolder
from isoflop.study.launch_settings import ResolvedLaunch, resolve_launch
from isoflop.study.listener import Listener
from isoflop.study.lock import study_lock
from isoflop.study.machine import speed_of
from isoflop.study.seals import Seals, name_forecast, read_seals
from isoflop.study.settings import checked_settings, read_settings
from isoflop.study.stopping import stoppable
from isoflop.study.trainer import require_gpus
from isoflop.study.training_stages import Study
from isoflop.study.trust import check_trust, commands_of
from isoflop.study.watching import watched
from isoflop.units import format_duration, format_flops


@dataclass(frozen=True, kw_only=True)
class PlanOutcome:
    """What came of a planned run."""

    folder: Path
    """The run's folder."""
    result: RunResult
    score: Score | None
    """The sealed forecast against the loss; None where nothing was forecast."""
    seals: Seals | None = None
    """The state of the seal; None without a score."""

    def as_json(self) -> JsonObject:
        """`{run, result, score}`."""
        seals = {} if self.seals is None else self.seals.as_json()
        return {
            "run": str(self.folder),
            "result": to_json(self.result),
            "score": None if self.score is None else {**self.score.as_json(), **seals},
        }


def run_planned(
    file: Path,
    folder: Path,
    *,
    listener: Listener | None = None,
    allow_epochs: bool = False,
    engine: str | None = None,
    log: Sequence[str] = (),
    sbatch: Sequence[str] = (),
    trust: bool = False,
    devices: DeviceSource = CATALOGUE,
) -> PlanOutcome:
    """Trains the run of plan.toml at `file` in `folder`, once, and scores its forecast; the same call resumes it.

    `engine` trains it, its jobs ask for the options `sbatch` too, and the trackers `log` show it. Where these, or the
    table of the engine in plan.toml, are not given, the settings of the study that the plan was made from hold.
    `devices` knows the device of [layout].

    Raises InputError for a plan, text or folder that cannot be used, RefusedError `does_not_fit` for a run that needs
    more memory than there is, `planned_run_failed` for one that failed and, unless `trust`, `untrusted_commands` for
    what a plan or study of somebody else would run; InterruptedStudy when stopped.
    """
    planned = PlannedRun.read(file)
    study, launch = resolve_study(
        planned,
        file,
        folder,
        listener=listener or Listener(),
        allow_epochs=allow_epochs,
        engine=engine,
        log=log,
        sbatch=sbatch,
        devices=devices,
    )
    _check_trust(study, planned, file, trust=trust)
    require_extra(study.settings.engine, *study.settings.log)
    for notice in launch.notices:
        study.listener.notice(notice)
    again = _command(file, folder, allow_epochs=allow_epochs, engine=engine, log=log, sbatch=sbatch) + devices.words
    with stoppable(lambda: run_folders(folder / "runs"), *again), study_lock(folder), storing(folder):
        _keep(planned, file, folder)
        text = _text(study, planned)
        spec = planned.on(text.digest)
        run = RunFolder(study.folder.runs / spec.run_id)
        if not run.result.exists():
            for notice in check_epochs(
                spec.tokens, text.train_tokens, allow=allow_epochs, different=text.different_share
            ):
                study.listener.notice(notice)
            _train(study, spec, planned, launch, _source(planned, file))
        return _outcome(study, run)


def _source(planned: PlannedRun, file: Path) -> StudyFolder | None:
    """The study that a plan was made from, as its file names it."""
    text = planned.text.study
    return None if text is None else StudyFolder(file.resolve().parent / text)


def _command(
    file: Path, folder: Path, *, allow_epochs: bool, engine: str | None, log: Sequence[str], sbatch: Sequence[str]
) -> list[str]:
    """The words after `isoflop` that train or resume the same run."""
    words = ["run", str(file), *(["--engine", engine] if engine else []), *(["--allow-epochs"] if allow_epochs else [])]
    for name, values in (("--log", log), ("--sbatch", sbatch)):
        words += [word for value in values for word in (name, value)]
    return words if folder == file.with_suffix("") else [*words, "--into", str(folder)]


def run_and_corpus(folder: Path) -> tuple[Path, Path]:
    """(the run's folder, its corpus) of the planned run in `folder`. Raises InputError where none was trained."""
    plan = folder / "plan.toml"
    runs = run_folders(folder / "runs")
    if not plan.exists() or not runs:
        raise InputError(
            f"{folder}: no planned run in this folder; train one with `isoflop run PLAN.TOML --into {folder}`"
        )
    study = PlannedRun.read(plan).text.study
    return runs[0].path, StudyFolder(folder / study if study else folder).corpus


def resolve_study(
    planned: PlannedRun,
    file: Path,
    folder: Path,
    *,
    listener: Listener,
    allow_epochs: bool,
    engine: str | None,
    log: Sequence[str] = (),
    sbatch: Sequence[str] = (),
    devices: DeviceSource = CATALOGUE,
) -> tuple[Study, ResolvedLaunch]:
    """(the study as which `planned`, read from `file`, is trained in `folder`, how its run is started).

    Nothing is written. Raises InputError and RefusedError as `resolve_launch` does, and for more machines than the
    engine reaches.
    """
    text, plan_folder, source = planned.text, file.resolve().parent, _source(planned, file)
    # a plan may be carried to another machine with the corpus of its study and without its settings
    inherited = read_settings(source) if source is not None and source.settings.exists() else None
    values = {
        "flops": planned.run.flops,
        "family": planned.run.architecture.family,
        "corpus": text.corpus,
        "text": [str(plan_folder / path) for path in text.text],
        "tokenizer": str(plan_folder / text.tokenizer) if text.tokenizer.endswith(".json") else text.tokenizer,
        **text.reading,
        "seed": planned.run.seed,
        "workers": 1,
        "allow_epochs": allow_epochs,
        "engine": engine or (inherited.engine if inherited else "local"),
        "log": log or (inherited.log if inherited else ()),
        **(inherited.engines if inherited else {}),
        **planned.engines,
    }
    settings = checked_settings({**values, **with_sbatch(values, {"sbatch": list(sbatch)})}, str(file))
    launch = resolve_launch(planned, settings, devices)
    check_reach(settings.engine, settings.engines, launch.processes)
    place = StudyFolder(folder, corpus_folder=None if source is None else source.corpus)
    return Study(folder=place, settings=settings, listener=listener, processes=launch.processes), launch


def _check_trust(study: Study, planned: PlannedRun, file: Path, *, trust: bool) -> None:
    """Checks each table of an engine where it was read: in the plan's file, else in the study that the plan names."""
    settings = study.settings
    for table, commands in commands_of(settings.engine, settings.engines).items():
        in_plan = table in planned.engines or planned.text.study is None
        origin = file if in_plan else file.resolve().parent / str(planned.text.study)
        check_trust(origin, commands, study.listener.notice, trust=trust)


def _keep(planned: PlannedRun, file: Path, folder: Path) -> None:
    """Copies plan.toml next to its run. Raises InputError where the folder holds another plan's run or other things."""
    copy = folder / "plan.toml"
    moved = replace(planned, text=planned.text.moved(file.resolve().parent, folder.resolve()))
    if copy.exists() and (run_folders(folder / "runs") or StudyFolder(folder).forecast.exists()):
        existing = PlannedRun.read(copy)
        if (existing.run, existing.text, existing.forecast) != (moved.run, moved.text, moved.forecast):
            raise InputError(f"{folder}: holds the run of another plan ({copy}); give another folder with --into")
        return
    # until a run is begun a plan may be corrected: a first try that was refused costs nothing
    if not copy.exists() and any(not entry.name.startswith((".", "lock")) for entry in folder.iterdir()):
        raise InputError(f"{folder}: holds other things than a planned run; give another folder with --into")
    moved.write(copy)


def _text(study: Study, planned: PlannedRun) -> Corpus:
    """The text to train on, built unless it exists. Raises InputError as `check_text` does."""
    if planned.text.study is None:
        text = training_stages.corpus(study)
    elif study.folder.corpus.exists():
        text = load_corpus(study.folder.corpus)
    else:
        raise InputError(
            f"[text] names the study {planned.text.study}, relative to the plan's file; no study is there: correct it"
        )
    check_text(planned, text)
    return text


def check_text(planned: PlannedRun, text: Corpus) -> None:
    """Raises InputError where `text` is not what was planned for: another vocabulary, or another corpus."""
    planned_size = planned.run.architecture.vocab_size
    if text.vocab_size != planned_size:
        raise InputError(
            f"[text] has a vocabulary of {text.vocab_size}, the planned model one of {planned_size}; plan it with "
            f"--vocab {text.vocab_size}, or give a tokenizer of that size, such as bpe:{planned_size}"
        )
    if planned.run.corpus not in ("", text.digest):
        raise InputError(
            f"[text] is corpus {text.digest[:12]}, and the plan and its forecast are of {planned.run.corpus[:12]}; "
            "bring that text back, or empty `corpus` in [run] and delete [forecast] to train on this one"
        )


def _train(
    study: Study, spec: RunSpec, planned: PlannedRun, launch: ResolvedLaunch, source: StudyFolder | None
) -> None:
    """Trains the run of `spec`, watched against the runs of the study `source` where the plan names one."""
    if launch.processes.device == "cuda" and study.settings.starter_settings.trains_here:
        require_gpus(launch.processes.each)
    seconds, where = _duration(study, spec, launch)
    study.listener.say(f"{format_flops(spec.flops)} FLOPs, about {format_duration(seconds(spec))} on {where}")
    if planned.forecast is not None:
        seal(study.folder.forecast, replace(planned.forecast, run_id=spec.run_id))
    folder = RunFolder.create(study.folder.runs, spec)
    name_forecast(study.folder)
    if launch.parallel is not None:
        write_parallel_config(folder.path, launch.parallel)
    study.listener.expect({"planned": seconds(spec)})
    study.listener.stage("planned")
    with watched(study, spec, source) as observed:
        training_stages.train(observed, [spec], seconds)


def _duration(study: Study, spec: RunSpec, launch: ResolvedLaunch) -> tuple[Callable[[RunSpec], float], str]:
    """(seconds that a run takes, where): predicted for the devices of its layout, or measured on this machine."""
    if (placed := launch.placement) is not None:
        step = placed.time.seconds
        return lambda run: run.steps * step, f"{placed.layout.devices} {placed.device}"
    speed = speed_of(training_stages.machine(study, SmallRecipe(vocab_size=spec.architecture.vocab_size)))
    return speed.seconds, "one core"


def _outcome(study: Study, run: RunFolder) -> PlanOutcome:
    result = run.read_result()
    assert result is not None, "the engine leaves a result or raises"
    if result.status == "failed":
        raise RefusedError("planned_run_failed", f"the planned run failed: {result.reason}: {result.message}")
    if not study.folder.forecast.exists() or result.val_loss_nats is None:
        return PlanOutcome(folder=run.path, result=result, score=None)
    outcome = score(study.folder.forecast, result.val_loss_nats, run_id=result.run_id)
    return PlanOutcome(folder=run.path, result=result, score=outcome, seals=read_seals(study.folder))
