"""The validation loss equals its definition: windows, domains, bits per byte and errors by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from isoflop.corpus import Corpus
from isoflop.train.blocks import BLOCKS
from isoflop.train.evaluate import evaluate, window_losses
from train.models import shaken

SEQ = 16


def corpus_of(**domains: tuple[int, int]) -> Corpus:
    """A corpus of random validation tokens: {domain: (tokens, bytes)}."""
    random = np.random.default_rng(0)
    return Corpus(
        directory=Path(),
        digest="0" * 64,
        vocab_size=257,
        eot_id=256,
        train=np.zeros(0, dtype=np.uint16),
        train_bytes=0,
        validation={name: random.integers(257, size=n).astype(np.uint16) for name, (n, _) in domains.items()},
        validation_bytes={name: size for name, (_, size) in domains.items()},
    )


def plain_loss(model: torch.nn.Module, window: np.ndarray) -> float:
    tokens = torch.from_numpy(window.astype(np.int64))[None]
    with torch.no_grad():
        logits = model.logits(tokens[:, :-1])[0].double()  # type: ignore[operator]
    chosen = torch.log_softmax(logits, -1)[torch.arange(len(logits)), tokens[0, 1:]]
    return float(-chosen.mean())


def test_windows_do_not_overlap_and_each_scores_its_own_tokens() -> None:
    model = shaken()
    tokens = corpus_of(a=(1000, 1000)).validation["a"]
    losses = window_losses(model, tokens, SEQ, 5 * SEQ)
    assert losses.shape == (5,)
    expected = [plain_loss(model, tokens[first * SEQ : (first + 1) * SEQ + 1]) for first in range(5)]
    assert losses == pytest.approx(expected, rel=1e-5)


def test_the_batch_of_windows_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    model = shaken()
    tokens = corpus_of(a=(1000, 1000)).validation["a"]
    whole = window_losses(model, tokens, SEQ, 1000)
    monkeypatch.setattr("isoflop.train.evaluate.EVAL_BATCH_TOKENS", 3 * SEQ)
    assert window_losses(model, tokens, SEQ, 1000) == pytest.approx(whole, rel=1e-6)


@pytest.mark.parametrize(
    ("length", "wished", "windows"), [(1000, 64, 4), (1000, 79, 4), (65, 10**6, 4), (64, 10**6, 3), (9, 64, 1)]
)
def test_as_many_windows_as_requested_and_available(length: int, wished: int, windows: int) -> None:
    # a window needs one token more than it scores
    assert len(window_losses(shaken(), corpus_of(a=(length, 1)).validation["a"], SEQ, wished)) == windows


def test_domains_weigh_by_their_tokens_in_the_corpus() -> None:
    model, corpus = shaken(), corpus_of(a=(1000, 1500), b=(3000, 9000))
    actual = evaluate(model, corpus, SEQ, 10 * SEQ)
    a, b = actual.domains["a"], actual.domains["b"]
    assert actual.loss_nats == pytest.approx(0.25 * a["loss_nats"] + 0.75 * b["loss_nats"])
    losses = window_losses(model, corpus.validation["a"], SEQ, 10 * SEQ)
    assert a["loss_nats"] == pytest.approx(losses.mean())
    assert a["loss_se"] == pytest.approx(losses.std(ddof=1) / math.sqrt(10))
    assert actual.loss_se == pytest.approx(math.hypot(0.25 * a["loss_se"], 0.75 * b["loss_se"]))


def test_bits_per_byte_by_hand() -> None:
    actual = evaluate(shaken(), corpus_of(a=(1000, 1500), b=(3000, 9000)), SEQ, 10 * SEQ)
    a = actual.domains["a"]
    assert a["bits_per_byte"] == pytest.approx(a["loss_nats"] / math.log(2) * 1000 / 1500)
    assert actual.bits_per_byte == pytest.approx(actual.loss_nats / math.log(2) * 4000 / 10_500)
    # what was scored: 160 tokens, and the bytes that they are at the domain's rate
    assert (a["tokens"], a["bytes"]) == (160, 240)
    assert actual.domains["b"]["bytes"] == 480


def test_bits_per_byte_are_those_of_the_text_that_was_scored(tiny_corpus: Corpus) -> None:
    # the first half of the domain are bytes, the second is end-of-text alone: of bytes it has none
    tokens = np.concatenate([np.arange(1, 401) % 250, np.full(400, 256)]).astype(np.uint16)
    corpus = replace(tiny_corpus, validation={"a": tokens}, validation_bytes={"a": 400})
    actual = evaluate(shaken(), corpus, SEQ, 10 * SEQ)
    assert (actual.domains["a"]["tokens"], actual.domains["a"]["bytes"]) == (160, 160)
    assert actual.bits_per_byte == pytest.approx(actual.loss_nats / math.log(2))
    assert actual.domains["a"]["bits_per_byte"] == pytest.approx(actual.bits_per_byte)


def test_a_domain_shorter_than_a_window_scores_what_it_has() -> None:
    actual = evaluate(shaken(), corpus_of(a=(9, 18), b=(100, 100)), SEQ, 64)
    assert (actual.domains["a"]["tokens"], actual.domains["a"]["bytes"]) == (8, 16)
    # a single window has no spread, so the whole has none either: missing, not 0
    assert actual.domains["a"]["loss_se"] is None
    assert actual.domains["b"]["loss_se"] > 0
    assert actual.loss_se is None


@pytest.mark.parametrize("family", BLOCKS)
def test_a_model_trains_on_after_it_was_evaluated_first(family: str) -> None:
    model = shaken(family)
    window_losses(model, corpus_of(a=(100, 100)).validation["a"], SEQ, 64)
    assert model.training
    model(torch.randint(257, (2, SEQ + 1))).mean().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_the_same_weights_give_the_same_number() -> None:
    model, corpus = shaken(), corpus_of(a=(1000, 1500), b=(3000, 9000))
    assert evaluate(model, corpus, SEQ, 500) == evaluate(model, corpus, SEQ, 500)
    other = replace(corpus, validation={"b": corpus.validation["b"], "a": corpus.validation["a"]})
    assert evaluate(model, other, SEQ, 500).loss_nats == pytest.approx(evaluate(model, corpus, SEQ, 500).loss_nats)
