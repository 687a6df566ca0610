"""Every line of docs/degenerate.md: the table it speaks of is made here, given to `isoflop fit`, and must end as said.

The exit code and the start of the message are read from the page, so that it cannot say anything else than happens.
"""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from isoflop.laws import ChinchillaLaw

LAW = ChinchillaLaw(E=1.8172, A=482.01, B=2085.43, alpha=0.3478, beta=0.3658)
PAGE = Path(__file__).parents[2] / "docs" / "degenerate.md"
LINE = re.compile(
    r"^\| (?P<input>[^|]+) \| [^|]+ \| (?P<code>\d) \| (?P<dropped>dropped: )?`(?P<message>[^`]+)` \|$", re.M
)


def grid():
    """36 runs: six sizes from 100M to 10B, six token counts each from 2 to 200 a parameter, .3 % noise."""
    rng = np.random.default_rng(3)
    N = np.repeat(np.round(np.geomspace(1e8, 1e10, 6)), 6)
    D = np.round(N * np.tile(np.geomspace(2, 200, 6), 6))
    return N, D, LAW.loss(N, D) * np.exp(0.003 * rng.standard_normal(36))


def text(**columns):
    """A CSV file's text; floats with all their digits."""
    rows = zip(*columns.values(), strict=True)
    cells = [",".join(value if isinstance(value, str) else f"{value:.17g}" for value in row) for row in rows]
    return "\n".join([",".join(columns), *cells]) + "\n"


def table(change=None, **more):
    """The grid as CSV, one change made: {column: {row: cell}}."""
    N, D, loss = grid()
    columns = {"params": list(N), "tokens": list(D), "loss": list(loss), **more}
    for name, cells in (change or {}).items():
        for row, cell in cells.items():
            columns[name][row - 1] = cell
    return text(**columns)


def surface(N, D):
    N, D = np.broadcast_arrays(np.asarray(N, float), np.asarray(D, float))
    noise = np.exp(0.003 * np.random.default_rng(4).standard_normal(N.shape))
    return text(params=N, tokens=D, loss=LAW.loss(N, D) * noise)


def wrapped(bits):
    """6 N D as integers of so many bits leave it."""
    N, D, _ = grid()
    exact = [6 * int(n) * int(d) for n, d in zip(N, D, strict=True)]
    half = 2 ** (bits - 1)
    return [str((value + half) % (2 * half) - half) for value in exact]


def curves(**more):
    """Six runs, five rows each: the same steps, no tokens."""
    N, _, loss = (np.repeat(column[:36:6], 5) for column in grid())
    steps = np.tile([1000, 2000, 3000, 4000, 5000], 6)
    names = [f"run{i // 5}" for i in range(30)]
    return text(run=names, step=steps, params=N, loss=loss * (1 + 100 / steps), **more)


def rates():
    """Each run at three learning rates, the second one the best."""
    N, D, loss = (np.repeat(column, 3) for column in grid())
    return text(params=N, tokens=D, lr=np.tile([1e-3, 2e-3, 4e-3], 36), loss=loss * np.tile([1.01, 1.0, 1.02], 36))


def conditions():
    N, D, loss = (np.tile(column, 2) for column in grid())
    return text(params=N, tokens=D, loss=loss * np.repeat([1.0, 1.1], 36), dataset=["c4"] * 36 + ["web"] * 36)


def repetitions():
    """Each run three times, with the scatter of seeds that nobody wrote down."""
    N, D, loss = (np.repeat(column, 3) for column in grid())
    return text(params=N, tokens=D, loss=loss * (1 + 0.003 * np.random.default_rng(0).standard_normal(108)))


def objects(losses=()):
    """The grid as a JSON list of objects, some losses changed: {row: loss}."""
    rows = [{"params": n, "tokens": d, "loss": value} for n, d, value in zip(*grid(), strict=True)]
    for row, value in dict(losses).items():
        rows[row - 1]["loss"] = value
    return json.dumps(rows)


def by_index(rows):
    return json.dumps({name: {str(i): row[name] for i, row in enumerate(rows)} for name in rows[0]})


