"""Two recipes compared: by how much compute, data, time or money one is worth more than the other, and how sure."""

from typing import TYPE_CHECKING

from isoflop.faces import make_callable
from isoflop.lazy_names import names_of

if TYPE_CHECKING:
    from isoflop.compare.compare import compare_runs
    from isoflop.compare.noise import noise_floor
    from isoflop.compare.options import LEVEL, CompareOptions, LawSlope, StatedSlope
    from isoflop.compare.recipes import against_baseline, compare_named, recipes_in, sides_of, two_sides
    from isoflop.compare.recorded_noise import MeasuredNoise, measure_noise, noise_sides
    from isoflop.compare.result import (
        AXES,
        Audit,
        Axis,
        Comparison,
        Multiplier,
        NoiseFloor,
        OwnLaw,
        PinnedFloor,
        Savings,
        SetVerdict,
        SlopeUsed,
    )
    from isoflop.compare.sides import FinalRun, Side
    from isoflop.compare.sources import RecordedRuns, SourceOptions, read_source

__getattr__ = names_of(
    __name__,
    {
        "compare": "compare_runs",
        "noise": "noise_floor",
        "options": "LEVEL CompareOptions LawSlope StatedSlope",
        "recipes": "against_baseline compare_named recipes_in sides_of two_sides",
        "recorded_noise": "MeasuredNoise measure_noise noise_sides",
        "result": "AXES Audit Axis Comparison Multiplier NoiseFloor OwnLaw PinnedFloor Savings SetVerdict SlopeUsed",
        "sides": "FinalRun Side",
        "sources": "RecordedRuns SourceOptions read_source",
    },
)

__all__ = [
    "AXES",
    "LEVEL",
    "Audit",
    "Axis",
    "CompareOptions",
    "Comparison",
    "FinalRun",
    "LawSlope",
    "MeasuredNoise",
    "Multiplier",
    "NoiseFloor",
    "OwnLaw",
    "PinnedFloor",
    "RecordedRuns",
    "Savings",
    "SetVerdict",
    "Side",
    "SlopeUsed",
    "SourceOptions",
    "StatedSlope",
    "against_baseline",
    "compare_named",
    "compare_runs",
    "measure_noise",
    "noise_floor",
    "noise_sides",
    "read_source",
    "recipes_in",
    "sides_of",
    "two_sides",
]

make_callable(__name__)
