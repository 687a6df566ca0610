"""bench/calculators.py: ours at the published share of the peak, and the page that has the table."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from isoflop.arch import flops_per_token
from isoflop.arch.published import published_shape

ROOT = Path(__file__).parents[1]
BENCH = ROOT / "bench" / "calculators.py"


@pytest.fixture(scope="module")
def bench():
    """The module; it imports its neighbours as a program does."""
    sys.path.insert(0, str(BENCH.parent))
    try:
        yield importlib.import_module("calculators")
    finally:
        sys.path.remove(str(BENCH.parent))
        for name in ("calculators", "calculators_asked", "devices"):
            sys.modules.pop(name, None)


def test_every_step_at_the_share_that_was_published_is_within_ten_per_cent(bench):
    cases = bench.cases()
    assert {case.run.name for case in cases} >= {"MT-NLG 530B", "PaLM 540B", "Llama 3.1 8B", "Llama 3 70B"}
    assert len(cases) == len(bench.SHARES)
    for case in cases:
        assert bench.isoflop(case).seconds_given == pytest.approx(case.run.seconds, rel=0.1)
        if case.run.name != "Llama 3.1 8B":  # 39 %: of FLOPs that leave the input embedding out
            assert bench.isoflop(case).seconds_given == pytest.approx(case.run.seconds, rel=0.005)


def test_hours_of_llama_3_405b_at_its_published_rate():
    # Grattafiori et al. 2024, Table 4: 400 TFLOP/s a device on 15.6T tokens; its model card: 30.84M hours, all included
    per_token = flops_per_token(published_shape("llama3-405b")[0], 8192, "palm_mfu")
    hours = 15.6e12 * per_token / 400e12 / 3600
    assert hours == pytest.approx(28.6e6, rel=1e-3)
    assert hours == pytest.approx(30.84e6, rel=0.1)


def test_the_page_has_what_ours_says(bench):
    page = (ROOT / "docs" / "calculators.md").read_text()
    for case in bench.cases():
        ours, run = bench.isoflop(case), case.run
        row = f"| {run.name}, {run.recompute} | {run.layout.devices:,} {run.hardware.name} | "
        for value, published, unit in (
            (ours.bytes, run.bytes, bench.GIB),
            (ours.seconds, run.seconds, 1),
            (ours.seconds_given, run.seconds, 1),
        ):
            known = published and published / unit
            assert f"{row}{bench.cell(known, None)} | {bench.cell(value / unit, known)} |" in page


def test_cells(bench):
    assert bench.cell(None, 3) == "-"
    assert bench.cell(3.3, 3) == "3.3 (+10%)"
    assert bench.cell(3.3, 3, "state alone") == "3.3 (state alone)"
    assert bench.cell(7961.2, None) == "7,961"


def test_what_is_not_installed_is_left_out_with_a_message():
    done = subprocess.run([sys.executable, str(BENCH)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "cookbook: no checkout given (--cookbook FOLDER), left out" in done.stderr
    assert done.stdout.startswith("| GiB a device | devices | published | isoflop |")
    wrong = subprocess.run([sys.executable, str(BENCH), "--cook"], capture_output=True, text=True, check=False)
    assert wrong.returncode != 0
    assert "usage" in wrong.stderr
