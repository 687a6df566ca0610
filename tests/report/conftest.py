from __future__ import annotations

import pytest

from isoflop.fit import FitReport
from isoflop.report.fitted_runs import FittedRuns, runs_of_study
from isoflop.report.record import StudyRecord
from report.fitted_tables import budgets_of_runs, fitted, twenty_tokens_a_parameter
from report.simulated_study import simulated_study


@pytest.fixture(scope="session")
def study() -> StudyRecord:
    """A whole study. Records are frozen: a test makes its own with `dataclasses.replace`."""
    return simulated_study()


@pytest.fixture(scope="session")
def study_runs(study: StudyRecord) -> FittedRuns:
    """What the figures of `study` are drawn from."""
    return runs_of_study(study)


@pytest.fixture(scope="session")
def report() -> FitReport:
    """A fit of five budgets of nine sizes, by approaches 2 and 3."""
    return fitted(budgets_of_runs())


@pytest.fixture(scope="session")
def refused() -> FitReport:
    """A fit that no approach could make."""
    return fitted(twenty_tokens_a_parameter(), draws=0)


@pytest.fixture(scope="session")
def few() -> FitReport:
    """Three of the budgets with five sizes each and much noise: the size at ten times their compute is open."""
    rows = [row for place, row in enumerate(budgets_of_runs(0.015)[18:45]) if place % 9 % 2 == 0]
    return fitted(rows)
