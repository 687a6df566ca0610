"""The commands of docs/ answer at once where PyTorch is not installed."""

import json
import os
import re
import resource
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
COMMANDS = sorted(
    {
        line.partition("#")[0].strip()
        for page in ("laws.md", "planning.md", "paper.md")
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
def test_it_answers_within_a_second_without_pytorch(command):
    # processor time is what the clock shows on a machine that does nothing else; a first run may have to compile
    assert any(processor_seconds(command) < 1.0 for _ in range(3))


def processor_seconds(command):
    arguments = json.dumps(shlex.split(command)[1:])
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", ASK, arguments], capture_output=True, text=True, check=False, env=environment
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
