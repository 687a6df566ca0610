"""Curves under several schedules: drawn from a law, and those of the published set where it lies beside the project."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from isoflop.laws.annealing import AnnealingLaw
from isoflop.laws.multi_power import MultiPowerLaw
from isoflop.laws.rate_path import RatePath
from isoflop.watch import Curve

PUBLISHED = Path(__file__).parents[3] / "shared" / "data" / "schedule_curves"
"""thu-yao-01-luo/MultiPowerLaw, 25M and 100M parameters (MIT)."""
FITTED = ("cosine_24000", "constant_24000", "wsdcon_9")
"""The protocol of its authors: fitted to these, tested on the others."""
TESTED = ("constant_72000", "cosine_72000", "wsd_20000_24000", "wsdld_20000_24000", "wsdcon_3", "wsdcon_18")
LONG = ("constant_24000", "constant_72000", "cosine_24000", "cosine_72000", "wsd_20000_24000", "wsdld_20000_24000")
TOKENS = 1e6


def rates(kind: str, share: np.ndarray, warmup: float = 0.02) -> np.ndarray:
    """Rate over peak by share of the schedule, after a linear warm-up."""
    after = np.clip((share - 0.8) / 0.2, 0, 1)
    shapes = {
        "constant": np.ones_like(share),
        "cosine": 0.1 + 0.45 * (1 + np.cos(np.pi * np.clip((share - warmup) / (1 - warmup), 0, 1))),
        "linear": 1 - after,
        "sqrt": 1 - np.sqrt(after),
        "exponential": 0.05**after,
        "stepped": np.where(share < 0.5, 1.0, 0.3),
    }
    return np.where(share < warmup, share / warmup, shapes[kind])


def drawn_curve(
    law: AnnealingLaw | MultiPowerLaw,
    kind: str,
    *,
    points: int = 400,
    noise: float = 0.0,
    seed: int = 0,
    params: float = 1e6,
    tokens: float = TOKENS,
    until: float = 1.0,
) -> Curve:
    """A run of `tokens` tokens as `law`, in units of TOKENS, says it goes."""
    knots = np.linspace(0, 1, 1001)
    at = np.linspace(0, 1, points + 1)[1:]
    path = RatePath.of(knots * tokens, rates(kind, knots), unit=TOKENS)
    loss = law.loss(path, at * tokens / TOKENS)
    noisy = loss * np.exp(noise * np.random.default_rng(seed).standard_normal(points))
    kept = at <= until + 1e-9
    return Curve(
        name=f"{kind} {params:.0e} {tokens:.0e} {seed}",
        tokens=at[kept] * tokens,
        loss=noisy[kept],
        schedule_tokens=knots * tokens,
        schedule_rates=3e-4 * rates(kind, knots),
        total_tokens=tokens,
        params=params,
        final=float(loss[-1]) if until >= 1 else None,
        end=float(loss[-1]) if until >= 1 else None,
    )


def published_curve(size: str, name: str) -> Curve:
    """One of the published runs, its final loss the mean of the last two; skips the test where there are none."""
    if not PUBLISHED.is_dir():
        pytest.skip(f"no {PUBLISHED}")
    with (PUBLISHED / f"{size}_{name}.csv").open(newline="") as file:
        rows = [[float(row[key]) for key in ("step", "lr", "loss")] for row in csv.DictReader(file)]
    step, rate, loss = np.array(rows).T
    length = 16000.0 if name.startswith("wsdcon") else float(name.rsplit("_", 1)[1])
    end = float(np.exp(np.mean(np.log(loss[-2:]))))
    return Curve(
        name=f"{size} {name}",
        tokens=step,
        loss=loss,
        schedule_tokens=step,
        schedule_rates=rate,
        total_tokens=length,
        counts="steps",
        params=float(size.rstrip("M")) * 1e6,
        final=end,
        end=end,
    )
