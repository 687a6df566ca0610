"""The solver against a grid of all models: 200 drawn combinations of objectives and limits."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from isoflop.errors import RefusedError
from isoflop.laws import SIX_N, ChinchillaLaw, ComputeCost, published_law, repeated_loss
from isoflop.plan import (
    FixedParams,
    FixedRatio,
    FixedTokens,
    InferenceDemand,
    LawSource,
    LimitedData,
    Objective,
    Problem,
    flops_for_loss,
)

MEASURED = ComputeCost(params=(1e6, 1e8, 1e10, 1e12), flops=(1.4e7, 8e8, 6.4e10, 6.1e12))
LAWS = [published_law(name) for name in ("besiroglu2024", "hoffmann2022-3-rounded", "muennighoff2023")]
AGREE = 1e-3  # of the objective
EPOCHS = 40

laws = st.one_of(
    st.sampled_from(LAWS),
    st.builds(
        ChinchillaLaw,
        E=st.floats(1.2, 2.0),
        A=st.floats(100, 1500),
        B=st.floats(100, 4000),
        alpha=st.floats(0.25, 0.5),
        beta=st.floats(0.22, 0.5),
    ),
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A budget with objectives and limits, and what a grid says of it."""

    law: ChinchillaLaw
    cost: ComputeCost
    flops: float
    unique: float | None = None
    served: float = 0.0
    fixed: Objective | None = None
    most: float = math.inf
    """Largest size allowed."""

    def problem(self):
        """As the solver has it, without the largest size."""
        stated = [] if self.unique is None else [LimitedData(unique_tokens=self.unique)]
        stated += [InferenceDemand(tokens=self.served)] if self.served else []
        return Problem.of([*stated, *([] if self.fixed is None else [self.fixed])])

    def loss(self, N, D):
        return self.law.loss(N, D) if self.unique is None else repeated_loss(self.law, N, D, self.unique)

    @property
    def longest(self):
        """Most tokens that are read."""
        return math.inf if self.unique is None else EPOCHS * self.unique

    def least_loss(self, sizes):
        """Of the budget over `sizes`, each on all the tokens that it pays for, or on what is fixed."""
        sizes = sizes[sizes <= self.most]
        tokens = np.minimum(self.flops / self.cost.flops_per_token(sizes), self.longest)
        if isinstance(self.fixed, FixedTokens):
            tokens = np.full_like(sizes, self.fixed.tokens)
        elif isinstance(self.fixed, FixedRatio):
            tokens = self.fixed.tokens_per_param * sizes
        paid = (self.cost.training_flops(sizes, tokens) <= self.flops * (1 + 1e-9)) & (tokens <= self.longest)
        return float(self.loss(sizes[paid], tokens[paid]).min())

    def least_lifetime(self, sizes, reached, longest):
        """Of the FLOPs to train and to serve `sizes`, each on the fewest of 3,000 numbers of tokens for a loss."""
        sizes, tokens = sizes[sizes <= self.most], np.geomspace(1e6, longest, 3000)
        enough = self.loss(sizes[:, None], tokens[None, :]) <= reached * (1 + 1e-12)
        fewest = np.where(enough.any(axis=1), tokens[np.argmax(enough, axis=1)], np.inf)
        return float(np.min(self.cost.flops_per_token(sizes) * (fewest + self.served / 3)))


@st.composite
def cases(draw):
    """Budgets of published and drawn laws, each limit there or not, around where it begins to bind."""
    law, cost, flops = draw(laws), draw(st.sampled_from([SIX_N, SIX_N, MEASURED])), 10 ** draw(st.floats(19, 25))
    N, D = (float(value) for value in law.optimum(flops, cost))
    log_epochs, log_served = draw(st.none() | st.floats(-1, 1.5)), draw(st.none() | st.floats(-2, 2.5))
    unique = None if log_epochs is None else D / 10**log_epochs
    off = math.exp(draw(st.floats(-1, 1)))
    fixed = {
        "none": None,
        "params": FixedParams(params=N * off),
        "tokens": FixedTokens(tokens=min(D * off, EPOCHS * (unique or math.inf))),
        "ratio": FixedRatio(tokens_per_param=D / N * off),
    }[draw(st.sampled_from(["none", "none", "none", "params", "tokens", "ratio"]))]
    served = 0.0 if log_served is None else D * 10**log_served
    case = Case(law=law, cost=cost, flops=flops, unique=unique, served=served, fixed=fixed)
    log_most = draw(st.none() | st.floats(-1.5, 0))
    if log_most is None or isinstance(fixed, FixedParams):
        return case
    return replace(case, most=float(case.problem().choose(law, flops, cost)[0]) * 10**log_most)


