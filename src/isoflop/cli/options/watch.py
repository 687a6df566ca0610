"""Options of a run under way: what it is held against, what its log does not tell, and when the answer is a failure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TypeVar, get_args

import click
import cloup
from cloup import option_group

from isoflop.cli.options.logs import log_options
from isoflop.cli.options.named_values import parse_named
from isoflop.cli.options.own_device import PricedDevice, priced_device_options
from isoflop.cli.options.types import PATH, QUANTITY
from isoflop.errors import InputError, close_names
from isoflop.logs import LogOptions
from isoflop.logs.stated import stated_sizes, stated_tokens
from isoflop.observations import LOSS_UNITS
from isoflop.plan import Cluster
from isoflop.schedule import KINDS, Kind, Schedule
from isoflop.study.watch_following import WatchAsked
from isoflop.study.watch_sources import WatchRequest
from isoflop.units import parse_quantity
from isoflop.watch import Verdict, WatchOptions
from isoflop.watch.options import LEVEL
from isoflop.watch.stated_schedule import StatedSchedule

F = TypeVar("F", bound=Callable[..., object])

GROUPS = {
    "off_course": ("above", "below", "off_shape", "data_repeated"),
    "diverged": ("diverging",),
    "never": (),
}
"""{word of --fail-on: the verdicts that it stands for}; each verdict is a word too."""
_VERDICTS = tuple(verdict for verdict in get_args(Verdict) if verdict != "on_course")
USUAL_FAILURES = "off_course,diverged"

_sources = option_group(
    "What it is held against",
    cloup.option(
        "--like",
        type=PATH,
        multiple=True,
        metavar="RUNS",
        help="Finished smaller runs of the recipe: a log, a folder, a table, a study. [those of the run's study, or of "
        "its log] Repeatable.",
    ),
    cloup.option("--forecast", type=PATH, metavar="FILE", help="Its sealed forecast. [that of the run's study]"),
    cloup.option("--run", "name", metavar="NAME", help="The run to watch, in a log that holds several."),
)
_question = option_group(
    "Question",
    cloup.option("--as-of", type=QUANTITY, metavar="SHARE", help="Answer as if the log ended at this share: .2"),
    cloup.option("--level", type=float, default=LEVEL, help="Probability of the intervals. [0.9]"),
    cloup.option("--loss", metavar="SET", help="The evaluation set along the run, or training. [as the logs have it]"),
)
_schedule = option_group(
    "Schedule, where the log does not tell it",
    cloup.option("--total-tokens", type=QUANTITY, help="Tokens of the whole schedule."),
    cloup.option("--total-steps", type=QUANTITY, help="Steps of the whole schedule."),
    cloup.option(
        "--schedule",
        type=click.Choice(KINDS),
        help=f"Its shape: {', '.join(KINDS)}. [as logged; else as in the finished runs]",
    ),
    cloup.option("--warmup", type=float, help="Share of the schedule that the warm-up takes. [.01]"),
    cloup.option("--decay", type=float, help="Share of the schedule that the decay of wsd takes. [.2]"),
    cloup.option("--final-lr", type=float, help="Last learning rate over the highest. [.1]"),
)
_reading = option_group(
    "Reading",
    cloup.option(
        "--column",
        "columns",
        multiple=True,
        metavar="FIELD=COLUMN",
        help="Name a column, as in `isoflop fit`. Repeatable.",
    ),
    cloup.option("--loss-unit", metavar="UNIT", type=click.Choice(LOSS_UNITS), help="Unit of the losses."),
)


_price = priced_device_options("Price, of what is still to be trained", "the run")


def watch_options(function: F) -> F:
    """Adds all of them."""
    return _sources(_question(_schedule(log_options(_reading(_price(function))))))


@dataclass(frozen=True, kw_only=True)
class WatchAsk(PricedDevice):
    """What is asked, as the options say."""

    like: tuple[Path, ...]
    forecast: Path | None
    name: str | None
    as_of: float | None
    level: float
    loss: str | None
    total_tokens: float | None
    total_steps: float | None
    schedule: Kind | None
    warmup: float | None
    decay: float | None
    final_lr: float | None
    columns: tuple[str, ...]
    loss_unit: str | None
    params_of: tuple[str, ...]
    tokens_per_step: tuple[str, ...]

    def asked(self, run: Path) -> WatchAsked:
        """The same as values, of `run`. Raises InputError for a text that is not what its option expects."""
        reading = LogOptions(
            params=stated_sizes(self.params_of),
            tokens_per_step=stated_tokens(self.tokens_per_step),
            columns=parse_named(self.columns, "--column", "FIELD=COLUMN such as loss=val_ce"),
            loss_unit=self.loss_unit,
        )
        if self.total_tokens is not None and self.total_steps is not None:
            raise InputError("--total-tokens and --total-steps state one length: give one of them")
        return WatchAsked(
            request=WatchRequest(run=run, like=self.like, forecast=self.forecast, name=self.name, reading=reading),
            options=WatchOptions(
                level=self.level,
                loss=self.loss,
                total_tokens=self.total_tokens,
                as_of=self.as_of,
                cluster=self._cluster(),
            ),
            schedule=self._stated(),
            total_steps=self.total_steps,
        )

    def _cluster(self) -> Cluster | None:
        """The devices of the run, as in `isoflop plan`; None where nothing was said about them."""
        stated = any(getattr(self, field.name) is not None for field in fields(PricedDevice))
        return self.priced_or_default() if stated else None

    def _stated(self) -> StatedSchedule | None:
        details = {"--warmup": self.warmup, "--decay": self.decay, "--final-lr": self.final_lr}
        given = [name for name, value in details.items() if value is not None]
        if self.schedule is None:
            if given:
                raise InputError(f"{given[0]}: says more about --schedule; state that too")
            return None
        if self.decay is not None and self.schedule != "wsd":
            raise InputError(f"--decay: only wsd has a decay of its own, not {self.schedule}")
        shape = Schedule(
            kind=self.schedule,
            final_fraction=0.1 if self.final_lr is None else self.final_lr,
            cooldown_fraction=0.2 if self.decay is None else self.decay,
        )
        return StatedSchedule(shape=shape, warmup_share=0.01 if self.warmup is None else self.warmup)


def failures(text: str) -> frozenset[str]:
    """The verdicts that `--fail-on` names, by themselves or by a word for several. Raises InputError for another word.

    >>> sorted(failures("off_course,diverged"))
    ['above', 'below', 'data_repeated', 'diverging', 'off_shape']
    """
    words = [word.strip() for word in text.replace(" ", ",").split(",") if word.strip()]
    known = [*GROUPS, *_VERDICTS]
    verdicts: set[str] = set()
    for word in words:
        if word not in known:
            raise InputError(f"--fail-on {word}: did you mean {close_names(word, known)}?")
        verdicts.update(GROUPS.get(word, (word,)))
    return frozenset(verdicts)


def parse_every(text: str) -> float:
    """The seconds of `--every`. Raises InputError for anything below a tenth of one."""
    seconds = parse_quantity(text, "--every")
    if seconds < 0.1:
        raise InputError(f"--every: expected .1 seconds or more, got {text}")
    return seconds
