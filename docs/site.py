"""A hook of MkDocs: the site has the files where the repository has them, and a reference of the public names."""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/*.md", "bench/**/*.md")
# What pages show or link to besides pages.
OTHERS = (
    "docs/*.png",
    "docs/*.ipynb",
    "LICENSE",
    "src/isoflop/report/assets/*.txt",
    "src/isoflop/hardware.toml",
    "src/isoflop/laws/practice.csv",
)
REFERENCE = "docs/reference.md"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Returns the pages of the repository under their own paths, the theme's own files, and the reference."""
    theme = [file for file in files if not Path(file.abs_src_path or "/").is_relative_to(ROOT / "docs")]
    own = [
        File(path.relative_to(ROOT).as_posix(), str(ROOT), config.site_dir, config.use_directory_urls)
        for pattern in (*PAGES, *OTHERS)
        for path in sorted(ROOT.glob(pattern))
    ]
    return Files([*theme, *own, File.generated(config, REFERENCE, content=reference_page())])


def reference_page() -> str:
    """Returns the reference in Markdown: the functions of the package, then its other public names."""
    import isoflop

    rooms: dict[str, list[str]] = {}
    for name in isoflop.__all__:
        if not name.startswith("__"):
            home = isoflop._HOMES.get(name)
            # A room that is a function too has the function's text in interactive/.
            room, place = (home.split(".")[1], name) if home else ("functions", f"interactive.{name}.{name}")
            rooms.setdefault(room, []).append(place)
    lines = ["# Reference", "", "The public names of `isoflop`, by the part of the package that they come from."]
    for room, places in sorted(rooms.items(), key=lambda item: item[0] != "functions"):
        functions = "Functions: isoflop.compare, isoflop.fit, isoflop.ledger, isoflop.plan, isoflop.watch"
        lines += ["", f"## {functions if room == 'functions' else f'isoflop.{room}'}"]
        for place in places:
            lines += ["", f"::: isoflop.{place}", "    options:", "      heading_level: 3"]
    return "\n".join(lines) + "\n"


def on_page_markdown(markdown: str, **_: object) -> str:
    """Returns the page without the tests' marks of fences that are not Markdown: ` run` after a language."""
    return re.sub(r"^(`{3,}\w+)(?: [\w ]+)$", r"\1", markdown, flags=re.MULTILINE)
