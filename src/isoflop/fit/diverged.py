"""Rows whose losses lie tens of scatters off the surface of all others: runs that diverged, and slips of a table.

Least squares and resampling take such a row for evidence: two of 25 with losses of 7.9 and 10.4 where 2.8 was due put a
vertex 2.2 below all that was measured. The law is fitted robustly to the other rows, the worst are set aside, and so on
until the rows set aside are those that lie off the fit without them.

Honest rows are far from a law too where its form does not hold: the two of fewest tokens a parameter in Hoffmann et
al.'s Figure 4 by 55 and 47 scatters. But then neighbours are too, and no smaller run of fewer tokens did better.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from isoflop.arrays import MAD_TO_SD, Array, Mask
from isoflop.errors import Notice
from isoflop.fit.parametric.multistart import best_grid_start
from isoflop.fit.parametric.newton import minimise
from isoflop.fit.parametric.objective import HuberObjective
from isoflop.laws import ChinchillaLaw
from isoflop.laws.law import FITTED
from isoflop.units import format_number, percent

if TYPE_CHECKING:
    from isoflop.observations import Observations

Rows = NDArray[np.int64]

_FEWEST_ROWS = 10  # five constants pass through five rows; of the others more than half have to be good
_CONSTANTS = 5
_DELTA = 1e-3  # all but least absolute errors
_EXPONENTS = (0.01, 3.0)  # of laws; beyond, a term is a constant or a step
_LEAST_SCATTER = 1e-3  # of a loss: seeds differ by that much, and tables round to it
_FAR = 20.0  # scatters; honest rows of public tables lie up to 15 off, but for those of the figure above
_BEYOND_DOUBT = 100.0  # scatters beyond which no form of law is that wrong where its neighbours are right
_NEIGHBOURS, _ALONE = 6, 5.0  # a row is alone that lies five times as far off as its six nearest
_NEIGHBOURS = 3
_NEAR = 2.5  # the nearest rows of one lie up to so many times as far off as is usual: at a corner of a design twice
_JUDGED = 200  # rows that tell what is usual
_ABSURD = 0.4  # of ln loss: half as much again. The figure above is off by .29, where short runs do badly together
_BEATEN = 5.0  # scatters by which a smaller run of fewer tokens has to be better, to rule out chance
_MOST = 0.25  # share of the rows: of more, it is not known which are good
_ROUNDS = 12
_WORST = 0.5  # of the worst: what lies nearer may lie off because of it
_SAMPLED = 4000  # rows of a large table that the surface is fitted to, and that are neighbours
_FEW_ROWS, _MOST_HIGHEST = 100, 12  # rows that are left out of a fit one by one; highest losses that are together
_LISTED = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class OffSurface:
    """Rows far from the surface of the others."""

    left_out: Rows
    """Indices of rows that no law explains."""
    far: Rows
    """Indices of others beyond twenty scatters."""
    predicted: Array
    """Loss of every row by the law of the rows that are left."""
    scatters: Array
    """Distance of each ln loss above that, in scatters."""
    scatter: float
    """Robust standard deviation of ln loss."""
    beaten_by: dict[int, int]
    """{index of a row left out: index of a smaller run of fewer tokens with a lower loss, or the reverse}."""


def without_diverged(data: Observations) -> tuple[Observations, tuple[Notice, ...]]:
    """(`data` without the rows that lie off the surface of the others, each with its reason; a notice of far rows).

    Rows twenty scatters off and more that some form of law might still explain stay, and are named.
    """
    fresh = data.finals().fresh()
    if len(fresh) < _FEWEST_ROWS:
        return data, ()
    found = off_surface(fresh.N, fresh.D, fresh.loss, fresh.run_number)
    far: tuple[Notice, ...] = ()
    if len(found.far):
        text = (
            f"{_named(fresh, found, found.far)}: the form of the law may fail there, so these rows are used; look at "
            "them, and leave them out with --where if they are no finished runs"
        )
        far = (Notice(code="far_from_law", message=text),)
    if not len(found.left_out):
        return data, far
    text = (
        f"{_named(fresh, found, found.left_out)}: no law of the other rows explains that, and these rows are left out "
        "as diverged, unfinished or mistaken"
    )
    reasons = {int(fresh.row[i]): _reason(fresh, found, i) for i in found.left_out.tolist()}
    gone = np.isin(data.row, list(reasons))
    at = {i: reasons[int(data.row[i])] for i in np.flatnonzero(gone).tolist()}
    left = data.select(~gone, at, "diverged")
    return replace(left, notices=(*data.notices, Notice(code="diverged_rows", message=text))), far


def off_surface(N: Array, D: Array, loss: Array, run: Rows | None = None) -> OffSurface:
    """Which rows lie off E + A / N^alpha + B / D^beta of the others by twenty scatters and more, and which are wrong.

    Wrong is such a row that lies five times as far off as its neighbours in ln N and ln D, those of its own `run`
    apart, and a hundred scatters off, or twenty where that holds of each of its nearest rows, or where a run
    that is smaller and saw fewer tokens has a lower loss (too low: the reverse), which no law allows; and, whatever its
    neighbours, one of which the last holds and that is off by half. Of more than a quarter of the table none is.
    """
    x, y, z = np.log(N), np.log(D), np.log(loss)
    place = np.stack([(x - x.mean()) / max(float(x.std()), 1e-9), (y - y.mean()) / max(float(y.std()), 1e-9)], axis=1)
    run = np.arange(len(x)) if run is None else run
    wrong = np.zeros(len(x), dtype=bool)
    beaten: dict[int, int] = {}
    for _ in range(_ROUNDS):
        sample = _sampled(np.flatnonzero(~wrong))
        above, scatter = _above_law(N, D, z, sample)
        off = np.abs(above) > _FAR * scatter
        if off.mean() > _MOST:
            wrong[:] = False
            break
        suspects = np.flatnonzero(off)
        beaten = _beaten(x, y, z, above, sample, suspects, _BEATEN * scatter)
        alone, lonely = _alone(place, above, run, sample, suspects)
        size, shown = np.abs(above[suspects]), np.isin(suspects, list(beaten))
        alone &= shown | lonely | (size > _BEYOND_DOUBT * scatter)
        bad = suspects[alone | (shown & (size > _ABSURD))]
        worst = float(np.abs(above[bad[~wrong[bad]]]).max(initial=0.0))
        now = np.zeros_like(wrong)
        now[bad] = wrong[bad] | (np.abs(above[bad]) >= _WORST * worst)
        if np.array_equal(now, wrong):
            break
        wrong = now
    above, scatter = _above_law(N, D, z, _sampled(np.flatnonzero(~wrong)), trials=False)
    off = np.abs(above) > _FAR * scatter  # of all rows that are left, not of those a law fits best
    wrong &= off
    far = np.flatnonzero(off & ~wrong)
    return OffSurface(
        left_out=np.flatnonzero(wrong),
        far=far,
        predicted=np.exp(z - above),
        scatters=above / scatter,
        scatter=scatter,
        beaten_by=beaten,
    )


def _sampled(rows: Rows) -> Rows:
    """At most 4,000 of the rows, evenly."""
    if len(rows) <= _SAMPLED:
        return rows
    return rows[np.linspace(0, len(rows) - 1, _SAMPLED).astype(np.int64)]


def _above_law(N: Array, D: Array, z: Array, sample: Rows, *, trials: bool = True) -> tuple[Array, float]:
    """(ln loss less that of the law of the sample, of every row; robust scatter of the sample about it).

    A law can be bent to pass through one bad row at a corner of the design. So it is also fitted without each row, and
    without the highest losses, and the fit about which the rows scatter least counts. Rows that give no law of falling
    terms at all, as those of one size, lie off nothing: 0 and 1.
    """
    objective = HuberObjective.of(N[sample], D[sample], np.exp(z[sample]), _DELTA)
    weights = _trials(z[sample]) if trials else np.ones((1, len(sample)))
    with np.errstate(over="ignore", invalid="ignore"):  # losses of 1e300 are bad rows like others
        theta = minimise(objective, best_grid_start(objective, weights), weights).theta
    known = np.all((theta[:, 3:] > _EXPONENTS[0]) & (theta[:, 3:] < _EXPONENTS[1]), axis=1)
    if not known.any():
        return np.zeros_like(z), 1.0
    theta = theta[known]
    residuals = np.abs(np.stack([objective.residuals(one) for one in theta]))
    # The law passes through as many rows as it has constants: these show nothing of the scatter.
    scatters = MAD_TO_SD * np.median(np.sort(residuals, axis=1)[:, _CONSTANTS:], axis=1)
    best = int(np.argmin(np.maximum(scatters, _LEAST_SCATTER)))
    above = z - np.log(ChinchillaLaw(**objective.constants(theta[best]), provenance=FITTED).loss(N, D))
    return above, max(float(scatters[best]), _LEAST_SCATTER)


def _trials(z: Array) -> Array:
    """Weights of the rows in each fit: all, all but one where they are few, all but the highest losses."""
    rows = len(z)
    trials = [np.ones((1, rows))]
    if rows <= _FEW_ROWS:
        trials.append(1.0 - np.eye(rows))
    order = np.argsort(-z, kind="stable")
    for count in range(1, min(rows // 6, _MOST_HIGHEST) + 1):
        without = np.ones((1, rows))
        without[0, order[:count]] = 0.0
        trials.append(without)
    return np.concatenate(trials)


def _alone(place: Array, above: Array, run: Rows, sample: Rows, suspects: Rows) -> tuple[Mask, Mask]:
    """(suspects much further off than half of their nearest rows, than every one of their three nearest rows).

    Rows of one run err together, so that they are no evidence about each other. Neighbours lie no further off than rows
    of the table usually do from one another: an isolated row has none.
    """
    alone, lonely = np.zeros(len(suspects), dtype=bool), np.zeros(len(suspects), dtype=bool)
    usual = _usual_distance(place[sample])
    for number, i in enumerate(suspects.tolist()):
        distance = np.sqrt(np.sum((place[sample] - place[i]) ** 2, axis=1))
        distance[run[sample] == run[i]] = np.inf
        order = np.argsort(distance, kind="stable")[:_NEIGHBOURS]
        near = np.abs(above[sample[order]])
        alone[number] = abs(above[i]) > _ALONE * float(np.median(near))
        has_neighbours = distance[order[:_NEIGHBOURS]].max() <= _NEAR * usual
        lonely[number] = has_neighbours and abs(above[i]) > _ALONE * float(near[:_NEIGHBOURS].max())
    return alone, lonely


def _usual_distance(place: Array) -> float:
    """Median over rows of the distance to the third nearest; of a large table over some of them."""
    some = place[np.linspace(0, len(place) - 1, min(len(place), _JUDGED)).astype(np.int64)]
    distance = np.sqrt(np.sum((some[:, None] - place[None]) ** 2, axis=2))
    return float(np.median(np.partition(distance, _NEIGHBOURS, axis=1)[:, _NEIGHBOURS]))


def _beaten(x: Array, y: Array, z: Array, above: Array, sample: Rows, suspects: Rows, by: float) -> dict[int, int]:
    """{suspect: the row of the sample that shows it to be wrong under any law that falls with N and D}."""
    found: dict[int, int] = {}
    for i in suspects.tolist():
        sign = 1.0 if above[i] > 0 else -1.0
        ordered = (sign * (x[sample] - x[i]) <= 1e-9) & (sign * (y[sample] - y[i]) <= 1e-9) & (sample != i)
        worse = sample[ordered & (sign * (z[i] - z[sample]) > by)]
        if len(worse):
            found[i] = int(worse[np.argmin(sign * z[worse])])
    return found


def _named(data: Observations, found: OffSurface, rows: Rows) -> str:
    order = rows[np.argsort(data.row[rows], kind="stable")]
    shown = "; ".join(
        f"row {data.row[i]}, loss {format_number(data.loss[i], 4)}: {_distance(found, i)}" for i in order[:_LISTED]
    )
    more = f"; and {len(order) - _LISTED} more" if len(order) > _LISTED else ""
    return f"losses far from the law of the other rows ({shown}{more})"


def _distance(found: OffSurface, i: int) -> str:
    side = "above" if found.scatters[i] > 0 else "below"
    return f"{abs(found.scatters[i]):.0f} scatters {side} its {format_number(found.predicted[i], 4)}"


def _reason(data: Observations, found: OffSurface, i: int) -> str:
    text = (
        f"loss {format_number(data.loss[i], 4)} is {_distance(found, i)} by the law of the other rows, which scatter "
        f"by {percent(found.scatter, 2)}"
    )
    if (other := found.beaten_by.get(i)) is not None:
        kind = "smaller run of fewer" if found.scatters[i] > 0 else "larger run of more"
        text += f", and a {kind} tokens has {format_number(data.loss[other], 4)} (row {data.row[other]})"
    return text
