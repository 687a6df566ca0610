"""The tables of engines in study.toml and plan.toml: keys that decide no number of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated

from pydantic import AfterValidator, TypeAdapter, ValidationError

from isoflop.errors import InputError
from isoflop.runs.engines.sbatch import checked_sbatch
from isoflop.runs.engines.settings import EngineSettings
from isoflop.runs.registry import ENGINES, engine_tables, starter_of

Tables = Mapping[str, EngineSettings]
"""{engine: its settings}, of those engines that have a table in the file."""


def checked_devices(value: str) -> str:
    """The setting `devices` as it is kept. Raises ValueError for what is none.

    >>> [checked_devices(value) for value in ("auto", " 1, 0 ")]
    ['auto', '0,1']
    """
    if value in ("auto", "cpu", "cuda"):
        return value
    numbers = [part.strip() for part in value.split(",")]
    if not all(part.isdecimal() and len(part) < 4 for part in numbers):
        raise ValueError(f'expected auto, cpu, cuda or numbers of GPUs such as "0,1", got {value!r}')
    return ",".join(map(str, sorted(set(map(int, numbers)))))


def check_where(devices: str, engine: str, *, here: bool) -> None:
    """Raises ValueError where GPUs of this machine are named and the `engine` trains elsewhere."""
    if devices not in ("auto", "cpu", "cuda") and not here:
        raise ValueError(f"devices: GPU {devices} is of this machine, and {engine} trains elsewhere")


Devices = Annotated[str, AfterValidator(checked_devices)]
"""The setting `devices`."""


def read_tables(values: Mapping[str, object]) -> tuple[dict[str, EngineSettings], list[str]]:
    """(the tables of engines among `values`, what is wrong with them, a line each with its place)."""
    tables: dict[str, EngineSettings] = {}
    problems = []
    for name in engine_tables():
        value = values.get(name)
        if isinstance(value, EngineSettings):
            tables[name] = value
        elif value is not None:
            try:
                tables[name] = TypeAdapter(ENGINES[name].settings).validate_python(value)
            except ValidationError as error:
                problems += problems_of(error, name)
    return tables, problems


def problems_of(error: ValidationError, *place: str) -> list[str]:
    """The problems that pydantic found, a line each: the place below `place`, and what was expected there."""
    return [
        ": ".join(filter(None, (".".join(map(str, (*place, *e["loc"]))), e["msg"].removeprefix("Value error, "))))
        for e in error.errors()
    ]


def with_sbatch(existing: Mapping[str, object], requested: Mapping[str, object]) -> dict[str, object]:
    """`requested` settings with options of sbatch, a list under `sbatch`, put into the table [slurm] of `existing`.

    Options of the same name are replaced. Raises InputError for what is no option, and where no Slurm trains.
    """
    changed = dict(requested)
    options = changed.pop("sbatch", None)
    if not options:
        return changed
    merged = {**existing, **changed}
    engine = str(merged.get("engine") or "local")
    tables, _ = read_tables(merged)  # what is wrong with them is reported with all other settings
    if engine not in ENGINES or starter_of(engine, tables) != "slurm":
        raise InputError(f"--sbatch: expected with --engine slurm, whose jobs sbatch takes; the engine is {engine}")
    try:
        options = checked_sbatch(options)
    except ValueError as error:
        raise InputError(f"--sbatch: {error}") from error
    slurm = as_table(existing.get("slurm"))
    return {**changed, "slurm": {**slurm, "sbatch": {**checked_sbatch(slurm.get("sbatch") or {}), **options}}}


def as_table(value: object) -> dict[str, object]:
    """The settings of an engine as the keys of its table; empty where there are none."""
    if isinstance(value, EngineSettings):
        return asdict(value)
    return dict(value) if isinstance(value, Mapping) else {}
