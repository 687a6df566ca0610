"""A study that runs, drawn in a terminal of 60 columns or more: stage, times, budgets and the runs at work."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from isoflop.cli.output.progress_text import BEST_COLUMNS, about, best_cells, size_of, stage_words, times
from isoflop.study.progress import Progress
from isoflop.units import percent
from isoflop.watch.verdict_words import verdict_words

_MOST_BUDGETS, _MOST_RUNS = 8, 8
"""Lines of a small screen that budgets and runs may take."""
_SPINNER = Spinner("dots")


def screen(progress: Progress) -> RenderableType:
    """Returns the picture of this moment."""
    _SPINNER.update(text=stage_words(progress.stage_name))
    if progress.left is None:
        detail = f"{progress.detail}: " if progress.detail else ""
        return Group(_SPINNER, Text(f"  {detail}{times(progress)}", style="dim"))
    return Group(_SPINNER, Text(f"  {about(progress)}", style="dim"), best_table(progress), _at_work(progress))


def best_table(progress: Progress) -> Table:
    """Returns the best loss of each budget so far, the largest budgets where there are many."""
    table = Table(box=None, pad_edge=False, padding=(0, 2), header_style="dim")
    for column in BEST_COLUMNS:
        table.add_column(column, justify="right", no_wrap=True)
    for best in list(progress.best.values())[-_MOST_BUDGETS:]:
        table.add_row(*best_cells(best))
    if (others := len(progress.best) - _MOST_BUDGETS) > 0:
        table.caption = f"and {others} smaller budgets"
    return table


def _at_work(progress: Progress) -> RenderableType:
    """Returns the runs at work, each with its share and its last training loss."""
    left = progress.left
    if left is None:
        return Text()
    table = Table.grid(padding=(0, 2))
    going = [name for name in list(left.started) if left.shares[name] < 1]
    for name in going[:_MOST_RUNS]:
        loss, look = progress.training_loss.get(name), progress.verdicts.get(name)
        table.add_row(
            f"  {size_of(progress.specs[name])}",
            f"{percent(left.shares[name], 0)}",
            f"loss {loss:.3f}" if loss else "",
            verdict_words(look.verdict) if look else "",
        )
    if (others := len(going) - _MOST_RUNS) > 0:
        table.add_row(f"  and {others} more", "", "", "")
    return table
