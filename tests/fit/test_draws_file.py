import io

import numpy as np
import pytest

from fit.designs import TRUTHS, isoflop_sweep
from isoflop.errors import InputError
from isoflop.fit import FitReport, fit_all
from isoflop.fit.draws_file import check_beside, write_draws


def packed(**arrays):
    data = io.BytesIO()
    np.savez(data, **arrays)
    return data.getvalue()


def test_arrays_that_are_no_fits_are_not_replaced(tmp_path):
    for data in (packed(photos=np.zeros(3)), packed(parametric=np.zeros(3), mine=np.zeros(3)), b"not even a zip"):
        (tmp_path / "x.npz").write_bytes(data)
        for act in (check_beside, lambda file: write_draws(file, {"parametric": np.zeros(2)})):
            with pytest.raises(
                InputError, match=r"x\.npz: is there already, and is not of a fit; the draws of x\.json"
            ):
                act(tmp_path / "x.json")
        assert (tmp_path / "x.npz").read_bytes() == data


def test_draws_of_a_fit_are(tmp_path):
    write_draws(tmp_path / "x.json", {"parametric": np.zeros(2), "forecast_chinchilla": np.ones(2)})
    write_draws(tmp_path / "x.json", {"parametric": np.ones(2)})
    write_draws(tmp_path / "x.json", {})
    write_draws(tmp_path / "x.json", {"isoflop": np.ones(2)})
    with np.load(tmp_path / "x.npz") as arrays:
        assert arrays.files == ["isoflop"]
    (tmp_path / "x.npz").write_bytes(b"torn")
    with pytest.raises(InputError):
        check_beside(tmp_path / "x.json")
    (tmp_path / "x.json").write_text('{"schema": 1, "parametric": {}}')
    check_beside(tmp_path / "x.json")  # beside its fit it is that fit's, torn or not


def test_nothing_lies_next_to_what_takes_no_files(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "pipe.npz").write_bytes(b"mine")
    write_draws(tmp_path / "pipe", {"parametric": np.zeros(2)})
    assert (tmp_path / "pipe.npz").read_bytes() == b"mine"


def test_fits_of_two_names_keep_their_own_resamples(tmp_path):
    runs = isoflop_sweep(TRUTHS["besiroglu"], np.geomspace(1e18, 1e21, 4), sizes=6, span=4, noise=0.003, seed=1)
    first, second = fit_all(runs, draws=60), fit_all(runs, draws=80)
    first.save(tmp_path / "fit.json")
    second.save(tmp_path / "fit.csv")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["fit.csv", "fit.csv.npz", "fit.json", "fit.npz"]
    for name, fit in (("fit.json", first), ("fit.csv", second)):
        read = FitReport.load(tmp_path / name)
        assert read.as_json() == fit.as_json()
    # an earlier version wrote those of fit.csv where those of fit.json lie now
    (tmp_path / "fit.json").unlink()
    (tmp_path / "fit.csv.npz").replace(tmp_path / "fit.npz")
    assert FitReport.load(tmp_path / "fit.csv").as_json() == second.as_json()
