"""Which runs to learn from, and what they cost before any is started."""

from isoflop.sweep.branches import Branches, branch_of, branched_runs
from isoflop.sweep.cost import SweepCost, sweep_cost
from isoflop.sweep.designs import (
    Design,
    DesignedRun,
    Purpose,
    fitted_specs,
    isoflop_design,
    learning_rate_check,
    spent_flops,
)
from isoflop.sweep.speed import Speed
from isoflop.sweep.study_design import LARGER, comparison_design, design_study, study_cost, sweep_design

__all__ = [
    "LARGER",
    "Branches",
    "Design",
    "DesignedRun",
    "Purpose",
    "Speed",
    "SweepCost",
    "branch_of",
    "branched_runs",
    "comparison_design",
    "design_study",
    "fitted_specs",
    "isoflop_design",
    "learning_rate_check",
    "spent_flops",
    "study_cost",
    "sweep_cost",
    "sweep_design",
]
