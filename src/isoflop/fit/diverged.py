"""Rows whose losses lie tens of scatters off the surface of all others: runs that diverged, or slips."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isoflop.fit.newton import minimise
from isoflop.fit.objective import Problem
from isoflop.fit.starts import best_grid_start
from isoflop.laws import ChinchillaLaw
from isoflop.observations import Observations

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_FEWEST_ROWS = 12
_CONSTANTS = 5
_DELTA = 1e-3
_MAD_TO_SD = 1.4826
_LEAST_SCATTER = 1e-3
_FAR = 20.0
_NEIGHBOURS, _ALONE = 6, 5.0
_MOST = 0.25
_ROUNDS = 12
_SAMPLED = 4000


def off_surface(N, D, loss, far=_FAR, alone=_ALONE):
    x, y, z = np.log(N), np.log(D), np.log(loss)
    keep = np.ones(len(x), dtype=bool)
    place = np.stack([(x - x.mean()) / max(x.std(), 1e-9), (y - y.mean()) / max(y.std(), 1e-9)], axis=1)
    def judge(keep):
        rows = np.flatnonzero(keep)
        if len(rows) > _SAMPLED:
            rows = rows[np.linspace(0, len(rows) - 1, _SAMPLED).astype(int)]
        problem = Problem.of(N[rows], D[rows], loss[rows], _DELTA)
        ones = np.ones((1, len(rows)))
        theta = minimise(problem, best_grid_start(problem, ones), ones).theta
        law = ChinchillaLaw(**{k: float(v) for k, v in problem.constants(theta[0]).items()})
        r = z - np.log(law.loss(N, D))
        size = np.sort(np.abs(r[rows]))[_CONSTANTS:]
        s = max(_MAD_TO_SD * float(np.median(size)), _LEAST_SCATTER)
        return r, s
    for _ in range(_ROUNDS):
        r, s = judge(keep)
        cand = np.flatnonzero(np.abs(r) > far * s)
        bad = []
        ok = keep & (np.abs(r) <= far * s)
        for i in cand:
            d = np.sum((place - place[i]) ** 2, axis=1)
            d[i] = np.inf
            d[~keep] = np.inf
            near = np.argsort(d, kind="stable")[:_NEIGHBOURS]
            m = np.median(np.abs(r[near]))
            if abs(r[i]) > alone * m:
                bad.append(i)
        new = np.ones(len(x), dtype=bool)
        if bad:
            top = max(abs(r[bad]))
            # the worst first
            new[[i for i in bad if abs(r[i]) > .5*top or not keep[i]]] = False
        if np.array_equal(new, keep):
            break
        keep = new
    return ~keep, r, s
