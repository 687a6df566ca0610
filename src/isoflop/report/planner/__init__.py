"""The planner page: one static file that answers as `isoflop plan` does, with its own script and the data it needs."""

from isoflop.report.planner.data import PlannerData, ShapeData, planner_data
from isoflop.report.planner.script import SCRIPTS, planner_script
from isoflop.report.planner.sources import SourceData, source_data

__all__ = ["SCRIPTS", "PlannerData", "ShapeData", "SourceData", "planner_data", "planner_script", "source_data"]
