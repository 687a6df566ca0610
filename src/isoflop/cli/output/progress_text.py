"""Words and lines about a study that runs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from isoflop.cli.output.tables import print_table
from isoflop.spec import RunSpec
from isoflop.study.progress import Best, Progress
from isoflop.study.running import Running
from isoflop.units import format_duration, format_flops, format_quantity, percent
from isoflop.watch.verdict_words import verdict_words

if TYPE_CHECKING:
    from isoflop.watch.logbook import Look

_STAGES = {
    "corpus": "building the corpus",
    "machine": "measuring this machine",
    "design": "designing the sweep",
    "sweep": "training the sweep",
    "fit": "fitting three ways, and backtesting",
    "plan": "planning, and sealing the forecast",
    "final": "training the planned model and the larger one",
    "planned": "training the planned model",
    "rates": "checking the learning rates of both recipes",
    "pairs": "training pairs of runs",
    "repeats": "training repeats of one run",
    "serve": "measuring what serving both costs",
    "score": "scoring the forecast",
    "report": "writing the report",
}
BEST_COLUMNS = ("FLOPs", "runs", "best nats/token", "params", "tokens")
"""Head of the best losses: of each budget the runs that ended, its least validation loss, and that run's size."""
_ROUNDED = ((60, 5), (600, 30), (3600, 60), (86_400, 600), (float("inf"), 3600))
"""(seconds below which a time left is rounded, to these): more digits than the estimate has would mislead."""


def stage_words(name: str) -> str:
    """Returns what a stage does, in words."""
    return _STAGES.get(name, name)


def counted(progress: Progress) -> str:
    """Returns the runs that ended, of all designed: `12/36`."""
    return f"{progress.done}/{progress.designed}"


def time_left(seconds: float, *, known: bool, at_least: bool = False) -> str:
    """Returns a time left as exact as it is known; with `~` before the speed of runs was observed.

    With `at_least` it is what is left after a stage that takes longer than expected.

    >>> time_left(433, known=True), time_left(433, known=False), time_left(2, known=True)
    ('7 min left', '~7 min left', '5 s left')
    >>> time_left(433, known=False, at_least=True)
    'more than 7 min left'
    """
    step = next(step for below, step in _ROUNDED if seconds < below)
    rounded = max(step, step * round(seconds / step))
    before = "more than " if at_least else "" if known else "~"
    return f"{before}{format_duration(rounded)} left"


def times(progress: Progress) -> str:
    """Returns the time so far and the time left of the study."""
    left = progress.time_left()
    words = "" if left is None else f", {time_left(left.seconds, known=left.known, at_least=left.at_least)}"
    return f"{format_duration(round(progress.elapsed))} so far{words}"


def about(progress: Progress) -> str:
    """Returns where the study is, in a line."""
    if progress.left is not None:
        return f"{progress.done} of {progress.designed} runs, {times(progress)}"
    return f"{progress.detail or stage_words(progress.stage_name)}: {times(progress)}"


def running_line(running: Running) -> str:
    """Returns where a study is that another process trains, in a sentence."""
    now = time.time()
    left = running.seconds_left(now)
    words = "" if left is None else f", {time_left(left, known=running.known)}"
    stage = stage_words(running.stage)
    runs = f"{running.runs_done} of {running.runs} runs, " if running.runs else ""
    so_far = format_duration(round(running.seconds_so_far(now)))
    return f"Running: {stage}; {runs}{so_far} so far{words}."


def print_losses(losses: Sequence[Best]) -> None:
    """Prints the best loss of each budget so far, on stdout."""
    print_table(
        BEST_COLUMNS, map(best_cells, losses), title="The best loss of each budget so far", text=(), wrap=(), spare=(4,)
    )


def best_cells(best: Best) -> tuple[str, ...]:
    """Returns the cells of a budget under BEST_COLUMNS."""
    budget = (format_flops(best.flops), f"{best.ended}/{best.runs}")
    if best.loss is None or best.params is None or best.tokens is None:
        return (*budget, "-", "-", "-")
    return (*budget, f"{best.loss:.4f}", format_quantity(best.params), format_quantity(best.tokens))


def best_line(progress: Progress, best: Best) -> str:
    """Returns the best loss of a budget, and how far the study is."""
    model = f"{format_quantity(best.params or 0)} params"
    of = f" ({best.side})" if best.side else ""
    loss = f"best of {format_flops(best.flops)} FLOPs: {best.loss:.4f} nats a token{of}, {model}"
    return f"{counted(progress)} {loss}; {times(progress)}"


def last_line(progress: Progress) -> str:
    """Returns what the runs of a stage came to, once they ended."""
    assert progress.left is not None
    return f"{counted(progress)} runs done; {format_duration(round(progress.in_stage))} for {progress.left.finished}"


def size_of(spec: RunSpec) -> str:
    """Returns the size of a run and its budget."""
    budget = f" at {format_flops(spec.budget_flops)} FLOPs" if spec.budget_flops else ""
    return f"{format_quantity(spec.architecture.params().non_embedding)} params{budget}"


def look_line(look: Look) -> str:
    """Returns what a look at the planned run said, with the numbers that it rests on."""
    words = f"{verdict_words(look.verdict)} at {percent(look.share, 0)} of its tokens, loss {look.loss:.4f}"
    if look.expected is not None:
        low, middle, high = look.expected
        words += f" where {middle:.4f} ({low:.4f} to {high:.4f}) was expected"
    if look.predicted_final is not None and look.interval is not None:
        words += f"; it will end at {look.predicted_final:.4f} ({look.interval[0]:.4f} to {look.interval[1]:.4f})"
    return words
