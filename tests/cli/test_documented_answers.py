"""The commands of docs/ answer at once where PyTorch is not installed."""

import json
import re
import shlex
import sys
from pathlib import Path

import pytest
from waiting import takes_less_than

DOCS = Path(__file__).parents[2] / "docs"
COMMANDS = sorted(
    {
        line.partition("#")[0].strip()
        for page in ("laws.md", "planning.md", "paper.md", "exports.md")
        for block in re.findall(r"^```bash run\n(.*?)^```", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)
        for line in block.splitlines()
    }
)
# What is not installed cannot be imported: as if by a fresh environment.
ASK = """
import json, sys
for absent in ("torch", "tokenizers", "safetensors", "pyarrow", "scipy", "pandas"):
    sys.modules[absent] = None
from isoflop.cli import main
main(json.loads(sys.argv[1]))
"""


def test_there_are_at_least_ten():
    assert len(COMMANDS) >= 10
    assert all(command.startswith("isoflop ") for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_it_answers_within_a_second_without_pytorch(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # some write a file beside them
    arguments = json.dumps(shlex.split(command)[1:])
    assert takes_less_than([sys.executable, "-c", ASK, arguments], 1.0)
