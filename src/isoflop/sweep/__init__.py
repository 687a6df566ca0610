"""Which runs to learn from, and what they cost before any is started."""

from isoflop.sweep.cost import Bill, Speed, bill_for
from isoflop.sweep.designs import Design, DesignedRun, Purpose, isoflop_design, learning_rate_check
from isoflop.sweep.study_design import LARGER, contest_design, design_study, study_bill, sweep_design

__all__ = [
    "LARGER",
    "Bill",
    "Design",
    "DesignedRun",
    "Purpose",
    "Speed",
    "bill_for",
    "contest_design",
    "design_study",
    "isoflop_design",
    "learning_rate_check",
    "study_bill",
    "sweep_design",
]
