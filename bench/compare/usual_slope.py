"""The slope -d ln L / d ln D at a fixed size that language models usually have, over public sets of runs.

    python bench/compare/usual_slope.py DATA > bench/compare/usual_slope.md

Each chord joins the final losses of two neighbouring lengths of one size, 1.2 to 5 times apart, each with its schedule
run to its end. DATA holds overtraining/ (Gadre et al. 2024), ladder_curves/ (OLMo ladder), gemstones/ (after cooldown)
and porian/ (tuned runs); evaluations on web text. Each set counts the same.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import numpy as np

from isoflop.laws import ChinchillaLaw, published_law

LADDER = {"190M": 190354176, "370M": 371262464, "760M": 758220288, "1B": 1279395840}
LEAST, MOST = math.log(1.2), math.log(5)
LEAST_SLOPE = 0.003  # a smaller one is noise, of whose logarithm nothing is to be had
Final = tuple[tuple[str, ...], float, float, float]  # what is held, N, D, loss
Chord = tuple[str, float, float]  # set, tokens per parameter, slope


def main() -> None:
    """Print the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    found = [
        *chords("overtraining", overtraining(data / "overtraining" / "models_104.csv")),
        *chords("ladder_curves", ladder(data / "ladder_curves")),
        *chords("gemstones", gemstones(data / "gemstones" / "wandb_df_for_fitting_cool_end.jsonl")),
        *chords("porian", porian(data / "porian" / "isoflop_points.csv")),
    ]
    print("# The usual slope of language models\n\nMade by `python bench/compare/usual_slope.py DATA`.\n")
    print("-d ln L / d ln D at a fixed size, by chords between final losses; median and 5 to 95 %.\n")
    print("| set | chords | tokens per parameter | slope | 5 to 95 % |\n|---|---|---|---|---|")
    for name in dict.fromkeys(chord[0] for chord in found):
        of_set = np.array([chord[1:] for chord in found if chord[0] == name])
        (low, high), middle = np.quantile(of_set[:, 1], [0.05, 0.95]), np.median(of_set[:, 1])
        ratios = np.quantile(of_set[:, 0], [0.05, 0.95])
        print(
            f"| {name} | {len(of_set)} | {ratios[0]:.1f} to {ratios[1]:.0f} | {middle:.3f} | {low:.3f} to {high:.3f} |"
        )
    for words, least, sloped in (
        ("(D / 20 N)^k", 0, True),
        ("at any length", 0, False),
        ("at any length of 5 tokens a parameter or more", 5, False),
    ):
        print("\n" + line(words, [chord for chord in found if chord[1] >= least], sloped=sloped))
    print("\nPublished laws at D = 20 N, with the line above for comparison:\n")
    print("| law | 3e6 | 3e7 | 1e8 | 1e9 | 7e9 |\n|---|---|---|---|---|---|")
    for name in ("hoffmann2022-3", "besiroglu2024", "muennighoff2023"):
        law = published_law(name)
        assert isinstance(law, ChinchillaLaw)
        values = [float(-law.slopes(N, 20 * N)[1] / law.loss(N, 20 * N)) for N in (3e6, 3e7, 1e8, 1e9, 7e9)]
        print(f"| {name} | {' | '.join(f'{value:.3f}' for value in values)} |")


def chords(name: str, rows: Iterable[Final]) -> list[Chord]:
    """Of every run and its next longer one."""
    held = defaultdict(list)
    for key, N, D, loss in rows:
        held[key].append((D, N, loss))
    found = []
    for members in held.values():
        for (d0, N, first), (d1, _, second) in pairwise(sorted(members)):
            apart = math.log(d1 / d0)
            if LEAST < apart <= MOST:
                found.append((name, math.sqrt(d0 * d1) / N, math.log(first / second) / apart))
    return found


def line(words: str, found: list[Chord], *, sloped: bool) -> str:
    """The weighted median line of ln slope on ln(D / 20 N), by iteratively reweighted squares."""
    told = [chord for chord in found if chord[2] > LEAST_SLOPE]
    names = [chord[0] for chord in told]
    weight = np.array([1 / names.count(name) for name in names])
    x, y = np.log([chord[1] / 20 for chord in told]), np.log([chord[2] for chord in told])
    design = np.stack([np.ones_like(x), x], axis=1)[:, : 1 + sloped]
    each, best = weight, np.zeros(1 + sloped)
    for _ in range(60):
        root = np.sqrt(each)
        best = np.linalg.lstsq(design * root[:, None], y * root, rcond=None)[0]
        each = weight / np.maximum(np.abs(y - design @ best), 0.05)
    sd = math.sqrt(float(weight @ (y - design @ best) ** 2 / weight.sum()))
    power = f", k = {best[1]:.2f}" if sloped else ""
    return f"{words}: {math.exp(best[0]):.3f}{power}; standard deviation of ln slope {sd:.2f}, {len(told)} chords."


def overtraining(path: Path) -> Iterable[Final]:
    """Runs of ten tokens a parameter or more: the shorter ones ended in their warm-up."""
    with path.open() as file:
        rows = [row for row in csv.DictReader(file) if float(row["chinchilla_multiplier"]) >= 0.5]
    for row in rows:
        for column in row:
            if re.match(r"loss\[.*(c4_val|paloma_c4_en|falcon-refinedweb|paloma_redpajama)", column) and row[column]:
                key = column, row["dataset_name"], row["params"]
                yield key, float(row["params_no_embed"]), float(row["tokens"]), float(row[column])


def ladder(folder: Path) -> Iterable[Final]:
    """The last loss of each run."""
    for path in sorted(folder.glob("*xC.csv")):
        size, times = path.stem.removesuffix("xC").split("-")
        with path.open() as file:
            rows = list(csv.DictReader(file))
        for column in (f"eval/{name}-validation/CrossEntropyLoss" for name in ("c4_en", "pile", "dolma_common-crawl")):
            last = [float(row[column]) for row in rows if row[column]][-1]
            yield (column, size), LADDER[size], 20 * float(times) * LADDER[size], last


def gemstones(path: Path) -> Iterable[Final]:
    """Every cooled-down run."""
    for row in map(json.loads, path.read_text().splitlines()):
        yield (str(row["width"]), str(row["depth"])), row["params_active_precise"], row["tokens"], row["final_loss"]


def porian(path: Path) -> Iterable[Final]:
    """Tuned runs, by validation loss."""
    with path.open() as file:
        for row in csv.DictReader(file):
            if row["hparams"] == "tuned" and row["val"] == "val" and all(row[c] for c in ("orig_n", "orig_t")):
                yield (
                    (row["dataset"], row["orig_n"]),
                    float(row["orig_n"]),
                    float(row["orig_t"]),
                    float(row["orig_loss"]),
                )


if __name__ == "__main__":
    main()
