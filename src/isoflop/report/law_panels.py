"""The panels that a study and a fit alone share: valleys, optimum, curves, surface, residuals."""

from __future__ import annotations

from isoflop.report.draw.checks import draw_residuals
from isoflop.report.draw.laws import draw_scaling, draw_surface
from isoflop.report.draw.sweep import draw_profiles, draw_training
from isoflop.report.figures.backtests import lack_of_fit
from isoflop.report.figures.profiles import loss_range, profiles
from isoflop.report.figures.residuals import beyond_reach, residuals
from isoflop.report.figures.scaling import scaling, token_cost
from isoflop.report.figures.sizes import estimator_grid, forecast_size
from isoflop.report.figures.surface import surface
from isoflop.report.figures.training import training_curves
from isoflop.report.panel import Panel, Table
from isoflop.report.view import Absent, View, approach, conventions, is_fit
from isoflop.units import format_flops


def profiles_panel(view: View) -> Panel | Absent:
    """Loss against N at each budget, with the vertices."""
    values = profiles(view)
    if isinstance(values, Absent):
        return values
    words = conventions(view)
    loss = "loss" if is_fit(view) else "validation loss"
    kept = sum(one.kept is True for one in values)
    lead = "At each budget, models of different sizes spend the same compute; the best size is at the bottom."
    judged = (
        f" {kept} of {len(values)} budgets are used by approach 2."
        if any(one.kept is not None for one in values)
        else ""
    )
    above = sum(x > loss_range(values)[1] for one in values for x in one.loss)
    left_out = "; ".join(f"{format_flops(one.budget_flops)}: {one.reason}" for one in values if one.kept is False)
    level = (approach(view, "isoflop").get("intervals") or {}).get("level")
    caption = f"N counts {words['params']} parameters; compute counts {words['flops']} FLOPs. Valleys in ln N"
    caption += f"; vertices with {100 * level:g} % intervals." if level else "."
    caption += f" Left out: {left_out}." if left_out else ""
    caption += f" {above} run{'s lie' if above > 1 else ' lies'} above the drawn range." if above else ""
    return Panel(
        name="isoflop",
        short="IsoFLOP curves",
        title="IsoFLOP curves",
        lead=lead + judged,
        drawings=(draw_profiles(values, words["loss_unit"], words["params"], loss),),
        caption=caption,
    )


def scaling_panel(view: View) -> Panel | Absent:
    """N_opt and D_opt against C by three approaches."""
    n, d = scaling(view, "params"), scaling(view, "tokens")
    if isinstance(n, Absent) or isinstance(d, Absent):
        return (
            n
            if isinstance(n, Absent)
            else Absent(sentence="N_opt and D_opt against compute: no approach gave a fit here.")
        )
    words, whose = conventions(view), "These runs" if is_fit(view) else "This study"
    own = "their" if is_fit(view) else "its"
    grid = estimator_grid(forecast_size(view))
    tables: tuple[Table, ...] = ()
    bend = ""
    if grid is not None:
        tables = (Table(columns=grid.columns, rows=grid.rows, words=(0, 5), heading=grid.heading),)
        bend = f"{grid.note} ".lstrip()
    return Panel(
        name="scaling",
        short="Optimum",
        title="The optimum against compute",
        lead="Parameters and tokens of the compute-optimal model by three approaches and as a plan takes them, beside "
        "the published laws.",
        drawings=(draw_scaling(n), draw_scaling(d)),
        columns=2,
        tables=tables,
        caption=f"{bend}{whose}: N {words['params']}, C {words['flops']}, {own} own tokens. Published laws: all "
        "parameters, C = 6ND, subword tokens, and runs of 1e18 FLOPs and more, carried on to here; compare slopes, not "
        "levels.",
        sources=tuple(f"{law.label}: {law.source}" for law in n.published),
    )


def training_panel(view: View) -> Panel | Absent:
    """Loss against compute along each run, with the envelope."""
    values = training_curves(view)
    if isinstance(values, Absent):
        return values
    return Panel(
        name="training",
        short="Training curves",
        title="Training curves and their envelope",
        lead="Every run, coloured by size, and the least loss that any had reached. Approach 1 compares the ends of "
        "finished runs alone.",
        drawings=(draw_training(values, conventions(view)["loss_unit"], "loss" if is_fit(view) else "training loss"),),
        caption="The rows of each run in order of compute; what lies above the drawn range is cut."
        if is_fit(view)
        else "Training loss, without validation; the first steps lie above the drawn range.",
    )


def surface_panel(view: View) -> Panel | Absent:
    """Contours of the fitted loss."""
    values = surface(view)
    if isinstance(values, Absent):
        return values
    words, six_n = conventions(view), token_cost(view).is_six_n
    return Panel(
        name="surface",
        short="Loss surface",
        title="The fitted loss L(N, D)",
        lead="Contours of E + A/N^alpha + B/D^beta, with the cheapest way down.",
        drawings=(draw_surface(values, words["loss_unit"], words["params"]),),
        caption=("" if six_n else "A token costs on the frontier what it costs in the runs here, not 6N. ")
        + "Outside the cloud of runs the contours are extrapolation.",
    )


def residuals_panel(view: View) -> Panel | Absent:
    """What the fitted loss leaves, against N, D and D/N."""
    values = residuals(view)
    if isinstance(values, Absent):
        return values
    beyond = beyond_reach(values)
    return Panel(
        name="residuals",
        short="Residuals",
        title="Residuals of the parametric fit",
        lead=f"Root mean square {100 * values.rms:.2f} % over {len(values.residual):,} rows. "
        + (lack_of_fit(view) or "A trend here is what the form cannot follow")
        + ".",
        drawings=draw_residuals(values, conventions(view)["params"]),
        columns=3,
        caption=f"Triangles: {beyond} row{'s' if beyond > 1 else ''} beyond the drawn range." if beyond else "",
    )
