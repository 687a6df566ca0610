"""The picture in the README: isoFLOP curves beside the optimum against compute, cut out of a report.html.

    python bench/picture.py study/report.html docs/report.png

Needs a Chromium or Chrome on the PATH.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
WIDTH, HEIGHT = 1240, 660
# Twice as many pixels as a reader's screen needs: the README is read on dense screens too.
SCALE = 2

STYLE = """<style>
header, footer, nav, .caption, .panel > p, section:not(#isoflop):not(#scaling) { display: none; }
#scaling .scroll, #scaling .heading { display: none; }
figure:has(#scaling-tokens) { display: none; }
html { overflow: hidden; }
main { max-width: none; padding: 4px 20px; display: grid; grid-template-columns: 1fr 1fr; gap: 0 28px; }
section { border: 0; padding: 12px 0 0; display: flex; flex-direction: column; min-width: 0; }
.figures.two { grid-template-columns: minmax(0, 1fr); margin-top: auto; }
#isoflop .figures { flex: 1; align-items: stretch; }
#isoflop figure { display: flex; flex-direction: column; }
#isoflop .drawing { margin-top: auto; flex: none; }
</style>"""
DRAWINGS = '<script type="application/json" id="drawings">'
HEIGHT_OF_BOTH = 460


def picture_page(report: str) -> str:
    """The report with all but the two panels hidden. Raises ValueError where it does not have both."""
    if 'id="isoflop-curves"' not in report or 'id="scaling-params"' not in report:
        raise ValueError("expected a report with isoFLOP curves and the optimum against compute")
    before, start, rest = report.partition(DRAWINGS)
    text, end, after = rest.partition("</script>")
    drawings = json.loads(text)
    for name in ("isoflop-curves", "scaling-params"):
        drawings[name]["height"] = HEIGHT_OF_BOTH
    # Only the page's own scripts run, and what they read is no script: less-than signs in it are escaped again.
    text = json.dumps(drawings).replace("<", "\\u003c")
    return before.replace("</head>", STYLE + "</head>") + start + text + end + after


def take(report: Path, picture: Path) -> None:
    """Write the picture of `report` to `picture` (PNG)."""
    shoot(picture_page(report.read_text(encoding="utf-8")), picture, WIDTH, HEIGHT)


def shoot(html: str, picture: Path, width: int, height: int) -> None:
    """Write what a browser's window of that many CSS pixels shows of `html` to `picture` (PNG)."""
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        sys.exit(f"expected a browser on the PATH: one of {', '.join(BROWSERS)}")
    with tempfile.TemporaryDirectory() as folder:
        page, shot = Path(folder) / "picture.html", Path(folder) / "picture.png"
        page.write_text(html, encoding="utf-8")
        options = (
            "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
            f"--force-device-scale-factor={SCALE}", f"--window-size={width},{height}", "--virtual-time-budget=10000",
            f"--user-data-dir={folder}/profile", f"--screenshot={shot}",
        )  # fmt: skip
        subprocess.run([browser, *options, page.as_uri()], check=True, capture_output=True, timeout=120)
        picture.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(shot, picture)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python bench/picture.py REPORT.html PICTURE.png")
    take(Path(sys.argv[1]), Path(sys.argv[2]))
