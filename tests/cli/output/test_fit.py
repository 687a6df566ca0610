"""What `isoflop fit` tells a person, at the widths of real terminals and on a pipe."""

import os
import subprocess
import sys

import numpy as np
import pytest

from isoflop.laws import published_law
from isoflop.units import format_number

LAW = published_law("besiroglu2024")
WIDTHS = (60, 80, 100)


def write_runs(path, rows):
    lines = ["params,tokens,loss", *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def budgets(noise=0.004):
    rng = np.random.default_rng(3)
    for flops in np.geomspace(1e18, 1e20, 5):
        best = float(LAW.optimum(flops)[0])
        for factor in np.geomspace(0.2, 5, 9):
            N = best * factor
            D = flops / (6 * N)
            yield N, D, float(LAW.loss(N, D)) * np.exp(noise * rng.standard_normal())


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    bad = [(1e8, 1e9, -k) for k in range(1, 14)]
    return write_runs(tmp_path_factory.mktemp("runs") / "runs.csv", [*budgets(), *bad])


def printed(file, width, *options):
    """(stdout, stderr) of a real process whose terminal, by its environment, is `width` columns wide."""
    command = [sys.executable, "-m", "isoflop", "fit", str(file), "--draws", "150", *options]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "COLUMNS": str(width)})
    assert "Traceback" not in done.stderr
    return done.stdout, done.stderr


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_cut_and_no_number_is_broken(runs, width):
    out, err = printed(runs, width)
    for line in (out + err).splitlines():
        assert len(line) <= width
        assert line == line.rstrip(), "a pipe needs no padding"
        # a number and its interval, or the interval itself, is never left open at the end of a line of a table
        assert not line.endswith(("(", " to"))
    assert "…" not in out + err
    assert "45 used of 58 read" in out
    for name in ("3 parametric", "2 isoFLOP", "alpha", "beta", "A / N^alpha at N =", "Objective", "Move together"):
        assert name in out, name
    said = " ".join(out.split())
    assert "13 rows such as: loss: expected a positive finite number" in said
    assert "does not apply" in said
    assert "Largest over least N_opt of the approaches: ×" in said


@pytest.mark.parametrize("width", WIDTHS)
def test_refusals_and_exclusions_read_at_any_width(tmp_path, width):
    sizes = np.geomspace(1e8, 1e10, 10)
    file = write_runs(tmp_path / "ladder.csv", [(N, 20 * N, float(LAW.loss(N, 20 * N))) for N in sizes])
    out, err = printed(file, width)
    assert max(map(len, out.splitlines())) <= width
    said = " ".join(out.split())
    assert "Approach 3 refused: D follows N^1.00" in said
    assert "Error:" in err


def test_numbers_are_those_of_the_json(runs, answer, run):
    value = answer("fit", runs, "--draws", 150)
    out = run("fit", runs, "--draws", 150).stdout
    said = " ".join(out.split())
    for name in ("parametric", "isoflop"):
        (a, (low, high)) = value[name]["a"], value[name]["intervals"]["a"]
        assert f"{a:.3f} ({low:.3f} to {high:.3f})" in said
    alpha, (low, high) = value["parametric"]["alpha"], value["parametric"]["intervals"]["alpha"]
    assert f"alpha {alpha:.4g} ({low:.4g} to {high:.4g})" in said
    assert f"Objective {format_number(value['parametric']['objective'], 8)}" in said


def test_warnings_are_on_stderr_in_whole_sentences(tmp_path, run):
    flops = (1e18, 3e18, 1e19)  # three budgets do not identify E
    rows = []
    for budget in flops:
        best = float(LAW.optimum(budget)[0])
        rows += [(N, budget / (6 * N), float(LAW.loss(N, budget / (6 * N)))) for N in best * np.geomspace(0.3, 3, 7)]
    result = run("fit", write_runs(tmp_path / "few.csv", rows), "--draws", 100)
    assert "[floor_not_identified]" in " ".join(result.stderr.split())
    assert "[floor_not_identified]" not in result.stdout
    assert "not identified: 3 isoFLOP budgets" in " ".join(result.stdout.split())
