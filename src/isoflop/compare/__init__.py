"""Two recipes compared: by how much compute, data, time or money one is worth more than the other, and how sure."""

from isoflop.compare.compare import compare_runs
from isoflop.compare.noise import noise_floor
from isoflop.compare.options import CompareOptions, StatedSlope
from isoflop.compare.result import (
    Audit,
    Comparison,
    Multiplier,
    NoiseFloor,
    PinnedFloor,
    Savings,
    SetVerdict,
    SlopeUsed,
)
from isoflop.compare.sides import FinalRun, Side

__all__ = [
    "Audit",
    "CompareOptions",
    "Comparison",
    "FinalRun",
    "Multiplier",
    "NoiseFloor",
    "PinnedFloor",
    "Savings",
    "SetVerdict",
    "Side",
    "SlopeUsed",
    "StatedSlope",
    "compare_runs",
    "noise_floor",
]
