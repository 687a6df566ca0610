"""Comparisons as values, to hold their words, tables and figures by: every number is set here."""

from __future__ import annotations

from dataclasses import replace

from isoflop.compare import Audit, Comparison, Multiplier, NoiseFloor, Savings, SetVerdict, SlopeUsed
from isoflop.errors import Notice


def cell(params: float, tokens: float, loss_a: float, loss_b: float, times: float | None) -> Multiplier:
    return Multiplier(
        params=params,
        tokens=tokens,
        flops=6 * params * tokens,
        loss_a=loss_a,
        loss_b=loss_b,
        runs_a=3,
        runs_b=3,
        multiplier=times,
        interval=None if times is None else (0.9 * times, 1.1 * times),
        reach="never" if times is None else "measured",
    )


CELLS = (
    cell(1e8, 2e9, 3.50, 3.42, 1.28),
    cell(2e8, 4e9, 3.20, 3.13, 1.31),
    cell(4e8, 8e9, 2.95, 2.89, 1.34),
)
BETTER = SetVerdict(
    name="val/c4/0001.tar",
    multiplier=1.31,
    interval=(1.18, 1.45),
    probability_above_1=0.999,
    slope=0.01,
    slope_interval=(-0.03, 0.05),
    trend="holds",
    reachable=True,
    verdict="better",
    equal_within=None,
    pairs_needed=None,
    reason="the 90 % interval lies above 1",
    cells=CELLS,
    parts={"noise": 0.03, "slope": 0.02, "cells": 0.01},
)
WORSE = SetVerdict(
    name="val/ptb/0001.tar",
    multiplier=0.8,
    interval=(0.74, 0.86),
    probability_above_1=0.001,
    slope=-0.04,
    slope_interval=(-0.06, -0.02),
    trend="falls",
    reachable=True,
    verdict="worse",
    equal_within=None,
    pairs_needed=None,
    reason="the 90 % interval lies below 1",
    cells=(cell(1e8, 2e9, 3.50, 3.56, 0.83), cell(4e8, 8e9, 2.95, 3.01, 0.77)),
    parts={"noise": 0.03, "slope": 0.02, "cells": 0.02},
)
OUT_OF_REACH = SetVerdict(
    name="val/redpajama/0001.tar",
    multiplier=None,
    interval=None,
    probability_above_1=None,
    slope=None,
    slope_interval=None,
    trend="unknown",
    reachable=False,
    verdict="better",
    equal_within=None,
    pairs_needed=None,
    reason="A does not reach the loss of B at any compute",
    gap=0.8,
    gap_interval=(0.79, 0.81),
    cells=(cell(1e8, 2e9, 3.50, 1.56, None),),
)
NOT_TOLD = SetVerdict(
    name="val/falcon/0001.tar",
    multiplier=1.02,
    interval=(0.9, 1.15),
    probability_above_1=0.6,
    slope=None,
    slope_interval=None,
    trend="unknown",
    reachable=True,
    verdict="cannot_tell",
    equal_within=None,
    pairs_needed=7,
    reason="the gap is within the noise of one pair",
    cells=(cell(1e8, 2e9, 3.50, 3.49, 1.02),),
    parts={"noise": 0.07},
)
EQUAL = SetVerdict(
    name="val/openlm/0001.tar",
    multiplier=1.0,
    interval=(0.98, 1.02),
    probability_above_1=0.5,
    slope=0.0,
    slope_interval=(-0.01, 0.01),
    trend="holds",
    reachable=True,
    verdict="equal",
    equal_within=0.02,
    pairs_needed=None,
    reason="the 90 % interval lies within 2 % of 1",
    cells=(cell(1e8, 2e9, 3.50, 3.50, 1.0),),
    parts={"noise": 0.01},
)
AUDIT = (
    Audit(what="tokens", a="2B to 8B", b="2B to 8B", equal=True),
    Audit(what="peak learning rate", a="0.003", b="0.02", equal=False),
    Audit(what="tokenizer", a="gpt2", b="gpt2", equal=True, must=True),
    Audit(what="epochs", a="unknown", b="unknown", equal=False),
)
BY_USUAL_SLOPE = replace(
    EQUAL,
    gap=0.00014,
    gap_interval=(-0.00005, 0.00033),
    gap_at_equal_length=0.0005,
    gap_at_equal_length_interval=(0.0002, 0.001),
    slope_used=SlopeUsed(source="the usual slope of language models", value=0.044, usual=True),
)
"""A little longer and as good, by a slope that the runs do not show."""


def comparison(*sets: SetVerdict, **changes: object) -> Comparison:
    """Muon against adamw, along the frontier."""
    values: dict[str, object] = {
        "a": "adamw",
        "b": "muon",
        "axis": "compute",
        "level": 0.9,
        "audit": AUDIT,
        "sets": sets,
        "noise": NoiseFloor(
            sd=0.0012, runs=40, recipes=8, smallest_gain={1: 0.0013, 2: 0.0009, 4: 0.00065, 8: 0.00046}
        ),
        "saved": Savings(flops=2.4e20, share=0.24, interval=(0.15, 0.31), money=1234.0),
        "notices": (Notice(code="extrapolation", message="the planned run is 12 times beyond the largest run"),),
        **changes,
    }
    return Comparison(**values)  # type: ignore[arg-type]
