"""The group of verbs: imports a verb when it is called, and turns errors into one message and an exit code."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from shutil import get_terminal_size
from typing import NoReturn

import click

from isoflop.cli.output.wrapping import wrapped
from isoflop.errors import InputError, InterruptedStudy, IsoflopError, close_names, screenful

_ENVIRONMENT = {
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG,
    errno.ELOOP, errno.EMFILE, errno.ENFILE, errno.ESTALE,
}  # fmt: skip
"""Errors of disks, permissions and file names: the user can fix them, so they are no internal errors."""


class VerbGroup(click.Group):
    """Verbs from the table `isoflop.cli.VERBS`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns the verbs in the order of the table."""
        del ctx
        return list(_verbs())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports and returns the command of a verb; None for an unknown verb."""
        del ctx
        if cmd_name not in _verbs():
            return None
        command: click.Command = import_module(f"isoflop.cli.verbs.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Finds the verb of the arguments. Raises UsageError that names the verbs most like a mistyped one."""
        if args and args[0] == "help":  # as git and docker have it
            args = [*[verb for verb in args[1:2] if verb in _verbs()], "--help"]
            if len(args) == 1:
                click.echo(ctx.get_help())
                ctx.exit()
        if args and not args[0].startswith("-") and args[0] not in _verbs():
            raise click.UsageError(f"no such verb: {args[0]}{_meant_by(args[0])}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the verbs with their lines from the table; click would import all of them for this."""
        del ctx
        from isoflop.cli import SECTIONS

        for title, verbs in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl(list(verbs.items()))

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: object
    ) -> click.Context:
        """Parses the arguments. Usage errors are escaped: arguments may contain control characters."""
        with _printable_usage():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> object:
        """Runs the verb. IsoflopError and disk errors become a message and an exit code; Ctrl-C exits with 130."""
        try:
            with _printable_usage():
                return super().invoke(ctx)
        except KeyboardInterrupt:
            _fail(ctx, InterruptedStudy("Stopped. The same command starts again."))
        except IsoflopError as error:
            _fail(ctx, error)
        except OSError as error:
            if error.errno not in _ENVIRONMENT:
                raise
            place = f"{error.filename}: " if error.filename else ""
            _fail(
                ctx, InputError(f"{place}{error.strerror}; free space, choose another path, or change its permissions")
            )


def _meant_by(word: str) -> str:
    """What somebody may have meant by a word that is no verb, as the end of a message."""
    if os.path.isdir(word):
        return f"; to see that study: isoflop status {word}"
    if os.path.isfile(word):
        return f"; to fit that table: isoflop fit {word}"
    if word[:1].isdigit() or word.startswith("$"):
        return f"; to plan with that budget: isoflop plan '{word}'"
    near = close_names(word, _verbs())
    return f"; did you mean {near}?" if near.count(",") < len(_verbs()) - 2 else "; isoflop --help lists all"


@contextmanager
def _printable_usage() -> Generator[None]:
    """Escapes what a usage error repeats of the arguments, and ends it with an example of the verb."""
    try:
        yield
    except click.UsageError as error:
        message = screenful(error.format_message())
        from isoflop.cli.options.verb import Verb

        if error.ctx is not None and isinstance(error.ctx.command, Verb):
            message = f"{message.rstrip()}\nFor example: {error.ctx.command.examples[0]}"
        raise click.UsageError(message, error.ctx) from error


def _fail(ctx: click.Context, error: IsoflopError) -> NoReturn:
    prefix = "" if isinstance(error, InterruptedStudy) else "Error: "
    text = f"{prefix}{screenful(str(error))}"
    click.echo(wrapped(text, get_terminal_size().columns) if sys.stderr.isatty() else text, err=True)
    ctx.exit(error.exit_code)


def _verbs() -> dict[str, str]:
    from isoflop.cli import VERBS

    return VERBS


def _show_version(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    del parameter
    if value:
        from isoflop import __version__

        click.echo(f"isoflop {__version__}")
        ctx.exit()


@click.group(
    cls=VerbGroup,
    epilog="\b\nBegin with:\n  isoflop plan 1e21\n  isoflop fit runs.csv\n  isoflop VERB --help",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    subcommand_metavar="VERB ...",
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_show_version,
    help="Show the version and exit.",
)
def main() -> None:
    """Plan and prove compute-optimal training of language models.

    Quantities take suffixes: --flops 5.76e23, --params 70B, --tokens 1.4T, --gpus 512xH100.
    """
