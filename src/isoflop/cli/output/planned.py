"""The run of a plan in the terminal: on its way, and what came of it."""

from __future__ import annotations

from pathlib import Path

from isoflop.cli.output.progress_text import look_line, running_line
from isoflop.cli.output.scored import INSIDE, sealed_words
from isoflop.cli.output.tables import print_facts, print_notices, print_text
from isoflop.plan import Score
from isoflop.runs import RunResult
from isoflop.study.planned_status import PlannedStatus
from isoflop.study.seals import Seals
from isoflop.units import format_duration, format_quantity, percent


def print_outcome(run: Path, result: RunResult, score: Score | None, seals: Seals | None) -> None:
    """Prints what came of a planned run that ended, on stdout."""
    if result.status == "failed":
        facts = [("Failed", f"{result.reason}: {result.message}")]
    else:
        facts = [("Loss", f"{result.val_loss_nats:.4f} nats a token")]
    if score is not None:
        error = f"{score.predicted:.4f}, error {percent(score.error, 2, sign=True)}"
        facts.append(("Forecast", f"{error}, {INSIDE[score.inside]}"))
        if seals is not None:
            facts.append(("Sealed", sealed_words(seals)))
    speed = f", at {percent(result.mfu, 0)} of the peak of {result.device}" if result.mfu is not None else ""
    facts += [("Trained in", format_duration(result.wall_seconds or 0.0) + speed), ("Run", str(run))]
    print_facts(facts)


def print_planned(status: PlannedStatus, again: str) -> None:
    """Prints how far the run of a plan is; the command `again` trains or resumes it."""
    if status.seals is not None:
        print_notices(status.seals.notices)
    if status.run is not None and status.result is not None:
        print_outcome(status.run.path, status.result, status.score, status.seals)
        return
    if status.running is not None:
        print_text(running_line(status.running))
    else:
        print_text(f"The run of a plan, {status.stage}; train it with `{again}`.")
    total = status.planned.run.tokens
    loss = "" if status.train_loss_nats is None else f", training loss {status.train_loss_nats:.4f}"
    done = f"{format_quantity(status.tokens)} of {format_quantity(total)} tokens ({percent(status.tokens / total, 0)})"
    facts = [("Trained", f"{done}{loss}")]
    if status.last_look is not None:
        facts.append(("Watched", look_line(status.last_look)))
    if status.seals is not None:
        facts.append(("Forecast", sealed_words(status.seals)))
    print_facts(facts)
