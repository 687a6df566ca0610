"""The same study of every family, and the tables of docs/families.md.

    python bench/families.py OUT [--flops 2e13] [--seed 0] [--workers 1] [--picture docs/families.png]

Each study is OUT/FAMILY; the same command goes on where it stopped, and a study that is done costs nothing. The tables
go to standard output as Markdown. The picture needs a Chromium or Chrome on the PATH.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

from picture import shoot

from isoflop.arch import FAMILIES
from isoflop.fit import FitReport, Refused
from isoflop.study import StudyFolder
from isoflop.study.record import study_record
from isoflop.study.status import status_of
from isoflop.units import format_flops, format_quantity

STYLE = """<style>
html { overflow: hidden; }
main { max-width: none; padding: 4px 20px; display: grid; grid-template-columns: 1fr 1fr; gap: 0 28px; }
section { border: 0; padding: 10px 0 0; min-width: 0; }
</style>"""
WIDTH, HEIGHT, PANEL = 1240, 920, 360
SAME = 0.01
"""Budgets this close in ln C are the same: what was spent differs from the wish by parts of a batch, and the ladders of
two families by the sizes that they can build. The line is drawn on by as much."""
DRAWINGS = re.compile(r'(<script type="application/json" id="drawings">)(.*?)(</script>)', re.DOTALL)
LEGEND = re.compile(r'<ul class="legend">(?:(?!</ul>).)*</ul>(?=<div class="drawing" id="isoflop-curves")', re.DOTALL)


def study_of(family: str, arguments: argparse.Namespace) -> StudyFolder:
    """The folder of a study that was done or gone on with."""
    path = arguments.out / family
    command = [sys.executable, "-m", "isoflop", "study", str(path), "--family", family, "--flops", arguments.flops,
               "--design", "isoflop"]  # fmt: skip
    command += ["--seed", str(arguments.seed), "--workers", str(arguments.workers)]
    subprocess.run(command, check=True, stdout=sys.stderr)
    return StudyFolder(path)


def table(columns: list[str], rows: list[list[str]]) -> str:
    """Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def between(interval: list[float] | tuple[float, float], form: Any) -> str:
    return f"({form(interval[0])} to {form(interval[1])})"


def loss(value: float) -> str:
    return f"{value:.3f}"


def outcome(family: str, folder: StudyFolder) -> list[str]:
    """The row of a study."""
    status, fit = status_of(folder), FitReport.load(folder.fit)
    budgets, tested, said = status["budgets"], status["backtest"], status["forecast"]
    planned, larger = status["contest"]["planned"], status["contest"]["larger"]
    checks = study_record(folder, curves=False).learning_rate_checks
    inside = "inside" if said["inside"] else "outside"
    exponents = [
        f"{one.exponents[0]:.2f} {between(one.intervals['a'], lambda x: f'{x:.2f}')}"
        for one in (fit.isoflop, fit.parametric)
        if not isinstance(one, Refused)
    ]
    return [
        family,
        f"{format_flops(budgets[0]['flops'])} to {format_flops(budgets[-1]['flops'])}",
        f"{sum(b['kept'] for b in budgets)} of {len(budgets)}",
        f"{sum(check.interior for check in checks)} of {len(checks)}",
        *exponents,
        f"{tested['error']:+.1%}" if tested else "none",
        f"{format_quantity(planned['params'])} on {format_quantity(planned['tokens'])}",
        f"{loss(said['loss'])} {between(said['interval'], loss)}",
        f"{loss(said['actual'])}, {inside}",
        f"{format_quantity(larger['params'])}: {loss(larger['loss'])}",
    ]


def vertices(family: str, folder: StudyFolder) -> list[str]:
    """The row of a study's optimum at each budget."""
    cells = []
    for budget in status_of(folder)["budgets"]:
        if not budget["kept"]:
            cells.append(f"left out: {budget['reason']}")
            continue
        interval = between(budget["params_interval"], format_quantity)
        cells.append(f"{format_quantity(budget['params'])} {interval}, {loss(budget['loss'])}")
    return [family, *cells]


def loss_at(folder: StudyFolder, flops: float) -> float | None:
    """Best loss at `flops`, in nats: ln L along the line in ln C between the vertices beside it; None beyond them."""
    known = [(math.log(b["flops"]), math.log(b["loss"])) for b in status_of(folder)["budgets"] if b["kept"]]
    for (low, first), (high, second) in pairwise(known):
        if low - SAME <= math.log(flops) <= high + SAME:
            return math.exp(first + (second - first) * (math.log(flops) - low) / (high - low))
    return None


def compared(folders: dict[str, StudyFolder], budgets: list[float]) -> list[list[str]]:
    """Best losses at equal compute and what they are above the first family's."""
    rows = []
    first = next(iter(folders.values()))
    for family, folder in folders.items():
        cells = []
        for flops in budgets:
            own, reference = loss_at(folder, flops), loss_at(first, flops)
            beside = f" ({own / reference - 1:+.1%})" if own and reference and folder is not first else ""
            cells.append(f"{loss(own)}{beside}" if own else "none")
        rows.append([family, *cells])
    return rows


def picture_page(reports: dict[str, str]) -> str:
    """One page with the isoFLOP curves of all reports on the same axes."""
    drawings, legends = {}, {}
    for family, report in reports.items():
        found = DRAWINGS.search(report)
        assert found is not None, "every report holds its drawings"
        drawings[family] = json.loads(found[2])["isoflop-curves"]
        legends[family] = "".join(LEGEND.findall(report))
    for axis in ("xaxis", "yaxis"):
        ranges = [drawing["layout"][axis]["range"] for drawing in drawings.values()]
        for drawing in drawings.values():
            drawing["layout"][axis]["range"] = [min(low for low, _ in ranges), max(high for _, high in ranges)]
            drawing["height"] = PANEL
    sections = [
        f'<section><h2>{family}</h2>{legends[family]}<div class="drawing" data-drawing="{family}"></div></section>'
        for family in drawings
    ]
    any_report = next(iter(reports.values()))
    head, found = any_report[: any_report.index("<body>")], DRAWINGS.search(any_report)
    assert found is not None
    scripts = any_report[found.end() :]
    body = f"<body><main>{''.join(sections)}</main>{found[1]}{json.dumps(drawings)}{found[3]}{scripts}"
    return head.replace("</head>", STYLE + "</head>") + body


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--flops", default="2e13", help="training FLOPs of each study, final runs included")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--families", default=",".join(FAMILIES), help="the first is what the others are compared with")
    parser.add_argument("--picture", type=Path)
    arguments = parser.parse_args()
    folders = {family: study_of(family, arguments) for family in arguments.families.split(",")}
    print(
        table(
            ["family", "sweep, FLOPs", "vertices inside", "rates inside", "a, approach 2", "a, approach 3",
             "backtest", "planned", "forecast", "outcome", "larger"],
            [outcome(family, folder) for family, folder in folders.items()],
        )
    )  # fmt: skip
    budgets = [b["flops"] for b in status_of(next(iter(folders.values())))["budgets"]]
    places = [f"budget {number}" for number in range(1, len(budgets) + 1)]
    print(table(["family", *places], [vertices(family, folder) for family, folder in folders.items()]))
    print(table(["family", *map(format_flops, budgets)], compared(folders, budgets)))
    if arguments.picture:
        reports = {family: folder.report.read_text(encoding="utf-8") for family, folder in folders.items()}
        shoot(picture_page(reports), arguments.picture, WIDTH, HEIGHT)


if __name__ == "__main__":
    main()
