"""Rows and runs: which rows are of one run, which runs ended well, which rows are their ends."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from isoflop.arrays import Array, Mask
from isoflop.errors import Notice
from isoflop.observations.columns import candidates
from isoflop.observations.exclusions import Exclusions, combined, finished, last_of_groups, numbered, unfinished
from isoflop.observations.options import ReadOptions
from isoflop.observations.parsing import Words, is_no, is_nothing, is_yes, labels_of, read_words
from isoflop.observations.values import Values
from isoflop.units import format_number

# Words of a schedule column for rates that are never lowered: checkpoints under them are not annealed.
_CONSTANT = frozenset({"constant", "const", "constant_with_warmup"})
# Share of the named rows under names of several sizes, above which a column names something else than runs. Below it, a
# few names were used twice.
_NO_RUNS = 0.1
_LONGEST_REASON = 120  # characters of a reason in a table that are shown
_SAME_SIZE = 0.01  # relative: one size rounded in two ways, 1.3B and 1.31B, differs by less


def unnamed_run(row: int) -> str:
    """The id of a run that the source does not name, by the number of its row."""
    return f"row-{row}"


def find_runs(values: Values, N: Array) -> tuple[Words, str, list[Notice]]:
    """(run of each row, empty where none is known; the column; notices of columns that name no runs).

    A run has one size: a name whose rows hold several N is that of an experiment or a user. Of the columns whose names
    suit, the first that names runs is read.
    """
    if "run_id" not in values.words:
        return values.word("run_id"), "", []
    chosen = values.mapping["run_id"].column
    others = [item.column for item in candidates(values.table.columns).get("run_id", []) if item.column != chosen]
    used = {choice.column for field, choice in values.mapping.items() if field != "run_id"}
    notices = list[Notice]()
    for column in [chosen, *(name for name in others if name not in used)]:
        names = values.word("run_id") if column == chosen else read_words(values.table.columns[column])
        several = _of_several_sizes(names, N)
        named = int(np.sum(names != ""))
        if not several.any():
            return names, column, notices
        rejected = several.sum() > _NO_RUNS * named
        shown = ", ".join(repr(str(name)) for name in np.unique(names[several])[:3])
        text = (
            f"{column} names no runs: {int(several.sum())} of {named} rows stand under names of several sizes N "
            f"({shown}), and a run has one; "
        )
        text += "it is not read" if rejected else "these rows count as runs of their own"
        notices.append(Notice(code="no_run_ids", message=text))
        if not rejected:
            return np.where(several, "", names), column, notices
    return np.full(values.rows, "", dtype="U1"), "", notices


def _of_several_sizes(names: Words, N: Array) -> Mask:
    """True for rows under a name whose rows hold several N, missing ones aside."""
    run, known = numbered(names), (names != "") & ~np.isnan(N)
    count = int(run.max()) + 1 if len(run) else 0
    least, most = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(least, run[known], N[known])
    np.maximum.at(most, run[known], N[known])
    return np.asarray((names != "") & (most > least * (1 + _SAME_SIZE))[run])


def drop_unfinished(values: Values, exclusions: Exclusions, known: Mapping[int, str]) -> list[Notice]:
    """Drop runs that failed or did not end: the `known` ones, {index: reason}, and those that a column says so of.

    Returns notices of words in such columns that mean neither.
    """
    # The rows of `known` reasons are dropped first: the first reason of a row is the one that is listed.
    exclusions.drop(np.isin(np.arange(values.rows), list(known)), dict(known), "unfinished")
    notices = []
    why = values.word("failure_reason")
    reason = values.mapping["failure_reason"].column if "failure_reason" in values.mapping else ""
    stated = np.where(is_nothing(why) | is_no(why), "", why)

    def because(i: int) -> str:
        text = str(stated[i])
        return f" ({reason}: {text[:_LONGEST_REASON]!r})" if text else ""

    if "status" in values.words:
        words = values.word("status")
        bad, unknown = unfinished(words)
        reasons = {i: f"status is {str(words[i])!r}{because(i)}" for i in np.flatnonzero(bad).tolist()}
        exclusions.drop(bad, reasons, "unfinished")
        if unknown:
            shown = ", ".join(map(repr, unknown[:10]))
            text = f"status {shown}: neither finished nor failed by any known word; these rows are used"
            notices.append(Notice(code="unknown_status", message=text))
    if "is_final" in values.words:
        words = values.word("is_final")
        odd = sorted(set(words[~(is_yes(words) | is_no(words) | is_nothing(words))].tolist()))
        if odd:
            column, shown = values.mapping["is_final"].column, ", ".join(map(repr, odd[:10]))
            text = f"{column} is {shown}: neither yes nor no; these rows are taken for ends of runs"
            notices.append(Notice(code="unknown_final", message=text))
    if "failed" in values.words:
        bad, column = is_yes(values.word("failed")), values.mapping["failed"].column
        reasons = {i: f"{column} is 'true'{because(i)}" for i in np.flatnonzero(bad).tolist()}
        exclusions.drop(bad, reasons, "unfinished")
    if reason and not {"status", "failed"} & values.words.keys():
        bad = (stated != "") & ~finished(stated)
        reasons = {int(i): f"{reason} is {str(stated[i])[:_LONGEST_REASON]!r}" for i in np.flatnonzero(bad)}
        exclusions.drop(bad, reasons, "unfinished")
    return notices


def drop_untrained(values: Values, exclusions: Exclusions) -> None:
    """Drop rows whose loss is no better than uniform guessing, where the vocabulary is known."""
    if values.loss_unit == "nats_per_token" and "vocab_size" in values.numbers:
        vocab, loss = values.number("vocab_size"), values.number("loss")
        with np.errstate(invalid="ignore", divide="ignore"):
            bad = exclusions.keep & (vocab > 1) & (loss >= np.log(vocab))
        reasons = {
            int(i): (
                f"loss {format_number(loss[i], 4)} is no better than a guess among {vocab[i]:.0f} tokens "
                f"({format_number(np.log(vocab[i]), 4)})"
            )
            for i in np.flatnonzero(bad)
        }
        exclusions.drop(bad, reasons, "untrained")


def find_schedule(values: Values, options: ReadOptions) -> tuple[str, list[Notice]]:
    """(the schedule that was stated, or that a column states for all rows; notices of what follows from it)."""
    words = sorted({word.lower() for word in values.word("schedule").tolist() if word})
    schedule = options.schedule or "unknown"
    notices = []
    if options.schedule is None and words and set(words) <= _CONSTANT:
        schedule = "constant"
    elif options.schedule is None and len(words) > 1 and set(words) & _CONSTANT:
        text = (
            f"the rows are of several schedules ({', '.join(words)}): rows at a constant rate lie above annealed ones; "
            f"choose one with --where '{values.mapping['schedule'].column}=...'"
        )
        notices.append(Notice(code="several_schedules", message=text))
    if schedule == "constant":
        text = (
            "the rows are checkpoints at a constant rate, not annealed: their losses lie above those of finished runs, "
            "and so does what is predicted from them"
        )
        notices.append(Notice(code="not_annealed", message=text))
    if schedule == "unmatched":
        text = (
            "one schedule serves several horizons: rows before its end lie above runs of that length, most at few "
            "tokens per parameter, and exponents lean towards larger models"
        )
        notices.append(Notice(code="schedule_mismatch", message=text))
    return schedule, notices


def find_finals(values: Values, run: Words, exclusions: Exclusions, D: Array, schedule: str) -> Mask:
    """True for rows that are ends of runs; drops earlier rows of runs whose tokens do not grow with the step.

    is_final decides where there is such a column; where one schedule serves several horizons, only the last row of a
    run is its end.
    """
    final = ~is_no(values.word("is_final"))
    named = run != ""
    if not named.any():
        return final
    alone = np.where(named, 0, np.arange(1, len(run) + 1))
    runs = combined([numbered(run), alone])
    if "step" in values.numbers:
        step = values.number("step")
        groups = combined([runs, labels_of(values.number("D")), np.where(np.isnan(values.number("D")), alone, 0)])
        # The same tokens at several steps: D is the target of the run, and only its last row has reached it.
        early = named & ~np.isnan(D) & ~last_of_groups(groups, step)
        most = np.full(int(groups.max()) + 1, -np.inf)
        np.maximum.at(most, groups, np.where(np.isnan(step), -np.inf, step))
        reasons = {
            int(i): f"{'no step' if np.isnan(step[i]) else f'step {step[i]:.0f}'} of a run that ends at step "
            f"{most[groups[i]]:.0f} with the same tokens"
            for i in np.flatnonzero(early & exclusions.keep)
        }
        exclusions.drop(early, reasons, "earlier_checkpoint")
    if schedule == "unmatched":
        progress = values.number("step") if "step" in values.numbers else values.number("D")
        final &= last_of_groups(runs, progress)
    return np.asarray(final)


def checkpoint_notices(run: Words, final: Mask, schedule: str) -> list[Notice]:
    """A notice where several rows that are used belong to one run, and their schedule was not stated."""
    if schedule != "unknown":
        return []
    names, counts = np.unique(run[final & (run != "")], return_counts=True)
    several = counts > 1
    if not several.any():
        return []
    text = (
        f"{int(several.sum())} of {len(names)} runs have several rows ({int(counts[several].sum())} in all), and it "
        "is not stated whether each is the end of a schedule of its own (--schedule matched), a checkpoint at a "
        "constant rate (constant) or one before the end of a longer schedule (unmatched)"
    )
    return [Notice(code="checkpoints_of_runs", message=text)]
