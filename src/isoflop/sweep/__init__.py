"""Which runs to learn from, and what they cost before any is started."""

from isoflop.sweep.bill import Bill, Speed, bill_for, budgets_within
from isoflop.sweep.designs import (
    Design,
    DesignedRun,
    Purpose,
    first_guess,
    isoflop_design,
    learning_rate_check,
    sizes_around,
)

__all__ = [
    "Bill",
    "Design",
    "DesignedRun",
    "Purpose",
    "Speed",
    "bill_for",
    "budgets_within",
    "first_guess",
    "isoflop_design",
    "learning_rate_check",
    "sizes_around",
]
