"""The mathematics of the planner page: its JavaScript files, in the order in which they build on each other."""

from importlib.resources import files

SCRIPTS = (
    "numbers.js",
    "cost.js",
    "laws.js",
    "forecaster.js",
    "sizes.js",
    "source.js",
    "repeated.js",
    "problem.js",
    "hardware.js",
    "intervals.js",
    "shape.js",
    "tables.js",
    "batch.js",
    "memory.js",
    "step_time.js",
    "layout.js",
    "serving.js",
    "clock.js",
    "cluster_budget.js",
    "plan.js",
    "budget.js",
    "limits.js",
    "figures.js",
    "dropped.js",
)
"""Files of this folder. Together they define one global, `isoflop`."""


def planner_script(*, without: tuple[str, ...] = ()) -> str:
    """Returns the text of SCRIPTS but those `without`, one after the other: a classic script without imports.

    It defines `isoflop.plan(data, inputs)`, `profile(data, inputs, sizes)`, `frontiers(data, budgets)` and
    `budgetOf(data, inputs)`, where `data` is the object of `planner_data`, and `sourceOfFit(fit, name)`, which returns
    another of its sources from what `isoflop fit --out` writes.
    """
    folder = files("isoflop.report.planner")
    return "\n".join(folder.joinpath(name).read_text(encoding="utf-8") for name in SCRIPTS if name not in without)
