"""The digest of resamples is that of their numbers, however they are packed."""

import io

import numpy as np
import pytest

from isoflop.errors import InputError
from isoflop.fit import FitReport, fit_all
from isoflop.fit.draws_file import DRAWS_DIGEST, digest_of_draws, packed_draws
from isoflop.observations import Observations

ARRAYS = {"parametric": np.arange(6.0).reshape(2, 3), "isoflop": np.array([1.5])}


def test_packing_changes_no_digest():
    with np.load(io.BytesIO(packed_draws(ARRAYS))) as packed:
        back = {name: packed[name] for name in packed.files}
    assert digest_of_draws(back) == digest_of_draws(dict(reversed(ARRAYS.items()))) == digest_of_draws(ARRAYS)


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays: arrays.update(isoflop=np.array([1.5 + 1e-15])),
        lambda arrays: arrays.update(parametric=np.arange(6.0).reshape(3, 2)),
        lambda arrays: arrays.update(isoflop=np.array([1.5], dtype=np.float32)),
        lambda arrays: arrays.pop("isoflop"),
        lambda arrays: arrays.update(envelope=np.zeros(0)),
    ],
)
def test_any_change_of_the_arrays_does(change):
    arrays = dict(ARRAYS)
    change(arrays)
    assert digest_of_draws(arrays) != digest_of_draws(ARRAYS)


@pytest.fixture(scope="module")
def report():
    N, C = np.meshgrid(np.geomspace(1e6, 1e8, 7), [1e15, 1e16, 1e17, 1e18], indexing="ij")
    N, C = N.ravel(), C.ravel()
    D = C / (6 * N)
    loss = 1.7 + 400 / N**0.34 + 400 / D**0.28
    return fit_all(Observations.from_arrays(N=N, D=D, C=C, loss=loss, budget=C), draws=50, seed=0)


def test_a_fit_keeps_its_digests_and_is_held_to_them(report, tmp_path):
    file = report.save(tmp_path / "fit.json")
    back = FitReport.load(file)
    assert back.as_json() == report.as_json()
    assert {DRAWS_DIGEST, "digest"} <= set(report.as_json())
    (tmp_path / "fit.npz").write_bytes(packed_draws({name: 2 * array for name, array in back_arrays(file).items()}))
    with pytest.raises(InputError, match="not the resamples"):
        FitReport.load(file)
    report.save(file)
    file.write_text(file.read_text().replace('"seed": 0', '"seed": 1'))
    with pytest.raises(InputError, match="changed after it was written"):
        FitReport.load(file)


def back_arrays(file):
    with np.load(file.with_suffix(".npz")) as arrays:
        return {name: arrays[name] for name in arrays.files}
