"""The planned against the larger model, as rows of text."""

from __future__ import annotations

from isoflop.report.figures.facts import Grid
from isoflop.report.figures.proof import Contest, contest
from isoflop.report.view import Absent, View
from isoflop.report.wording import loss_text, shown
from isoflop.units import format_bytes, format_duration, format_flops


def contest_grid(view: View) -> Grid | None:
    """What the answer shows of both models; None until both are trained."""
    found = contest(view)
    if isinstance(found, Absent):
        return None
    wanted = ("Parameters", "Tokens", "Bits per byte, all text", "Tokens per second, generating", "Memory to serve")
    rows = tuple((what, ours, theirs) for what, ours, theirs, _ in contest_rows(found) if what in wanted)
    return Grid(heading="Planned against larger, same compute", columns=("", "planned", "larger"), rows=rows)


def contest_rows(found: Contest) -> list[tuple[str, str, str, str]]:
    """(what, planned, larger, which is better) of the table of the contest."""
    ours, theirs = found.planned, found.larger

    def score(value: float) -> str:
        return f"{value:.4f}"

    def rate(value: float) -> str:
        return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"

    rows = [
        ("Parameters", shown(ours.params), shown(theirs.params), ""),
        ("Tokens", shown(ours.tokens), shown(theirs.tokens), ""),
        ("Tokens per parameter", shown(ours.tokens_per_param, rate), shown(theirs.tokens_per_param, rate), ""),
        ("Training compute (FLOPs)", shown(ours.flops, format_flops), shown(theirs.flops, format_flops), "the same"),
        ("Training time", shown(ours.wall_seconds, format_duration), shown(theirs.wall_seconds, format_duration), ""),
        ("Loss", shown(ours.loss, loss_text), shown(theirs.loss, loss_text), "lower"),
        ("Bits per byte, all text", shown(ours.bits_per_byte, score), shown(theirs.bits_per_byte, score), "lower"),
    ]
    rows += [
        (f"Bits per byte, {name}", score(ours.domains[name]), score(theirs.domains[name]), "lower")
        for name in found.domains
    ]
    speeds = shown(ours.tokens_per_second, rate), shown(theirs.tokens_per_second, rate)
    rows.append(("Tokens per second, generating", *speeds, "higher"))
    sizes = shown(ours.memory_bytes, format_bytes), shown(theirs.memory_bytes, format_bytes)
    rows.append(("Memory to serve", *sizes, "lower"))
    return rows
