"""Quantities on the planner page are read and written as isoflop.units reads and writes them."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from isoflop import units
from isoflop.errors import InputError
from report.planner.driven import seen_in

QUANTITIES = (
    "70B", "70b", "5.76e23", "1.4T", "98,304", "1,5B", "0,500", "2.8 billion", "1_000", "10^21", "5.76 x 10^23",
    "3*10**20",
    "1e21 FLOPs", "15T tokens", "7B params", " 7 b ", "2.8 dozen", "",
    "B", "-3", "0", "1e41", "1e-41", "1e400", "nan", "½",
    "1.", ".5", "7G", "2P", "3E", "1Z", "1e3e3", "9" * 90, "1,300 tokens",
    "12,34", "+5", "7K", "7k", "thousand", "1 thousand",
)  # fmt: skip
DURATIONS = (
    "30d",
    "1 week",
    "20ms",
    "90s",
    "15min",
    "2h",
    "36h",
    "30",
    "1.5 days",
    "3 fortnights",
    "d",
    "",
    "0d",
    "2w",
)
SUMS = (
    "$2M",
    "2M USD",
    "2e6",
    "500K EUR",
    "€500K",
    "USD 2M",
    "£1",
    "1 GBP",
    "$",
    "$2M EUR",
    "2M CHF",
    "abc",
    "",
    "$-3",
)
MEMORIES = ("80GB", "1.5 GiB", "24GiB", "80", "80 gb", "1TB", "500MB", "0GB", "kB", "16kB", "2PiB")
DEVICES = (
    "512xH100",
    "8 H100",
    "8*A100-40GB",
    "8×TPUv4",
    "0xH100",
    "H100",
    "99999999xH100",
    "1.5xH100",
    "4xH100 PCIe",
    "",
)


def read(parse: Callable[[str], Any], text: str) -> Any:
    """What Python reads; None for a text that it refuses."""
    try:
        found = parse(text)
    except InputError:
        return None
    return list(found) if isinstance(found, tuple) else found


READERS: tuple[tuple[tuple[str, ...], Callable[[str], Any], str], ...] = (
    (QUANTITIES, units.parse_quantity, "q.parseQuantity(v)"),
    (DURATIONS, units.parse_duration, "q.parseDuration(v)"),
    (DURATIONS, units.parse_days, "q.parseDays(v)"),
    (SUMS, units.parse_money, "(({ amount, currency }) => [amount, currency])(q.parseMoney(v))"),
    (MEMORIES, units.parse_bytes, "q.parseBytes(v)"),
    (DEVICES, units.parse_devices, "(({ count, name }) => [count, name])(q.parseDevices(v))"),
)
WRITERS: tuple[tuple[Callable[[float], str], float, float, str], ...] = (
    (units.format_quantity, 1e-6, 1e27, "t.formatQuantity(v)"),
    (units.format_flops, 1e-6, 1e27, "t.formatFlops(v)"),
    (units.format_duration, 1e-3, 1e14, "t.formatDuration(v)"),
    (units.format_energy, 1e-1, 1e14, "t.formatEnergy(v)"),
    (units.format_bytes, 1e-1, 1e14, "t.formatBytes(v)"),
)


def in_page(page: Path, folder: Path, asked: list[tuple[str, list[Any]]]) -> list[list[Any]]:
    """Each expression of each `v` of its values, as the page's script evaluates it; None where it refuses."""
    parts = [f"[(v) => {expression}, {json.dumps(values)}]" for expression, values in asked]
    run = f"""
      const {{ quantities: q, text: t }} = act.view.isoflop;
      return [{", ".join(parts)}].map(([read, values]) => values.map((v) => {{
        try {{ return read(v); }} catch (error) {{
          if (error instanceof q.InputError) return null;
          throw error;
        }}
      }}));"""
    found: list[list[Any]] = seen_in(page, [("", run)], folder)[0]
    return found


def test_they_are_read_as_python_reads_them(planner_file: Path, tmp_path: Path) -> None:
    answers = in_page(planner_file, tmp_path, [(expression, list(texts)) for texts, _, expression in READERS])
    for (texts, parse, expression), answer in zip(READERS, answers, strict=True):
        assert dict(zip(texts, answer, strict=True)) == {text: read(parse, text) for text in texts}, expression


def drawn_numbers(low: float, high: float) -> list[float]:
    """Numbers whose rounding is a tie, and others."""
    dice = random.Random(0)
    ties = [12.25, 12.35, 0.125, 2.5, 1.005, 999_999, 999_500, 1e13, 9.995e13, 3.5, 4.5, 59.5, 3_599.6, 1_023.9]
    return ties + [math.exp(dice.uniform(math.log(low), math.log(high))) for _ in range(500)]


def test_they_are_written_as_python_writes_them(planner_file: Path, tmp_path: Path) -> None:
    numbers = [drawn_numbers(low, high) for _, low, high, _ in WRITERS]
    asked = [(expression, values) for (_, _, _, expression), values in zip(WRITERS, numbers, strict=True)]
    answers = in_page(planner_file, tmp_path, asked)
    for (write, _, _, expression), values, answer in zip(WRITERS, numbers, answers, strict=True):
        assert answer == [write(value) for value in values], expression
