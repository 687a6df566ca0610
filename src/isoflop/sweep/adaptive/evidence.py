"""What a sweep has seen so far: a row for each finished run, and for each branch of a trunk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array, Labels
from isoflop.errors import InputError

COLUMNS = ("params", "tokens", "flops", "loss")


@dataclass(frozen=True, kw_only=True, eq=False)
class Evidence:
    """The finished rows of a sweep, all arrays (rows,). Rows of one trunk share their noise in part."""

    params: Array
    """N in the convention of the study's fits."""
    tokens: Array
    """D that the row's model was trained on: of a branch, trunk and decay together."""
    flops: Array
    """FLOPs of a model of that N on that D, in the convention of the fits: what a run alone would cost."""
    loss: Array
    """Validation loss in nats."""
    trunk: tuple[str, ...]
    """Name of the root run of each row; a run without branches is its own."""
    seed: Labels
    """Seed of each row."""
    spent: Array
    """FLOPs that each row cost besides those of other rows: of a branch the decay, and its part of the trunk."""

    def __post_init__(self) -> None:
        rows = len(self.loss)
        lengths = {name: len(getattr(self, name)) for name in (*COLUMNS, "trunk", "seed", "spent")}
        if any(length != rows for length in lengths.values()):
            raise InputError(f"evidence: expected columns of {rows} rows, got {lengths}")
        for name in (*COLUMNS, "spent"):
            column = getattr(self, name)
            if not (np.all(np.isfinite(column)) and np.all(column > 0)):
                raise InputError(f"evidence: {name}: expected positive finite numbers; leave out runs that diverged")

    @classmethod
    def of(
        cls,
        *,
        params: Sequence[float] | Array,
        tokens: Sequence[float] | Array,
        flops: Sequence[float] | Array,
        loss: Sequence[float] | Array,
        trunk: Sequence[str] | None = None,
        seed: Sequence[int] | Labels | None = None,
        spent: Sequence[float] | Array | None = None,
    ) -> Evidence:
        """Evidence from columns of any kind; without trunks each row is a run of its own, of seed 0.

        Raises InputError for columns of different lengths, and for numbers that are not positive.
        """
        count = len(loss)
        columns = {
            "params": params,
            "tokens": tokens,
            "flops": flops,
            "loss": loss,
            "spent": flops if spent is None else spent,
        }
        return cls(
            **{name: np.asarray(column, dtype=np.float64) for name, column in columns.items()},
            trunk=tuple(f"row {row}" for row in range(count)) if trunk is None else tuple(trunk),
            seed=np.zeros(count, dtype=np.int64) if seed is None else np.asarray(seed, dtype=np.int64),
        )

    def __len__(self) -> int:
        return len(self.loss)

    @property
    def total_flops(self) -> float:
        """FLOPs of the sweep so far."""
        return float(self.spent.sum())

    def with_rows(self, other: Evidence) -> Evidence:
        """These rows and those of `other` behind them."""
        columns = {
            name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in (*COLUMNS, "spent", "seed")
        }
        return Evidence(**columns, trunk=self.trunk + other.trunk)
