"""What starts fast stays fast: a fresh interpreter loads no heavy library until a verb needs it."""

import json
import subprocess
import sys

import pytest
from waiting import takes_less_than

import isoflop

HEAVY = (
    "torch", "numba", "scipy", "pandas", "polars", "narwhals", "plotly", "matplotlib", "jinja2", "ray", "submitit",
    "olmo_core", "tensorboard", "wandb", "mlflow",
)  # fmt: skip

PROBE = """
import json, sys
{statement}
print(json.dumps(sorted(name for name in {names} if name in sys.modules)))
"""


def loaded_after(statement, names=HEAVY):
    found = subprocess.run(
        [sys.executable, "-c", PROBE.format(statement=statement, names=names)],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(found.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    "statement",
    [
        "import isoflop",
        "import isoflop.plan, isoflop.fit, isoflop.laws, isoflop.observations, isoflop.arch, isoflop.hardware",
        "from click.testing import CliRunner; import isoflop.cli; CliRunner().invoke(isoflop.cli.main, ['--help'])",
        "from click.testing import CliRunner; import isoflop.cli; "
        "CliRunner().invoke(isoflop.cli.main, ['plan', '--law', 'besiroglu2024', '--flops', '1e20'])",
    ],
)
def test_nothing_heavy_is_loaded(statement):
    assert loaded_after(statement) == []


def test_the_probe_sees_what_is_loaded():
    assert loaded_after("import scipy") == ["scipy"]


def test_import_and_help_load_no_numpy_either():
    assert loaded_after("import isoflop, isoflop.cli", ("numpy", "rich", "pydantic")) == []


def test_help_takes_less_than_three_tenths_of_a_second_of_cpu():
    assert takes_less_than([sys.executable, "-m", "isoflop", "--help"], 0.3)


def test_public_names():
    assert sorted(isoflop.__all__) == [
        "Architecture",
        "ChinchillaLaw",
        "Cluster",
        "ComputeCost",
        "EnvelopeFit",
        "FLOPS_CONVENTIONS",
        "Fit",
        "FitReport",
        "FixedParams",
        "FixedRatio",
        "FixedTokens",
        "Forecast",
        "ForecastLedger",
        "Forecaster",
        "FrontierLaw",
        "InferenceDemand",
        "InputError",
        "IsoflopError",
        "IsoflopFit",
        "LargeRecipe",
        "LawSource",
        "LimitedData",
        "LogOptions",
        "LoggedRun",
        "Notice",
        "Observations",
        "PARAMS_CONVENTIONS",
        "ParametricFit",
        "Plan",
        "Prediction",
        "Predictions",
        "ReadOptions",
        "RecipeComparison",
        "Refused",
        "RefusedError",
        "RunUnderWay",
        "ServingLimit",
        "TrainingOnly",
        "__version__",
        "compare",
        "final_table",
        "find_layout",
        "fit",
        "fit_all",
        "fitted_source",
        "flops_for_loss",
        "flops_per_token",
        "hardware_named",
        "ledger",
        "load_forecast",
        "make_plan",
        "measure_machine",
        "nearest_shape",
        "observed_cost",
        "plan",
        "predict",
        "published_law",
        "published_model",
        "published_names",
        "published_source",
        "read_logs",
        "read_observations",
        "score",
        "seal",
        "watch",
    ]


def test_every_public_name_can_be_had_and_says_what_it_is():
    for name in isoflop.__all__:
        value = getattr(isoflop, name)
        assert value is getattr(isoflop, name)
        if callable(value):
            assert value.__doc__, name
    assert set(isoflop.__all__) == set(dir(isoflop))


def test_another_name_is_refused():
    with pytest.raises(AttributeError, match="make_plan"):
        _ = isoflop.nonsense
