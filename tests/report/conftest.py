from __future__ import annotations

import copy
from typing import Any

import pytest

from report.simulated_study import simulated_view


@pytest.fixture(scope="session")
def _simulated() -> dict[str, Any]:
    return simulated_view()


@pytest.fixture
def view(_simulated: dict[str, Any]) -> dict[str, Any]:
    """A whole view, the test's own to change."""
    return copy.deepcopy(_simulated)
