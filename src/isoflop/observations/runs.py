"""Rows and runs: which runs ended well, which rows are their ends, which rows say the same thing twice."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from isoflop.errors import Notice
from isoflop.observations.cells import Mask, is_no, is_nothing, is_yes, labels_of
from isoflop.observations.exclusions import (
    Exclusions,
    Labels,
    best_of_cells,
    combined,
    exact_repeats,
    label_cells,
    last_of_groups,
    numbered,
    unfinished,
)
from isoflop.observations.reading import Reading
from isoflop.observations.values import Triple, Values

Array = NDArray[np.float64]

# Words of a schedule column for rates that are never lowered: checkpoints under them are not annealed.
_CONSTANT = frozenset({"constant", "const", "constant_with_warmup"})
# Of rows that nothing tells apart: how many are looked at, and how many values a column of conditions has.
_LOOKED_AT, _FEW_VALUES, _LISTED = 1000, 50, 8


def drop_unfinished(values: Values, out: Exclusions) -> list[Notice]:
    """Leave out runs that a status column calls failed or unfinished, and losses that no trained model has.

    Returns notices of words that say neither yes nor no.
    """
    notices = []
    if "status" in values.words:
        words = values.word("status")
        bad, unknown = unfinished(words)
        out.drop(bad, {int(i): f"status is {str(words[i])!r}" for i in np.flatnonzero(bad)}, "unfinished")
        if unknown:
            said = ", ".join(map(repr, unknown[:10]))
            text = f"status {said}: neither finished nor failed by any word known here; these rows are used"
            notices.append(Notice(code="unknown_status", message=text))
    if "is_final" in values.words:
        words = values.word("is_final")
        odd = sorted(set(words[~(is_yes(words) | is_no(words) | is_nothing(words))].tolist()))
        if odd:
            column, said = values.choices["is_final"].column, ", ".join(map(repr, odd[:10]))
            text = f"{column} is {said}: neither yes nor no; these rows are taken for ends of runs"
            notices.append(Notice(code="unknown_final", message=text))
    if "failed" in values.words:
        bad = is_yes(values.word("failed"))
        out.drop(bad, f"{values.choices['failed'].column} is {'true'!r}", "unfinished")
    if values.loss_unit == "nats_per_token" and "vocab_size" in values.numbers:
        vocab, loss = values.number("vocab_size"), values.number("loss")
        with np.errstate(invalid="ignore", divide="ignore"):
            bad = out.keep & (vocab > 1) & (loss >= np.log(vocab))
        reasons = {
            int(i): f"loss {loss[i]:.4g} is no better than a guess among {vocab[i]:.0f} tokens ({np.log(vocab[i]):.4g})"
            for i in np.flatnonzero(bad)
        }
        out.drop(bad, reasons, "untrained")
    return notices


def find_schedule(values: Values, reading: Reading) -> tuple[str, list[Notice]]:
    """(the schedule that was stated, or that a column states for all rows; what follows from it)."""
    words = sorted({word.lower() for word in values.word("schedule").tolist() if word})
    found = reading.schedule or "unknown"
    notices = []
    if reading.schedule is None and words and set(words) <= _CONSTANT:
        found = "constant"
    elif reading.schedule is None and len(words) > 1 and set(words) & _CONSTANT:
        text = (
            f"the rows are of several schedules ({', '.join(words)}): rows at a constant rate lie above annealed ones; "
            f"choose one with --where '{values.choices['schedule'].column}=...'"
        )
        notices.append(Notice(code="several_schedules", message=text))
    if found == "constant":
        text = (
            "the rows are checkpoints at a constant rate, not annealed: their losses lie above those of finished runs, "
            "and so does what is predicted from them"
        )
        notices.append(Notice(code="not_annealed", message=text))
    if found == "unmatched":
        text = (
            "one schedule serves several horizons: rows before its end lie above runs of that length, most at few "
            "tokens per parameter, and exponents lean towards larger models"
        )
        notices.append(Notice(code="schedule_mismatch", message=text))
    return found, notices


def find_finals(values: Values, out: Exclusions, D: Array, schedule: str) -> Mask:
    """True for rows that are ends of runs; earlier rows of runs whose tokens do not grow with the step are left out.

    is_final decides where there is such a column; where one schedule serves several horizons, only the last row of a
    run is its end.
    """
    final = ~is_no(values.word("is_final"))
    run = values.word("run_id")
    named = run != ""
    if not named.any():
        return final
    alone = np.where(named, 0, np.arange(1, len(run) + 1))
    runs = combined([numbered(run), alone])
    if "step" in values.numbers:
        step = values.number("step")
        groups = combined([runs, labels_of(values.number("D")), np.where(np.isnan(values.number("D")), alone, 0)])
        # The same tokens at several steps: D is what the run was to see in all, and only its last row has seen it.
        early = named & ~np.isnan(D) & ~last_of_groups(groups, step)
        most = np.full(int(groups.max()) + 1, -np.inf)
        np.maximum.at(most, groups, np.where(np.isnan(step), -np.inf, step))
        reasons = {
            int(i): f"{'no step' if np.isnan(step[i]) else f'step {step[i]:.0f}'} of a run that ends at step "
            f"{most[groups[i]]:.0f} with the same tokens"
            for i in np.flatnonzero(early & out.keep)
        }
        out.drop(early, reasons, "earlier_checkpoint")
    if schedule == "unmatched":
        progress = values.number("step") if "step" in values.numbers else values.number("D")
        final &= last_of_groups(runs, progress)
    return np.asarray(final)


def drop_repeats(
    values: Values, triple: Triple, final: Mask, out: Exclusions, reading: Reading
) -> tuple[Labels, list[Notice]]:
    """Leave out duplicates, and all but the best setting of each cell (same N and D).

    Returns how many rows each row stands for, and what a person should know about rows that no setting tells apart.
    """
    ones = np.ones(len(final), dtype=np.int64)
    if reading.keep_all or not out.keep.any():
        return ones, []
    cell = label_cells(triple.N, triple.D, final)
    if np.bincount(cell[out.keep]).max() == 1:
        return ones, []
    rate, batch, loss = values.number("peak_lr"), values.word("batch"), values.number("loss")
    setting = combined([labels_of(rate), numbered(batch)])
    seed = values.word("seed")
    repeat, first = exact_repeats([cell, setting, numbered(seed), loss], out.keep)
    row = out.row.tolist()
    reasons = {i: f"a duplicate of row {row[first[i]]} (same N, D and loss)" for i in np.flatnonzero(repeat).tolist()}
    out.drop(repeat, reasons, "duplicate")
    if reading.optima:
        return ones, []
    at = np.flatnonzero(out.keep)
    cells = best_of_cells(cell[at], loss[at], setting[at], seed[at])
    best = at[cells.best]
    for code, what, mask in (
        ("worse_setting", "another learning rate or batch", ~cells.stays & cells.other_setting),
        ("worse_repeat", "a worse repeat", ~cells.stays & ~cells.other_setting),
    ):
        those, gone = np.flatnonzero(mask), np.zeros(len(final), dtype=bool)
        gone[at[those]] = True
        pairs = zip(at[those].tolist(), best[those].tolist(), loss[at[those]].tolist(), loss[best[those]].tolist(),
                    strict=True)  # fmt: skip
        reasons = {
            i: f"{what} of the cell of row {row[j]} (same N and D): loss {mine:.6g}, kept {kept:.6g}"
            for i, j, mine, kept in pairs
        }
        out.drop(gone, reasons, code)
    ones[at] = cells.stands_for
    notices = []
    if len(those):
        names = _differing(values, at[those], best[those])
        differ = f"; they differ in {', '.join(map(repr, names))}" if names else ""
        text = (
            f"{len(those)} rows have the N and D of a better row, and no learning rate, batch or seed tells them apart"
            f"{differ}: the best of each cell is used; if they are of different conditions choose one with --where "
            "COLUMN=VALUE, or keep all with --keep-all"
        )
        notices.append(Notice(code="worse_repeats", message=text))
    return ones, notices


def _differing(values: Values, worse: Labels, best: Labels) -> list[str]:
    """Columns of words or few numbers, read for no field, in which worse rows differ from the best of their cells."""
    used = {choice.column for choice in values.choices.values()}
    found = []
    for name, cells in values.table.columns.items():
        if name in used:
            continue
        pairs = [(cells[i], cells[j]) for i, j in zip(worse[:_LOOKED_AT], best[:_LOOKED_AT], strict=True)]
        distinct = {str(cell) for pair in pairs for cell in pair}
        if len(distinct) <= _FEW_VALUES and any(str(one) != str(other) for one, other in pairs):
            found.append(name)
    return found[:_LISTED]


def checkpoint_notices(run: NDArray[Any], final: Mask, schedule: str) -> list[Notice]:
    """A notice where several rows that are used are of one run, and nobody said on what schedule."""
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
