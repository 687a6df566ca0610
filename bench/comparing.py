"""The picture of docs/comparing.md: the headline and the first figure of the comparison that the page makes.

    python bench/comparing.py docs/comparing.png

Takes the runs from the page itself, so that picture and page show the same numbers. Needs Chromium or Chrome.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from picture import STYLE, shoot

PAGE = Path(__file__).parents[1] / "docs" / "comparing.md"
WIDTH, HEIGHT = 1240, 570
_SCRIPT = re.compile(r"<<'END'\n(.*?)\nEND\n", re.DOTALL)
_COMMAND = re.compile(r"^isoflop compare .*--report (\S+)$", re.MULTILINE)


def report_of(page: str, folder: Path) -> str:
    """The HTML that the first script and the first command with --report of `page` write. Raises ValueError without."""
    script, command = _SCRIPT.search(page), _COMMAND.search(page)
    if script is None or command is None:
        raise ValueError("expected a page with a script after <<'END' and a line `isoflop compare ... --report FILE`")
    subprocess.run([sys.executable, "-c", script[1]], cwd=folder, check=True)
    words = command[0].split()[1:]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    verb = [sys.executable, "-m", "isoflop", *words]
    subprocess.run(verb, cwd=folder, check=True, stdout=subprocess.DEVNULL, env=environment)
    return (folder / command[1]).read_text(encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python bench/comparing.py PICTURE.png")
    with tempfile.TemporaryDirectory() as made:
        html = report_of(PAGE.read_text(encoding="utf-8"), Path(made))
    shoot(html.replace("</head>", STYLE + "</head>", 1), Path(sys.argv[1]), WIDTH, HEIGHT)
