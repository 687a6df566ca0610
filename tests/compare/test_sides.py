import numpy as np
import pytest

from isoflop.compare import FinalRun, Side
from isoflop.compare.sides import in_one_length
from isoflop.errors import InputError
from isoflop.logs.run import LoggedRun, Series, Setting


def series(steps: list[float], values: list[float]) -> Series:
    return Series(steps=np.array(steps), values=np.array(values))


def logged(name: str, values: list[float], *, planned: float | None = 300, **settings: Setting) -> LoggedRun:
    steps = [100.0 * (k + 1) for k in range(len(values))]
    return LoggedRun(
        name=name,
        source=f"{name}.json",
        settings=settings,
        params=1e8,
        tokens=series(steps, [1e6 * step for step in steps]),
        evaluations={"val": series(steps, values)},
        planned_steps=planned,
    )


def test_the_last_point_of_a_run_that_ended_is_its_final_loss() -> None:
    made = Side.from_logs("adamw", [logged("r0", [4.0, 3.5, 3.2], seed=1.0, **{"optim.lr": 0.01})])
    run = made.runs[0]
    assert dict(run.losses) == {"val": 3.2}
    assert (run.params, run.tokens, run.steps, run.label) == (1e8, 3e8, 300, "seed 1")
    assert run.compute == 6 * 1e8 * 3e8
    assert dict(made.settings) == {"optim.lr": 0.01}


def test_a_point_from_the_middle_of_a_schedule_is_no_final_loss() -> None:
    made = Side.from_logs("adamw", [logged("r0", [4.0, 3.5, 3.2]), logged("r1", [4.0, 3.4])])
    assert [run.name for run in made.runs] == ["r0"]
    assert [notice.code for notice in made.notices] == ["unfinished_run"]
    assert "step 200 of 300" in made.notices[0].message
    with pytest.raises(InputError, match="step 200 of 300"):
        Side.from_logs("adamw", [logged("r1", [4.0, 3.4])])


def test_a_diverged_end_is_left_out() -> None:
    made = Side.from_logs("adamw", [logged("r0", [4.0, 3.5, float("nan")]), logged("r1", [4.0, 3.5, 3.2])])
    assert [run.name for run in made.runs] == ["r1"]
    assert "nan" in made.notices[0].message


def test_settings_that_differ_between_runs_are_not_the_recipes() -> None:
    runs = [logged(f"r{k}", [4.0, 3.5, 3.2], lr=0.01, output_dir=f"out/{k}", seed=float(k)) for k in range(2)]
    assert dict(Side.from_logs("adamw", runs).settings) == {"lr": 0.01}


def test_lengths_are_compared_in_one_measure() -> None:
    def side(name: str, tokens: float | None, steps: float | None) -> Side:
        return Side(name=name, runs=(FinalRun(name=name, losses={"val": 3.0}, params=1e8, tokens=tokens, steps=steps),))

    a, b = in_one_length(side("a", 1e9, 1000), side("b", None, 1000))
    assert [each.runs[0].length for each in (a, b)] == [1000, 1000]
    a, b = in_one_length(side("a", 1e9, 1000), side("b", 2e9, None))
    assert [each.runs[0].length for each in (a, b)] == [1e9, 2e9]
    a, b = in_one_length(side("a", 1e9, None), side("b", None, 1000))
    assert [each.runs[0].length for each in (a, b)] == [1e9, None]
