"""Sixty configurations: of a model, a study and a plan."""

import random

import pytest

from hostile import configs
from hostile.verdict import ask


@pytest.fixture(scope="module")
def whole_plan(tmp_path_factory):
    """The text of a plan.toml."""
    file = tmp_path_factory.mktemp("plan") / "plan.toml"
    wish = ("--flops", "1e19", "--gpus", "8xH100", "--out", file)
    assert ask("plan", "--law", "besiroglu2024", *wish).code == 0
    return file.read_text()


@pytest.mark.parametrize("kind", ["model", "study", "plan"])
def test_a_configuration_is_answered_or_refused(kind, tmp_path, whole_plan):
    found = []
    for seed in range(20):
        folder = tmp_path / str(seed)
        folder.mkdir()
        rng, more = random.Random(seed), (whole_plan,) if kind == "plan" else ()
        answer = ask(*getattr(configs, kind)(rng, folder, *more))
        found += [f"seed {seed}: {fault}\n{answer.where}" for fault in answer.faults]
    assert found == []
