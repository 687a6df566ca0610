"""Printing of a table that mixes conditions: one line for each, and no one answer."""

from __future__ import annotations

from pathlib import Path

from isoflop.cli.output.tables import print_table, print_text, say
from isoflop.fit import ConditionGroup, ConditionGroups
from isoflop.report.formatting import interval_text
from isoflop.units import format_flops, format_quantity


def print_groups(groups: ConditionGroups, file: Path) -> None:
    """Prints what the runs differ in, and each condition with its rows, exponent and size, on stdout."""
    say(str(file))
    print_text(f"No one answer: the runs differ in {groups.differ}, and no one law is theirs.")
    say("")
    header = (", ".join(groups.by), "rows", "a: N_opt ∝ C^a", f"N_opt at {format_flops(groups.flops)} FLOPs")
    print_table(header, [_cells(group) for group in groups.groups], wrap=(0, 3))
    say("")
    print_text("Each condition is fitted alone; 90 % intervals. The whole answer of one:")
    say(f"  isoflop fit {file} {groups.groups[0].options}")
    print_text("All runs as one, where the difference does not matter to you: --pooled.")


def _cells(group: ConditionGroup) -> tuple[str, ...]:
    name = ", ".join(word or "(empty)" for word in group.where.values())
    if group.a is None or group.a_interval is None or group.params is None or group.params_interval is None:
        return (name, str(group.rows), "no answer", "")
    low, high = group.a_interval
    a = f"{group.a:.3f} ({low:.3f} to {high:.3f})"
    return (name, str(group.rows), a, f"{format_quantity(group.params)} ({interval_text(group.params_interval)})")
