"""What the README and docs/ tell a person to type works, and what they link to is there.

A fenced block marked `bash run` or `python run` is executed, each in a folder of its own; so are shell lines that must
fail, where the block says so itself (`! isoflop ...`). Further words of the mark are extras that the block needs.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from isoflop.runs.registry import ENGINES, TRACKERS

KNOWN_EXTRAS = {entry.name: entry.library for entry in (*ENGINES.values(), *TRACKERS.values())}
ROOT = Path(__file__).parents[1]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(
    (ROOT / "docs").glob("*.md")
)
FENCE = re.compile(r"^(?P<fence>`{3,})(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=fence)\s*$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)[^)]*\)")


@dataclass(frozen=True)
class Snippet:
    page: str
    line: int
    language: str
    runnable: bool
    extras: tuple[str, ...]
    body: str


def snippets_of(text, page="README.md"):
    found = []
    for block in FENCE.finditer(text):
        language, *rest = [*block["info"].split(), ""]
        line = text.count("\n", 0, block.start()) + 1
        extras = tuple(word for word in rest if word and word != "run")
        found.append(Snippet(page, line, language, "run" in rest, extras, block["body"]))
    return found


def files_linked_in(text):
    """Targets of links that are files of this repository, without their anchors."""
    prose = FENCE.sub("", text)
    targets = (target.partition("#")[0] for target in LINK.findall(prose) if not re.match(r"[a-z]+:", target))
    return [target for target in targets if target]


SNIPPETS = [snippet for page in PAGES for snippet in snippets_of(page.read_text(), page.name)]
RUNNABLE = [snippet for snippet in SNIPPETS if snippet.runnable]


def test_snippets_are_found_with_their_marks():
    text = "# A\n```bash run slurm\necho 1\n```\ntext ```x``` text\n````python\n```\n1\n````\n"
    first, second = snippets_of(text)
    assert (first.language, first.runnable, first.body, first.line) == ("bash", True, "echo 1\n", 2)
    assert (first.extras, second.extras) == (("slurm",), ())
    assert (second.language, second.runnable, second.body, second.line) == ("python", False, "```\n1\n", 6)


def test_links_to_files_are_found():
    text = "[a](docs/a.md#part) ![b](b.png) [c](https://example.org/c) [d](#part) [e](mailto:e@f)\n```\n[g](h)\n```\n"
    assert files_linked_in(text) == ["docs/a.md", "b.png"]


def test_the_readme_has_something_to_run():
    assert {snippet.language for snippet in RUNNABLE if snippet.page == "README.md"} >= {"bash", "python"}


@pytest.mark.parametrize("snippet", RUNNABLE, ids=lambda snippet: f"{snippet.page}:{snippet.line}")
def test_a_snippet_runs(snippet, tmp_path, monkeypatch):
    for extra in snippet.extras:
        pytest.importorskip(KNOWN_EXTRAS[extra], reason=f"needs the extra {extra}")
    # the commands of the environment that these tests run in come first, as after activating it
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    monkeypatch.chdir(tmp_path)
    if snippet.language == "bash":
        command = ["bash", "-euo", "pipefail", "-c", snippet.body]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    elif snippet.language == "python":
        place = f"{snippet.page}:{snippet.line}"
        exec(compile("\n" * snippet.line + snippet.body, place, "exec"), {"__name__": "__main__"})
    else:
        pytest.fail(f"{snippet.page}:{snippet.line}: no way to run a snippet in {snippet.language!r}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_linked_file_exists(page):
    missing = [target for target in files_linked_in(page.read_text()) if not (page.parent / target).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_mark_of_unfinished_text_is_left(page):
    left = [word for word in ("@@", "TODO", "TBD", "FIXME", "XXX") if word in page.read_text()]
    assert not left


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_can_be_read_from_top_to_bottom(page):
    prose = [line for line in page.read_text().splitlines() if not line.startswith("|")]
    assert sum(len(line.split()) for line in prose) <= 2500
