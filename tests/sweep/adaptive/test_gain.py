"""The fall of a variance that a candidate is said to bring is the one that its row brings."""

import numpy as np

from isoflop.fit.bent.frame import TRUNK_SHARED, correlation
from isoflop.sweep.adaptive.candidate import Candidate, CandidateColumns
from isoflop.sweep.adaptive.gain import Gains
from isoflop.sweep.adaptive.mixture import mixture
from sweep.adaptive.sweeps import LIMITS, TARGET, begun, grid


def test_falls_are_those_of_the_larger_information() -> None:
    rows, columns = begun(), CandidateColumns.of(grid())
    mix = mixture(rows, target_flops=TARGET, limits=LIMITS)
    gains = Gains.of(mix, rows, columns)
    by_size, _ = gains.falls()
    expected = np.zeros(3)
    for form, weight, tangents in zip(mix.forms, mix.weights, gains.tangents, strict=True):
        for i in range(3):
            row = tangents[i]
            information = np.linalg.inv(form.posterior.covariance) + np.outer(row, row) / gains.noise[i]
            expected[i] += weight * (form.size_variance - form.by_size @ np.linalg.inv(information) @ form.by_size)
    np.testing.assert_allclose(by_size[:3], expected, rtol=1e-6)
    before = gains.within()
    gains.add(1)
    np.testing.assert_allclose(before - gains.within(), expected[1], rtol=1e-6)


def test_branches_count_as_correlated_rows() -> None:
    """Three branches of one trunk, added one by one, lower a covariance as the three with their whole covariance do."""
    rows = begun()
    branches = [
        Candidate(
            key=f"b{i}", params=1e8, tokens=1e9 * 2**i, flops=1e17, law_flops=6e17 * 2**i, seconds=1.0, kind="branch",
            trunk="trunk",
        )
        for i in range(3)
    ]  # fmt: skip
    mix = mixture(rows, target_flops=TARGET, limits=LIMITS)
    gains = Gains.of(mix, rows, CandidateColumns.of(branches))
    form, tangents, noise = mix.forms[0].posterior, gains.tangents[0], gains.noise
    covariance = correlation(["trunk"] * 3) * np.sqrt(np.outer(noise, noise))
    information = np.linalg.inv(form.covariance) + tangents.T @ np.linalg.inv(covariance) @ tangents
    for i in range(3):
        gains.add(i)
    np.testing.assert_allclose(gains.covariances[0], np.linalg.inv(information), rtol=1e-6, atol=1e-12)
    assert TRUNK_SHARED > 0
