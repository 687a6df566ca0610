"""Published runs as other calculators and isoflop predict them: memory a device and seconds a step, in Markdown.

python bench/calculators.py                         # those that are installed
python bench/calculators.py --cookbook COOKBOOK     # and the scripts of a checkout

In an environment of its own, since they pin old versions of other packages:

pip install --no-deps llm-analysis==0.2.2 fire termcolor megatron-bridge==0.3.1 accelerate==1.15.0
pip install --no-build-isolation deepspeed==0.19.8  # wants torch
git clone https://github.com/EleutherAI/cookbook

What is missing is left out with a message. Every calculator is asked for the same layout, batch and recomputation, as
near as it can be told them; what each counts and leaves out is in docs/calculators.md.
"""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from calculators_asked import Answer, Case, accelerate, cookbook, deepspeed, isoflop, llm_analysis, megatron
from devices import GIB, published_runs

# Per cent of the peak, as published: (model FLOPs, hardware FLOPs, source). None: not published.
SHARES = {
    ("MT-NLG 530B", 2240, "full"): (30.2, 100 * 126 / 312, "Chowdhery et al. 2022, Table 3; Smith et al. 2022"),
    ("MT-NLG 530B", 280, "none"): (56.0, 57.0, "Korthikanti et al. 2022, Table 5"),
    ("BLOOM 176B", 384, "full"): (None, 100 * 150.05 / 312, "BigScience 2022, 150.05 TFLOP/s"),
    ("PaLM 540B", 6144, "full"): (46.2, 57.8, "Chowdhery et al. 2022, section 4.1"),
    ("Llama 3.1 8B", 8, "selective"): (39.0, None, "torchtitan, benchmarks, December 2024, note 2"),
    ("Llama 3.1 8B", 128, "selective"): (39.0, None, "the same"),
    ("Llama 3 8B", 64, "selective"): (58.2, None, "torchtitan, performance on 64 A100, 2024"),
    ("Llama 3 70B", 64, "full"): (51.7, None, "the same"),
}


def cases() -> list[Case]:
    """The runs of SHARES; of Llama 3.1 8B the compiled ones, which come first."""
    found: dict[tuple[str, int, str], Case] = {}
    for run in published_runs():
        key = (run.name, run.layout.devices, run.recompute)
        if key in SHARES and key not in found:
            model, hardware, source = SHARES[key]
            found[key] = Case(run=run, model_share=model, hardware_share=hardware, source=source)
    return list(found.values())


def llm_analysis_half(case: Case) -> Answer:
    """llm-analysis at half of the peak, which its constant.py names for Megatron-LM."""
    return Answer(seconds=llm_analysis(case, 0.5).seconds)


PACKAGES: dict[str, tuple[str, Callable[[Case], Answer]]] = {
    "llm-analysis {}": ("llm-analysis", llm_analysis),
    "llm-analysis at 0.5": ("llm-analysis", llm_analysis_half),
    "megatron-bridge {}": ("megatron-bridge", megatron),
    "deepspeed {}": ("deepspeed", deepspeed),
    "accelerate {}": ("accelerate", accelerate),
}


def calculators(checkout: Path | None) -> dict[str, Callable[[Case], Answer]]:
    """{name and version: what to ask}, of those that are here; isoflop first."""
    found: dict[str, Callable[[Case], Answer]] = {"isoflop": isoflop}
    missing = []
    for name, (package, ask) in PACKAGES.items():
        try:
            found[name.format(version(package))] = ask
        except PackageNotFoundError:
            missing.append(package)
    for package in dict.fromkeys(missing):
        print(f"{package}: not installed, left out", file=sys.stderr)
    if checkout is None:
        print("cookbook: no checkout given (--cookbook FOLDER), left out", file=sys.stderr)
    else:
        found["cookbook"] = lambda case: cookbook(case, checkout)
    return found


def cell(value: float | None, published: float | None, note: str = "") -> str:
    """A number and how far it is from the published one, or what it leaves out."""
    if value is None:
        return "-"
    digits = f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
    off = note or (f"{value / published - 1:+.0%}" if published else "")
    return f"{digits} ({off})" if off else digits


def tables(asked: dict[str, Callable[[Case], Answer]]) -> Iterator[str]:
    """Lines of the tables: bytes, seconds alone, seconds at the published share, and those shares."""
    found = []
    for case in cases():
        with contextlib.redirect_stdout(io.StringIO()):
            found.append((case, {name: ask(case) for name, ask in asked.items()}))
    for title, field, unit in (
        ("GiB a device", "bytes", GIB),
        ("seconds a step, without being told a share of the peak", "seconds", 1),
        ("seconds a step, at the share published", "seconds_given", 1),
    ):
        shown = [name for name in asked if any(getattr(answers[name], field) for _, answers in found)]
        yield f"| {title} | devices | published | {' | '.join(shown)} |"
        yield "|" + "---|" * (3 + len(shown))
        for case, answers in found:
            run, noted = case.run, field == "bytes"
            known = run.bytes if noted else run.seconds
            told = [cell(known and known / unit, None)]
            for name in shown:
                value = getattr(answers[name], field)
                told.append(cell(value and value / unit, known and known / unit, answers[name].note if noted else ""))
            devices = f"{run.layout.devices:,} {run.hardware.name}"
            yield f"| {run.name}, {run.recompute} | {devices} | {' | '.join(told)} |"
        yield ""
    yield "| run | share of model FLOPs | of hardware FLOPs | published in |"
    yield "|---|---|---|---|"
    for case, _ in found:
        shares = ["-" if share is None else f"{share:.1f} %" for share in (case.model_share, case.hardware_share)]
        yield f"| {case.run.name}, {case.run.layout.devices:,} | {' | '.join(shares)} | {case.source} |"


def main() -> None:
    arguments = sys.argv[1:]
    checkout = Path(arguments[1]) if arguments[:1] == ["--cookbook"] and len(arguments) == 2 else None
    if arguments and checkout is None:
        sys.exit("usage: python bench/calculators.py [--cookbook FOLDER]")
    print("\n".join(tables(calculators(checkout))))


if __name__ == "__main__":
    main()
