"""Three hundred mutated tables: each is answered or refused, in time, in numbers, in words fit for a terminal."""

import random

import pytest

from hostile import tables
from hostile.verdict import ask

EACH = 30


@pytest.mark.parametrize("batch", range(10))
def test_a_mutated_table_is_answered_or_refused(batch, tmp_path):
    found = []
    for seed in range(EACH * batch, EACH * (batch + 1)):
        rng = random.Random(seed)
        folder = tmp_path / str(seed)
        folder.mkdir()
        arguments = ["fit", tables.mutated(rng, folder), "--draws", rng.choice(("0", "20"))]
        arguments += rng.choice(([], ["--json"], ["--json"], ["--out", folder / "fit.json"]))
        answer = ask(*arguments)
        found += [f"seed {seed}: {fault}\n{answer.where}" for fault in answer.faults]
    assert found == []


def test_some_are_answered(tmp_path):
    """Else the tests above would pass where everything is refused."""
    codes = []
    for seed in range(12):
        folder = tmp_path / str(seed)
        folder.mkdir()
        codes.append(ask("fit", tables.mutated(random.Random(seed), folder), "--draws", "0").code)
    assert codes.count(0) >= 2
    assert codes.count(2) >= 2
