"""Options of a comparison: how its runs are read, what is asked, and what an hour of a device costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import click
import cloup
from cloup import option_group

from isoflop.cli.options.logs import log_options
from isoflop.cli.options.named_values import parse_named
from isoflop.cli.options.own_device import PricedDevice, priced_device_options
from isoflop.cli.options.types import PATH, QUANTITY
from isoflop.compare import AXES, LEVEL, Axis, CompareOptions, Side, SourceOptions
from isoflop.compare.law_slope import read_slope
from isoflop.logs import LogOptions
from isoflop.logs.stated import stated_sizes, stated_tokens
from isoflop.observations import LOSS_UNITS, ReadOptions

F = TypeVar("F", bound=Callable[..., object])

_reading = option_group(
    "Reading",
    cloup.option("--by", metavar="COLUMN", help="The column or setting that names the recipe of a run, in one file."),
    cloup.option(
        "--loss",
        "losses",
        multiple=True,
        metavar="COLUMN",
        help="A column of final losses, an evaluation set each. [every one that is recognised] Repeatable.",
    ),
    cloup.option(
        "--column",
        "columns",
        multiple=True,
        metavar="FIELD=COLUMN",
        help="Name a column, as in `isoflop fit`. Repeatable.",
    ),
    cloup.option("--where", multiple=True, metavar="COLUMN=VALUE", help="Use only these rows of a table. Repeatable."),
    cloup.option(
        "--scale",
        multiple=True,
        metavar="FIELD=UNIT",
        help="Unit of plain numbers, such as params=millions. Repeatable.",
    ),
    cloup.option(
        "--loss-unit",
        metavar="UNIT",
        type=click.Choice(LOSS_UNITS),
        help=f"Unit of the losses: {', '.join(LOSS_UNITS)}. [nats_per_token]",
    ),
)


def reading_options(function: F) -> F:
    """Adds how the runs are read, tables and logs."""
    return _reading(log_options(function))


def question_options(function: F) -> F:
    """Adds what is asked: the axis, the planned run, the noise, the level."""
    return option_group(
        "Question",
        cloup.option(
            "--axis",
            type=click.Choice(AXES),
            default="compute",
            help="What is multiplied: data (tokens at a fixed size), compute (FLOPs), time or money. [compute]",
        ),
        cloup.option("--at", type=QUANTITY, help="Training FLOPs of a planned run: what would be saved there."),
        cloup.option("--baseline", metavar="NAME", help="With --by: compare every other recipe with this one."),
        cloup.option("--noise-from", type=PATH, help="Repeated runs of other recipes, to know the noise better by."),
        cloup.option("--level", type=float, default=LEVEL, help="Probability of the intervals. [0.9]"),
        cloup.option(
            "--slope",
            metavar="S|FIT|LAW",
            help="How fast the baseline's loss falls: d ln(loss) per e-fold of the axis, a fit or a published law. "
            "[as the runs show]",
        ),
        cloup.option("--throughput-ratio", type=QUANTITY, help="Tokens a second of B over A, for time and money."),
        cloup.option("--price-ratio", type=QUANTITY, help="Price of an hour of B over A, for money. [1]"),
    )(function)


price_options = priced_device_options("Price, for the money saved", "the planned run")
"""What a FLOP costs, as in `isoflop plan`."""


@dataclass(frozen=True, kw_only=True)
class ReadingRequest:
    """How the runs are read, as the options say."""

    by: str | None
    losses: tuple[str, ...]
    columns: tuple[str, ...]
    where: tuple[str, ...]
    scale: tuple[str, ...]
    loss_unit: str | None
    params_of: tuple[str, ...]
    tokens_per_step: tuple[str, ...]

    @property
    def any(self) -> bool:
        """Whether any option of reading was given."""
        return any(value not in (None, ()) for value in vars(self).values())

    def sources(self) -> SourceOptions:
        """The same as values. Raises InputError for a text that is not what its option expects."""
        columns = parse_named(self.columns, "--column", "FIELD=COLUMN such as params=params_no_embed")
        table = ReadOptions(
            columns=columns,
            scale=parse_named(self.scale, "--scale", "FIELD=UNIT such as params=1e6"),
            where=self.where,
            loss_unit=self.loss_unit,
        )
        logs = LogOptions(
            params=stated_sizes(self.params_of),
            tokens_per_step=stated_tokens(self.tokens_per_step),
            columns=columns,
            loss_unit=self.loss_unit,
        )
        return SourceOptions(table=table, logs=logs, losses=self.losses, by=self.by)


@dataclass(frozen=True, kw_only=True)
class Question(PricedDevice):
    """What is asked, as the options say."""

    axis: Axis
    at: float | None
    level: float
    slope: str | None
    throughput_ratio: float | None
    price_ratio: float | None

    def options(self, noise_from: tuple[Side, ...]) -> CompareOptions:
        """The same as values. Raises InputError for a level, a ratio or a device that cannot be."""
        devices = self.priced_or_default()
        cost = None if self.at is None else devices.estimate_cost(1.0)
        return CompareOptions(
            axis=self.axis,
            at=self.at,
            level=self.level,
            noise_from=noise_from,
            slope=None if self.slope is None else read_slope(self.slope),
            throughput_ratio=self.throughput_ratio,
            price_ratio=1.0 if self.price_ratio is None else self.price_ratio,
            dollars_per_flop=None if cost is None else cost.price,
            dollars_per_flop_range=None if cost is None else cost.price_range,
        )
