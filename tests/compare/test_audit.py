from dataclasses import replace

import pytest

from isoflop.compare import Audit, FinalRun, Side, compare_runs
from isoflop.errors import RefusedError
from isoflop.logs.run import Setting


def side(name: str, *, finished: bool | None = True, label: str | None = None, **known: str) -> Side:
    settings: dict[str, Setting] = {"optim.lr": 0.01 if name == "a" else 0.02, "seq_len": 1024.0}
    run = FinalRun(
        name=name,
        losses={"val": 3.0},
        params=1e8,
        tokens=2e9,
        finished=finished,
        label=label,
        settings={**settings, "epochs": 8.0},
    )
    return Side(name=name, runs=(run,), settings=settings, **known)


def audited(a: Side, b: Side) -> dict[str, Audit]:
    return {each.what: each for each in compare_runs(a, b).audit}


def test_what_must_be_equal_comes_first_and_what_differs_is_listed() -> None:
    found = compare_runs(side("a", tokenizer="gpt2"), side("b", tokenizer="gpt2"))
    assert [each.what for each in found.audit][:2] == ["tokenizer", "evaluation sets"]
    assert found.audit[0].equal
    assert found.audit[0].must
    assert "optim.lr" in [each.what for each in found.differences]
    assert "seq_len" not in [each.what for each in found.audit]


def test_bytes_of_evaluation_that_differ_are_refused() -> None:
    one = Side(name="a", runs=side("a").runs, evaluation={"val": "sha 1"})
    with pytest.raises(RefusedError, match="evaluation bytes: val: sha 1 against val: sha 2"):
        compare_runs(one, Side(name="b", runs=side("b").runs, evaluation={"val": "sha 2"}))


def test_losses_of_two_units_are_refused() -> None:
    with pytest.raises(RefusedError, match="loss unit"):
        compare_runs(side("a"), side("b", loss_unit="bits_per_byte"))


def test_an_unfinished_schedule_is_said() -> None:
    schedule = audited(side("a"), side("b", finished=False))["schedule run to its end"]
    assert (schedule.a, schedule.b, schedule.equal) == ("ended", "1 of 1 unfinished", False)
    assert "middle of a schedule" in schedule.remark


def test_seeds_of_one_side_alone_and_repeated_text_are_said() -> None:
    found = audited(side("a", label="seed 1"), side("b"))
    assert not found["seeds"].equal
    assert "more than four times" in found["epochs"].remark


def test_a_rate_that_was_logged_is_told() -> None:
    bare = [replace(each.runs[0], settings={}, peak_lr=0.003) for each in (side("a"), side("b"))]
    found = audited(*(Side(name=name, runs=(run,)) for name, run in zip("ab", bare, strict=True)))
    assert (found["learning rate"].a, found["learning rate"].equal) == ("0.003", True)


def test_settings_are_written_as_people_write_them() -> None:
    sides = (Side(name=name, runs=side(name).runs, settings={"horizon": h}) for name, h in (("a", 3375.0), ("b", 3350)))
    horizon = audited(*sides)["horizon"]
    assert (horizon.a, horizon.b) == ("3375", "3350")


def test_two_conventions_are_said() -> None:
    found = audited(side("a", flops_convention="matmul"), side("b"))
    assert (found["FLOPs"].a, found["FLOPs"].b, found["FLOPs"].equal) == ("matmul", "6ND", False)
