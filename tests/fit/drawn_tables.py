"""Tables made from a known law, with the locale, units, names, ids, budgets and failed runs that people's tables have.

`tables()` draws one, `outcome_of` reads and fits it and holds the answer against the truth: right, refused or wrong.
"""

import csv
import hashlib
import io
import math
from dataclasses import dataclass, field

import numpy as np
from hypothesis import strategies as st

from isoflop.errors import IsoflopError
from isoflop.fit import fit_isoflop, fit_parametric
from isoflop.observations import read_observations

_READ = 2e-3  # of a number: what four printed digits leave
_NAMES_OF_N = {
    "ones": ["params", "N", "n_params", "Parameters", "model_param_count", "num_params", "config/model/n_params",
             "total_params", "# params"],
    "millions": ["params_m", "params (M)", "Params (millions)", "N [10^6]", "n_params_millions", "model size (M)"],
    "billions": ["params (B)", "N_B", "parameters_bn", "Model Size [B]"],
    "suffix": ["Model Size", "params", "size", "N"],
    "log10": ["log10_N", "log10(params)"],
}  # fmt: skip
_NAMES_OF_D = {
    "ones": ["tokens", "D", "num_input_tokens_seen", "consumed_tokens", "throughput/total_tokens", "n_tokens_seen",
             "time/token", "Training Tokens", "consumed-tokens"],
    "millions": ["tokens_m", "tokens (M)", "D (M tokens)"],
    "billions": ["tokens_bn", "tokens (B)", "Tokens (billions)", "D [B]", "train_tokens_b"],
    "suffix": ["tokens", "D", "Tokens seen"],
    "log10": ["log10_D", "log10 tokens"],
}  # fmt: skip
_NAMES_OF_C = {
    "ones": ["flops", "C", "total_flos", "compute", "Training compute (FLOP)", "train_flops"],
    "giga": ["total_gflops", "throughput/total_gflops", "compute (GFLOPs)"],
    "exa": ["compute_exaflops", "FLOPs (1e18)", "C (10^18)", "EFLOPs"],
    "zetta": ["compute (ZFLOPs)", "total zettaFLOPs"],
    "days": ["PF-days", "compute_pf_days", "Compute (petaflop/s-days)"],
    "times": ["FLOPs", "Compute"],
    "log10": ["log10(flops)", "log10_compute"],
}  # fmt: skip
_UNITS = {"ones": 1.0, "millions": 1e6, "billions": 1e9, "giga": 1e9, "exa": 1e18, "zetta": 1e21, "days": 8.64e19}
_LOSSES = {
    "nats": (["loss", "val_loss", "nll", "lm loss validation", "eval/val/loss", "train/CrossEntropyLoss",
              "metrics/eval/LanguageCrossEntropy", "eval/c4/CrossEntropyLoss", "final loss (nats)"], lambda x: x),
    "bits": (["loss (bits/token)", "bits_per_token", "val_bits_per_token"], lambda x: x / math.log(2)),
    "perplexity": (["val_ppl", "perplexity", "eval/perplexity"], np.exp),
    "log perplexity": (["log_perplexity", "eval/log_ppl"], lambda x: x),
    "likelihood": (["log_likelihood", "neg_loss"], lambda x: -x),
    "bits per byte": (["val_bpb", "bits_per_byte"], lambda x: x / math.log(2) / 4.2),
    "bits per character": (["val_bpc", "bits_per_char"], lambda x: x / math.log(2) / 4.5),
}  # fmt: skip
_LOCALES = [(".", "", ","), (".", "", ","), (".", ",", ","), (",", "", ";"), (",", ".", ";"), (",", " ", ";"),
            (".", " ", ","), (".", "'", "\t"), (",", "", "\t")]  # fmt: skip
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
    """Tables of 20 to 36 runs of a drawn law with .1 to .4 % noise, written in some way."""
    pick = lambda values: draw(st.sampled_from(values))  # noqa: E731
    law = {
        name: draw(st.floats(*span))
        for name, span in {"E": (1.5, 2.0), "alpha": (0.3, 0.4), "beta": (0.28, 0.38)}.items()
    }
    law |= {"A": 0.75 * 2e8 ** law["alpha"], "B": 0.75 * 4e9 ** law["beta"]}
    budgets = draw(st.booleans())
    first, noise = draw(st.floats(2e7, 6e7)), draw(st.floats(0.001, 0.004))
    seed = draw(st.integers(0, 2**32 - 1))
    mark, group, parted = pick(_LOCALES)
    styles = {
        "N": pick(list(_NAMES_OF_N)),
        "D": pick([*_NAMES_OF_D, "steps", "samples", "ratio", "chinchilla", "none"]),
        "C": pick([*_NAMES_OF_C, "none", "none"]),
        "loss": pick(list(_LOSSES)),
        "ids": pick(["none", "one experiment", "names"]),
        "status": pick(["none", "words", "words and reasons"]),
        "beside": pick(["nothing", "counts", "rates", "embedding"]),
        "budget": pick(["none", "ones", "exa"]) if budgets else "none",
    }
    if styles["D"] == "none" and styles["C"] == "none":
        styles["C"] = "ones"
    if styles["beside"] == "embedding" and (styles["C"] == "none" or styles["D"] in ("none", "ratio", "chinchilla")):
        styles["beside"] = "counts"
    names = {
        "N": pick(_NAMES_OF_N[styles["N"]]),
        "D": pick(_NAMES_OF_D.get(styles["D"], ["tokens"])),
        "C": pick(_NAMES_OF_C.get(styles["C"], ["flops"])),
        "loss": pick(_LOSSES[styles["loss"]][0]),
    }
    made_of = (
        str(styles),
        str(names),
        repr((mark, group, parted)),
        f"a {law['beta'] / (law['alpha'] + law['beta']):.3f}",
    )
    # hypothesis draws the same seeds again and again: the noise comes from all that was drawn
    digest = hashlib.sha256(repr((law, budgets, first, noise, seed, made_of)).encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    N, D, budget = _design(budgets, first, rng)
    bad = _failed(styles["status"], len(N), rng)
    order = rng.permutation(len(N))
    N, D, budget, bad = N[order], D[order], budget[order], bad[order]
    truth = law["E"] + law["A"] / N ** law["alpha"] + law["B"] / D ** law["beta"]
    loss = truth * np.exp(noise * rng.standard_normal(len(N))) * np.where(bad, 1.4, 1.0)
    unit = _LOSSES[styles["loss"]][1]
    written = _Written(mark=mark, group=group)
    columns = _ids(styles["ids"], len(N))
    columns |= _columns(styles, names, N, D, budget, written)
    columns[names["loss"]] = [written.decimal(x) for x in unit(loss)]
    columns |= _status(styles["status"], bad, rng)
    if bad.any() and draw(st.booleans()):
        columns[names["loss"]] = [
            "" if failed else cell for failed, cell in zip(bad, columns[names["loss"]], strict=True)
        ]
    columns |= _beside(styles["beside"], N, D, written)
    text = io.StringIO()
    writer = csv.writer(text, delimiter=parted, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    nats = styles["loss"] not in ("bits per byte", "bits per character")
    return DrawnTable(
        name="runs.tsv" if parted == "\t" else "runs.csv",
        text=text.getvalue(),
        N=N,
        D=D,
        loss=loss if nats else unit(loss),
        good=~bad,
        a=law["beta"] / (law["alpha"] + law["beta"]),
        budgets=budgets,
        made_of=made_of,
    )


def outcome_of(table, folder, draws=200):
    """Read the table and fit it: right where every row is what it was made from and a is near, refused, or wrong."""
    path = folder / table.name
    path.write_text(table.text, encoding="utf-8")
    try:
        made = read_observations(path)
        parametric = fit_parametric(made, draws=draws)
    except IsoflopError as error:
        return Outcome(kind="refused", message=str(error))
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


@dataclass(frozen=True, kw_only=True)
class _Written:
    """How numbers are written in one locale."""

    mark: str
    group: str

    def decimal(self, value):
        return f"{value:.4f}".replace(".", self.mark)

    def digits(self, value):
        """Five significant digits, never fewer than the whole number."""
        text = f"{value:.5g}"
        return (f"{value:.0f}" if "e+" in text else text).replace(".", self.mark)

    def count(self, value):
        return f"{value:,.0f}".replace(",", self.group)

    def scientific(self, value):
        return f"{value:.5e}".replace(".", self.mark)


def _design(budgets, first, rng):
    """(N, D, budget): five or six sizes of four or five lengths, or five budgets of five or six sizes."""
    if budgets:
        wished = np.repeat(1e18 * 3.0 ** np.arange(5), 6)
        middle = np.sqrt(wished / 6 / 20)
        N = np.round(middle * np.tile(np.geomspace(0.25, 4, 6), 5) * np.exp(0.02 * rng.standard_normal(30)))
        return N, np.round(wished / (6 * N)), wished * (1 + 1e-5 * rng.standard_normal(30))
    N = np.repeat(np.round(first * 2.2 ** np.arange(6)), 5)
    D = np.round(N * np.tile([3.0, 10.0, 30.0, 90.0, 250.0], 6) * np.exp(0.05 * rng.standard_normal(30)))
    return N, D, 6 * N * D


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


def _ids(style, rows):
    if style == "none":
        return {}
    return (
        {"experiment": ["sweep"] * rows} if style == "one experiment" else {"run_name": [f"r{i}" for i in range(rows)]}
    )


def _columns(styles, names, N, D, budget, written):
    columns = {names["N"]: _cells(styles["N"], N, written)}
    steps = np.round(D / (256 * 2048))
    if styles["D"] == "steps":
        D[:] = steps * 256 * 2048
        columns |= {"steps": [f"{x:.0f}" for x in steps], "batch_size": ["256"] * len(N), "seq_len": ["2048"] * len(N)}
    elif styles["D"] == "samples":
        D[:] = np.round(D / 4096) * 4096
        columns |= {"consumed_samples": [f"{x / 4096:.0f}" for x in D], "seq_length": ["4096"] * len(N)}
    elif styles["D"] == "ratio":
        columns["D/N"] = [written.digits(x) for x in D / N]
    elif styles["D"] == "chinchilla":
        columns["chinchilla_multiple"] = [written.digits(x) for x in D / N / 20]
    elif styles["D"] != "none":
        columns[names["D"]] = _cells(styles["D"], D, written)
    if styles["C"] != "none":
        columns[names["C"]] = _cells(styles["C"], 6 * N * D, written)
    if styles["budget"] != "none":
        name = "flops_budget" if styles["budget"] == "ones" else "budget (EFLOPs)"
        columns[name] = [written.scientific(x) for x in budget / _UNITS[styles["budget"]]]
    return columns


def _cells(style, values, written):
    if style == "log10":
        return [f"{x:.5f}".replace(".", written.mark) for x in np.log10(values)]
    if style == "suffix":
        return [written.digits(x / 1e9) + "B" if x >= 1e9 else written.digits(x / 1e6) + "M" for x in values]
    if style == "times":
        powers = np.floor(np.log10(values))
        mantissas = [f"{x / 10**p:.4f}".replace(".", written.mark) for x, p in zip(values, powers, strict=True)]
        return [f"{mantissa}×10^{p:.0f}" for mantissa, p in zip(mantissas, powers, strict=True)]
    scaled = values / _UNITS[style]
    if scaled.max() > 1e14:
        return [written.scientific(x) for x in scaled]
    return [written.count(x) if style == "ones" else written.digits(x) for x in scaled]


def _beside(style, N, D, written):
    if style == "counts":
        layers, widths = np.round(4 * np.log2(N / 1e6)), 64 * np.round(np.sqrt(N) / 600)
        return {"L": [f"{x:.0f}" for x in layers], "d_model": [f"{x:.0f}" for x in widths]}
    if style == "rates":
        rates = {"tflops": [written.digits(180 + i % 7) for i in range(len(N))]}
        return rates | {"tokens_per_sec": [written.digits(3e5)] * len(N), "accuracy": ["41%"] * len(N)}
    if style == "embedding":
        return {"params_with_embedding": [f"{x:.0f}" for x in N + 32000 * np.sqrt(N) / 9]}
    return {}
