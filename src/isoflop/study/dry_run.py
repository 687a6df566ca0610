"""What `isoflop launch` would submit for a plan, without doing any of it: nothing is written, built or started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from isoflop.codec import Json, JsonObject, Number, Pair, Positive, PositivePair, from_json, to_json
from isoflop.corpus import load_corpus
from isoflop.errors import Notice
from isoflop.own_hardware import CATALOGUE, DeviceSource
from isoflop.plan.plan_toml import PlannedRun
from isoflop.runs.engines.processes import trainer_command
from isoflop.runs.folder import RunFolder
from isoflop.runs.registry import settings_of
from isoflop.spec import RunSpec
from isoflop.study.launch_settings import ResolvedLaunch
from isoflop.study.listener import Listener
from isoflop.study.plan_run import check_text, resolve_study
from isoflop.study.training_stages import Study

RUN_ID = "RUN_ID"
"""Stands for the run's id where the text that decides it is not built yet."""


@dataclass(frozen=True, kw_only=True)
class PlannedCost:
    """Hours and price in the bill of a plan, as plan.toml has them."""

    hours: Positive
    hours_range: PositivePair
    flops: Positive | None = None
    flops_convention: str = ""
    price: Number | None = None
    """Price of all device-hours; None where none is known."""
    price_range: Pair | None = None
    price_source: str = ""
    """`given`, or who says what a device costs, in US dollars."""


@dataclass(frozen=True, kw_only=True)
class DryRun:
    """A submission that was not made."""

    engine: str
    run: RunSpec
    folder: Path
    """The run's folder; its name is RUN_ID while the text is not built."""
    launch: ResolvedLaunch
    command: list[str]
    """What each machine runs."""
    job: Mapping[str, object]
    """What the engine's system is asked for: its own option names and values."""
    script: str | None
    """The batch script that sbatch gets; None for other engines."""
    bill: Mapping[str, Json] | None
    """The bill of the plan; None where no devices were planned for."""
    cost: PlannedCost | None
    """What the bill says of hours and price."""
    done: bool
    """Whether the run has its result, so that nothing would be submitted."""
    of_cluster: tuple[Notice, ...] = ()
    """Warnings about the job."""

    @property
    def notices(self) -> tuple[Notice, ...]:
        """Warnings about the layout, the hours and the job."""
        return (*self.launch.notices, *self.of_cluster)

    def as_json(self) -> JsonObject:
        """The object that `isoflop launch --dry-run --json` prints."""
        run, launch = self.run, self.launch
        return {
            "engine": self.engine,
            "run": str(self.folder),
            "done": self.done,
            "command": to_json(self.command),
            "job": to_json(self.job),
            "script": self.script,
            "processes": to_json(launch.processes),
            "launch": to_json(launch.parallel),
            "layout": to_json(launch.placement),
            "memory_bytes": to_json(launch.memory),
            "memory_limit_bytes": launch.memory_limit,
            "params": run.architecture.params().total,
            "tokens": run.tokens,
            "steps": run.steps,
            "batch_tokens": run.batch_tokens,
            "seq_len": run.seq_len,
            "precision": run.precision,
            "products": launch.products,
            "bill": to_json(self.bill),
            "warnings": to_json(self.notices),
        }


def dry_run_of(
    file: Path,
    folder: Path,
    *,
    allow_epochs: bool = False,
    engine: str | None = None,
    sbatch: Sequence[str] = (),
    devices: DeviceSource = CATALOGUE,
) -> DryRun:
    """What `run_planned` would submit with these arguments.

    Raises InputError and RefusedError where it would before it starts anything, and InputError where the library of the
    engine is needed to answer and is missing.
    """
    planned = PlannedRun.read(file)
    study, launch = resolve_study(
        planned,
        file,
        folder,
        listener=Listener(),
        allow_epochs=allow_epochs,
        engine=engine,
        sbatch=sbatch,
        devices=devices,
    )
    spec, run = _run(study, planned)
    settings = study.settings
    starter, of_cluster = settings.starter_settings.for_cluster()
    job = starter.preview(run, study.processes)
    library = settings_of(settings.engine, settings.engines).library
    bill = planned.plan.get("bill")
    bill = bill if isinstance(bill, dict) else None
    return DryRun(
        engine=settings.engine,
        run=spec,
        folder=run.path,
        launch=launch,
        command=trainer_command(run, study.folder.corpus, launch.processes, library),
        job=job.asks,
        script=job.script,
        bill=bill,
        cost=None if bill is None else from_json(PlannedCost, bill, f"{file}: [plan.bill]"),
        done=run.result.exists(),
        of_cluster=of_cluster,
    )


def _run(study: Study, planned: PlannedRun) -> tuple[RunSpec, RunFolder]:
    """The spec as far as the text is known, and its folder."""
    if not (study.folder.corpus / "corpus.json").exists():
        return planned.run, RunFolder(study.folder.runs / RUN_ID)
    text = load_corpus(study.folder.corpus)
    check_text(planned, text)
    spec = planned.on(text.digest)
    return spec, RunFolder(study.folder.runs / spec.run_id)
