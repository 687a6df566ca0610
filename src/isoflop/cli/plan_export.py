"""`isoflop plan --export ENGINE`: the planned run as a training engine's own configuration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from isoflop.cli.shape_options import taken
from isoflop.errors import InputError
from isoflop.files import write_bytes_atomically
from isoflop.plan import Plan
from isoflop.plan.export import EXPORTS, EngineRun

F = TypeVar("F", bound=Callable[..., Any])


def export_options(function: F) -> F:
    """`--export` and `--out`; read them with `read_export`."""
    export = click.option("--export", type=click.Choice(list(EXPORTS)), help="Print the run as this engine's own file.")
    out = click.option("--out", type=click.Path(path_type=Path), help="Write what --export prints to this file.")
    return export(out(function))


def read_export(wishes: dict[str, Any], as_json: bool) -> Callable[[Plan], None] | None:
    """What writes a plan as the options ask, which it takes out of `wishes`; None where none asks for it.

    Raises InputError for --export with --json, for --out without it, and for a folder that is not there.
    """
    asked = taken(wishes, ("export", "out"))
    out = asked.get("out")
    if "export" not in asked:
        if out is not None:
            raise InputError("--out: goes with --export ENGINE, which says what to write")
        return None
    if as_json:
        raise InputError("plan: --export and --json are two answers on one stdout; give one of them")
    if out is not None and not out.parent.is_dir():
        raise InputError(f"--out: no such folder: {out.parent}")
    return lambda plan: _write(EXPORTS[asked["export"]](EngineRun.of_plan(plan)), out)


def _write(text: str, out: Path | None) -> None:
    if out is None:
        click.echo(text, nl=False)
    else:
        write_bytes_atomically(out, text.encode())
