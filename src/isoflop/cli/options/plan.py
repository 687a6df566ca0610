"""Options that state the budget, the objective and the devices of a plan."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import cloup
from cloup import option_group

from isoflop.cli.options.own_device import PricedDevice, own_device_options
from isoflop.cli.options.types import DAYS, QUANTITY
from isoflop.cli.options.verb import flags
from isoflop.errors import InputError, Notice, quoted
from isoflop.plan import (
    Cluster,
    FixedParams,
    FixedRatio,
    FixedTokens,
    InferenceDemand,
    LimitedData,
    Objective,
)
from isoflop.plan.stated_budget import StatedBudget, default_devices

F = TypeVar("F", bound=Callable[..., object])


_GROUPS = (
    option_group(
        "Budget",
        cloup.option(
            "--flops", type=QUANTITY, help="Training compute, in the law's convention (6ND for published laws)."
        ),
        cloup.option(
            "--loss",
            type=QUANTITY,
            help="Target loss, in the law's unit: the plan uses the least compute that reaches it.",
        ),
        cloup.option(
            "--gpus",
            metavar="COUNTxDEVICE",
            help="Training devices, such as 512xH100; with --days or --price they set the budget.",
        ),
        cloup.option(
            "--days", "--deadline", "days", type=DAYS, help="Days for which the devices are available: 30, 2 weeks."
        ),
        cloup.option("--price", metavar="MONEY", help="Total price of the devices, such as $2M."),
    ),
    option_group(
        "What is fixed, and what the model is for",
        cloup.option(
            "--params",
            type=QUANTITY,
            help="Fix the model size; the budget then sets the tokens. With --tokens: evaluate that run.",
        ),
        cloup.option("--tokens", type=QUANTITY, help="Fix the training tokens; the budget then sets the model size."),
        cloup.option("--tokens-per-param", type=QUANTITY, help="Fix the ratio of tokens to parameters, such as 20."),
        cloup.option(
            "--inference-tokens",
            type=QUANTITY,
            help="Expected inference tokens over the lifetime; favours a smaller model trained longer.",
        ),
        cloup.option(
            "--unique-tokens",
            type=QUANTITY,
            help="Size of the available data; the plan repeats it where that still helps.",
        ),
    ),
    option_group(
        "Speed and price of the devices",
        cloup.option(
            "--utilization",
            metavar="SHARE",
            help="Model FLOPs over peak: 0.4, or 0.35-0.45. [of whole published runs]",
        ),
        cloup.option(
            "--price-per-hour",
            "--device-price",
            "price_per_hour",
            metavar="MONEY",
            help="Price of one device-hour, in any currency. [a dated rate in USD]",
        ),
    ),
)


def _meant_by(text: str) -> str:
    """Returns what somebody may have meant by a text that is no budget, as the end of a message; or nothing."""
    if re.fullmatch(r"\.?\d*[KkMBTbmt]", text) and not text.strip("0.KkMBTbmt"):
        return "; a shell takes $2 out of $2M, which needs quotes: isoflop plan '$2M'"
    file = Path(text)
    if file.suffix == ".json" and file.is_file():
        return f"; to plan with that fit: isoflop plan 1e21 --fit {text}"
    if file.is_file():
        return f"; to fit that table first: isoflop fit {text} --out fit.json"
    if re.fullmatch(r"[\d.,]+ ?[KkMBTbmt]\w*( param\w*)?", text):
        size = text.split()[0]
        return f"; for money: '${size}'; for a model of that size: isoflop plan 1e21 --params {size}"
    return ""


def request_options(function: F) -> F:
    """Adds the options of `PlanRequest`."""
    function = own_device_options()(function)
    for group in reversed(_GROUPS):
        function = group(function)
    return function


@dataclass(frozen=True, kw_only=True)
class PlanRequest(PricedDevice):
    """What a plan is requested for; None where an option was not set."""

    flops: float | None
    loss: float | None
    params: float | None
    tokens: float | None
    tokens_per_param: float | None
    inference_tokens: float | None
    unique_tokens: float | None
    days: float | None
    price: str | None

    def with_budget(self, text: str | None) -> PlanRequest:
        """Returns the request with the budget of the argument: FLOPs, a sum of money, or devices and a duration.

        Raises InputError for a text that is none of these, and where an option states a budget too.
        """
        if text is None:
            return self
        if stated := self._set_of("flops", "loss", "gpus", "days", "price"):
            raise InputError(f"plan: the budget {quoted(text)} and {flags(stated)}: expected one of them")
        budget = StatedBudget.parse(text, _meant_by(text))
        return replace(self, flops=budget.flops, gpus=budget.gpus, days=budget.days, price=budget.price)

    def with_devices(self) -> tuple[PlanRequest, tuple[Notice, ...]]:
        """Returns the request with default devices where it states only money, and the notice that says so."""
        budget = self._set_of("flops", "loss", "gpus", "days")
        if self.price is None or budget or self.whole_run() is not None:
            return self, ()
        gpus, notices = default_devices(self.price, self.price_per_hour)
        return replace(self, gpus=gpus), notices

    def cluster(self) -> Cluster | None:
        """Returns the devices; None without any. Raises InputError for options of devices without --gpus."""
        if self.gpus is not None:
            return self.priced(days=self.days, max_price=self.price)
        self.check_gpus(self.gpus)
        if alone := self._set_of("days", "utilization", "price_per_hour", "price"):
            raise InputError(f"plan: {flags(alone)}: needs --gpus, such as --gpus 512xH100")
        return None

    def objectives(self) -> tuple[Objective, ...]:
        """Returns what is stated of the plan. Raises InputError where the options state more than one run."""
        fixed = self._set_of("params", "tokens", "tokens_per_param")
        if len(fixed) == 3:
            raise InputError(f"plan: {flags(fixed)}: two of them determine the third")
        if len(fixed) == 2 and (budget := self._set_of("flops", "loss")):
            raise InputError(f"plan: {flags(fixed)} state a whole run, and {flags(budget)} another; omit one")
        stated: list[Objective] = []
        if self.inference_tokens is not None:
            stated.append(InferenceDemand(tokens=self.inference_tokens))
        if self.unique_tokens is not None:
            stated.append(LimitedData(unique_tokens=self.unique_tokens))
        if self.params is not None:
            stated.append(FixedParams(params=self.params))
        elif self.tokens is not None:
            stated.append(FixedTokens(tokens=self.tokens))
        elif self.tokens_per_param is not None:
            stated.append(FixedRatio(tokens_per_param=self.tokens_per_param))
        return tuple(stated)

    def whole_run(self) -> tuple[float, float] | None:
        """Returns (N, D) of a whole run; None where one of the two is left to the plan."""
        params, tokens, ratio = self.params, self.tokens, self.tokens_per_param
        if params is not None and tokens is not None:
            return params, tokens
        if ratio is not None and params is not None:
            return params, params * ratio
        if ratio is not None and tokens is not None:
            return tokens / ratio, tokens
        return None

    def _set_of(self, *names: str) -> list[str]:
        return [name for name in names if getattr(self, name) is not None]