N, D, LOSS = grid()
STEPS = np.tile([1000, 2000, 3000, 4000, 5000], 6) * 1e6
shuffled = np.random.default_rng(5).permutation(np.tile([0.5, 1.0, 1.8, 2.4, 0.7, 3.0], 6))
SIX = 6 * N * D
TABLES = {
    "all the same N": surface(3e8, np.geomspace(1e9, 1e11, 12)),
    "all the same D": surface(np.geomspace(1e7, 1e10, 12), 6e9),
    "D = 20 N": surface(np.geomspace(1e7, 1e10, 12), 20 * np.geomspace(1e7, 1e10, 12)),
    "one budget": surface(np.geomspace(1e8, 1e10, 12), 1e20 / 6 / np.geomspace(1e8, 1e10, 12)),
    "3 rows": surface([1e8, 3e8, 1e9], [1e10, 2e9, 3e10]),
    "one row 40 times": text(params=[1e8] * 40, tokens=[1e9] * 40, loss=[3.5] * 40),
    "constant loss": text(params=N, tokens=D, loss=[3.14] * 36),
    "loss rising with D": text(params=N, tokens=D, loss=1.5 + 400 * N**-0.35 + 0.02 * D**0.15),
    "curves of one length without tokens": curves(),
    "curves of one length with the tokens of the whole run": (curves(), "--column", "tokens=130e9"),
    "every row twice": text(params=np.tile(N, 2), tokens=np.tile(D, 2), loss=np.tile(LOSS, 2)),
    "one NaN": table({"loss": {7: "NaN"}}),
    "an empty cell": table({"loss": {7: ""}}),
    "a negative loss": table({"loss": {7: "-2.5"}}),
    "an infinite loss": table({"loss": {7: "inf"}}),
    "D = 0": table({"tokens": {7: "0"}}),
    "a word for a number": table({"params": {7: "large"}}),
    "a perplexity below 1": text(params=N, tokens=D, ppl=[0.9, *np.exp(LOSS[1:])]),
    "a run that crashed": table({"state": {7: "crashed"}}, state=["finished"] * 36),
    "a run that failed without a loss": table(
        {"loss": {7: ""}, "state": {7: "failed"}, "error": {7: "CUDA out of memory"}},
        state=["finished"] * 36, error=[""] * 36,
    ),
    "an untrained model": table({"loss": {7: "10.4"}}, vocab_size=[32000] * 36),
    "three learning rates for each (N, D)": rates(),
    "two conditions in one file": conditions(),
    "three runs of each (N, D) that nothing tells apart": repetitions(),
    "text read up to 40 times": text(
        params=N, tokens=D, loss=LOSS, unique_tokens=np.resize([1e13] * 5 + [D.max() / 40], 36)
    ),
    "an experiment where runs are named": text(params=N, tokens=D, loss=LOSS, experiment=["sweep"] * 36),
    "checkpoints under a rate that falls": curves(lr=np.tile([9e-4, 8e-4, 6e-4, 3e-4, 1e-4], 6), tokens=STEPS),
    "losses that have nothing to do with N and D": text(params=N, tokens=D, loss=np.exp(shuffled)),
    "two runs that diverged": table({"loss": {6: 9.9, 12: 10.2}}),
    "a loss with a slip in it": table({"loss": {20: 0.25}}),
    "true for a loss": objects({7: True}),
    "a loss that counts tokens": objects({7: "3.1 tokens"}),
    "standard errors of 0": table(loss_se=["0"] * 36),
    "a budget of 0": table(budget=["0", *["1e20"] * 35]),
    "a table under a key": json.dumps({"seed": 0, "results": json.loads(objects())}),
    "an object of columns by index": by_index(json.loads(objects())),
    "a line sep=; and comments": "sep=;\n# 36 runs\n" + table().replace(",", ";"),
    "the state of a trainer": json.dumps(
        {"global_step": 200, "log_history": [{"step": 100, "loss": 4.0}, {"step": 200, "eval_loss": 3.5}]}
    ),
    "a chart of a tracker": "Step,a - loss,b - loss\n100,4.0,3.9\n200,3.5,3.4\n",
    "columns of unequal length": json.dumps({"params": [1e8, 2e8], "loss": [3.0]}),
    "every loss NaN": text(params=N, tokens=D, loss=["nan"] * 36),
    "int64 overflow": table(flops=wrapped(64)),
    "int32 overflow": table(flops=wrapped(32)),
    "FLOPs of forward passes": table(flops=list(SIX / 3)),
    "FLOPs in units of 1e18": table(flops=list(SIX / 1e18)),
    "FLOPs a second for FLOPs": table(flops=list(np.linspace(1e12, 2e12, 36))),
    "N in millions with true FLOPs": text(params=N / 1e6, tokens=D, loss=LOSS, flops=SIX),
    "mixed units: some N in millions": text(params=np.where(np.arange(36) % 9, N, N / 1e6), tokens=D, loss=LOSS),
    "mixed units: some D in billions": table({"tokens": {3: "5.02", 9: "12.3"}}),
    "perplexities read as nats": text(params=N, tokens=D, loss=np.exp(LOSS)),
    "two columns could be the loss": text(params=N, tokens=D, loss_c4=LOSS, loss_pile=LOSS - 0.2),
    "a loss and its smoothed values": text(**{"params": N, "tokens": D, "loss": LOSS, "smooth loss": LOSS - 0.002}),
    "two counts of parameters and FLOPs of one of them": text(
        num_params=N * np.linspace(2, 5, 36), active_params=N, tokens=D, flops=SIX, loss=LOSS
    ),
    "D as the width of the models": text(N=N, D=np.round(np.sqrt(N) / 640) * 64, C=SIX, loss=LOSS),
    "tokens in billions that are called tokens": text(params=N, tokens=D / 1e9, loss=LOSS),
    "commas that may be decimal marks or not": "params (M);tokens (B);loss\n" + "".join(
        f"{n / 1e6:.0f};{d / 3e9 + 1:.3f};{loss:.3f}\n".replace(".", ",") for n, d, loss in zip(N, D, LOSS, strict=True)
    ),
    "a logarithm without its base": text(log_N=np.log10(N), tokens=D, loss=LOSS),
    "no rows": "params,tokens,loss\n",
    "an empty file": "",
    "no column of losses": text(params=N, tokens=D),
    "two columns of one name": "params,tokens,loss,loss\n1e8,2e9,3.1,3.2\n",
    "a row longer than the header": "params,tokens,loss\n1e8,2e9,3.1\n1e8,4e9,3.0\n2e8,2e9,3.0\n1e9,2e10,2,5\n",
}  # fmt: skip


