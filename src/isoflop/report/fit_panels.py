"""The panels that only a fit alone has: its warnings, the rows it read, the constants, the forecasts of the past."""

from __future__ import annotations

from dataclasses import replace

from isoflop.report.draw.checks import draw_errors
from isoflop.report.figures.backtests import errors_grid, form_errors
from isoflop.report.figures.facts import Fact
from isoflop.report.figures.notices import notices
from isoflop.report.figures.optimum import level_of
from isoflop.report.figures.table_of_runs import left_out_facts
from isoflop.report.figures.verdicts import centre_terms, certificate, correlations, verdicts
from isoflop.report.law_panels import profiles_panel, training_panel
from isoflop.report.panel import Panel, Table
from isoflop.report.style import APPROACH_NAMES
from isoflop.report.view import Absent, View, section


def warnings_panel(view: View) -> Panel | Absent:
    """Every warning of the fit, with its code."""
    items = tuple((f"{one.message}.", f"{one.about} · {one.code}") for one in notices(view))
    if not items:
        return Absent(sentence="Warnings: the fit gave none.")
    return Panel(
        name="warnings",
        short="Warnings",
        title="Warnings",
        lead="What to know before any number here is used. The guide to fitting says what to do about each code.",
        items=items,
    )


def read_panel(view: View) -> Panel | Absent:
    """What no fit saw, by reason."""
    facts = left_out_facts(view)
    if not facts:
        return Absent(sentence="Rows left out: none; every row that was read is used.")
    return Panel(
        name="left-out",
        short="Left out",
        title="Rows left out",
        lead="What no fit saw, and why. Row 1 is the first below the header.",
        cards=(("By reason", tuple(facts)),),
    )


def valleys_panel(view: View) -> Panel | Absent:
    """The isoFLOP valleys, or why approach 2 gave none."""
    return _refusal(view, "isoflop", "isoflop", "IsoFLOP curves") or profiles_panel(view)


def curves_panel(view: View) -> Panel | Absent:
    """The runs' curves and their envelope, with the reason where approach 1 has no law from them."""
    refused, drawn = _refusal(view, "envelope", "training", "Envelope of the curves"), training_panel(view)
    if isinstance(refused, Panel) and isinstance(drawn, Panel):
        return replace(drawn, lead=f"{refused.lead} The curves are a picture, and no exponent is read off them.")
    return refused or drawn


def constants_panel(view: View) -> Panel | Absent:
    """The constants with what the runs identify, or why approach 3 was refused."""
    refused, values = _refusal(view, "parametric", "constants", "Constants of the parametric fit"), verdicts(view)
    if refused is not None:
        return refused
    if isinstance(values, Absent):
        return values
    level = level_of(view)
    found = [
        Fact(label=one.name, value=one.text if one.known else "not identified", note=one.why)
        for one in (*values, *centre_terms(view))
    ]
    trust = certificate(view)
    together = correlations(view)
    if together:
        note = "the resamples move them as one: read N_opt and the loss rather than these"
        trust.append(Fact(label="Move together", value="; ".join(together), note=note))
    return Panel(
        name="constants",
        short="Constants",
        title="Constants, and what the runs identify",
        lead="L = E + A / N^alpha + B / D^beta. A constant that these runs do not identify has no number.",
        cards=(
            (f"Constants, {100 * level:g} % intervals" if level else "Constants", tuple(found)),
            ("How the optimum was found", tuple(trust)),
        ),
    )


def backtest_panel(view: View) -> Panel | Absent:
    """How each form, fitted up to an earlier compute, said what came later."""
    values = form_errors(view)
    if isinstance(values, Absent):
        return values
    grid = errors_grid(values)
    return Panel(
        name="backtest",
        short="Past forecasts",
        title="Forecasts of the past, by form",
        lead=grid.note,
        drawings=(draw_errors(values),),
        tables=(Table(columns=grid.columns, rows=grid.rows, words=(0,)),),
        columns=2,
        caption="A form that follows the runs in the sample need not carry on best: this is what tells.",
    )


def _refusal(view: View, approach: str, name: str, title: str) -> Panel | Absent | None:
    """The reason in the panel's place where the approach was refused or does not apply; None where it has a law."""
    part = section(view, "fit").get(approach) or {}
    status, words = part.get("status", "ok"), APPROACH_NAMES[approach]
    if status == "ok":
        return None
    if status == "not_applicable":
        return Absent(sentence=f"{title}: {words} does not apply; {part.get('reason')}.")
    return Panel(
        name=name, short=title, title=title, lead=f"{words[:1].upper()}{words[1:]}, was refused: {part.get('reason')}."
    )
