"""The panels of the page, in order: each has values, drawings, a table, and the words around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from isoflop.report.draw.drawing import Drawing
from isoflop.report.draw.laws import draw_landscape, draw_residuals, draw_scaling, draw_surface
from isoflop.report.draw.proof import draw_backtest, draw_contest, draw_forecast
from isoflop.report.draw.sweep import draw_profiles, draw_rates, draw_training
from isoflop.report.figures.answer import contest_rows
from isoflop.report.figures.profiles import profiles
from isoflop.report.figures.proof import contest, proof
from isoflop.report.figures.record import RUN_COLUMNS, run_rows, status_counts
from isoflop.report.figures.residuals import residuals
from isoflop.report.figures.scaling import landscape, scaling
from isoflop.report.figures.surface import surface
from isoflop.report.figures.training import rate_checks, training_curves
from isoflop.report.view import Absent, View, approach, conventions, section
from isoflop.report.wording import percent
from isoflop.units import format_flops


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of text under column heads."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    states: tuple[str, ...] = ()
    """Status a row, where rows have one."""
    words: tuple[int, ...] = ()
    """Columns set as words, to the left; the others are numbers, to the right."""
    tall: bool = False
    """Whether it scrolls in a box of its own."""
    plain: bool = False
    """Whether it stands inside a card, without a frame."""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One section of the page."""

    name: str
    """The section's id."""
    short: str
    """Its link at the top of the page."""
    title: str
    lead: str
    """What there is to see, before the figure."""
    drawings: tuple[Drawing, ...] = ()
    columns: int = 1
    """Figures, and where there are fewer than that tables, beside each other on a wide window."""
    tables: tuple[Table, ...] = ()
    caption: str = ""
    """Conventions, after the figure."""
    sources: tuple[str, ...] = ()
    """Papers behind what is drawn, folded away."""


def panels(view: View) -> list[Panel | Absent]:
    """All panels in order; an Absent stands where the view has nothing to show."""
    return [
        _profiles(view),
        _scaling(view),
        _landscape(view),
        _proof(view),
        _contest(view),
        _training(view),
        _surface(view),
        _residuals(view),
        _rates(view),
        _runs(view),
    ]


def _profiles(view: View) -> Panel | Absent:
    values = profiles(view)
    if isinstance(values, Absent):
        return values
    words = conventions(view)
    kept = sum(one.kept is True for one in values)
    lead = "At each budget, models of different sizes spend the same compute; the best size is at the bottom."
    judged = (
        f" {kept} of {len(values)} budgets are used by approach 2."
        if any(one.kept is not None for one in values)
        else ""
    )
    left_out = "; ".join(f"{format_flops(one.budget_flops)}: {one.reason}" for one in values if one.kept is False)
    level = (approach(view, "isoflop").get("intervals") or {}).get("level")
    caption = (
        f"N counts {words['params']} parameters; compute counts {words['flops']} FLOPs. Parabolas in ln N, for the eye"
        + (f"; vertices with {100 * level:g} % intervals" if level else "")
        + ("." if not left_out else f". Left out: {left_out}.")
    )
    return Panel(
        name="isoflop",
        short="IsoFLOP curves",
        title="IsoFLOP curves",
        lead=lead + judged,
        drawings=(draw_profiles(values, words["loss_unit"], words["params"]),),
        caption=caption,
    )


def _scaling(view: View) -> Panel | Absent:
    n, d = scaling(view, "params"), scaling(view, "tokens")
    if isinstance(n, Absent) or isinstance(d, Absent):
        return (
            n
            if isinstance(n, Absent)
            else Absent(sentence="N_opt and D_opt against compute: no approach gave a fit here.")
        )
    words = conventions(view)
    return Panel(
        name="scaling",
        short="Optimum",
        title="The optimum against compute",
        lead="Parameters and tokens of the compute-optimal model by three approaches, beside the published laws.",
        drawings=(draw_scaling(n), draw_scaling(d)),
        columns=2,
        caption=f"This study: N {words['params']}, C {words['flops']}, its own tokens. Published laws: all parameters, "
        "C = 6ND, subword tokens, and runs of 1e18 FLOPs and more, carried down to here; compare slopes, not levels.",
        sources=tuple(f"{law.label}: {law.source}" for law in n.published),
    )


def _landscape(view: View) -> Panel | Absent:
    values = landscape(view)
    if isinstance(values, Absent):
        return values
    return Panel(
        name="landscape",
        short="Published systems",
        title="From this study to the published systems",
        lead="Gopher, MT-NLG and PaLM stand far above the lines: trained too large, on too few tokens. "
        "Chinchilla and 140B on 3T stand on them.",
        drawings=(draw_landscape(values),),
        caption="Conventions differ: this study counts its own tokens (bytes unless told otherwise), exact FLOPs and "
        "very small models; the systems are drawn at C = 6ND of their printed N and D. No line is meant to hold over "
        "all these decades.",
        sources=tuple(f"{mark.label}: {mark.source}" for mark in values.systems),
    )