def lines():
    return {found["input"]: found for found in LINE.finditer(PAGE.read_text())}


def test_the_page_and_the_tables_speak_of_the_same():
    rows = [row for row in PAGE.read_text().splitlines() if row.startswith("| ") and not row.startswith("| input")]
    assert len(rows) == len(lines()), "a line of the page is not of the form that is read here"
    assert set(lines()) == set(TABLES)


@pytest.mark.parametrize("name", TABLES)
def test_it_ends_as_the_page_says(name, tmp_path, run):
    content, *options = [TABLES[name]] if isinstance(TABLES[name], str) else TABLES[name]
    path = tmp_path / ("runs.json" if content.startswith(("[", "{")) else "runs.csv")
    path.write_text(content)
    result = run("fit", path, *options, "--draws", 0, "--json")
    line = lines()[name]
    assert result.exit_code == int(line["code"]), result.stderr
    if line["dropped"]:
        reasons = [item["reason"] for item in json.loads(result.stdout)["observations"]["dropped"]]
        assert any(reason.startswith(line["message"]) for reason in reasons), reasons[:5]
    else:
        assert line["message"] in result.stderr
    if result.exit_code == 2:
        assert result.stdout == ""


def fitted(run, path, content, *options):
    path.write_text(content)
    result = run("fit", path, *options, "--draws", 0, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


CONSTANTS = ("E", "A", "B", "alpha", "beta", "objective")


@pytest.mark.parametrize(
    ("name", "without"),
    [("every row twice", []), ("one NaN", [6]), ("a negative loss", [6]), ("D = 0", [6]), ("a run that crashed", [6]),
     ("an untrained model", [6]),
     ("three learning rates for each (N, D)", []), ("int64 overflow", []), ("int32 overflow", [])],
)  # fmt: skip
def test_the_answer_is_that_of_the_rows_that_are_left(name, without, tmp_path, run):
    rows = np.setdiff1d(np.arange(36), without)
    odd = fitted(run, tmp_path / "odd.csv", TABLES[name])
    clean = fitted(run, tmp_path / "clean.csv", text(params=N[rows], tokens=D[rows], loss=LOSS[rows]))
    for constant in CONSTANTS:
        assert odd["parametric"][constant] == pytest.approx(clean["parametric"][constant], rel=1e-9)
    assert odd["observations"]["rows_used"] == len(rows)
    read = odd["observations"]["rows_read"]
    assert read == len(rows) + len(odd["observations"]["dropped"])
