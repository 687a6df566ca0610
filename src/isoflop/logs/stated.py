"""What options state about runs whose logs do not tell it: sizes, and the tokens of a step."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from isoflop.errors import InputError
from isoflop.observations.columns import match_columns
from isoflop.observations.delimited import read_delimited
from isoflop.observations.parsing import read_words
from isoflop.units import parse_quantity

ANY_RUN = "*"


def stated_sizes(texts: Sequence[str]) -> dict[str, float]:
    """{run or pattern: parameters} of `--params-of`: RUN=N, N of all, or a table of runs and their sizes.

    Raises InputError for anything else.
    """
    sizes: dict[str, float] = {}
    for text in texts:
        run, sign, size = text.rpartition("=")
        if (sign or text[:1].isdigit()) and not Path(text).is_file():
            sizes[run or ANY_RUN] = parse_quantity(size, f"--params-of {text}")
        else:
            sizes |= _table_of_sizes(Path(text))
    return sizes


def stated_tokens(texts: Sequence[str]) -> dict[str, float]:
    """{run or pattern: tokens of a step} of `--tokens-per-step`: a number for all runs, or RUN=TOKENS."""
    tokens: dict[str, float] = {}
    for text in texts:
        run, _, count = text.rpartition("=")
        tokens[run or ANY_RUN] = parse_quantity(count, f"--tokens-per-step {text}")
    return tokens


def _table_of_sizes(file: Path) -> dict[str, float]:
    if not file.is_file():
        raise InputError(f"--params-of {file}: expected RUN=PARAMS such as 'small-*=190M', or a table of sizes")
    try:
        columns, _, _ = read_delimited(file, None)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"--params-of {file}: cannot be read: {error}") from error
    fields = match_columns(columns)
    missing = [words for name, words in (("run_id", "of runs"), ("N", "of params")) if name not in fields]
    if missing:
        raise InputError(
            f"--params-of {file}: expected a table with the columns run and params, found no column "
            f"{' and none '.join(missing)} among {', '.join(list(columns)[:20])}"
        )
    runs, sizes = read_words(columns[fields["run_id"]]), read_words(columns[fields["N"]])
    return {
        str(run): parse_quantity(str(size), f"--params-of {file}: {run}")
        for run, size in zip(runs.tolist(), sizes.tolist(), strict=True)
        if run
    }
