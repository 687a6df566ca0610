"""Text and corpora that several rooms' tests train on. Everything is made here, from a seed."""

from __future__ import annotations

import atexit
import os
import shutil

# One thread a process, as the trainer runs: two OpenMP threads collapse on a busy machine.
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import tempfile  # noqa: E402
from pathlib import Path  # noqa: E402

# What isoflop keeps of a user outside of studies: of these tests, and of the processes that they start, their own.
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="isoflop-state-")
atexit.register(shutil.rmtree, os.environ["XDG_STATE_HOME"], ignore_errors=True)

import hypothesis  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402
from filelock import FileLock  # noqa: E402
from study.tiny import ADAPTIVE, OPTIONS, Finished, isoflop  # noqa: E402

from isoflop.corpus import Corpus, CorpusSources, build_corpus  # noqa: E402

# The same examples on every run where the outcome decides something; at a desk hypothesis goes on searching. No example
# has a deadline: a busy machine is no bug.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
hypothesis.settings.register_profile("desk", deadline=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "desk")

# Data, some of it with the script that wrote it: collected, its folders would shadow the libraries of the same names.
collect_ignore = ["golden"]
LONG = ("study", "train", "runs")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take minutes come first: of test files side by side none is then left alone with one at the end."""
    here = Path(__file__).parent
    rooms = [item.path.relative_to(here).parts[0] if item.path.is_relative_to(here) else "" for item in items]
    order = sorted(range(len(items)), key=lambda i: LONG.index(rooms[i]) if rooms[i] in LONG else len(LONG))
    items[:] = [items[i] for i in order]


SYLLABLES = ("ka", "to", "mi", "ren", "sol", "ve", "du", "lan", "ist", "or", "pe", "quin")


def made_up_text(documents: int, seed: int) -> list[str]:
    """Documents in a made-up language with words, sentences and a favourite order of words: learnable, not real."""
    random = np.random.Generator(np.random.Philox(seed))
    words = ["".join(random.choice(SYLLABLES, size=random.integers(1, 4))) for _ in range(200)]
    followers = random.integers(0, len(words), size=(len(words), 4))
    texts = []
    for _ in range(documents):
        word, sentences = int(random.integers(len(words))), []
        for _ in range(int(random.integers(3, 9))):
            sentence = []
            for _ in range(int(random.integers(4, 12))):
                sentence.append(words[word])
                word = int(followers[word, random.integers(4)])
            sentences.append(" ".join(sentence).capitalize() + ".")
        texts.append(" ".join(sentences))
    return texts


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this test run have in common."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def text_folder(shared_folder: Path) -> Path:
    """A folder of .txt files, 1 MB in all."""
    folder = shared_folder / "text"
    with FileLock(shared_folder / "text.lock"):
        if not folder.exists():
            part = shared_folder / "part"
            part.mkdir()
            for number, text in enumerate(made_up_text(4000, seed=1)):
                (part / f"{number:05d}.txt").write_text(text)
            part.rename(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_corpus(text_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """The corpus of `text_folder` as bytes."""
    directory = tmp_path_factory.mktemp("study") / "corpus"
    return build_corpus(directory, CorpusSources(kind="text", paths=(text_folder,)))


def trained_once(shared_folder: Path, name: str, *arguments: object) -> Finished:
    """A whole study: the first process that needs it trains it, and the others wait."""
    path = shared_folder / name / "study"
    with FileLock(shared_folder / f"{name}.lock"):
        kept = Finished.load(path)
        if kept is None:
            code, stdout, stderr = isoflop("study", path, *arguments)
            assert code == 0, stderr
            kept = Finished.keep(path, stdout, stderr)
        return kept


@pytest.fixture(scope="session")
def finished_study(text_folder: Path, shared_folder: Path) -> Finished:
    """A whole tiny study, from a folder of text to its report. For reading: tests that change it change a copy.

    It takes a minute of two cores.
    """
    return trained_once(shared_folder, "whole", "--text", text_folder, *OPTIONS)


@pytest.fixture(scope="session")
def finished_adaptive(shared_folder: Path) -> Finished:
    """The same with an adaptive sweep, on the default text."""
    return trained_once(shared_folder, "adaptive", *ADAPTIVE)
