"""What each candidate would add: the fall of both variances at the target, exactly, for all candidates at once.

A row with tangent g and noise v lowers the covariance S of a form's constants to S - S g g'S / (v + g'S g) (the
Sherman-Morrison identity), so that V-optimality (Atkinson, Donev and Tobias 2007, Optimum Experimental Designs, section
10.6) needs no refit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.fit.bent.frame import TRUNK_SHARED
from isoflop.sweep.adaptive.candidate import CandidateColumns
from isoflop.sweep.adaptive.evidence import Evidence
from isoflop.sweep.adaptive.mixture import Mixture


@dataclass(eq=False)
class Gains:
    """The covariances of all forms as the batch grows, and what the next candidate would add."""

    mix: Mixture
    columns: CandidateColumns
    covariances: list[Array]
    """Of each form's constants, after the batch so far."""
    tangents: list[Array]
    """(candidates, constants) of each form."""
    noise: Array
    """Variance of each candidate's ln loss, (candidates,)."""
    trunk_rows: list[dict[str, list[Array]]]
    """{root run: tangents over the root of the variance, of its rows so far} of each form."""
    log_largest: float

    @classmethod
    def of(cls, mix: Mixture, rows: Evidence, columns: CandidateColumns) -> Gains:
        """Before the batch."""
        log_flops = np.log(columns.law_flops)
        points = mix.frame.place(columns.log_params, columns.log_tokens, log_flops)
        noise = mix.sd**2 * mix.variance_factor(columns.log_params, columns.log_tokens, log_flops)
        of_rows = mix.sd * np.sqrt(mix.variance_factor(np.log(rows.params), np.log(rows.tokens), np.log(rows.flops)))
        tangents, trunk_rows = [], []
        branched = set(columns.trunk) & set(rows.trunk)
        for form in mix.forms:
            found = form.posterior
            tangents.append(found.form.predicted(found.theta, points)[1])
            by_trunk: dict[str, list[Array]] = {}
            for row, trunk in enumerate(rows.trunk):
                if trunk in branched:
                    by_trunk.setdefault(trunk, []).append(found.tangents[row] / of_rows[row])
            trunk_rows.append(by_trunk)
        return cls(
            mix=mix,
            columns=columns,
            covariances=[form.posterior.covariance.copy() for form in mix.forms],
            tangents=tangents,
            noise=noise,
            trunk_rows=trunk_rows,
            log_largest=mix.log_largest,
        )

    def falls(self) -> tuple[Array, Array]:
        """(fall of Var ln N_opt(target), of Var ln L(target)) by each candidate, means over forms."""
        by_size, by_loss = np.zeros(len(self.noise)), np.zeros(len(self.noise))
        for number, (form, weight) in enumerate(zip(self.mix.forms, self.mix.weights, strict=True)):
            if weight == 0:
                continue
            tangents, noise = self._own_part(number)
            spread = tangents @ self.covariances[number]
            total = noise + np.einsum("ij,ij->i", spread, tangents)
            by_size += weight * (spread @ form.by_size) ** 2 / total
            by_loss += weight * (spread @ form.by_loss) ** 2 / total
        return by_size, by_loss

    def add(self, chosen: int) -> None:
        """Counts a candidate as trained."""
        for number in range(len(self.mix.forms)):
            tangents, noise = self._own_part(number, only=chosen)
            spread = self.covariances[number] @ tangents[0]
            self.covariances[number] -= np.outer(spread, spread) / (noise[0] + spread @ tangents[0])
            scaled = self.tangents[number][chosen] / np.sqrt(self.noise[chosen])
            self.trunk_rows[number].setdefault(self.columns.trunk[chosen], []).append(scaled)
        self.log_largest = max(self.log_largest, float(np.log(self.columns.law_flops[chosen])))

    def size_variance(self) -> float:
        """Var ln N_opt(target) after the batch so far, the error of form included."""
        return self.within() + self.mix.error_of_form(self.log_largest)

    def within(self) -> float:
        """The part of it that the rows lower."""
        pairs = zip(self.mix.forms, self.covariances, self.mix.weights, strict=True)
        return float(sum(weight * form.by_size @ S @ form.by_size for form, S, weight in pairs))

    def loss_variance(self) -> float:
        """Var ln L(target) after the batch so far, how far the forms differ left out."""
        return self.loss_within() + self.mix.loss_error_of_form(self.log_largest)

    def loss_within(self) -> float:
        """The part of it that the rows lower."""
        pairs = zip(self.mix.forms, self.covariances, self.mix.weights, strict=True)
        return float(sum(weight * form.by_loss @ S @ form.by_loss for form, S, weight in pairs))

    def _own_part(self, number: int, only: int | None = None) -> tuple[Array, Array]:
        """(tangents, variances) of the candidates given the rows of their trunks.

        Of m rows with correlation r to it and to each other, a branch has the part r / (1 + (m - 1) r) of their sum,
        and the variance 1 - m r^2 / (1 + (m - 1) r): the conditional normal distribution.
        """
        chosen = slice(None) if only is None else slice(only, only + 1)
        tangents, noise = self.tangents[number][chosen], self.noise[chosen]
        shared = [(i, self.trunk_rows[number].get(trunk)) for i, trunk in enumerate(self.columns.trunk[chosen])]
        known = [(i, rows) for i, rows in shared if rows]
        if not known:
            return tangents, noise
        tangents, noise = tangents.copy(), noise.copy()
        for i, rows in known:
            share = TRUNK_SHARED / (1 + (len(rows) - 1) * TRUNK_SHARED)
            tangents[i] -= np.sqrt(noise[i]) * share * np.sum(rows, axis=0)
            noise[i] *= 1 - len(rows) * TRUNK_SHARED * share
        return tangents, noise
