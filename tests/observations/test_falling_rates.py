"""A learning rate that falls along a run tells its checkpoints from its end."""

import numpy as np
import pytest

from isoflop.laws import ChinchillaLaw
from isoflop.observations import Observations

LAW = ChinchillaLaw(E=1.8172, A=482.01, B=2085.43, alpha=0.3478, beta=0.3658)
SIZES = np.array([5e7, 1e8, 2e8, 4e8])
COSINE, LINEAR = (lambda p: 0.55 + 0.45 * np.cos(np.pi * p)), (lambda p: 1 - p)


def plateau(p):
    return np.where(p < 0.8, 1.0, 5 * (1 - p) + 1e-9)


def warmed(p):
    return np.minimum(10 * p, COSINE(p))


def flat(p):
    return np.ones_like(p)


def curves(shape, *, names=True, column="lr", counts=10, runs_a_size=1):
    rows = []
    for i, N in enumerate(SIZES):
        for j in range(runs_a_size):
            last = N * (20 + 60 * j)
            for p in np.linspace(1 / counts, 1, counts):
                row = {"params": N, "tokens": p * last, "loss": float(LAW.loss(N, p * last)), column: float(shape(p))}
                rows.append(row | ({"run": f"r{i}-{j}"} if names else {}))
    return rows


def codes(made):
    return {notice.code for notice in made.notices}


@pytest.mark.parametrize("shape", [COSINE, LINEAR, plateau, warmed])
@pytest.mark.parametrize("names", [True, False])
@pytest.mark.parametrize("column", ["lr", "train/learning_rate", "optim/learning_rate_group0", "lr-AdamW/pg1"])
def test_only_ends_are_used(shape, names, column):
    made = Observations.from_rows(curves(shape, names=names, column=column))
    assert codes(made) == {"checkpoints_of_schedule"}
    assert made.finals().N.tolist() == SIZES.tolist()
    assert made.finals().D.tolist() == (20 * SIZES).tolist()
    assert made.schedule == "matched"
    assert {item.code for item in made.finals().dropped} == {"checkpoint"}


def test_each_run_of_a_size_has_its_end():
    made = Observations.from_rows(curves(COSINE, runs_a_size=2, counts=3))
    assert len(made.finals()) == 8


@pytest.mark.parametrize("shape", [flat, lambda p: 1 + 0 * p])
def test_a_constant_rate_says_nothing(shape):
    made = Observations.from_rows(curves(shape))
    assert codes(made) == {"checkpoints_of_runs"}
    assert len(made.finals()) == 40


def test_a_rate_that_rises_again_is_no_one_schedule():
    made = Observations.from_rows(curves(lambda p: np.where(p < 0.5, 1 - p, 1.2 - p)))
    assert "checkpoints_of_schedule" not in codes(made)


@pytest.mark.parametrize("names", [True, False])
def test_rates_tuned_to_the_length_of_each_run_are_no_schedule(names):
    """Peak rates fall with size and tokens, say as D^-.3, rounded to two digits or to powers of two."""
    for rounded in (lambda lr: float(f"{lr:.1e}"), lambda lr: float(2.0 ** np.round(np.log2(lr)))):
        rows = [
            {"params": N, "tokens": ratio * N, "loss": float(LAW.loss(N, ratio * N)),
             "lr": rounded(1e-3 * (N / 1e8) ** -0.3 * (ratio / 20) ** -0.3)} | ({"model": f"m{N:g}", "run": f"m{N:g}"}
                                                                                  if names else {})
            for N in SIZES for ratio in (5, 10, 20, 40, 80, 160, 320)
        ]  # fmt: skip
        made = Observations.from_rows(rows)
        assert "checkpoints_of_schedule" not in codes(made)
        assert len(made.finals()) == len(rows)


@pytest.mark.parametrize("schedule", ["matched", "constant"])
def test_what_was_stated_decides_and_the_evidence_is_reported(schedule):
    made = Observations.from_rows(curves(COSINE), schedule=schedule)
    assert "checkpoints_of_schedule" in codes(made)
    assert len(made.finals()) == 40
