"""What a newcomer types wrongly is answered, or told in one line what to type."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from isoflop.cli import main


@pytest.mark.parametrize(
    ("words", "as_meant"),
    [
        (("plan", "2", "million", "dollars"), ("plan", "$2M")),
        (("plan", "8", "H100", "7", "days"), ("plan", "--gpus", "8xH100", "--days", "7")),
        (("plan", "8xH100 for 30 days"), ("plan", "--gpus", "8xH100", "--days", "30")),
        (("plan", "1e21", "flops"), ("plan", "1e21")),
        (("predict", "7B", "1T"), ("predict", "--params", "7B", "--tokens", "1T")),
        (("count", "7B"), ("count", "--params", "7B")),
        (("count", "llama3", "8b"), ("count", "llama3-8b")),
        (("laws", "1e21"), ("laws", "--flops", "1e21")),
        (("help", "count"), ("count", "--help")),
        (("help",), ("--help",)),
    ],
)
def test_it_is_answered_as_it_was_meant(words: tuple[str, ...], as_meant: tuple[str, ...]) -> None:
    shown, meant = (CliRunner().invoke(main, list(given)) for given in (words, as_meant))
    assert (shown.exit_code, meant.exit_code) == (0, 0), shown.stderr
    assert shown.stdout == meant.stdout


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (("plan", "M"), "isoflop plan '$2M'"),
        (("plan", "00K"), "isoflop plan '$2M'"),
        (("plan", "70B"), "isoflop plan 1e21 --params 70B"),
        (("plan", "2M"), "'$2M'"),
        (("plan", "8xH100"), "'8xH100 30d'"),
        (("plan", "1,5e21"), "1.5e21"),
        (("plan", "runs.csv"), "isoflop fit runs.csv --out fit.json"),
        (("plan", "fit.json"), "isoflop plan 1e21 --fit fit.json"),
        (("plan", "1e21", "--fit", "runs.csv"), "isoflop fit runs.csv --out fit.json"),
        (("plan", "--gpus", "H100", "--days", "30"), "how many?"),
        (("plan", "--gpus", "8", "--days", "30"), "of which device?"),
        (("plan", "--gpus", "8xH1000", "--days", "3"), "did you mean H100"),
        (("plan", "1e21", "--flop", "1e22"), "--flops"),
        (("fit",), "isoflop fit runs.csv --out fit.json"),
        (("predict", "7B"), "isoflop predict 7B 1T"),
        (("count", "llama-8b"), "llama3-8b"),
        (("explain",), "isoflop explain extrapolation"),
        (("explain", "extrapolaton"), "extrapolation"),
        (("runs.csv",), "isoflop fit runs.csv"),
        (("1e21",), "isoflop plan '1e21'"),
        (("xyzzy",), "isoflop --help"),
    ],
)
def test_it_is_told_what_to_type(
    words: tuple[str, ...], advice: str, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(str(tmp_path))
    for name in ("runs.csv", "fit.json"):
        with open(name, "w") as file:
            file.write("N,D,loss\n" if name == "runs.csv" else "{}\n")
    result = CliRunner().invoke(main, list(words))
    assert result.exit_code == 2
    assert advice in result.stderr
    assert "Traceback" not in result.stderr
