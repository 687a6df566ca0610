"""Curves and tables that others published, where they lie beside the repository."""

from pathlib import Path

import numpy as np
import pytest

from isoflop.logs import LogOptions, read_logs
from isoflop.logs.final import final_table

DATA = next(
    (parent / "shared" / "data" for parent in Path(__file__).parents if (parent / "shared" / "data").is_dir()), None
)
pytestmark = pytest.mark.skipif(DATA is None, reason="../shared/data is not there: public curves are not read")


def test_305_curves_of_26_recipes():
    logs = read_logs(DATA / "optimizer_runs")
    assert (len(logs), len({run.settings["recipe"] for run in logs})) == (305, 26)
    assert len({run.name for run in logs}) == 305
    assert all(run.ended == (run.evaluations["loss"].steps[-1] >= 0.99 * run.planned_steps) for run in logs)
    # the published pooled standard deviation of the final loss
    groups = {}
    for run in logs:
        if run.ended:
            groups.setdefault((run.settings["recipe"], run.planned_steps), []).append(
                run.evaluations["loss"].values[-1]
            )
    several = [np.var(losses, ddof=1) * (len(losses) - 1) for losses in groups.values() if len(losses) > 1]
    freedom = sum(len(losses) - 1 for losses in groups.values() if len(losses) > 1)
    assert np.sqrt(sum(several) / freedom) == pytest.approx(0.0012, abs=0.0001)


def test_24_curves_of_eleven_validation_sets():
    logs = read_logs(DATA / "ladder_curves", LogOptions(params={"190M-*": 190_354_176, "370M-*": 371_262_464}))
    assert len(logs) == 24
    for run in logs:
        assert len(run.evaluations) == 11
        assert run.loss_unit == "nats_per_token"
        assert run.ended is True
        multiple = float(run.name.split("-")[1].removesuffix("xC"))
        if run.params:
            assert final_table([run]).rows[0].tokens == pytest.approx(20 * multiple * run.params, rel=0.01)


def test_18_curves_of_nine_schedules():
    logs = {run.name: run for run in read_logs(DATA / "schedule_curves")}
    assert len(logs) == 18
    assert {run.ended for name, run in logs.items() if "cosine" in name or "wsd_" in name or "wsdld" in name} == {True}
    assert {run.ended for name, run in logs.items() if "constant" in name} == {None}
    assert all(len(run.learning_rate) == len(run.evaluations["loss"]) for run in logs.values())


def test_104_final_rows_of_eight_validation_sets():
    columns = {"params": "params_no_embed"}
    logs = read_logs(DATA / "overtraining" / "models_104.csv", LogOptions(columns=columns))
    assert len(logs) == 104
    assert {run.params_convention for run in logs} == {"non_embedding"}
    assert all(len(run.evaluations) == 8 for run in logs)
    assert {"c4_val", "paloma_redpajama", "paloma_falcon-refinedweb"} <= set(logs[0].evaluations)
    assert len({run.settings["dataset_name"] for run in logs}) == 3
