"""Printing of what `isoflop launch --dry-run` would submit."""

from __future__ import annotations

import shlex

import click

from isoflop.cli.output.layout import placement_facts, ways_of
from isoflop.cli.output.tables import print_facts, say
from isoflop.runs.engines.processes import Processes
from isoflop.runs.registry import ENGINES
from isoflop.study.dry_run import RUN_ID, DryRun, PlannedCost
from isoflop.study.launch_settings import ResolvedLaunch
from isoflop.units import format_bytes, format_duration, format_flops, format_money, format_quantity


def print_dry_run(shown: DryRun) -> None:
    """Prints a short table, then the script and the command without wrapping."""
    run, launch = shown.run, shown.launch
    of_text = ", its id once the text is built" if shown.folder.name == RUN_ID else ""
    facts = [
        ("Engine", f"{shown.engine}: {ENGINES[shown.engine].what}"),
        ("Run", f"{shown.folder}{of_text}"),
        (
            "Model",
            f"{run.architecture.family}, {run.architecture.params().total:,} parameters, on "
            f"{format_quantity(run.tokens)} tokens",
        ),
        (
            "Batch",
            f"{run.steps:,} steps of {format_quantity(run.batch_tokens)} tokens "
            f"({run.batch_tokens // run.seq_len:,} x {run.seq_len:,})",
        ),
        ("Numbers", f"weights in {run.precision}, products in {launch.products}"),
        ("Processes", _processes(launch.processes)),
        *_layout(launch),
        *_cost(shown.cost),
    ]
    if shown.script is None and shown.job:
        facts.append(("Asks for", ", ".join(f"{name} = {value}" for name, value in shown.job.items())))
    print_facts(facts, title="Nothing to submit: this run has its result" if shown.done else "Would be submitted")
    if shown.script is not None:
        click.echo("\nHanded to sbatch:\n")
        for line in shown.script.strip().split("\n"):
            say(line)
    where = "On each machine" if launch.processes.machines > 1 else "Command"
    if shown.engine == "local" and launch.parallel is None:
        where = "Does in a process that stays warm what this does by hand"
    click.echo(f"\n{where}:\n")
    say(shlex.join(shown.command))


def _processes(processes: Processes) -> str:
    count, machines = processes.count, processes.machines
    where = "a GPU each" if processes.device == "cuda" else "on CPUs"
    if count == 1:
        return "1, on a GPU" if processes.device == "cuda" else "1, on one CPU core"
    return f"{count}, {where}: {machines} machine{'s' * (machines > 1)} of {processes.each}"


def _layout(launch: ResolvedLaunch) -> list[tuple[str, str]]:
    if launch.placement is not None:
        return placement_facts(launch.placement)
    used, limit = format_bytes(launch.memory.total), format_bytes(launch.memory_limit)
    ways = "one process" if launch.parallel is None else ways_of(launch.parallel.layout)
    return [("Layout", ways), ("Memory a process", f"{used} of {limit}, by the account")]


def _cost(cost: PlannedCost | None) -> list[tuple[str, str]]:
    if cost is None:
        return [("Takes", "not known: the plan has no hours and no price, which --gpus gives it")]
    fast, slow = (format_duration(hours * 3600) for hours in cost.hours_range)
    facts = [("Takes", f"{format_duration(cost.hours * 3600)} ({fast} to {slow}), as planned")]
    if cost.flops is not None:
        facts.append(("", f"for {format_flops(cost.flops)} FLOPs by {cost.flops_convention}"))
    if cost.price is None or cost.price_range is None:
        return [*facts, ("Price", "not known")]
    currency = None if cost.price_source == "given" else "USD"
    price, low, high = (format_money(sum_, currency) for sum_ in (cost.price, *cost.price_range))
    return [*facts, ("Price", f"{price} ({low} to {high}), as planned")]
