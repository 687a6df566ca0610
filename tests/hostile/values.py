"""Values that break readers: text, numbers, and JSON of every type and none."""

from __future__ import annotations

import random

LONG = 100_000
TEXTS: tuple[str, ...] = (
    "",
    " ",
    "x",
    "None",
    "null",
    "true",
    "-",
    "'",
    '"',
    "\\",
    "=1+1",
    "a=b",
    "../..",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x9b2J",
    "\x00",
    "two\nlines",
    "back\rover",
    "\u202egnp.exe",
    "\ufeff1",
    "caf\u00e9",
    "\U0001f525",
    "<script>alert(1)</script>",
    "[bold]x[/bold]",
    "%s%d{0}",
    "x" * LONG,
    " " * LONG,
    "log" + " " * LONG + "x",
    "1" + " " * LONG + "x",
    "1" * LONG,
    "1," * (LONG // 2),
    "1_" * (LONG // 2),
    "a_" * (LONG // 2),
    "(" * LONG,
    "a" + "-" * LONG,
    "loss" + "_nats" * (LONG // 5),
)
NUMBERS: tuple[str, ...] = (
    "0",
    "-0",
    "-1",
    "1",
    "2",
    "0.5",
    "1e-320",
    "5e-324",
    "1e-30",
    "1e30",
    "1e100",
    "1e300",
    "1.7e308",
    "1e400",
    "-1e400",
    "nan",
    "NaN",
    "inf",
    "-inf",
    "Infinity",
    "9" * 20,
    "9" * 400,
    "9" * 5000,
    "1" + "0" * 30,
    "0x10",
    "1e",
    "1_000",
    "1,000",
    "0,5",
    "\u0663",
    "\uff15",
    "70B",
    "1.4T",
    "1e305B",
    "1e400T",
    "3.1 tokens",
    "2**70",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "4294967296",
)


def text(rng: random.Random) -> str:
    """Any of the above, or a few characters of any kind."""
    kind = rng.random()
    if kind < 0.4:
        return rng.choice(TEXTS)
    if kind < 0.8:
        return rng.choice(NUMBERS)
    return "".join(chr(rng.choice((rng.randrange(128), rng.randrange(0xD7FF)))) for _ in range(rng.randrange(1, 12)))


def json_text(rng: random.Random) -> str:
    """JSON, or what Python takes for it, of any type: also numbers that no float holds, and lists a mile deep."""
    deep = rng.choice((50, 900, 5000, LONG))
    return rng.choice(
        (
            "null",
            "true",
            "false",
            "{}",
            "[]",
            "[[]]",
            "[null]",
            "[1, 2]",
            '["x"]',
            '[["x", 1], {}]',
            '{"x": 1}',
            '{"x": {"x": null}}',
            '""',
            '"x"',
            '"1e5"',
            '"\\u001b[31mred"',
            '"\\ud800"',
            '"two\\nlines"',
            '"\\u0000"',
            f'"{"x" * LONG}"',
            "0",
            "-1",
            "1",
            "0.5",
            "-0.5",
            "1e300",
            "-1e300",
            "1e-300",
            "1e999",
            "-1e999",
            "NaN",
            "Infinity",
            "9" * 30,
            "9" * 400,
            "-" + "9" * 400,
            "9" * 6000,
            "9007199254740993",
            "1e18",
            "[" * deep + "]" * deep,
            '{"x":' * deep + "1" + "}" * deep,
        )
    )
