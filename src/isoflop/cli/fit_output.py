"""The terminal report of `isoflop fit`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from isoflop.cli.answer import print_facts, print_table
from isoflop.fit import LEVEL, Fit, FitReport
from isoflop.units import format_flops, format_quantity

_TITLES = {"parametric": "3 parametric", "isoflop": "2 isoFLOP", "envelope": "1 envelope"}


def print_fit(report: FitReport, file: Path) -> None:
    """What was read and left out, the three approaches, and the constants that the runs identify."""
    seen: dict[str, Any] = report.observations
    conventions = f"N {seen['params_convention']}, C {seen['flops_convention']}, loss in {seen['loss_unit']}"
    facts = [("Rows", f"{seen['rows_used']} used of {seen['rows_read']}"), ("Conventions", conventions)]
    facts += [(f"Row {item['row']} left out", item["reason"]) for item in seen["dropped"][:10]]
    if len(seen["dropped"]) > 10:
        facts.append(("", f"and {len(seen['dropped']) - 10} more (--json lists all)"))
    print_facts(facts, title=str(file))
    click.echo()
    flops = report.flops_range[1]
    print_table(
        ["Approach", "a", f"{LEVEL:.0%} interval", f"N at {format_flops(flops)}", "status"],
        [_row(name, fit, flops) for name, fit in report.fits.items()],
        text=(0, 4),
    )
    if report.parametric.ok:
        click.echo()
        print_table(
            ["Constant", "value", f"{LEVEL:.0%} interval"],
            [
                [name, f"{value:.4g}", _interval(report.parametric, name)]
                if report.parametric.details.get("identified", {}).get(name, True)
                else [name, "not identified", ""]
                for name, value in report.parametric.require().constants().items()
            ],
        )


def _row(name: str, fit: Fit, flops: float) -> list[str]:
    if not fit.ok or fit.exponents is None:
        return [_TITLES[name], "-", "-", "-", f"{fit.status.replace('_', ' ')}: {fit.reason}"]
    size = format_quantity(fit.optimum(flops)[0])
    return [_TITLES[name], f"{fit.exponents[0]:.3f}", _interval(fit, "a"), size, "ok"]


def _interval(fit: Fit, name: str) -> str:
    if name not in fit.intervals:
        return "-"
    low, high = fit.intervals[name]
    return f"{low:.4g} to {high:.4g}"
