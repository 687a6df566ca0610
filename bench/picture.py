"""The picture in the README: headline and first picture, cut out of a report.html.

    python bench/picture.py study/report.html docs/report.png

Needs a Chromium or Chrome on the PATH.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
WIDTH, HEIGHT = 1240, 630
# Twice as many pixels as a reader's screen needs: the README is read on dense screens too.
SCALE = 2

STYLE = """<style>
header, footer, nav, figcaption, #grade, #answer > .cards, #answer > .say ~ .say, .not-identified, .caption,
section:not(#answer) { display: none; }
html { overflow: hidden; }
main { max-width: none; padding: 4px 24px; }
section { border: 0; padding: 14px 0 0; }
.say { max-width: none; }
</style>"""


def picture_page(report: str) -> str:
    """The report with all but its headline and first picture hidden. Raises ValueError where it has no picture."""
    if 'id="first-picture"' not in report:
        raise ValueError("expected a report with a first picture: one of a study that has trained runs")
    return report.replace("</head>", STYLE + "</head>", 1)


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
