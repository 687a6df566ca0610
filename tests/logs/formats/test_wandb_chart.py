import numpy as np

from isoflop.logs import read_logs

CHART = """"Step","m-70m - eval/loss","m-70m - eval/loss__MIN","m-70m - eval/loss__MAX","m-160m - eval/loss","m-160m - eval/loss__MIN","m-160m - eval/loss__MAX"
"1000","4.21","4.21","4.21","4.05","4.05","4.05"
"2000","3.92","3.92","3.92","3.71","3.71","3.71"
"4000","3.70","3.70","3.70","","",""
"""  # noqa: E501


def test_a_wide_chart_is_curves_of_runs(tmp_path):
    file = tmp_path / "wandb_export.csv"
    file.write_text(CHART)
    logs = read_logs(file)
    assert [run.name for run in logs] == ["m-70m", "m-160m"]
    np.testing.assert_array_equal(logs[0].evaluations["validation"].steps, [1000, 2000, 4000])
    np.testing.assert_array_equal(logs[1].evaluations["validation"].values, [4.05, 3.71])
    assert logs.files[0].format == "wandb_chart"
    assert all(run.params is None for run in logs)


def test_means_of_bins_are_said(tmp_path):
    file = tmp_path / "wandb_export.csv"
    file.write_text(CHART.replace('"3.70","3.70","3.70"', '"3.70","3.60","3.80"'))
    first, second = read_logs(file)
    assert "means_of_bins" in {notice.code for notice in first.notices}
    assert "means_of_bins" not in {notice.code for notice in second.notices}


def test_a_chart_of_one_run_grouped_is_called_by_its_file(tmp_path):
    file = tmp_path / "small.csv"
    file.write_text("tokens,val/loss,val/loss__MIN,val/loss__MAX\n100,4,4,4\n200,3,3,3\n")
    (run,) = read_logs(file)
    assert (run.name, run.progress) == ("small", "tokens")
    np.testing.assert_array_equal(run.tokens.values, [100, 200])
