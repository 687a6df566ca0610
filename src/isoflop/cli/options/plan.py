"""Options that state the budget, the objective and the devices of a plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from isoflop.cli.options.common import QUANTITY, flags
from isoflop.errors import InputError
from isoflop.plan import (
    FixedParams,
    FixedRatio,
    FixedTokens,
    Fleet,
    InferenceDemand,
    LimitedData,
    Objective,
    TrainingOnly,
)

F = TypeVar("F", bound=Callable[..., Any])


def request_options(function: F) -> F:
    """Adds the options of `PlanRequest`."""
    for option in reversed(
        (
            click.option(
                "--flops", type=QUANTITY, help="Training compute, in the law's convention (6ND for published laws)."
            ),
            click.option(
                "--loss",
                type=QUANTITY,
                help="Target loss, in the law's unit: the plan uses the least compute that reaches it.",
            ),
            click.option(
                "--params",
                type=QUANTITY,
                help="Fix the model size; the budget then sets the tokens. With --tokens: evaluate that run.",
            ),
            click.option(
                "--tokens", type=QUANTITY, help="Fix the training tokens; the budget then sets the model size."
            ),
            click.option(
                "--tokens-per-param", type=QUANTITY, help="Fix the ratio of tokens to parameters, such as 20."
            ),
            click.option(
                "--inference-tokens",
                type=QUANTITY,
                help="Expected inference tokens over the lifetime; favours a smaller model trained longer.",
            ),
            click.option(
                "--unique-tokens",
                type=QUANTITY,
                help="Size of the available data; the plan repeats it where that still helps.",
            ),
            click.option(
                "--gpus",
                metavar="COUNTxDEVICE",
                help="Training devices, such as 512xH100; with --days or --price they set the budget.",
            ),
            click.option(
                "--days", "--deadline", "days", type=QUANTITY, help="Days for which the devices are available."
            ),
            click.option("--price", type=QUANTITY, help="Total price of the devices."),
            click.option(
                "--utilization",
                metavar="SHARE",
                help="Model FLOPs over peak: 0.4, or 0.35-0.45. [the range of published large runs]",
            ),
            click.option(
                "--price-per-hour",
                type=QUANTITY,
                help="Price of one device-hour, in any currency. [a dated rate in USD]",
            ),
        )
    ):
        function = option(function)
    return function


@dataclass(frozen=True, kw_only=True)
class PlanRequest:
    """What a plan is requested for; None where an option was not set."""

    flops: float | None
    loss: float | None
    params: float | None
    tokens: float | None
    tokens_per_param: float | None
    inference_tokens: float | None
    unique_tokens: float | None
    gpus: str | None
    days: float | None
    price: float | None
    utilization: str | None
    price_per_hour: float | None

    def fleet(self) -> Fleet | None:
        """Returns the devices; None without any. Raises InputError for options of devices without --gpus."""
        if self.gpus is not None:
            return Fleet.parse(
                self.gpus,
                days=self.days,
                utilization=self.utilization,
                price_per_hour=self.price_per_hour,
                money=self.price,
            )
        if alone := self._set_of("days", "utilization", "price_per_hour", "price"):
            raise InputError(f"plan: {flags(alone)}: needs --gpus, such as --gpus 512xH100")
        return None

    def objective(self) -> Objective:
        """Returns the objective. Raises InputError where the options state several, or more than one run."""
        fixed = self._set_of("params", "tokens", "tokens_per_param")
        other = self._set_of("inference_tokens", "unique_tokens")
        if len(other) > 1 or (fixed and other):
            raise InputError(f"plan: {flags(other + fixed)} are different objectives; use one of them")
        if len(fixed) == 3:
            raise InputError(f"plan: {flags(fixed)}: two of them determine the third")
        if len(fixed) == 2 and (budget := self._set_of("flops", "loss")):
            raise InputError(f"plan: {flags(fixed)} state a whole run, and {flags(budget)} another; omit one")
        if self.inference_tokens is not None:
            return InferenceDemand(tokens=self.inference_tokens)
        if self.unique_tokens is not None:
            return LimitedData(unique_tokens=self.unique_tokens)
        if self.params is not None:
            return FixedParams(params=self.params)
        if self.tokens is not None:
            return FixedTokens(tokens=self.tokens)
        if self.tokens_per_param is not None:
            return FixedRatio(tokens_per_param=self.tokens_per_param)
        return TrainingOnly()

    def _set_of(self, *names: str) -> list[str]:
        return [name for name in names if getattr(self, name) is not None]