@settings(max_examples=200, deadline=None)
@given(case=cases())
def test_no_model_of_a_grid_does_better(case):
    problem = case.problem() if math.isinf(case.most) else case.problem().at_most(case.most)
    law, flops, cost = case.law, case.flops, case.cost
    reached = float(case.loss(*problem.best(law, flops, cost)))
    if problem.for_life and float(case.loss(case.most, min(case.longest, 1e30))) > reached * (1 + 1e-9):
        with pytest.raises(RefusedError) as refused:  # no number of tokens is enough for the largest allowed
            problem.choose(law, flops, cost)
        assert refused.value.code == "too_small"
        return
    N, D = (float(value) for value in problem.choose(law, flops, cost))
    loss = float(case.loss(N, D))
    assert float(problem.loss(law, N, D)) == pytest.approx(loss, rel=1e-12)
    assert case.longest * (1 + 1e-12) >= D
    assert case.most * (1 + 1e-12) >= N
    sizes = np.append(float(law.optimum(flops, cost)[0]) * np.geomspace(1e-4, 1e4, 40_001), N)
    # Where the text is read out before the budget is spent, a larger model of a thousandth less is left.
    left = 2 * AGREE if case.longest <= D * (1 + 1e-9) else AGREE
    if problem.for_life:
        whole = replace(case, most=math.inf, served=0.0)
        assert loss == pytest.approx(whole.least_loss(sizes), rel=left)
        around = N * np.geomspace(1 / 30, 30, 1500)
        least = case.least_lifetime(around, loss, min(case.longest, 1e3 * D))
        assert float(problem.spend(N, D, cost)) <= least * (1 + AGREE)
        return
    assert float(cost.training_flops(N, D)) <= flops * (1 + 1e-9)
    if isinstance(case.fixed, FixedParams):
        sizes = np.array([case.fixed.params])
    assert loss <= case.least_loss(sizes) * (1 + left)


@settings(max_examples=40, deadline=None)
@example(law=LAWS[0], log_flops=19.0, log_epochs=None, served=1e13, cost=MEASURED)  # its shape is mostly tables
@given(
    law=laws,
    log_flops=st.floats(19, 24),
    log_epochs=st.one_of(st.none(), st.floats(-1, 1)),
    served=st.sampled_from([0.0, 1e11, 1e13]),
    cost=st.sampled_from([SIX_N, MEASURED]),
)
def test_a_loss_and_its_budget_are_one_problem(law, log_flops, log_epochs, served, cost):
    source, flops = LawSource(law=law, cost=cost), 10**log_flops
    stated = [InferenceDemand(tokens=served)] if served else []
    if log_epochs is not None:
        stated.append(LimitedData(unique_tokens=float(law.optimum(flops, cost)[1]) / 10**log_epochs))
    problem = Problem.of(stated)
    N, D = problem.choose(law, flops, cost)
    if problem.most_tokens <= float(D) * (1 + 1e-9):
        return  # what is left of the budget is not needed
    loss = float(problem.loss(law, N, D))
    if loss < float(problem.least_loss(law, 1e36, cost)):
        # of the last thousandth that reading the text out is worth, a plan keeps none: no larger model pays for it
        with pytest.raises(RefusedError, match="no compute reaches"):
            flops_for_loss(source, loss, problem)
        return
    found = flops_for_loss(source, loss, problem)
    assert math.isclose(found, flops, rel_tol=1e-7)
