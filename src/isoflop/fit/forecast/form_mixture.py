"""Forms of a loss surface mixed at given points: by trust in each, and by how sure its resamples are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array

SAMPLES = 2000
_DISCREPANCY = 0.01  # sd of ln loss that a form may be off by however sure its resamples are
_SHARED = 0.5  # of the forms' variance: they are fitted to the same losses, so that noise moves them together


@dataclass(frozen=True, kw_only=True, eq=False)
class Mixture:
    """ln loss at some points, by several forms."""

    centre: Array
    """Weighted mean, (points,)."""
    weights: Array
    """(forms, points), summing to 1 over the forms."""
    offsets: Array
    """(forms, points): each form less the centre, as far as noise does not explain that they differ."""
    deviations: tuple[Array, ...]
    """(draws, points) of each form, less their median."""

    @classmethod
    def of(cls, predicted: Array, drawn: Sequence[Array], trust: Array) -> Mixture:
        """The mixture of `predicted` (forms, points) with `drawn` (draws, points) of each.

        Weights are trust over variance, an error of form that no resample shows being part of it. How far the forms
        differ counts beyond what their own noise explains only: their variance has that already.
        """
        # Half the distance between the 16 % and 84 % points stands for a standard deviation: a few resamples that
        # diverge beyond the rows would make the variance itself theirs.
        quantiles = [np.quantile(draws, [0.16, 0.5, 0.84], axis=0) for draws in drawn]
        variance = np.stack([((high - low) / 2) ** 2 for low, _, high in quantiles])
        # Precision weights, as in a meta-analysis with a variance between studies (DerSimonian and Laird 1986): the
        # discrepancy keeps one form whose resamples agree from taking all of the weight.
        precision = trust[:, None] / (variance + _DISCREPANCY**2)
        weights = precision / precision.sum(axis=0)
        centre = np.sum(weights * predicted, axis=0)
        between = np.sum(weights * (predicted - centre) ** 2, axis=0)
        # Independent noise alone would spread the forms by their mean variance; the shared part of it does not.
        explained = (1 - _SHARED) * np.sum(weights * variance, axis=0)
        shrinkage = np.sqrt(np.maximum(between - explained, 0.0) / np.maximum(between, 1e-300))
        return cls(
            centre=centre,
            weights=weights,
            offsets=shrinkage * (predicted - centre),
            deviations=tuple(draws - middle for draws, (_, middle, _) in zip(drawn, quantiles, strict=True)),
        )

    def samples(self, rng: np.random.Generator) -> Array:
        """(samples, points): ln loss less the centre, each form as often as its weight."""
        chosen = np.sum(rng.random((SAMPLES, 1, 1)) > np.cumsum(self.weights, axis=0)[None, :-1], axis=1)
        out = np.empty(chosen.shape)
        for form, deviations in enumerate(self.deviations):
            # The same draws at all points, so that the errors at several points of one question stay correlated.
            rows = rng.integers(len(deviations), size=SAMPLES)
            out = np.where(chosen == form, self.offsets[form] + deviations[rows], out)
        return out
