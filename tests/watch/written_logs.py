"""The made-up runs of `drawn_runs` as CSV files, as trackers export them."""

from __future__ import annotations

from pathlib import Path

from isoflop.logs import LoggedRun
from watch.drawn_runs import ladder, logged_run

SIZE = 8e6
TOKENS = 20 * SIZE


def lines_of(run: LoggedRun, *, rates: bool = True, tokens: bool = True) -> list[str]:
    """Header and rows: step, tokens, learning rate, loss."""
    loss = run.evaluations["validation"]
    assert run.tokens is not None
    assert run.learning_rate is not None
    names = ["step", *(["tokens"] if tokens else []), *(["lr"] if rates else []), "val/loss"]
    lines = [",".join(names) + "\n"]
    for i, step in enumerate(loss.steps.tolist()):
        cells = [int(step)]
        cells += [int(run.tokens.values[i])] if tokens else []
        cells += [float(run.learning_rate.values[i])] if rates else []
        lines.append(",".join(map(repr, [*cells, float(loss.values[i])])) + "\n")
    return lines


def write_ladder(folder: Path, **options: bool) -> Path:
    """A folder with three finished runs, and their sizes in sizes.csv beside it."""
    folder.mkdir()
    runs = ladder()
    for run in runs:
        (folder / f"small-{run.params:.0f}.csv").write_text("".join(lines_of(run, **options)))
    return folder


def big_run(until: float = 0.4, **more: float) -> list[str]:
    """The lines of a larger run that is under way."""
    return lines_of(logged_run("big", SIZE, TOKENS, until=until, **more))


SIZES = ("--params-of", "small-1000000=1M", "--params-of", "small-2000000=2M", "--params-of", "small-4000000=4M",
         "--params-of", "big=8M")  # fmt: skip
"""Sizes of the runs, as options."""
