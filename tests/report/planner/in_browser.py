"""Evaluates the script of the planner page in a real browser, once for many questions."""

from __future__ import annotations

import html
import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from isoflop.codec import to_json
from isoflop.report.planner import PlannerData, planner_script
from report.test_browser import browser, console

PAGE = """<!doctype html><meta charset="utf-8">
<pre id="answers"></pre>
<script type="application/json" id="asked">%(asked)s</script>
<script>%(script)s</script>
<script>
const { data, questions, fits } = JSON.parse(document.getElementById("asked").textContent);
const sourceOfFit = (data, ...fit) => isoflop.answered(() => isoflop.sourceOfFit(...fit));
for (const [name, fit] of Object.entries(fits)) data.sources.push(isoflop.sourceOfFit(fit, name));
const started = performance.now();
const answers = questions.map(([name, ...inputs]) => ({ ...isoflop, sourceOfFit })[name](data, ...inputs));
const milliseconds = performance.now() - started;
document.getElementById("answers").textContent = JSON.stringify({ answers, milliseconds });
</script>"""


def answers_of(
    data: PlannerData, questions: list[list[Any]], folder: Path, fits: Mapping[str, Any] | None = None
) -> tuple[list[Any], float]:
    """(what the script answers to each [function, inputs, ...], milliseconds of all); skips without a browser.

    `fits` are dropped on the page first: {name: what a fit.json holds}.
    """
    asked = json.dumps(
        {"data": to_json(data), "questions": questions, "fits": dict(fits or {})}, allow_nan=False
    ).replace("<", "\\u003c")
    page = folder / "questions.html"
    page.write_text(PAGE % {"asked": asked, "script": planner_script()}, encoding="utf-8")
    options = (
        "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--enable-logging=stderr",
        "--host-resolver-rules=MAP * ~NOTFOUND", "--timeout=60000", f"--user-data-dir={folder / 'profile'}",
        "--dump-dom",
    )  # fmt: skip
    ended = subprocess.run([browser(), *options, page.as_uri()], capture_output=True, text=True, check=True)
    assert console(ended.stderr) == []
    found = re.search(r'<pre id="answers">(.*?)</pre>', ended.stdout, re.S)
    assert found, ended.stderr[-2000:]
    read = json.loads(html.unescape(found[1]))
    return read["answers"], read["milliseconds"]
