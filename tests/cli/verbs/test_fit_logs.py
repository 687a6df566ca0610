"""`isoflop fit` of training logs: a folder of curves, a chart, a trainer's state."""

import json

import numpy as np
import pytest

from isoflop.laws import published_law

LAW = published_law("besiroglu2024")
SIZES = {"10M": 1e7, "20M": 2e7, "40M": 4e7, "80M": 8e7}
BATCH = 131_072


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """Four sizes of four lengths, each with a cosine to a tenth of the rate; names hold the sizes."""
    folder = tmp_path_factory.mktemp("logs")
    for size, params in SIZES.items():
        for steps in (2000, 4000, 8000, 16000):
            lines = ["_step,optim/lr,train/loss,eval/c4/loss"]
            for step in np.linspace(steps / 20, steps, 20):
                loss = float(LAW.loss(params, step * BATCH))
                rate = 1e-3 * (0.55 + 0.45 * np.cos(np.pi * step / steps))
                lines.append(f"{step:.0f},{rate:.6g},{loss + 0.01:.6f},{loss:.6f}")
            (folder / f"{size}-{steps}.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_a_folder_of_curves_is_fitted_once_sizes_and_tokens_are_stated(logs, answer, tmp_path):
    sizes = tmp_path / "sizes.csv"
    sizes.write_text("run,params\n" + "".join(f"{size}-*,{params}\n" for size, params in SIZES.items()))
    value = answer("fit", logs, "--params-of", sizes, "--tokens-per-step", BATCH, "--draws", 0)
    assert value["observations"]["rows_used"] == 16
    assert value["observations"]["schedule"] == "matched"
    assert value["parametric"]["a"] == pytest.approx(float(LAW.a), rel=0.01)
    assert "logs_read" in {notice["code"] for notice in value["observations"]["notices"]}


def test_what_is_missing_is_asked_for_at_once(logs, run):
    result = run("fit", logs)
    assert result.exit_code == 2
    assert "--params-of '10M-16000=PARAMS'" in result.stderr
    assert "--tokens-per-step" in result.stderr
    assert result.stdout == ""


def test_a_chart_of_weights_and_biases_needs_sizes_and_tokens_only(tmp_path, answer, run):
    file = tmp_path / "chart.csv"
    runs = {
        f"m{i}-{j}": (params, steps)
        for i, params in enumerate(SIZES.values())
        for j, steps in enumerate((1000, 2000, 4000))
    }
    columns = [f'"{name} - eval/loss{end}"' for name in runs for end in ("", "__MIN", "__MAX")]
    lines = [",".join(['"Step"', *columns])]
    for step in (500, 1000, 2000, 4000):
        cells = [f"{float(LAW.loss(params, step * BATCH)):.6f}" if step <= steps else ""
                 for params, steps in runs.values() for _ in range(3)]  # fmt: skip
        lines.append(",".join([str(step), *cells]))
    file.write_text("\n".join(lines) + "\n")
    assert run("fit", file).exit_code == 2
    stated = [part for i, params in enumerate(SIZES.values()) for part in ("--params-of", f"m{i}-*={params:g}")]
    value = answer("fit", file, *stated, "--tokens-per-step", BATCH, "--draws", 0)
    assert value["observations"]["rows_used"] == 12


def test_the_state_of_a_trainer_alone_has_no_size(tmp_path, run):
    history = [
        {"epoch": 0.1 * i, "step": 100 * i, "eval_loss": 4.0 - i / 10, "eval_runtime": 1.0} for i in range(1, 11)
    ]
    (tmp_path / "trainer_state.json").write_text(
        json.dumps({"global_step": 1000, "max_steps": 1000, "log_history": history})
    )
    result = run("fit", tmp_path / "trainer_state.json")
    assert result.exit_code == 2
    assert "the size of 1 of 1 runs" in result.stderr


def test_a_mistyped_size_is_named(logs, run):
    assert "--params-of 10M-*=ten" in run("fit", logs, "--params-of", "10M-*=ten").stderr
