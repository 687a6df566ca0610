"""Command lines drawn from what each verb says that it takes, good values and bad ones mixed."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path

import click
from watch.drawn_runs import forecast_of, logged_run
from watch.written_logs import lines_of

from hostile import configs, values
from isoflop.cli import VERBS, main
from isoflop.plan import seal

BAD_PLACES = (
    "", ".", "nowhere", "nowhere/deeper", "pipe", "table.csv/inside", "x" * 300, "y/" * 3000 + "z", "a\x00b",
    "two\nlines", "\x1b[31mred", "caf\udce9", "table.csv", "empty", "empty.toml", "empty.json", "loop", "binary", "-",
    "--", "folder",
)  # fmt: skip
"""Places to read, all within the folder of `prepare`."""
OUT_PLACES = (
    "", ".", "folder", "nowhere/deeper.toml", "table.csv/inside", "x" * 300, "x" * 250 + ".json", "a\x00b", "loop",
    "two\nlines.toml", "\x1b[31mred.html", "caf\udce9.json", "made.toml", "made.json", "made.html",
)  # fmt: skip
"""Places to write, all within that folder: never a device, nor a link or a name that leads out. A command line that is
broken as these tests expect writes where it is told to."""
GOOD: dict[str, tuple[str, ...]] = {
    "law": ("besiroglu2024", "hoffmann2022-3", "kaplan2020", "muennighoff2023"),
    "flops": ("1e21", "5.76e23", "1e18"),
    "params": ("1B", "70B"),
    "tokens": ("20B", "1.4T"),
    "loss": ("2.2", "1.9"),
    "gpus": ("512xH100", "8xA100", "6144xTPUv4"),
    "days": ("30",),
    "family": ("llama", "gpt", "gopher", "palm"),
    "layers": ("12", "80"),
    "d_model": ("768", "8192"),
    "draws": ("0", "20"),
    "columns": ("loss=loss", "params=N", "tokens=1e9"),
    "where": ("loss<9", "N!=3"),
    "scale": ("params=1e6", "flops=log10"),
    "delta": ("auto", "published", "1e-3"),
    "level": ("0.9", "0.5"),
    "max_memory": ("80GB",),
    "max_latency": ("20ms",),
    "serve_on": ("1xH100",),
    "utilization": ("0.4", "0.35-0.45"),
    "without": ("query_key_norm",),
    "rates": ("steplaw2025",),
    "like": ("small",),
    "forecast": ("forecast.json",),
    "as_of": ("0.2", "1"),
    "total_tokens": ("160M",),
    "total_steps": ("1600",),
    "fail_on": ("never", "off_course,diverged"),
    "every": ("1",),
    "by": ("recipe",),
    "baseline": ("a",),
    "at": ("1e21",),
    "noise_from": ("runs.csv",),
    "params_of": ("1B", "run=8M"),
    "tokens_per_step": ("1e5",),
    "approach": ("parametric", "isoflop", "envelope"),
    "tokenizer": ("bytes", "bpe:300"),
    "add": ("mine", "a run"),
    "predicted": ("2.01", "70B"),
    "interval": ("1.9", "2.2"),
    "outcome": ("mine", "2.03"),
    "quantity": ("loss", "params", "accuracy"),
    "when": ("2026-03-01", "2026-03-01T14:30+02:00"),
    "began": ("2026-03-01",),
}
"""Values of options and arguments that are right, by name."""
ARGUMENTS: dict[str, tuple[str, ...]] = {
    "fit": ("table.csv", "table.csv", "table.csv", "table.jsonl"),
    "count": ("chinchilla-70b", "config.json", "gopher-280b"),
    "laws": ("besiroglu2024", "hoffmann2022-3"),
    "noise": ("runs.csv",),
    "watch": ("run.csv", "run.csv", "small"),
    "launch": ("plan.toml",),
    "run": ("plan.toml",),
    "ledger": ("folder", "."),
}
"""First arguments that are right, by verb."""
NEVER = {("run", "engine"), ("study", "engine"), ("sweep", "engine"), ("sweep", "go"), ("launch", "engine"),
         ("compare", "recipe"), ("compare", "pairs"), ("noise", "pairs"), ("watch", "follow")}  # fmt: skip
"""Options that would wait for ever, or start something outside this process."""
NO_STUDY = ("table.csv", "table.csv/inside", "binary", "pipe", "loop", "x" * 300, "y/" * 3000 + "z", "a\x00b", "")
"""Places where no study can be begun."""
BASES: tuple[tuple[str, ...], ...] = (
    ("plan", "--law", "besiroglu2024", "--flops", "1e21"),
    ("plan", "--law", "hoffmann2022-3", "--gpus", "512xH100", "--days", "30"),
    ("plan", "--law", "besiroglu2024", "--loss", "2.2"),
    ("plan", "--law", "hoffmann2022-1"),
    ("predict", "--law", "besiroglu2024", "--params", "1B", "--tokens", "20B"),
    ("predict", "--law", "muennighoff2023"),
    ("count", "chinchilla-70b"),
    ("count", "chinchilla-70b", "--gpus", "512xH100"),
    ("count", "--params", "1B"),
    ("count", "--layers", "12", "--d-model", "768"),
    ("fit", "table.csv", "--draws", "20"),
    ("laws", "--flops", "1e21"),
    ("compare", "runs.csv", "--by", "recipe", "a", "b"),
    ("noise", "runs.csv"),
    ("watch", "run.csv", "--like", "small"),
    ("watch", "run.csv", "--like", "small", "--forecast", "forecast.json", "--total-tokens", "160M"),
    ("ledger", "folder", "--add", "mine", "--predicted", "2.01", "--interval", "1.9", "2.2", "--from", "runs"),
    ("ledger", ".", "folder"),
)
"""Command lines that begin well, to which options are added."""
TRAINS = {"study", "run", "launch", "generate", "sweep", "corpus"}
"""Verbs whose first argument is always bad here, so that nothing is trained or built."""


def prepare(folder: Path) -> None:
    """Makes in `folder` what the places name."""
    rows = [
        (0.09 * flops**0.5 * ratio, flops) for flops in (1e18, 4e18, 1.6e19) for ratio in (0.3, 0.55, 1.0, 1.8, 3.3)
    ]
    cells = [(N, flops / 6 / N, 1.69 + 406 * N**-0.34 + 410 * (flops / 6 / N) ** -0.28) for N, flops in rows]
    (folder / "table.csv").write_text("N,D,loss\n" + "".join(f"{N},{D},{loss}\n" for N, D, loss in cells))
    _write_runs(folder)
    (folder / "table.jsonl").write_bytes(b'{"N": 1e8, "D": 2e9, "loss": 3.1}\n')
    (folder / "config.json").write_text(json.dumps(configs.MODELS[0]))
    (folder / "binary").write_bytes(bytes(range(256)))
    (folder / "folder").mkdir(exist_ok=True)
    for name in ("empty", "empty.toml", "empty.json"):
        (folder / name).touch()
    os.mkfifo(folder / "pipe")
    os.mkfifo(folder / "pipe.csv")
    (folder / "zero.csv").symlink_to("/dev/zero")
    (folder / "loop").symlink_to("loop")


def _write_runs(folder: Path) -> None:
    """Two recipes in one table, three finished runs, one under way, and its forecast."""
    rows = [
        f"{recipe}-{i},{recipe},{i},{N},{20 * N},{1.8 + gain * 480 * N**-0.35}\n"
        for recipe, gain in (("a", 1.0), ("b", 0.97))
        for i, N in enumerate((1e6, 2e6, 4e6))
    ]
    (folder / "runs.csv").write_text("run,recipe,seed,params,tokens,loss\n" + "".join(rows))
    (folder / "small").mkdir(exist_ok=True)
    for size in (1e6, 2e6, 4e6):
        (folder / "small" / f"small-{size:g}.csv").write_text("".join(_curve(size, 1.0)))
    (folder / "run.csv").write_text("".join(_curve(8e6, 0.4)))
    seal(folder / "forecast.json", forecast_of(8e6, 160e6))


def _curve(size: float, until: float) -> list[str]:
    """A curve as CSV, with its size on each line."""
    header, *lines = lines_of(logged_run("run", size, 20 * size, until=until))
    return [f"{header.strip()},params\n", *(f"{line.strip()},{size}\n" for line in lines)]


def drawn(rng: random.Random) -> list[str]:
    """A command line."""
    base = list(rng.choice(BASES)) if rng.random() < 0.6 else []
    verb = base[0] if base else rng.choice(list(VERBS))
    command = main.get_command(click.Context(main), verb)
    assert command is not None
    given = base or [verb]
    options = [one for one in command.params if isinstance(one, click.Option) and not one.hidden]
    for argument in command.params:
        if isinstance(argument, click.Argument) and not base:
            given += _argument(verb, argument, rng)
    wanted = [one for one in options if one.required and not base]
    wanted += rng.sample(options, min(len(options), rng.choice((0, 1, 1, 2, 3, 5))))
    for option in dict.fromkeys(wanted):
        if (verb, option.name) not in NEVER:
            given += _option(option, rng)
    if rng.random() < 0.1:
        given.append(values.text(rng))
    if verb in ("fit",) and "--draws" not in given:
        given += ["--draws", "20"]
    if verb in ("launch",) and "--dry-run" not in given:
        given.append("--dry-run")
    return ["x" if _leads_out(part) else part for part in given]


def _leads_out(part: str) -> bool:
    """Whether a word may name a place outside the folder: whatever it was drawn for, it may be read as a path."""
    return part.startswith(("/", "~")) or ".." in part


def _argument(verb: str, argument: click.Argument, rng: random.Random) -> list[str]:
    if verb in TRAINS:
        return [rng.choice(NO_STUDY)]
    if verb == "compare":  # never two recipes: these would be trained
        sides = [place for place in BAD_PLACES if not place.endswith(".toml")]
        return rng.choices(["runs.csv", "table.csv", "small", *sides], k=rng.choice((1, 2, 2, 3)))
    if rng.random() < 0.25:
        return [rng.choice(BAD_PLACES) if rng.random() < 0.8 else values.text(rng)]
    return [rng.choice(ARGUMENTS[verb])] if verb in ARGUMENTS and rng.random() < 0.9 else []


def _option(option: click.Option, rng: random.Random) -> list[str]:
    name = rng.choice(option.opts)
    if option.is_flag:
        return [name]
    return [name, *(_value(option, rng) for _ in range(option.nargs))] if rng.random() < 0.98 else [name]


def _value(option: click.Option, rng: random.Random) -> str:
    right = GOOD.get(str(option.name))
    if right and rng.random() < 0.6:
        return rng.choice(right)
    ways: list[Callable[[], str]] = [lambda: values.text(rng)]
    if option.type.name == "path":
        ways = [lambda: rng.choice(OUT_PLACES if option.name in ("out", "into") else BAD_PLACES)]
    elif isinstance(option.type, click.Choice):
        ways = [lambda: str(rng.choice(option.type.choices))] * 4 + ways
    elif right is None or option.name in ("gpus", "scale", "columns", "where", "serve_on", "max_memory"):
        ways += [lambda: rng.choice(values.NUMBERS), lambda: f"{rng.choice(right or ('',))}{values.text(rng)}"]
    else:
        ways += [lambda: rng.choice(values.NUMBERS)]
    return rng.choice(ways)()
