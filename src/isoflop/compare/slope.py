"""Where the baseline's slope comes from: what is stated, else the runs themselves where they show it.

That is one law of both recipes over sizes and tokens; of runs on one line in (N, D) a law along that line; of two sizes
or two lengths a power law of each. Where the runs do not show it, it is the usual slope of language models.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from isoflop.arrays import Array
from isoflop.compare.chosen_law import ON_A_LINE, law_words, shared_law
from isoflop.compare.conversion import Conversion, Pinned
from isoflop.compare.gaps import Gaps
from isoflop.compare.law_rows import FinalRows, places
from isoflop.compare.law_slope import local_slopes
from isoflop.compare.line_law import ALONG_FRONTIER, OF_ONE_TERM, LineLaw, fit_line
from isoflop.compare.options import CompareOptions, LawSlope, StatedSlope
from isoflop.compare.plane_law import fit_plane
from isoflop.compare.shared_law import SharedLaw, with_draws
from isoflop.compare.usual_slope import usual_conversion
from isoflop.distributions import student_grid
from isoflop.errors import InputError
from isoflop.units import format_number

_VAGUE = 0.5
"""Standard deviation of ln slope beyond which a fit does not tell it: no more than its order of magnitude is known."""
_FLATTEST = 0.05
_TOGETHER = "along sizes and tokens together"
_MOST_DRAWS = 0.5
"""Share of the draws that have to reach a cell for it to count in that."""
_PINNED_SHARES = (0.05, 0.5, 0.95)
"""Of the draws of E: the lowest, middle and highest floor of which the multiplier is shown."""
_HIGHEST_FLOOR = 0.99
"""Share of the least loss below which a floor is held."""


def conversion_for(gaps: Gaps, rows: FinalRows | None, options: CompareOptions) -> Conversion:
    """The conversion of the gaps to the axis, by a slope that was stated; else by the runs; else by the usual one."""
    if isinstance(options.slope, LawSlope):
        return _of_law(options.slope, gaps, options)
    if options.slope is not None:
        return stated(options.slope, len(gaps.cells), options.draws)
    own = None
    if rows is not None:
        own = _by_shared_law(gaps, rows, options) or _by_line(gaps, rows, options) or _by_plane(gaps, rows, options)
    if own is not None:
        return own
    data = options.axis == "data" or not all(cell.same_length for cell in gaps.cells)
    return usual_conversion(gaps, data, options.draws)


def stated(slope: StatedSlope, cells: int, draws: int) -> Conversion:
    """A stated slope, the same in all cells, with its stated error."""
    draws = draws if slope.sd else 1
    normal = np.random.default_rng(0).permutation(student_grid(draws, np.inf))
    # A slope that the error would turn around is held at a tenth of its value: its sign is what was stated.
    drawn = np.maximum(slope.per_log + slope.sd * normal, 0.1 * slope.per_log)
    return Conversion(
        floor=np.zeros(cells),
        exponent=np.full(cells, slope.per_log),
        floors=np.zeros((draws, cells)),
        exponents=np.repeat(drawn[:, None], cells, axis=1),
        source=f"a slope of {format_number(slope.per_log, 4)} per e-fold ({slope.source})",
    )


def _of_law(slope: LawSlope, gaps: Gaps, options: CompareOptions) -> Conversion:
    """The slope of a law of other runs at each cell. Raises InputError where sizes or tokens are not known."""
    groups = [cell.a for cell in gaps.cells]
    if any(run.params is None or run.tokens is None for group in groups for run in group.runs):
        raise InputError(f"slope: {slope.source} needs the sizes and tokens of the runs; state a number instead")
    N, D = (np.exp([getattr(group, name) for group in groups]) for name in ("log_params", "log_length"))
    data = options.axis == "data" or not all(cell.equal_length for cell in gaps.cells)
    found = local_slopes(slope, N, D, data, options.draws)
    return Conversion(
        floor=np.zeros(len(groups)),
        exponent=found.best,
        floors=np.zeros_like(found.drawn),
        exponents=found.drawn,
        source=slope.source,
        tells_trend=True,
    )


def _by_shared_law(gaps: Gaps, rows: FinalRows, options: CompareOptions) -> Conversion | None:
    found = shared_law(rows)
    if found is None:
        return None
    law = with_draws(found.law, options.draws, options.seed)
    sizes = np.array([math.exp(cell.a.log_params or 0.0) for cell in gaps.cells])
    # Where lengths differ, A is followed along tokens at its size, on which compute rises as they do.
    data = options.axis == "data" or not all(cell.equal_length for cell in gaps.cells)
    own = found.own_floor or (data and _own_size_term(law))
    floor, exponent = law.floor_and_exponent(sizes, law.theta[None], data, own)
    floors, exponents = law.floor_and_exponent(sizes, law.draws, data, own)
    return _unless_vague(
        Conversion(
            floor=floor[0],
            exponent=exponent[0],
            floors=floors,
            exponents=exponents,
            source=law_words(found, len(rows.loss)),
            constant=not own,
            own_laws=found.own_floor,
            degrees=float(len(rows.loss) - law.constants),
            tells_trend=True,
            pinned=_pinned_law(law, sizes, data),
        ),
        gaps,
    )


def _pinned_law(law: SharedLaw, sizes: Array, data: bool) -> tuple[Pinned, ...]:
    """The law of one E for both recipes, held at floors that the draws allow."""
    found = []
    for E in _held(np.exp(law.draws[:, 0]), float(np.exp(law.rows.z.min()))):
        held = law.pinned(E)
        floor, exponent = held.floor_and_exponent(sizes, held.theta[None], data, own=False)
        found.append(Pinned(E=E, floor=floor[0], exponent=exponent[0]))
    return tuple(found)


def _held(floors: Array, least_loss: float) -> list[float]:
    return [min(float(E), _HIGHEST_FLOOR * least_loss) for E in np.quantile(floors, _PINNED_SHARES)]


def _own_size_term(law: SharedLaw) -> bool:
    """Whether the recipes differ in the size term, which is the floor of a fixed size: by the draws of its shift."""
    shift = law.draws[:, 6]
    return bool(abs(law.theta[6]) > 2.6 * max(float(shift.std()), 1e-12))


def _by_line(gaps: Gaps, rows: FinalRows, options: CompareOptions) -> Conversion | None:
    """The slope along a line of runs: of one ratio of tokens to parameters, of one size, or of one number of tokens."""
    sizes, lengths = places(rows.N), places(rows.D)
    one = sizes == 1 or lengths == 1
    on_line = one or float(np.corrcoef(np.log(rows.N), np.log(rows.D))[0, 1]) > ON_A_LINE
    if not on_line or (options.axis == "data" and sizes > 1):
        return None
    usual = OF_ONE_TERM if one else ALONG_FRONTIER
    law = fit_line(rows.log_compute, np.log(rows.loss), rows.is_a, options.draws, options.seed, usual)
    if law is None:
        return None
    cells = len(gaps.cells)
    held = []
    for E in _held(law.floors, float(rows.loss.min())) if law.fitted_exponent else ():
        exponent = law.with_floor(rows.log_compute, np.log(rows.loss), rows.is_a, E)
        held.append(Pinned(E=E, floor=np.full(cells, E), exponent=np.full(cells, exponent)))
    where = "at this size" if sizes == 1 else "along sizes at one number of tokens" if lengths == 1 else _TOGETHER
    return _unless_vague(replace(_of_line(law, cells, len(rows.loss), where), pinned=tuple(held)), gaps)


def _by_plane(gaps: Gaps, rows: FinalRows, options: CompareOptions) -> Conversion | None:
    """Power laws of sizes and tokens, of runs with too few of either for a floor."""
    if not rows.sized or places(rows.N) < 2 or places(rows.D) < 2:
        return None
    law = fit_plane(rows.N, rows.D, rows.loss, rows.is_a, options.draws, options.seed)
    if law is None:
        return None
    data = options.axis == "data" or not all(cell.equal_length for cell in gaps.cells)
    best, drawn = law.along(data)
    if best <= 0:
        return None
    cells = len(gaps.cells)
    # A draw without any slope would make an infinite multiplier; what the runs cannot exclude shows as a wide interval.
    drawn = np.maximum(drawn, _FLATTEST * best)
    where = "at fixed size" if data else _TOGETHER
    conversion = Conversion(
        floor=np.zeros(cells),
        exponent=np.full(cells, best),
        floors=np.zeros((len(drawn), cells)),
        exponents=np.repeat(drawn[:, None], cells, axis=1),
        source=f"power laws of sizes and tokens, {where}, fitted to {len(rows.loss)} runs of both recipes",
        degrees=float(law.degrees),
    )
    return _unless_vague(conversion, gaps)


def _of_line(law: LineLaw, cells: int, runs: int, where: str) -> Conversion:
    form = "a power law with a floor"
    if not law.fitted_exponent:
        form = f"{form} and the usual exponent {format_number(law.exponent)}"
    count = len(law.exponents)
    return Conversion(
        floor=np.full(cells, law.floor),
        exponent=np.full(cells, law.exponent),
        floors=np.broadcast_to(law.floors[:, None], (count, cells)),
        exponents=np.broadcast_to(law.exponents[:, None], (count, cells)),
        source=f"{form} {where}, fitted to {runs} runs of both recipes",
        degrees=float(law.degrees),
        tells_trend=True,
    )


def _unless_vague(conversion: Conversion, gaps: Gaps) -> Conversion | None:
    """The conversion, or None where its draws do not agree on the slope."""
    middle = (gaps.log_a + gaps.log_b) / 2
    drawn = np.log(conversion.drawn_per_gap(middle))
    usable = np.isfinite(drawn).mean(axis=0) > _MOST_DRAWS
    if not usable.any():
        return conversion  # B lies under A's floor throughout, which the slope does not matter for
    spread = [float(np.std(column[np.isfinite(column)])) for column in drawn.T[usable]]
    return conversion if float(np.median(spread)) < _VAGUE else None