def _proof(view: View) -> Panel | Absent:
    values = proof(view)
    if isinstance(values, Absent):
        return values
    unit = conventions(view)["loss_unit"]
    drawings: list[Drawing] = []
    if values.forecast or values.backtest_best:
        drawings.append(draw_forecast(values, unit))
    if any(row.actual is not None for row in values.backtest):
        drawings.append(draw_backtest(values, unit))
    level = f" Interval of the forecast: {100 * values.forecast_level:g} %." if values.forecast_level else ""
    sealed = (
        f" Sealed {values.sealed}, before the run, from data with digest {values.digest[:12]}." if values.sealed else ""
    )
    return Panel(
        name="proof",
        short="Forecast",
        title="Forecast against outcome",
        lead="What was predicted before the runs, and what came. The backtest holds out the top budget.",
        drawings=tuple(drawings),
        columns=len(drawings),
        caption=f"Error = predicted / actual − 1.{level}{sealed}",
    )


def _side_by_side(view: View) -> str:
    sequences = (section(view, "contest").get("planned") or {}).get("served_sequences")
    return f"{sequences} sequences side by side " if sequences else ""


def _contest(view: View) -> Panel | Absent:
    values = contest(view)
    if isinstance(values, Absent):
        return values
    verdict = ""
    if values.advantage is not None and values.planned.bits_per_byte:
        share = percent(-values.advantage / (values.planned.bits_per_byte + values.advantage))
        verdict = f" Bits per byte of the planned model against the larger: {share}."
    return Panel(
        name="contest",
        short="Planned or larger",
        title="The planned against the larger model",
        lead="The same compute, spent on a larger model and fewer tokens, as habit had it before Hoffmann et al. 2022."
        + verdict,
        drawings=(draw_contest(values),) if values.planned.bits_per_byte is not None else (),
        tables=(Table(columns=("", "planned", "larger", "better"), rows=tuple(contest_rows(values)), words=(0, 3)),),
        columns=2,
        caption=f"Generation: {_side_by_side(view)}with a key-value cache, on the machine of the methods card below.",
    )


def _training(view: View) -> Panel | Absent:
    values = training_curves(view)
    if isinstance(values, Absent):
        return values
    return Panel(
        name="training",
        short="Training curves",
        title="Training curves and their envelope",
        lead="Every finished run, coloured by size. Approach 1 reads the best size at each compute off the envelope.",
        drawings=(draw_training(values, conventions(view)["loss_unit"]),),
        caption="Training loss, without validation; the first steps lie above the drawn range.",
    )


def _surface(view: View) -> Panel | Absent:
    values = surface(view)
    if isinstance(values, Absent):
        return values
    words = conventions(view)
    return Panel(
        name="surface",
        short="Loss surface",
        title="The fitted loss L(N, D)",
        lead="Contours of E + A/N^alpha + B/D^beta, with the cheapest way down.",
        drawings=(draw_surface(values, words["loss_unit"], words["params"]),),
        caption="A token costs on the frontier what it costs in the runs here, not 6N. "
        "Outside the cloud of runs the contours are extrapolation.",
    )


def _residuals(view: View) -> Panel | Absent:
    values = residuals(view)
    if isinstance(values, Absent):
        return values
    return Panel(
        name="residuals",
        short="Residuals",
        title="Residuals of the parametric fit",
        lead=f"Root mean square {100 * values.rms:.2f} % over {len(values.residual)} rows. "
        "A trend here is what the form cannot follow.",
        drawings=draw_residuals(values, conventions(view)["params"]),
        columns=3,
    )


def _rates(view: View) -> Panel | Absent:
    values = rate_checks(view)
    if isinstance(values, Absent):
        return values
    words = conventions(view)
    edge = sum(check.interior is False for check in values)
    verdict = (
        "The best rate lies inside the rates tried at every size."
        if not edge
        else f"At {edge} of {len(values)} sizes the best rate lies at the edge of those tried."
    )
    return Panel(
        name="rates",
        short="Learning rates",
        title="Learning-rate check",
        lead=f"One rate for all sizes would tilt every isoFLOP curve. {verdict}",
        drawings=(draw_rates(values, words["loss_unit"]),),
        caption=f"N: {words['params']} parameters. A ring shows the rate that the recipe gives this size.",
    )


def _runs(view: View) -> Panel | Absent:
    rows = run_rows(view)
    if not rows:
        return Absent(sentence="Runs: none is recorded here.")
    counts = ", ".join(f"{count} {status}" for status, count in status_counts(view).items())
    words = conventions(view)
    states: Sequence[str] = [row[2].split(":")[0] for row in rows]
    return Panel(
        name="runs",
        short="Runs",
        title="Every run",
        lead=f"{len(rows)} runs: {counts}.",
        tables=(Table(columns=RUN_COLUMNS, rows=tuple(rows), states=tuple(states), words=(0, 1, 2), tall=True),),
        caption=f"N: {words['params']} parameters; shape: layers × d_model; FLOPs: {words['flops']}; "
        f"loss: {words['loss_unit']}, validation; se: its standard error over sequences; "
        "starts: 1 plus the times a run was resumed.",
    )
