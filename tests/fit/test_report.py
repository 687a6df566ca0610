"""The file of a report: read back whole, and refused with every problem where somebody changed it."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from isoflop.codec import JsonObject
from isoflop.errors import InputError
from isoflop.fit import FitReport, fit_all

from .designs import TRUTHS, isoflop_sweep


@pytest.fixture(scope="module")
def stored() -> JsonObject:
    data = isoflop_sweep(TRUTHS["besiroglu"], np.geomspace(1e18, 1e21, 4), sizes=7, noise=0.004)
    return fit_all(data, draws=0).as_json()


def damage(stored: JsonObject, change: Callable[[JsonObject], object], folder: Path) -> str:
    """What loading says of the file after `change`."""
    data = json.loads(json.dumps(stored))
    del data["digest"]
    change(data)
    file = folder / "fit.json"
    file.write_text(json.dumps(data))
    with pytest.raises(InputError) as caught:
        FitReport.load(file)
    return str(caught.value)


def test_every_problem_of_a_file_is_listed_with_its_place(stored: JsonObject, tmp_path: Path) -> None:
    def change(data: JsonObject) -> None:
        data["parametric"]["E"] = "x"
        del data["parametric"]["starts"]["tried"]
        data["isoflop"]["budgets"][2]["window"] = [3.0, 2.0]
        data["isoflop"]["frontier"]["params"].pop()
        data["isoflop"]["vertices"]["lean"] = 1e300
        data["observations"]["rows_read"] = -3
        data["parametric"]["residuals"][7]["loss"] = -1.0

    message = damage(stored, change, tmp_path)
    assert message.splitlines() == [
        f"{tmp_path / 'fit.json'}: not a fit as isoflop writes it; restore it, or fit again: 7 problems",
        "  - isoflop.budgets.2.window: expected low before high",
        "  - isoflop.frontier: expected columns of one length",
        "  - isoflop.vertices.lean: expected less than 1e100, got 1e+300",
        "  - observations.rows_read: expected greater than or equal to 0, got -3",
        "  - parametric.E: expected a valid number, got 'x'",
        "  - parametric.residuals.7.loss: expected greater than 0, got -1.0",
        "  - parametric.starts.tried: missing",
    ]


@pytest.mark.parametrize("status", ["fine", None, 3])
def test_an_approach_has_a_status_that_is_known(stored: JsonObject, status: object, tmp_path: Path) -> None:
    assert "parametric: " in damage(stored, lambda data: data["parametric"].update(status=status), tmp_path)
