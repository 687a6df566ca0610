"""The options `--out` and `--export` of `isoflop plan`: the planned run as a file for isoflop or a training engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click
import cloup
from cloup import option_group

from isoflop.cli.options.types import OUT
from isoflop.cli.output.tables import say
from isoflop.errors import InputError
from isoflop.files import write_bytes_atomically
from isoflop.plan import LawSource, Plan
from isoflop.plan.export import EXPORTS, EngineRun

if TYPE_CHECKING:
    from isoflop.study import Study

F = TypeVar("F", bound=Callable[..., object])


def file_options(function: F) -> F:
    """Adds `--out` and `--export`, which `PlanFile.read` reads."""
    out = cloup.option(
        "--out", type=OUT, help="Write the plan here: plan.toml for `isoflop run`, or the file of --export."
    )
    export = cloup.option(
        "--export",
        "engine",
        type=click.Choice(list(EXPORTS)),
        help="Write the run as a configuration of this training engine.",
    )
    return option_group("Output", out, export)(function)


@dataclass(frozen=True, kw_only=True)
class PlanFile:
    """Where and as what a plan is written."""

    out: Path | None
    """The path; None: an engine's file goes to stdout, and no plan.toml is written."""
    engine: str | None
    """The engine, one of `EXPORTS`; None: plan.toml."""

    @classmethod
    def read(cls, *, out: Path | None, engine: str | None, as_json: bool) -> PlanFile:
        """Returns what the options request.

        Raises InputError for --export with --json, another ending of our own file, and a folder that is not there.
        """
        if engine is not None and as_json:
            raise InputError("plan: --export and --json both print to stdout; use one of them")
        if out is not None and engine is None and out.suffix != ".toml":
            raise InputError(f"--out: expected a file that ends in .toml, or --export ENGINE as well; got {out}")
        if out is not None and not out.parent.is_dir():
            raise InputError(f"--out: no such folder: {out.parent}")
        return cls(out=out, engine=engine)

    def write(self, plan: Plan, source: LawSource, study: Study | None) -> bool:
        """Writes the file, where one is requested. Returns whether the file replaces the printed answer."""
        if self.engine is not None:
            text = EXPORTS[self.engine](EngineRun.of_plan(plan))
            if self.out is None:
                click.echo(text, nl=False)
            else:
                write_bytes_atomically(self.out, text.encode())
            return True
        if self.out is not None:
            from isoflop.study.plan_to_train import planned_run
            from isoflop.study.trust import remember_begun

            planned_run(plan, source, study, self.out).write(self.out)
            remember_begun(self.out)
            say(f"written: {self.out}; train it with `isoflop run {self.out}`", err=True)
        return False
