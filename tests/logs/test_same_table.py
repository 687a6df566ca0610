"""The same run gives the same final row to the last digit, from whichever log it is read."""

import json

import pytest

from isoflop.logs import LogOptions, read_logs
from isoflop.logs.final import final_row, final_table

from .toy_run import GOLDEN, toy

LIBRARIES = sorted(path.name for path in GOLDEN.iterdir() if (path / "toy").is_dir())
TOKENS = [step * toy.TOKENS_PER_STEP for step in toy.STEPS]
OPTIONS = LogOptions(params={"toy": toy.PARAMS})
"""Not every log tells the size."""


def points():
    return zip(toy.STEPS, TOKENS, toy.TRAINING, toy.VALIDATION, toy.RATES, strict=True)


def lines(*rows):
    return "".join(",".join("" if cell is None else str(cell) for cell in row) + "\n" for row in rows)


def wandb_history_csv(folder):
    header = ["_step", "_runtime", "train/loss", "train/tokens", "train/learning_rate", "eval/loss"]
    rows = []
    for step, tokens, training, validation, rate in points():
        rows.append((step, step / 2, training, tokens, rate, None))
        rows.append((step, step / 2, None, None, None, validation))
    (folder / "toy.csv").write_text(lines(header, *rows))


def wandb_history_jsonl(folder):
    rows = [{"_step": step, "_runtime": step / 2, "train/loss": training, "eval/loss": validation, "num_tokens": tokens,
             "lr": rate} for step, tokens, training, validation, rate in points()]  # fmt: skip
    (folder / "toy.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def wandb_chart(folder):
    ends = ("", "__MIN", "__MAX")
    header = ["Step"] + [f'"toy - {name}{end}"' for name in ("train/loss", "eval/loss", "lr", "tokens") for end in ends]
    rows = [[step] + [value for value in (training, validation, rate, tokens) for _ in ends]
            for step, tokens, training, validation, rate in points()]  # fmt: skip
    (folder / "chart.csv").write_text(lines(header, *rows))


def tensorboard_csv(folder):
    columns = {"train_loss": toy.TRAINING, "eval_loss": toy.VALIDATION, "lr": toy.RATES, "tokens": TOKENS}
    for tag, values in columns.items():
        rows = [(1000.0 + step, step, value) for step, value in zip(toy.STEPS, values, strict=True)]
        (folder / f"run-toy-tag-{tag}.csv").write_text(lines(("Wall time", "Step", "Value"), *rows))


def long_table(folder):
    rows = [("toy", *row) for row in points()]
    header = ("run", "step", "tokens", "train_loss", "val_loss", "lr")
    (folder / "curves.csv").write_text(lines(header, *rows))


def parquet(folder):
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    names = ("step", "tokens", "train_loss", "val_loss", "lr")
    columns = {name: list(cells) for name, cells in zip(names, zip(*points(), strict=True), strict=True)}
    parquet.write_table(pyarrow.table(columns), folder / "toy.parquet")


def nested(folder):
    names = ("step", "tokens", "train_loss", "val_loss", "lr")
    history = [dict(zip(names, row, strict=True)) for row in points()]
    (folder / "runs.jsonl").write_text(json.dumps({"run": "toy", "history": history}) + "\n")


def restarted(folder):
    header = ("step", "tokens", "train_loss", "val_loss", "lr")
    before = [(step, step * toy.TOKENS_PER_STEP, 9.0, 9.0, 2**-8) for step in (*toy.STEPS[:2], 21, 22)]
    (folder / "toy.csv").write_text(lines(header, *before[:1], *before[1:], *points()))


TABLES = [wandb_history_csv, wandb_history_jsonl, wandb_chart, tensorboard_csv, long_table, parquet, nested, restarted]
EXPECTED = {
    "run": "toy", "params": toy.PARAMS, "tokens": TOKENS[-1], "steps": toy.STEPS[-1], "peak_lr": max(toy.RATES),
    "losses": {"validation": toy.VALIDATION[-1]}, "training_loss": toy.TRAINING[-1], "loss_unit": "nats_per_token",
    "failure": "",
}  # fmt: skip


def check(logs):
    (run,) = logs
    row = final_row(run)
    assert {name: getattr(row, name) for name in EXPECTED} == EXPECTED | (
        {"peak_lr": None} if run.learning_rate is None else {}
    )


@pytest.mark.parametrize("library", LIBRARIES)
def test_logs_of_libraries(library):
    check(read_logs(GOLDEN / library, OPTIONS))


@pytest.mark.parametrize("write", TABLES, ids=lambda write: write.__name__)
def test_tables(tmp_path, write):
    write(tmp_path)
    check(read_logs(tmp_path, OPTIONS))


def test_a_row_of_a_table_of_ends(tmp_path):
    header = ("run", "steps", "tokens", "train_loss", "val_loss", "lr")
    row = ("toy", toy.STEPS[-1], TOKENS[-1], toy.TRAINING[-1], toy.VALIDATION[-1], max(toy.RATES))
    (tmp_path / "runs.csv").write_text(lines(header, row))
    check(read_logs(tmp_path, OPTIONS))


def test_as_text_too(tmp_path):
    """Of logs that tell the same, the lines of the table are equal to the letter."""
    tables = set()
    for write in TABLES:
        folder = tmp_path / write.__name__
        folder.mkdir()
        write(folder)
        tables.add(final_table(read_logs(folder, OPTIONS)).as_csv())
    assert len(tables) == 1
