"""What a person sees of a study: lines where there is no terminal, a picture where there is one."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from rich.console import Console

from isoflop.cli.output.progress import StudyProgress
from isoflop.cli.output.progress_screen import screen
from isoflop.cli.output.progress_text import about
from isoflop.errors import Notice
from isoflop.runs.run_event import RunEvent
from isoflop.study.listener import RunsAhead


@pytest.fixture
def clock():
    return SimpleNamespace(seconds=0.0)


def spec(name, tokens=100, flops=1e9):
    count = SimpleNamespace(non_embedding=5000)
    return SimpleNamespace(
        run_id=name,
        tokens=tokens,
        budget_flops=flops,
        flops=flops,
        architecture=SimpleNamespace(params=lambda: count),
        share_done=lambda done: done / tokens,
    )


def event(name, kind, tokens=None, loss=None, **more):
    beat = SimpleNamespace(tokens=tokens, train_loss_nats=2.5) if tokens is not None else None
    ended = SimpleNamespace(val_loss_nats=loss, reason="diverged", message="the loss was infinite")
    result = ended if kind == "finished" else None
    return RunEvent(kind=kind, folder=SimpleNamespace(run_id=name), heartbeat=beat, result=result, **more)


def ahead(*specs, ended=(), seconds=100.0, begun=()):
    return RunsAhead(
        missing=specs,
        seconds={one.run_id: seconds for one in specs},
        workers=1,
        begun=dict(begun),
        ended=tuple((one, SimpleNamespace(val_loss_nats=loss)) for one, loss in ended),
        done_before=len(ended),
        designed=len(specs) + len(ended),
    )


@pytest.fixture
def shown(clock):
    display = StudyProgress()
    display.progress.clock = lambda: clock.seconds
    display.progress.began = display.progress.stage_began = 0.0
    display.expect({"sweep": 200.0, "fit": 20.0, "final": 100.0})
    display.stage("sweep")
    display.runs(ahead(spec("a"), spec("b")))
    return display


def picture(display, width=60):
    console = Console(width=width, record=True, file=open("/dev/null", "w"))  # noqa: SIM115 - rich closes nothing
    console.print(screen(display.progress))
    return [line.rstrip() for line in console.export_text().splitlines()]


def test_the_time_left_is_that_of_the_runs_and_of_the_stages_after_them(shown, clock):
    clock.seconds = 10.0
    assert about(shown.progress) == "0 of 2 runs, 10 s so far, ~6 min 30 s left", "1.2 times 300 s, and 20 s of fits"
    for second in range(10, 62):  # as fast as expected
        clock.seconds = float(second)
        shown.run(event("a", "progress", tokens=second))
    left = shown.progress.time_left()
    assert left.known
    assert left.seconds == pytest.approx(39 + 100 + 20 + 100, rel=0.1)


def test_a_stage_that_outlasts_its_expected_time_leaves_more_than_the_later_ones(shown, clock):
    shown.stage("fit")
    clock.seconds = 2.0
    assert about(shown.progress).endswith(": 2 s so far, ~2 min 30 s left"), "18 s of fits and 1.2 x 100 s"
    clock.seconds = 500.0
    assert about(shown.progress).endswith(": 8 min 20 s so far, more than 2 min left")


def test_a_resumed_study_says_how_many_runs_it_has(clock, capsys):
    display = StudyProgress()
    display.stage("sweep")
    done = [(spec("c"), 2.25), (spec("d"), None)]
    display.runs(ahead(spec("a"), spec("b"), ended=done))
    display.run(event("a", "finished", loss=2.5))
    assert "  2 of 4 runs were done before" in capsys.readouterr().err.splitlines()
    assert about(display.progress).startswith("3 of 4 runs, ")
    assert display.progress.best[1e9].loss == 2.25, "the run that was done before is better"


def test_a_log_has_a_line_where_a_best_loss_improves(shown, capsys):
    capsys.readouterr()
    shown.run(event("a", "finished", loss=2.03127))
    shown.run(event("b", "retried", message="its trainer was killed by SIGKILL"))
    shown.run(event("b", "finished", loss=2.1))
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert len(lines) == 2, "the worse run is no news"
    assert lines[0].startswith("  1/2 best of 1e9 FLOPs: 2.0313 nats a token, 5K params; 0 s so far, ")
    assert lines[1] == "  5K params at 1e9 FLOPs: retried: its trainer was killed by SIGKILL"
    shown.stage("fit")
    assert capsys.readouterr().err.splitlines()[0] == "  2/2 runs done; 0 s for 2"


def test_of_two_recipes_the_line_says_whose_loss_is_the_best(clock, capsys):
    display = StudyProgress()
    display.stage("pairs")
    display.runs(replace(ahead(spec("a"), spec("b")), sides={"a": "adamw", "b": "muon"}))
    capsys.readouterr()
    display.run(event("a", "finished", loss=2.5))
    display.run(event("b", "finished", loss=2.25))
    lines = capsys.readouterr().err.splitlines()
    assert "best of 1e9 FLOPs: 2.5000 nats a token (adamw), 5K params" in lines[0]
    assert "best of 1e9 FLOPs: 2.2500 nats a token (muon), 5K params" in lines[1]


def test_a_run_that_fails_is_a_line(shown, capsys):
    capsys.readouterr()
    shown.run(event("a", "finished"))
    assert capsys.readouterr().err == "  1/2: 5K params at 1e9 FLOPs: failed: diverged: the loss was infinite\n"


def test_a_log_is_never_silent_for_long(monkeypatch, capsys):
    from waiting import wait_until

    from isoflop.cli.output import progress

    monkeypatch.setattr(progress, "QUIET_SECONDS", 0.05)
    said = []
    with StudyProgress() as display:
        monkeypatch.setattr(display, "say", said.append)
        display.progress.stage("fit")
        wait_until(lambda: len(said) > 2)
    assert "  fitting three ways, and backtesting: 0 s so far" in said


def test_a_warning_is_told_once(shown, capsys):
    for _ in range(2):
        shown.notice(Notice(code="repeated_data", message="1.5 epochs"))
    assert capsys.readouterr().err.count("warning: 1.5 epochs [repeated_data]") == 1


@pytest.mark.parametrize("width", [60, 100])
def test_the_picture_has_stage_times_best_losses_and_the_runs_at_work(shown, clock, width):
    shown.run(event("a", "finished", loss=2.03127))
    clock.seconds = 20.0
    shown.run(event("b", "progress", tokens=20))
    stage, about_it, header, best, run = picture(shown, width)
    assert stage.endswith("training the sweep")
    assert about_it.startswith("  1 of 2 runs, 20 s so far, ~")
    assert header.split() == ["FLOPs", "runs", "best", "nats/token", "params", "tokens"]
    assert best.split() == ["1e9", "1/2", "2.0313", "5K", "100"]
    assert run.split() == ["5K", "params", "at", "1e9", "FLOPs", "20", "%", "loss", "2.500"]


def test_a_study_of_many_budgets_and_workers_fits_a_small_screen(clock):
    display = StudyProgress()
    display.stage("sweep")
    specs = [spec(str(i), flops=(i + 1) * 1e9) for i in range(100)]
    display.runs(ahead(*specs))
    for one in specs:
        display.run(event(one.run_id, "progress", tokens=20))
    lines = picture(display)
    assert len(lines) <= 22
    assert max(map(len, lines)) <= 60
    assert any("and 92 smaller budgets" in line for line in lines)
    assert lines[-1].strip() == "and 92 more"


def test_a_stage_without_runs_shows_its_part_and_its_time(clock):
    display = StudyProgress()
    display.progress.clock = lambda: clock.seconds
    display.progress.began = 0.0
    display.stage("corpus")
    display.share("packing", 0.25)
    clock.seconds = 70.0
    assert [line.strip() for line in picture(display)][1] == "packing, 25 %: 1 min 10 s so far"
