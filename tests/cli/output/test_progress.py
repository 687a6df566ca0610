"""What a person sees of a study where there is no terminal: one line an event, and an honest time left."""

from types import SimpleNamespace

import pytest

from isoflop.cli.output import progress
from isoflop.cli.output.progress import StudyProgress
from isoflop.errors import Notice
from isoflop.runs.driver import RunEvent


@pytest.fixture
def clock(monkeypatch):
    now = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(progress.time, "monotonic", lambda: now.seconds)
    return now


def spec(name, tokens=100):
    count = SimpleNamespace(non_embedding=5000)
    return SimpleNamespace(
        run_id=name, tokens=tokens, budget_flops=1e9, architecture=SimpleNamespace(params=lambda: count)
    )


def event(name, kind, tokens=None, loss=None, **more):
    beat = SimpleNamespace(tokens=tokens, train_loss_nats=2.5) if tokens is not None else None
    result = SimpleNamespace(val_loss_nats=loss, reason="diverged") if kind == "finished" else None
    return RunEvent(kind=kind, folder=SimpleNamespace(run_id=name), heartbeat=beat, result=result, **more)


@pytest.fixture
def shown(clock):
    display = StudyProgress()
    display.stage("sweep")
    display.runs([spec("a"), spec("b")], lambda _: 100.0, workers=1)
    return display


def test_time_left_follows_the_speed_since_the_first_news(shown, clock):
    shown.run(event("a", "started"))
    clock.seconds = 50.0  # a worker starting: no news of how fast it trains
    shown.run(event("a", "progress", tokens=0))
    assert shown._batch.seconds_left() == 200
    clock.seconds = 90.0  # 20 expected seconds took 40
    shown.run(event("a", "progress", tokens=20))
    assert shown._batch.seconds_left() == pytest.approx(2 * 180)


def test_what_an_earlier_start_did_is_no_speed_of_this_one(shown, clock):
    shown.run(event("a", "progress", tokens=60))
    clock.seconds = 20.0
    shown.run(event("a", "progress", tokens=80))
    assert shown._batch.seconds_left() == pytest.approx(120)


def test_every_run_that_ends_is_a_line(shown, capsys):
    shown.run(event("a", "finished", loss=2.03127))
    shown.run(event("b", "retried", message="its trainer was killed by SIGKILL"))
    shown.run(event("b", "finished"))
    out, err = capsys.readouterr()
    assert out == ""
    assert "1/2 5K params at 1e9 FLOPs: 2.0313 nats a token, " in err
    assert "retried: its trainer was killed by SIGKILL" in err
    assert err.splitlines()[-1] == "  2/2 5K params at 1e9 FLOPs: failed: diverged"


def test_a_warning_is_told_once(shown, capsys):
    for _ in range(2):
        shown.notice(Notice(code="repeated_data", message="1.5 epochs"))
    assert capsys.readouterr().err.count("warning: 1.5 epochs [repeated_data]") == 1


def test_the_live_picture_names_stage_runs_losses_and_time(shown):
    from rich.console import Console

    shown.run(event("a", "progress", tokens=20))
    console = Console(width=60, record=True, file=open("/dev/null", "w"))  # noqa: SIM115 - rich closes nothing
    console.print(shown._render())
    lines = console.export_text().splitlines()
    assert lines[0].rstrip() == "training the sweep: 0 of 2 runs, 3 min left"
    assert lines[1].split() == ["5K", "params", "at", "1e9", "FLOPs", "20%", "loss", "2.500"]
