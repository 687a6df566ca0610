"""The noise between seeds, from runs as people have them: which are repeats of each other, and how far apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from isoflop.compare.noise import noise_floor
from isoflop.compare.result import NoiseFloor
from isoflop.compare.sides import Side, is_drawn
from isoflop.compare.sources import RecordedRuns, SourceOptions, read_source
from isoflop.errors import Notice, RefusedError
from isoflop.logs.run import LoggedRun

if TYPE_CHECKING:
    from isoflop.compare.sources import Source


@dataclass(frozen=True, kw_only=True)
class MeasuredNoise:
    """The noise floor on each evaluation set."""

    floors: tuple[NoiseFloor, ...]
    """Of the sets on which any run is repeated; at least one."""
    told_apart_by: tuple[str, ...]
    """The settings by which recipes were distinguished, besides size and tokens."""
    loss_unit: str
    notices: tuple[Notice, ...] = ()


def measure_noise(source: Source, options: SourceOptions, level: float) -> MeasuredNoise:
    """The noise floor of the runs in `source`, by their recipes.

    Raises InputError as `read_source` does, and RefusedError `no_repeats` where no two runs are repeats.
    """
    recorded = read_source(source, options)
    sides, apart = recipes_apart(recorded, options.by)
    floors, refusal = [], None
    for name in dict.fromkeys(name for side in sides for name in side.sets):
        try:
            floors.append(noise_floor(sides, name, level))
        except RefusedError as error:
            refusal = refusal or error
    if not floors:
        raise refusal or RefusedError("no_repeats", f"{recorded.name}: no run has a final loss")
    notices = dict.fromkeys(notice for side in sides for notice in side.notices)
    return MeasuredNoise(
        floors=tuple(floors), told_apart_by=apart, loss_unit=sides[0].loss_unit, notices=tuple(notices)
    )


def noise_sides(source: Source, options: SourceOptions) -> tuple[Side, ...]:
    """The recipes of `source`, as `measure_noise` tells them apart: what `CompareOptions.noise_from` takes."""
    recorded = read_source(source, options)
    by = options.by if options.by is not None and recorded.has_setting(options.by) else None
    return recipes_apart(recorded, by)[0]


def recipes_apart(recorded: RecordedRuns, by: str | None) -> tuple[tuple[Side, ...], tuple[str, ...]]:
    """(the recipes of `recorded`, the settings by which they differ): by one column, or else by all settings.

    Of these only such count as have one value for every two runs or fewer: names, dates and results are new in each.
    """
    if by is not None:
        return tuple(recorded.by_recipe(by).values()), (by,)
    columns = telling_settings(recorded.runs)
    parted: dict[str, list[LoggedRun]] = {}
    for run in recorded.runs:
        key = ", ".join(str(run.settings.get(name)) for name in columns) or recorded.name
        parted.setdefault(key, []).append(run)
    return tuple(recorded.parts(parted).values()), tuple(columns)


def telling_settings(runs: Sequence[LoggedRun]) -> list[str]:
    """Names of the settings that differ between the runs and recur: not those of seeds, places and times."""
    names = dict.fromkeys(name for run in runs for name in run.settings if not is_drawn(name))
    found = []
    for name in names:
        values = {str(run.settings.get(name)) for run in runs}
        if 1 < len(values) <= len(runs) / 2:
            found.append(name)
    return found
