"""The contract, with real runs of OLMo-core."""

import sys
from dataclasses import replace

import pytest

from isoflop.errors import InputError
from isoflop.runs import registry
from isoflop.runs.engines.olmo import OlmoSettings
from isoflop.runs.engines.processes import trainer_command
from isoflop.runs.engines.settings import EngineRequest
from isoflop.runs.folder import RunFolder
from isoflop.runs.registry import make_engine

from .. import olmo_driver
from ..conftest import small_spec
from .stepping import ToldByFiles

STEPS = 150  # of 10 ms, after five seconds to import OLMo-core


def test_a_job_trains_with_the_same_program(tmp_path):
    folder = RunFolder.create(tmp_path / "runs", small_spec())
    corpus = tmp_path / "corpus"
    program = ["-P", "-m", "isoflop.train", str(folder.path), "--corpus", str(corpus), "--library", "olmo"]
    assert trainer_command(folder, corpus, library=OlmoSettings().library)[1:] == program


def test_without_olmo_core_nothing_is_started(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'isoflop\[olmo\]'"):
        make_engine("olmo", {}, EngineRequest(workers=1, logs=tmp_path, corpus=tmp_path))


class TestContract(ToldByFiles):
    @pytest.fixture(autouse=True)
    def _with_olmo_core(self, request):
        pytest.importorskip("olmo_core", reason="the engine olmo needs the extra `olmo`")
        self.corpus = request.getfixturevalue("tiny_corpus")  # which takes seconds to make

    def make_engine(self, tmp_path, workers):
        return olmo_driver.engine(tmp_path / "logs", workers, self.corpus.directory)

    def make_folder(self, tmp_path, name, seed):
        return RunFolder.create(tmp_path / name, replace(small_spec(steps=STEPS, seed=seed), corpus=self.corpus.digest))

    def same_but_for_rounding(self, found, expected):
        (result, lines), (result_then, lines_then) = found, expected
        rounded = {
            name: pytest.approx(value, rel=1e-5) for name, value in result_then.items() if isinstance(value, float)
        }
        near = [pytest.approx(line, rel=1e-4) for line in lines_then]
        return result == {**result_then, **rounded} and lines == near

    def driver(self, study, workers):
        return [sys.executable, olmo_driver.__file__, str(study), str(workers), str(self.corpus.directory)]
