"""`isoflop.watch(run)`: what goes in, what comes out, and how it looks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from watch.drawn_runs import final_loss, forecast_of, ladder, logged_run
from watch.written_logs import SIZE, TOKENS, big_run, write_ladder

import isoflop
from isoflop.errors import InputError
from isoflop.plan import seal

RUN = logged_run("big", SIZE, TOKENS, until=0.4)


def test_it_is_a_function_and_a_package() -> None:
    from isoflop.watch import Watched

    assert isinstance(isoflop.watch(RUN, like=ladder()).result, Watched)
    assert "total_tokens" in isoflop.watch.__signature__.parameters  # type: ignore[attr-defined]


def test_paths_runs_and_tables_give_one_answer(tmp_path: Path) -> None:
    lines = big_run()
    (tmp_path / "big.csv").write_text("".join(lines))
    folder = write_ladder(tmp_path / "small")
    sizes: dict[str, float | str] = {f"small-{size}000000": size * 1e6 for size in (1, 2, 4)}
    by_path = isoflop.watch(tmp_path / "big.csv", like=folder, params={**sizes, "big": "8M"}, total_tokens=TOKENS)
    names = lines[0].strip().split(",")
    rows = [dict(zip(names, map(float, line.split(",")), strict=True)) | {"params": SIZE} for line in lines[1:]]
    in_memory = isoflop.watch(rows, like=ladder(), total_tokens=TOKENS)
    of_runs = isoflop.watch(RUN, like=ladder())
    assert by_path.predicted_final == pytest.approx(of_runs.predicted_final)
    assert in_memory.predicted_final == pytest.approx(of_runs.predicted_final)
    assert of_runs.predicted_final == pytest.approx(final_loss(SIZE, TOKENS), rel=1e-3)


def test_repr_is_three_lines_that_begin_with_the_verdict(tmp_path: Path) -> None:
    seal(tmp_path / "forecast.json", forecast_of(SIZE, TOKENS))
    found = isoflop.watch(RUN, like=ladder(), forecast=tmp_path / "forecast.json")
    lines = repr(found).splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("On course: at 40.0 % of its schedule big has a loss of")
    assert lines[1].strip().startswith("final loss ")
    assert "held against" in lines[2]
    assert found.verdict == "on_course"
    html = found._repr_html_()
    assert "On course" in html
    assert "<script" not in html


def test_the_history_is_a_frame_of_the_library_that_came_in(tmp_path: Path) -> None:
    pd = pytest.importorskip("pandas")
    seal(tmp_path / "forecast.json", forecast_of(SIZE, TOKENS))
    lines = big_run()
    names = lines[0].strip().split(",")
    frame = pd.DataFrame([dict(zip(names, map(float, line.split(",")), strict=True)) for line in lines[1:]])
    frame["params"] = SIZE
    found = isoflop.watch(frame, like=ladder(), forecast=tmp_path / "forecast.json")
    assert isinstance(found.history, pd.DataFrame)
    assert found.history["share"].iloc[-1] == pytest.approx(0.4)
    assert len(found.history) == 8
    assert set(found.history["verdict"]) <= {"too_early", "on_course"}
    assert list(found.methods["method"]) == list(found.result.methods)


def test_an_answer_at_an_earlier_share_is_that_of_the_log_cut_there() -> None:
    earlier = isoflop.watch(RUN, like=ladder()).as_of(0.2)
    cut = isoflop.watch(logged_run("big", SIZE, TOKENS, until=0.2), like=ladder())
    assert earlier.predicted_final == pytest.approx(cut.predicted_final)


def test_json_is_that_of_the_verb_and_a_length_is_stated_once() -> None:
    found = isoflop.watch(RUN, like=ladder())
    assert json.loads(json.dumps(found.as_json()))["share"] == pytest.approx(0.4)
    with pytest.raises(InputError, match="one length"):
        isoflop.watch(RUN, like=ladder(), total_tokens="1B", total_steps=10)
