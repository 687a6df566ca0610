"""Options of sbatch that a user adds to those of isoflop: their names, their values, and what they must not change.

They become lines of a batch script, `#SBATCH --name=value`, so that they must not hold anything that ends a line.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic_core.core_schema import CoreSchema

_LONGEST = 1000
"""Characters of a value: more is a mistake, and sbatch reads lines of a script up to a bound of its own."""
_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+){0,6}")

MEMORY = frozenset(("mem", "mem-per-cpu", "mem-per-gpu"))
"""Options that ask for memory, of which Slurm takes one (sbatch(1))."""
_GPUS = frozenset(("gpus", "gpus-per-node", "gpus-per-task", "gpus-per-socket"))

_REFUSED = {
    "time": "it has a key of its own: minutes, which knows when a checkpoint must be saved",
    "cpus-per-task": "it has a key of its own: cpus, which is multiplied by the processes of a run",
    **dict.fromkeys(
        ("nodes", "ntasks", "ntasks-per-node", "ntasks-per-core", "ntasks-per-gpu", "ntasks-per-socket"),
        "isoflop asks for a task on each machine that the layout takes",
    ),
    **dict.fromkeys(("output", "error", "input", "open-mode"), "isoflop reads what the job writes there"),
    "signal": "isoflop has Slurm signal a job before its end, in time for a checkpoint",
    "array": "each run is a job",
    "wrap": "the job is isoflop's trainer",
    "clusters": "isoflop asks one cluster for its jobs; start it on a login node of that one",
    **dict.fromkeys(("parsable", "quiet"), "isoflop reads the id of the job that sbatch prints"),
    **dict.fromkeys(("wait", "test-only", "help", "usage", "version"), "no job is submitted with it, or none returns"),
}


def checked_sbatch(value: object) -> dict[str, str | bool]:
    """{option: value, or True for one without} from a table, or from a list such as `["--exclusive", "nice=100"]`.

    Raises ValueError, saying what was expected, for what is no long option of sbatch and for what isoflop itself sets.

    >>> checked_sbatch({"mem_per_cpu": "2G", "nice": 100, "exclusive": True, "requeue": False})
    {'mem-per-cpu': '2G', 'nice': '100', 'exclusive': True}
    >>> checked_sbatch(["--gres=gpu:a100:1", "--exclusive"])
    {'gres': 'gpu:a100:1', 'exclusive': True}
    """
    if isinstance(value, Mapping):
        pairs: list[tuple[str, object]] = [(str(name), part) for name, part in value.items()]
    elif isinstance(value, list | tuple):
        pairs = [_pair(entry) for entry in value]
    else:
        raise ValueError(
            f'expected a table such as {{ gres = "gpu:1" }}, or a list such as ["--exclusive"], got {value!r}'
        )
    options: dict[str, str | bool] = {}
    for written, value in pairs:
        name = _checked_name(written)
        if name in options:
            raise ValueError(f"{name}: given twice")
        if value is False:  # not requested
            continue
        try:
            options[name] = True if value is True else one_line(value)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
    if not str(options.get("export", "ALL")).upper().startswith("ALL"):
        raise ValueError(
            f"export: expected ALL, or ALL and more, since a trainer needs its environment, got {options['export']!r}"
        )
    return options


def _pair(entry: object) -> tuple[str, str | bool]:
    if not isinstance(entry, str):
        raise ValueError(f"expected options as text, such as --exclusive or --nice=100, got {entry!r}")
    name, equals, value = entry.partition("=")
    return name, value if equals else True


def _checked_name(written: str) -> str:
    name = written.strip().removeprefix("--").replace("_", "-")
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"expected the long name of an option of sbatch, such as account, or account=lab in a list, got "
            f"{written[:80]!r}"
        )
    if name in _REFUSED:
        raise ValueError(f"{name}: not an option to give: {_REFUSED[name]}")
    return name


def one_line(value: object) -> str:
    """`value` as a word of a batch script. Raises ValueError for what would end its line, and for nothing."""
    if not isinstance(value, str | int | float):
        raise ValueError(f"expected text, a number, true or false, got {value!r}")
    word = str(value)
    if not word.strip() or len(word) > _LONGEST:
        raise ValueError(f"expected 1 to {_LONGEST} characters, got {len(word)}")
    if "\\" in word:  # also between quotes, where a shell would leave it
        raise ValueError(f"expected no backslash, which sbatch reads as an escape, got {word[:80]!r}")
    if any(unicodedata.category(letter) in ("Cc", "Zl", "Zp", "Cs") for letter in word):
        raise ValueError(f"expected one line of text without control characters, got {word[:80]!r}")
    return word


def asks_for_gpus(options: Mapping[str, str | bool]) -> bool:
    """Whether these options ask for GPUs, so that isoflop's own must not.

    >>> asks_for_gpus({"gres": "gpu:a100:4"}), asks_for_gpus({"gres": "tmpdir:10G"})
    (True, False)
    """
    return bool(_GPUS & options.keys()) or "gpu" in str(options.get("gres", ""))


@dataclass(frozen=True)
class CheckedLine:
    """Has a field checked by `one_line` when it is read from a file, so that the error names its place."""

    def __get_pydantic_core_schema__(self, source: object, handler: Callable[[object], CoreSchema]) -> CoreSchema:
        from pydantic_core import core_schema  # with pydantic, which takes a tenth of a second to import

        return core_schema.no_info_after_validator_function(one_line, handler(source))


@dataclass(frozen=True)
class CheckedSbatch:
    """Has a field made by `checked_sbatch` when it is read from a file, so that the error names its place."""

    def __get_pydantic_core_schema__(self, source: object, handler: Callable[[object], CoreSchema]) -> CoreSchema:
        from pydantic_core import core_schema

        return core_schema.no_info_before_validator_function(checked_sbatch, handler(source))
