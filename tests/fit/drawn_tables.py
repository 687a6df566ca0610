"""Tables made from a known law, with the locale, units, names, ids, budgets and failed runs that people's tables have.

`tables()` draws one, `outcome_of` reads and fits it and holds the answer against the truth: right, refused or wrong.
"""

import csv
import hashlib
import io
import json
import math
from dataclasses import dataclass, field

import numpy as np
from hypothesis import strategies as st

from isoflop.errors import IsoflopError
from isoflop.fit import fit_isoflop, fit_parametric
from isoflop.observations import read_observations

from .written_columns import (
    LOCALES,
    LOSSES,
    NAMES_OF_C,
    NAMES_OF_D,
    NAMES_OF_N,
    Written,
    columns_beside,
    count_columns,
    id_columns,
)

_READ = 2e-3  # of a number: what four printed digits leave
_GOOD = ["finished", "COMPLETED", "ok", "done", "success"]
_BAD = ["failed", "crashed", "OOM", "diverged", "killed", "FAILED (out of memory)", "CANCELLED by 1001", "TIMEOUT",
        "loss is NaN"]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class DrawnTable:
    """A table's text, and what it was made from."""

    name: str
    """File name; its suffix says how it is parted."""
    text: str
    """Its content."""
    N: np.ndarray
    """Parameters of each row."""
    D: np.ndarray
    """Tokens of each row."""
    loss: np.ndarray
    """Loss of each row in the unit that it must be read in."""
    good: np.ndarray
    """False for runs that failed."""
    a: float
    """The exponent of N_opt."""
    budgets: bool
    """Whether the runs are laid out in isoFLOP budgets."""
    made_of: tuple[str, ...] = field(default=())
    """What was drawn, for messages."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a table."""

    kind: str
    """`right`, `refused` or `wrong`."""
    message: str = ""
    """The refusal, or what is wrong."""
    inside: bool = False
    """Whether the 90 % interval of approach 3 holds a."""
    errors: float = math.nan
    """Distance of approach 3's a from the truth, in standard errors."""
    inside_isoflop: bool | None = None
    """Whether the interval of approach 2 holds a; None where it does not apply."""


