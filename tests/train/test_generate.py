"""Text from a model: with a cache as without one, the likeliest at temperature 0, the same from the same seed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from isoflop.arch import kv_cache_bytes, serve_bytes
from isoflop.corpus import Corpus
from isoflop.errors import InputError
from isoflop.recipe import SmallRecipe
from isoflop.runs.folder import RunFolder
from isoflop.train import generate
from isoflop.train.generate import continue_tokens, measure_serving, trained_model
from isoflop.train.loop import run
from isoflop.train.model import BLOCKS, LanguageModel
from train.models import shaken

PROMPT = [256, 72, 101, 108]
NEVER = 1000  # no token has this id: nothing stops


def continued(model: LanguageModel, count: int = 40, *, temperature: float = 0.0, seed: int = 0, stop: int = NEVER):
    return list(continue_tokens(model.eval(), PROMPT, count, temperature=temperature, seed=seed, stop=stop))


def without_a_cache(model: LanguageModel, count: int) -> list[int]:
    tokens = list(PROMPT)
    with torch.no_grad():
        for _ in range(count):
            tokens.append(int(model.logits(torch.tensor([tokens]))[0, -1].argmax()))
    return tokens[len(PROMPT) :]


@pytest.mark.parametrize("family", BLOCKS)
@pytest.mark.parametrize("tied", [False, True])
def test_temperature_0_is_the_likeliest_token_each_time_as_without_a_cache(family: str, tied: bool) -> None:
    model = shaken(family, tied=tied).eval()
    actual = continued(model, seed=1)
    assert actual == without_a_cache(model, 40)
    assert actual == continued(model, seed=2)
    assert len(set(actual)) > 3


@pytest.mark.parametrize("family", BLOCKS)
def test_the_seed_decides_what_is_sampled(family: str) -> None:
    model = shaken(family)
    assert continued(model, temperature=1.0, seed=1) == continued(model, temperature=1.0, seed=1)
    assert continued(model, temperature=1.0, seed=1) != continued(model, temperature=1.0, seed=2)


def test_a_text_longer_than_the_learned_positions_continues_from_its_later_half() -> None:
    model = shaken("gpt")
    longest = model.arch.n_positions
    assert longest == 64
    actual = continued(model, 100)
    assert len(actual) == 100
    assert actual[: longest - len(PROMPT) + 1] == without_a_cache(model, longest - len(PROMPT) + 1)
    text = [*PROMPT, *actual]
    with torch.no_grad():  # the first token after the table was full: from the last 32 before it
        again = model.logits(torch.tensor([text[longest + 1 - 32 : longest + 1]]))[0, -1].argmax()
    assert text[longest + 1] == int(again)
    long_prompt = list(continue_tokens(model, [1] * 200, 3, temperature=0.0, seed=0, stop=NEVER))
    assert len(long_prompt) == 3


@pytest.mark.parametrize("family", BLOCKS)
def test_beyond_the_context_it_continues_from_the_last_part_of_it(family: str) -> None:
    model, context = shaken(family).eval(), 16
    actual = list(continue_tokens(model, PROMPT, 60, temperature=0.0, seed=0, stop=NEVER, context=context))
    text = [*PROMPT, *actual]
    read = len(PROMPT)  # tokens that the model sees, at the most the context and never less than half of it
    for at in range(len(PROMPT), len(text)):
        with torch.no_grad():
            assert text[at] == int(model.logits(torch.tensor([text[at - read : at]]))[0, -1].argmax())
        read = read + 1 if read < context else context // 2
    long_prompt = [*range(1, 101)]
    (first, *_) = continue_tokens(model, long_prompt, 1, temperature=0.0, seed=0, stop=NEVER, context=context)
    with torch.no_grad():
        assert first == int(model.logits(torch.tensor([long_prompt[-context:]]))[0, -1].argmax())


def test_a_low_temperature_is_nearly_the_likeliest() -> None:
    model = shaken()
    assert continued(model, temperature=1e-4, seed=5) == continued(model)


def test_it_ends_before_the_stop_token() -> None:
    model = shaken()
    whole = continued(model)
    stop = whole[10]
    assert continued(model, stop=stop) == whole[: whole.index(stop)]
    assert continued(model, 0) == []


def test_serving_is_measured_and_billed_at_one_context(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "MEASURED_ROUNDS", 1)
    monkeypatch.setattr(generate, "SERVED_SEQUENCES", 3)
    model = shaken().eval()
    actual = measure_serving(model, 32)
    assert set(actual) == {"tokens_per_second", "memory_bytes", "kv_cache_bytes", "sequences", "seq_len"}
    assert actual["tokens_per_second"] > 0
    assert actual["kv_cache_bytes"] == kv_cache_bytes(model.arch, 32, 3, value_bytes=4)
    assert actual["memory_bytes"] == serve_bytes(model.arch, 32, 3, weight_bytes=4, value_bytes=4)
    assert (actual["sequences"], actual["seq_len"]) == (3, 32)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, tiny_corpus: Corpus) -> RunFolder:
    recipe = SmallRecipe(vocab_size=tiny_corpus.vocab_size, seq_len=32, eval_tokens=256)
    shape = recipe.shape(16, 2)
    spec = recipe.spec(shape, 20 * recipe.batch_tokens(shape, 1e4), corpus=tiny_corpus.digest, seed=0)
    folder = RunFolder.create(tmp_path_factory.mktemp("runs"), spec)
    run(folder, tiny_corpus, lambda: False)
    return folder


def answer(arguments: list[object], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.setattr("sys.argv", ["generate", *map(str, arguments)])
    assert generate.main() == 0
    return capsys.readouterr().out


def test_the_command_line_continues_a_prompt(
    finished: RunFolder, tiny_corpus: Corpus, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [finished.path, "--corpus", tiny_corpus.directory, "--prompt", "Kato mi", "--tokens", 12]
    text = answer(asked, monkeypatch, capsys)
    assert text.startswith("Kato mi")
    assert answer(asked, monkeypatch, capsys) == text
    empty = answer([finished.path, "--corpus", tiny_corpus.directory, "--tokens", 5], monkeypatch, capsys)
    assert empty


def test_the_command_line_measures_serving(
    finished: RunFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate, "MEASURED_ROUNDS", 1)
    assert json.loads(answer([finished.path, "--measure"], monkeypatch, capsys))["seq_len"] == 32


def test_a_run_without_a_result_is_refused(
    finished: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    waiting = RunFolder.create(tmp_path, replace(finished.read_spec(), seed=1))
    with pytest.raises(InputError, match="has not finished; train it first"):
        trained_model(waiting, "cpu")
    monkeypatch.setattr("sys.argv", ["generate", str(waiting.path)])
    assert generate.main() == 2
    assert "has not finished" in capsys.readouterr().err
