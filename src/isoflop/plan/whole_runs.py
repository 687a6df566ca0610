"""Whole training runs whose hours were published, and how far the predicted time of their steps is from them."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, cast

from isoflop.arch import Architecture, flops_per_token
from isoflop.distributions import student_quantile
from isoflop.errors import InputError, RefusedError
from isoflop.hardware import SECONDS_PER_HOUR, Hardware, hardware_named
from isoflop.large_recipe import LargeRecipe
from isoflop.plan.layout_search import LayoutEstimate, find_layout
from isoflop.plan.run_time import SPREAD_LEVEL, Spread

_BATCH_SLACK = 0.1  # as a plan's: a batch may be a tenth larger, so that it divides over the devices


@dataclass(frozen=True, kw_only=True)
class WholeRun:
    """One row of `whole_runs.csv`."""

    name: str
    group: str
    """Runs of one paper or one author, which are not independent of each other."""
    architecture: Architecture
    seq_len: int
    batch_tokens: int
    """Tokens of a step: as published, else by the rule of plans."""
    tokens: float
    hardware: Hardware
    devices: int
    devices_stated: bool
    """False where only device-hours were published: then the number is an assumption."""
    device_hours: float
    attention: Literal["fused", "stored"]
    """Whether the software kept the scores of attention out of memory, as FlashAttention does and the prediction
    assumes. Only such runs are fitted."""
    note: str
    """How the time was stated."""
    source: str
    read_in: str
    """Where shape and batch were read, beyond `source`; empty where that has them."""
    assumed: tuple[str, ...]
    """What of shape, batch and devices was found in no public source, or follows the rule of plans."""

    @property
    def utilization(self) -> float:
        """Model FLOPs of the run (`palm_mfu`) over what the devices could have done in its hours."""
        flops = self.tokens * flops_per_token(self.architecture, self.seq_len, "palm_mfu")
        peak = self.hardware.peak_flops[self.hardware.training_format]
        return flops / (peak * self.device_hours * SECONDS_PER_HOUR)

    def layout(self) -> LayoutEstimate | None:
        """The layout that a plan would have; None where the catalogue lacks what its time needs of the device."""
        batch = self.batch_tokens // self.seq_len
        try:
            return find_layout(
                self.architecture, self.seq_len, self.hardware, self.devices, batch=batch, batch_slack=_BATCH_SLACK
            )
        except (InputError, RefusedError):
            return None

    def predicted_steps(self) -> float | None:
        """Device-hours of the steps alone, as predicted in that layout; None without one."""
        found = self.layout()
        return None if found is None else self.tokens / found.time.tokens_per_second * self.devices / SECONDS_PER_HOUR


@cache
def whole_runs() -> tuple[WholeRun, ...]:
    """All rows of `whole_runs.csv`, in its order."""
    text = files("isoflop.plan").joinpath("whole_runs.csv").read_text(encoding="utf-8")
    return tuple(_read_row(row) for row in csv.DictReader(text.splitlines()))


def _read_row(row: dict[str, str]) -> WholeRun:
    family, seq_len, tokens = row["family"], int(row["seq_len"]), float(row["tokens"])
    sizes = ("n_layers", "d_model", "n_heads", "n_kv_heads", "head_dim", "d_ff", "vocab_size")
    layers, width, heads, kv_heads, head_dim, d_ff, vocab = (int(row[name]) for name in sizes)
    architecture = Architecture(
        family=family,
        n_layers=layers,
        d_model=width,
        n_heads=heads,
        n_kv_heads=kv_heads,
        head_dim=head_dim,
        d_ff=d_ff,
        vocab_size=vocab,
        tied_embedding=row["tied"] == "1",
        n_positions=seq_len if family == "gpt" else None,
        without=("query_key_norm",) if family == "llama" else (),
    )
    stated = row["batch_tokens"]
    recipe = LargeRecipe(seq_len=seq_len)
    return WholeRun(
        name=row["run"],
        group=row["group"],
        architecture=architecture,
        seq_len=seq_len,
        batch_tokens=int(stated) if stated else recipe.batch_tokens(architecture, tokens),
        tokens=tokens,
        hardware=hardware_named(row["device"]),
        devices=int(row["devices"]),
        devices_stated=row["devices_stated"] == "1",
        device_hours=float(row["device_hours"]),
        attention=cast("Literal['fused', 'stored']", row["attention"]),
        note=row["note"],
        source=row["source"],
        read_in=row["read_in"],
        assumed=tuple(
            what
            for what, found in (
                (row["assumed"], bool(row["assumed"])),
                ("batch by the rule of plans", not stated),
                ("number of devices", row["devices_stated"] != "1"),
            )
            if found
        ),
    )


def spread_of(ratios: Iterable[tuple[str, float]]) -> Spread:
    """The spread of (group, ratio), each group counted once however many runs it has.

    Logarithms are taken as normal: their mean and deviation are of the groups' weights, and the ends are those of a
    prediction interval by Student's t with one degree of freedom fewer than there are groups. Raises ValueError for
    fewer than three groups.
    """
    by_group: dict[str, list[float]] = {}
    for group, ratio in ratios:
        by_group.setdefault(group, []).append(math.log(ratio))
    count = len(by_group)
    if count < 3:
        raise ValueError(f"expected at least three groups of runs, got {count}")
    mean = sum(sum(logs) / len(logs) for logs in by_group.values()) / count
    square = sum(sum((log - mean) ** 2 for log in logs) / len(logs) for logs in by_group.values()) / (count - 1)
    reach = student_quantile((1 + SPREAD_LEVEL) / 2, count - 1) * math.sqrt(square * (1 + 1 / count))
    return Spread(expected=math.exp(mean), low=math.exp(mean - reach), high=math.exp(mean + reach))


def outside(ratios: Sequence[tuple[str, float]], *, by_group: bool) -> list[int]:
    """Places of the ratios that lie outside the spread of the others: of all other runs, or of all other groups."""
    found = []
    for place, (group, ratio) in enumerate(ratios):
        others = [other for at, other in enumerate(ratios) if (other[0] != group if by_group else at != place)]
        spread = spread_of(others)
        if not spread.low <= ratio <= spread.high:
            found.append(place)
    return found
