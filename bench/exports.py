"""Every exported configuration held to its engine's own classes and checks; the table of bench/exports.md.

    python bench/exports.py torchtitan=PYTHON olmo-core=PYTHON megatron=PYTHON hf=PYTHON > bench/exports.md

Each PYTHON is of an environment in which isoflop and that engine are installed: `pip install torchtitan triton`,
`ai2-olmo-core`, `megatron-core triton` (Python 3.12 or later), `transformers`. None needs a GPU. The tests are those of
tests/plan/export, where what needs an engine skips without it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree as ET

from isoflop.plan.export.checked import CHECKED

ROOT = Path(__file__).parents[1]
WHAT = {
    "torchtitan": "its `ConfigManager` reads the module; model, batch and schedule of it",
    "olmo-core": "its `ExperimentConfig` is made by the script, model, groups and schedule of it are asked",
    "megatron": "`parse_args` and `validate_args` on 1 to 64 devices, with the script's own environment",
    "hf": "its classes give the logits of isoflop's own models",
}
INTRODUCTION = """# Exported configurations, held to their engines

Made by `bench/exports.py`: the tests of `tests/plan/export` in environments that have the engine. `make test` runs
those of transformers and OLMo-core; torchtitan and Megatron-LM need Triton, of 600 MB, and Megatron-LM Python 3.12, so
that they run here. nanoGPT has no releases: the test holds the names that its `train.py` assigns.

| engine | version | Python | what its own code is asked | passed | failed | skipped |
|---|---|---|---|---|---|---|"""


def main() -> None:
    """Print the page for the engines that were named."""
    print(INTRODUCTION)
    for argument in sys.argv[1:]:
        engine, python = argument.split("=", 1)
        print(row(engine, python), flush=True)


def row(engine: str, python: str) -> str:
    """The tests of one engine by the interpreter of its environment."""
    package = CHECKED[engine].package
    about = f"import sys, importlib.metadata as m; print(m.version({package!r}), sys.version.split()[0])"
    version, of_python = subprocess.run(
        [python, "-c", about], capture_output=True, text=True, check=True
    ).stdout.split()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "tests.xml"
        test = f"tests/plan/export/test_{engine.replace('-', '_')}.py"
        command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml", str(file), test]
        subprocess.run(command, cwd=ROOT, stdout=sys.stderr, check=False)
        suite = next(ET.parse(file).iter("testsuite")).attrib
    failed, skipped = int(suite["failures"]) + int(suite["errors"]), int(suite["skipped"])
    passed = int(suite["tests"]) - failed - skipped
    return f"| {engine} | {package} {version} | {of_python} | {WHAT[engine]} | {passed} | {failed} | {skipped} |"


if __name__ == "__main__":
    main()
