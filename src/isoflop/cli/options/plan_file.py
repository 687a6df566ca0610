"""`isoflop plan --out FILE` and `--export ENGINE`: the planned run as a file, our own or a training engine's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from isoflop.cli.options.common import OUT
from isoflop.cli.options.shape import taken
from isoflop.cli.output.tables import say
from isoflop.errors import InputError
from isoflop.files import write_bytes_atomically
from isoflop.plan import LawSource, Plan
from isoflop.plan.export import EXPORTS, EngineRun

if TYPE_CHECKING:
    from isoflop.study import Study

F = TypeVar("F", bound=Callable[..., Any])


def file_options(function: F) -> F:
    """`--out` and `--export`; read them with `WantedFile.read`."""
    out = click.option("--out", type=OUT, help="Write plan.toml for `isoflop run`, or --export.")
    export = click.option("--export", type=click.Choice(list(EXPORTS)), help="The run as this engine's own file.")
    return out(export(function))


@dataclass(frozen=True, kw_only=True)
class WantedFile:
    """The file that a plan was asked to be written as."""

    out: Path | None
    """Where to; None: on stdout for an engine's, nowhere for our own."""
    engine: str | None
    """Whose file: one of `EXPORTS`; None: our own."""

    @classmethod
    def read(cls, wishes: dict[str, Any], as_json: bool) -> WantedFile:
        """What the options ask for, taken out of `wishes`.

        Raises InputError for --export with --json, another ending of our own file, and a folder that is not there.
        """
        asked = taken(wishes, ("export", "out"))
        out, engine = asked.get("out"), asked.get("export")
        if engine is not None and as_json:
            raise InputError("plan: --export and --json are two answers on one stdout; give one of them")
        if out is not None and engine is None and out.suffix != ".toml":
            raise InputError(f"--out: expected a file that ends in .toml, or --export ENGINE too; got {out}")
        if out is not None and not out.parent.is_dir():
            raise InputError(f"--out: no such folder: {out.parent}")
        return cls(out=out, engine=engine)

    def write(self, plan: Plan, source: LawSource, study: Study | None) -> bool:
        """Writes the file, if one is wanted; whether the answer is given with it."""
        if self.engine is not None:
            text = EXPORTS[self.engine](EngineRun.of_plan(plan))
            if self.out is None:
                click.echo(text, nl=False)
            else:
                write_bytes_atomically(self.out, text.encode())
            return True
        if self.out is not None:
            from isoflop.study.plan_run import planned_run
            from isoflop.study.trust import remember_begun

            planned_run(plan, source, study, self.out).write(self.out)
            remember_begun(self.out)
            say(f"written: {self.out}; train it with `isoflop run {self.out}`", err=True)
        return False
