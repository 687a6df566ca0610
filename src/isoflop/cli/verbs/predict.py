"""`isoflop predict`: the loss of a model size on a number of tokens."""

from __future__ import annotations

from pathlib import Path

import click
import cloup
from cloup import option_group

from isoflop.cli.options.law import law_options, level_option, read_law
from isoflop.cli.options.types import QUANTITY
from isoflop.cli.options.verb import json_option, verb
from isoflop.cli.output.tables import grade_facts, print_facts, print_json, print_notices
from isoflop.codec import to_json
from isoflop.codes import Grade, grade_of
from isoflop.errors import InputError
from isoflop.plan import Prediction, predict
from isoflop.units import format_flops, format_number, format_quantity, parse_quantity, percent


@verb(
    "isoflop predict 7B 1T",
    "isoflop predict 7B 1T --unique-tokens 100B",
    "isoflop predict --fit fit.json --params 1B --tokens 20B",
)
@click.argument("run", metavar="[PARAMS TOKENS]", nargs=-1)
@option_group(
    "Run",
    cloup.option("--params", type=QUANTITY, help="Model size, in the law's convention."),
    cloup.option("--tokens", type=QUANTITY, help="Training tokens."),
    cloup.option("--unique-tokens", type=QUANTITY, help="Different tokens among them, which are read again and again."),
)
@law_options
@level_option
@json_option
def command(
    run: tuple[str, ...],
    params: float | None,
    tokens: float | None,
    unique_tokens: float | None,
    law: str | None,
    fit: Path | None,
    approach: str | None,
    level: float,
    as_json: bool,
) -> None:
    """Predict the loss of a model of PARAMS parameters that is trained on TOKENS tokens."""
    params, tokens = _run(run, params, tokens)
    prediction = predict(read_law(law, fit, approach), params, tokens, unique_tokens=unique_tokens, level=level)
    grade = grade_of(notice.code for notice in prediction.notices)
    if as_json:
        print_json({**prediction.as_json(), "grade": to_json(grade)})
    else:
        _print(prediction, grade, level)
    print_notices(prediction.notices)


def _run(words: tuple[str, ...], params: float | None, tokens: float | None) -> tuple[float, float]:
    """Returns (N, D) of the two arguments, or of the two options. Raises InputError unless there is one pair."""
    if len(words) == 2 and params is None and tokens is None:
        return parse_quantity(words[0], "PARAMS"), parse_quantity(words[1], "TOKENS")
    if words or params is None or tokens is None:
        raise InputError("predict: expected a size and a number of tokens: isoflop predict 7B 1T")
    return params, tokens


def _print(prediction: Prediction, grade: Grade, level: float) -> None:
    interval = "not known"
    if prediction.interval is not None:
        interval = f"{prediction.interval[0]:.4f} to {prediction.interval[1]:.4f} ({percent(level, 0)})"
    factor = prediction.extrapolation_factor
    print_facts(
        [
            *grade_facts(grade),
            ("Loss", f"{prediction.loss:.4f} {prediction.law.loss_unit.replace('_', ' ')}"),
            ("Interval", interval),
            *_readings(prediction),
            *_beside(prediction),
            ("FLOPs", format_flops(prediction.flops)),
            ("Extrapolation", "not known" if factor is None else f"{format_number(factor)} times the largest fitted"),
            ("Law", f"{prediction.law.name}: {prediction.law.paper or prediction.law.place}"),
        ],
        title=f"{format_quantity(prediction.params)} parameters on {format_quantity(prediction.tokens)} tokens",
    )


def _readings(prediction: Prediction) -> list[tuple[str, str]]:
    """How often limited text is read."""
    if prediction.unique_tokens is None or prediction.epochs is None:
        return []
    return [
        ("Text", f"{format_quantity(prediction.unique_tokens)} tokens, read {format_number(prediction.epochs)} times")
    ]


def _beside(prediction: Prediction) -> list[tuple[str, str]]:
    """What else a fit says: each form's loss, and how far a past forecast at such a factor erred."""
    said = prediction.forecast
    if said is None:
        return []
    forms = ", ".join(f"{form} {loss:.4f}" for form, loss in said.forms.items())
    facts = [("Forms", f"{forms}: {percent(said.form_spread, 2)} apart")]
    if said.bias:
        facts.append(
            (
                "Bias",
                f"{percent(said.bias, 2, sign=True)} removed: beyond their runs the forms forecast too high a loss",
            )
        )
    if said.backtest_error is not None:
        error, factor = said.backtest_error.error, said.backtest_error.factor
        facts.append(
            (
                "Past forecast",
                f"{percent(error, 2, sign=True)} at {format_number(factor)} times the compute of earlier runs",
            )
        )
    return facts
