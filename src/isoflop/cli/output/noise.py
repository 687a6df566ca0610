"""Printing of the noise floor."""

from __future__ import annotations

import click

from isoflop.cli.output.tables import print_facts, print_table, print_text
from isoflop.compare import MeasuredNoise
from isoflop.report.comparison_tables import noise_facts
from isoflop.report.comparison_words import percent_text, shortened
from isoflop.units import format_number


def print_noise(found: MeasuredNoise) -> None:
    """Prints the noise floor of the first evaluation set in words, and of several the table of all."""
    first, *others = found.floors
    names = shortened([floor.set_name for floor in found.floors])
    print_text(
        f"Final losses of runs that differ by their seed alone scatter by {percent_text(first.relative_sd)} (standard "
        f"deviation), on {names[first.set_name]}."
    )
    print_facts([(fact.label, fact.value) for fact in noise_facts(first, found.loss_unit)])
    print_facts([("Recipes by", ", ".join(found.told_apart_by) or "size and tokens alone")])
    if others:
        click.echo()
        pairs = sorted(first.smallest_gain)
        print_table(
            ["evaluation set", "sd", "runs", *(f"{count} pair{'s' if count > 1 else ''}" for count in pairs)],
            [
                [
                    names[floor.set_name],
                    format_number(floor.sd),
                    str(floor.runs),
                    *(percent_text(floor.smallest_gain[count]) for count in pairs),
                ]
                for floor in found.floors
            ],
            title="Smallest gain of the loss by pairs",
            spare=(2,),
        )
