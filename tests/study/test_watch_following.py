"""A run that is followed: what is answered, what is said meanwhile, and when it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from watch.drawn_runs import logged_run
from watch.written_logs import SIZE, SIZES, TOKENS, big_run, lines_of, write_ladder

from isoflop.errors import InputError
from isoflop.logs import LogOptions
from isoflop.logs.stated import stated_sizes
from isoflop.study.watch_following import WatchAsked, follow
from isoflop.study.watch_sources import WatchRequest
from isoflop.watch import WatchOptions

SOON = 0.01
WHOLE = lines_of(logged_run("big", SIZE, TOKENS))


@pytest.fixture
def like(tmp_path: Path) -> Path:
    return write_ladder(tmp_path / "small")


def asked(run: Path, *like: Path) -> WatchAsked:
    reading = LogOptions(params=stated_sizes(SIZES[1::2]))
    return WatchAsked(
        request=WatchRequest(run=run, like=like, reading=reading), options=WatchOptions(total_tokens=TOKENS)
    )


def append(file: Path, lines: list[str]) -> None:
    with file.open("a") as end:
        end.write("".join(lines))


def test_each_growth_has_an_answer_and_the_end_ends_it(tmp_path: Path, like: Path) -> None:
    file = tmp_path / "big.csv"
    file.write_text("".join(WHOLE[:20]))
    said: list[str] = []
    answers = follow(asked(file, like), said.append, SOON)
    first = next(answers).found
    append(file, WHOLE[20:40])
    second = next(answers).found
    assert first.share < second.share < 1
    append(file, WHOLE[40:])
    last = next(answers).found
    assert last.final is not None
    assert list(answers) == []
    assert said == []


def test_a_log_that_is_not_there_yet_is_waited_for_and_said(tmp_path: Path, like: Path) -> None:
    file = tmp_path / "big.csv"
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        file.write_text("".join(WHOLE[:20]))

    assert next(follow(asked(file, like), say, SOON)).found.share > 0.3
    assert said == [f"{file}: not there yet; waiting for it"]


def test_a_log_that_is_written_anew_is_said(tmp_path: Path, like: Path) -> None:
    file = tmp_path / "big.csv"
    file.write_text("".join(WHOLE[:30]))
    said: list[str] = []
    answers = follow(asked(file, like), said.append, SOON)
    before = next(answers).found
    file.write_text("".join(WHOLE[:20]))
    after = next(answers).found
    assert after.share < before.share
    assert len(said) == 1
    assert "shorter" in said[0]
    assert "read again" in said[0]


def test_a_restart_from_a_checkpoint_replaces_what_it_repeats(tmp_path: Path, like: Path) -> None:
    file = tmp_path / "big.csv"
    file.write_text("".join(WHOLE[:31]))
    answers = follow(asked(file, like), lambda _: None, SOON)
    before = next(answers).found
    append(file, WHOLE[16:26])
    after = next(answers).found
    assert after.share < before.share
    assert "restarted" in [notice.code for notice in after.notices]


def test_a_loss_that_is_no_number_ends_it_and_is_told(tmp_path: Path, like: Path) -> None:
    file = tmp_path / "big.csv"
    file.write_text("".join(WHOLE[:30]))
    answers = follow(asked(file, like), lambda _: None, SOON)
    next(answers)
    cells = WHOLE[30].strip().split(",")
    append(file, [",".join([*cells[:-1], "nan"]) + "\n"])
    last = next(answers)
    assert last.run.failure.startswith("diverged")
    assert list(answers) == []


def test_a_log_that_becomes_none_is_an_error(tmp_path: Path, like: Path) -> None:
    file = tmp_path / "big.csv"
    file.write_text("".join(WHOLE[:20]))
    answers = follow(asked(file, like), lambda _: None, SOON)
    next(answers)
    append(file, ["1,2,3,4,5,6\n"])
    with pytest.raises(InputError, match="expected 4 cells"):
        next(answers)


def test_a_trainer_that_is_gone_is_said(tmp_path: Path, like: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from isoflop.study import watch_following

    monkeypatch.setattr(watch_following, "QUIET_SECONDS", 0.0)
    file = tmp_path / "big.csv"
    file.write_text("".join(WHOLE[:20]))
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        append(file, WHOLE[20:21])

    answers = follow(asked(file, like), say, SOON)
    next(answers)
    next(answers)
    assert len(said) == 1
    assert "nothing new for" in said[0]
    assert "may have stopped" in said[0]


def test_json_of_a_followed_run_is_one_object_a_line(tmp_path: Path, like: Path) -> None:
    from click.testing import CliRunner

    from isoflop.cli import main

    file = tmp_path / "big.csv"
    file.write_text("".join(WHOLE))
    sizes = [str(part) for part in SIZES]
    arguments = ["watch", str(file), "--like", str(like), *sizes, "--follow", "--json"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.stderr
    (line,) = result.stdout.splitlines()
    assert json.loads(line)["final"] is not None


def test_an_early_verdict_ends_the_watching_where_it_was_asked_for(tmp_path: Path, like: Path) -> None:
    from click.testing import CliRunner
    from watch.drawn_runs import forecast_of

    from isoflop.cli import main
    from isoflop.plan import seal

    file = tmp_path / "big.csv"
    file.write_text("".join(big_run(higher=0.3)))
    seal(tmp_path / "forecast.json", forecast_of(SIZE, TOKENS))
    arguments = ["watch", file, "--like", like, "--forecast", tmp_path / "forecast.json", *SIZES, "--follow"]
    result = CliRunner().invoke(main, [*map(str, arguments), "--fail-on", "off_course"])
    assert result.exit_code == 4
    assert result.stdout.startswith("Off course")