@st.composite
def tables(draw):
    """Tables of 30 runs of a drawn law with .1 to .4 % noise, three of them failed, written in some way."""
    law = {
        "E": draw(st.floats(1.5, 2.0)),
        "alpha": draw(st.floats(0.3, 0.4)),
        "beta": draw(st.floats(0.28, 0.38)),
        "noise": draw(st.floats(0.001, 0.004)),
        "first": draw(st.floats(2e7, 6e7)),
    }
    budgets, seed = draw(st.booleans()), draw(st.integers(0, 2**32 - 1))
    mark, group, parted = draw(st.sampled_from(LOCALES))
    written = Written(mark=mark, group=group, decimals=draw(st.sampled_from([3, 4, 4, 5])))
    styles = _styles(draw, budgets=budgets)
    names = _names(draw, styles)
    form = draw(st.sampled_from(["delimited", "delimited", "lines", "lines of numbers"]))
    made_of = (str(styles), str(names), repr((written, parted, form)), str(law))
    # hypothesis draws the same seeds again and again: the noise comes from all that was drawn
    digest = hashlib.sha256(repr((law, budgets, seed, made_of)).encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    N, D, budget = _design(budgets, law["first"], rng)
    bad = _failed(styles["status"], len(N), rng)
    columns = id_columns(styles["ids"], len(N)) | count_columns(styles, names, N, D, budget, written)
    loss = _losses(law, N, D, rng) * np.where(bad, 1.4, 1.0)
    in_unit = LOSSES[styles["loss"]][1](loss)
    columns[names["loss"]] = [written.decimal(x) for x in in_unit]
    if draw(st.booleans()):
        columns[names["loss"]] = [
            "" if failed else cell for failed, cell in zip(bad, columns[names["loss"]], strict=True)
        ]
    columns |= _status(styles["status"], bad, rng) | columns_beside(styles["beside"], N, D, in_unit, written)
    nats = styles["loss"] not in ("bits per byte", "bits per character")
    return DrawnTable(
        name="runs.jsonl" if form != "delimited" else "runs.tsv" if parted == "\t" else "runs.csv",
        text=_text(columns, parted) if form == "delimited" else _lines(columns, numbers=form == "lines of numbers"),
        N=N,
        D=D,
        loss=loss if nats else in_unit,
        good=~bad,
        a=law["beta"] / (law["alpha"] + law["beta"]),
        budgets=budgets,
        made_of=made_of,
    )


def _styles(draw, *, budgets):
    """How each quantity is written, and what stands beside; two of N, D and C are always told."""
    styles = {
        "N": draw(st.sampled_from(list(NAMES_OF_N))),
        "D": draw(st.sampled_from([*NAMES_OF_D, "steps", "samples", "ratio", "chinchilla", "none"])),
        "C": draw(st.sampled_from([*NAMES_OF_C, "none", "none"])),
        "loss": draw(st.sampled_from(list(LOSSES))),
        "ids": draw(st.sampled_from(["none", "one experiment", "names"])),
        "status": draw(st.sampled_from(["none", "words", "words and reasons"])),
        "beside": draw(st.sampled_from(["nothing", "counts", "rates", "embedding", "experts", "width", "smoothed"])),
        "budget": draw(st.sampled_from(["none", "ones", "exa"])) if budgets else "none",
        "flops": draw(st.sampled_from(["6ND", "6ND", "exact"])),
    }
    if styles["D"] == "none" and styles["C"] == "none":
        styles["C"] = "ones"
    told = styles["C"] != "none" and styles["D"] not in ("none", "ratio", "chinchilla")
    if not told or styles["beside"] in ("embedding", "experts", "width"):
        styles["flops"] = "6ND"  # N and D follow from these FLOPs, or are chosen by them
    if styles["beside"] in ("embedding", "experts") and not told:
        styles["beside"] = "counts"
    if styles["beside"] == "width" and styles["C"] == "none":
        styles["beside"] = "counts"
    return styles


def _names(draw, styles):
    names = {
        "N": draw(st.sampled_from(NAMES_OF_N[styles["N"]])),
        "D": draw(st.sampled_from(NAMES_OF_D.get(styles["D"], ["tokens"]))),
        "C": draw(st.sampled_from(NAMES_OF_C.get(styles["C"], ["flops"]))),
        "loss": draw(st.sampled_from(LOSSES[styles["loss"]][0])),
    }
    return names | ({"D": "tokens"} if styles["beside"] == "width" and names["D"] == "D" else {})


def _losses(law, N, D, rng):
    """E + A / N^alpha + B / D^beta, both terms .75 at 200M parameters and 4B tokens, with its noise."""
    smooth = law["E"] + 0.75 * (2e8 / N) ** law["alpha"] + 0.75 * (4e9 / D) ** law["beta"]
    return smooth * np.exp(law["noise"] * rng.standard_normal(len(N)))


def _text(columns, parted):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=parted, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue()


def _lines(columns, *, numbers):
    """JSON Lines: cells as text, or as numbers where they are written as Python writes them."""
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return "".join(
        json.dumps({key: _number(cell) if numbers else cell for key, cell in row.items()}) + "\n" for row in rows
    )


def _number(cell):
    try:
        return float(cell)
    except ValueError:
        return cell or None


def outcome_of(table, folder, draws=200):
    """Read the table and fit it: right where every row is what it was made from and a is near, refused, or wrong."""
    path = folder / table.name
    path.write_text(table.text, encoding="utf-8")
    try:
        made = read_observations(path)
        parametric = fit_parametric(made, draws=draws)
    except IsoflopError as error:
        return Outcome(kind="refused", message=str(error).replace(f"{path}: ", ""))
    at = made.row - 1
    for what, found, true in (("N", made.N, table.N), ("D", made.D, table.D), ("loss", made.loss, table.loss)):
        off = np.abs(found / true[at] - 1)
        worst = int(np.argmax(off))
        if off[worst] > _READ:
            text = f"{what} of row {at[worst] + 1} is {found[worst]:g}, true {true[at][worst]:g}"
            return Outcome(kind="wrong", message=text)
    if not table.good[at].all():
        return Outcome(kind="wrong", message="a run that failed is used")
    if len(made) < table.good.sum():
        return Outcome(kind="wrong", message=f"left out: {[item.reason for item in made.dropped][:3]}")
    low, high = parametric.intervals["a"]
    error = abs(parametric.exponents[0] - table.a) / max((high - low) / 3.29, 1e-9)
    inside = None
    try:
        span = fit_isoflop(made, draws=draws).intervals["a"] if table.budgets else None
        inside = None if span is None else bool(span[0] <= table.a <= span[1])
    except IsoflopError:
        pass
    kind = "right" if error < 5 else "wrong"
    message = "" if error < 5 else f"a is {parametric.exponents[0]:.3f} ({low:.3f} to {high:.3f}), true {table.a:.3f}"
    return Outcome(kind=kind, message=message, inside=bool(low <= table.a <= high), errors=error, inside_isoflop=inside)


def _design(budgets, first, rng):
    """(N, D, budget) in random order: six sizes of five lengths, or five budgets of six sizes."""
    if budgets:
        wished = np.repeat(1e18 * 3.0 ** np.arange(5), 6)
        middle = np.sqrt(wished / 6 / 20)
        N = np.round(middle * np.tile(np.geomspace(0.25, 4, 6), 5) * np.exp(0.02 * rng.standard_normal(30)))
        D, budget = np.round(wished / (6 * N)), wished * (1 + 1e-5 * rng.standard_normal(30))
    else:
        N = np.repeat(np.round(first * 2.2 ** np.arange(6)), 5)
        D = np.round(N * np.tile([3.0, 10.0, 30.0, 90.0, 250.0], 6) * np.exp(0.05 * rng.standard_normal(30)))
        budget = 6 * N * D
    order = rng.permutation(30)
    return N[order], D[order], budget[order]


def _failed(style, rows, rng):
    bad = np.zeros(rows, dtype=bool)
    if style != "none":
        bad[rng.choice(rows, 3, replace=False)] = True
    return bad


def _status(style, bad, rng):
    if style == "none":
        return {}
    good = str(rng.choice(_GOOD))
    words = {"status": [str(rng.choice(_BAD)) if failed else good for failed in bad]}
    return words if style == "words" else words | {"error": ["CUDA out of memory" if failed else "" for failed in bad]}
