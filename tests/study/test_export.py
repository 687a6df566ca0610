"""`isoflop export`: what transformers loads has the loss of the run, and the tokenizer that it was trained with."""

import json
import os
from dataclasses import replace

import numpy as np
import pytest

from isoflop.arch.huggingface import read_config
from isoflop.corpus import CorpusSources, build_corpus, load_tokenizer
from isoflop.errors import InputError, RefusedError
from isoflop.recipe import SmallRecipe
from isoflop.runs.folder import RunFolder
from isoflop.study.export import export_hf

from .tiny import call, refused

torch = pytest.importorskip("torch", reason="the trainer needs the extra `train`")
transformers = pytest.importorskip("transformers", reason="transformers is not installed: no export is loaded")

SEQ_LEN = 32
LOSS_TOLERANCE_NATS = 1e-6
"""Of float32 sums in another order; these six models differ by 3.8e-8 at the most."""


@pytest.fixture(scope="module")
def corpora(text_folder, tmp_path_factory):
    """{tokenizer: a study folder with a corpus of it}."""
    made = {}
    for tokenizer in ("bytes", "bpe:400"):
        study = tmp_path_factory.mktemp("study")
        sources = CorpusSources(kind="text", paths=(text_folder,))
        made[tokenizer] = (study, build_corpus(study / "corpus", sources, tokenizer=tokenizer))
    return made


def trained(corpora, tokenizer="bytes", family="llama", train=True, **shape):
    from isoflop.train.loop import run

    study, corpus = corpora[tokenizer]
    recipe = SmallRecipe(family=family, vocab_size=corpus.vocab_size, seq_len=SEQ_LEN, eval_tokens=2048)
    spec = recipe.spec(recipe.shape(16, 2), 60_000, corpus=corpus.digest, seed=0, budget_flops=1e9)
    spec = replace(spec, architecture=replace(spec.architecture, **shape))
    folder = RunFolder.create(study / "runs", spec)
    if train:
        run(folder, corpus, lambda: False)
        assert folder.status() == "done", folder.read_result()
    return folder, corpus


PLAIN = {"without": ("query_key_norm",)}
MODELS = [
    ("bytes", "llama", {}, "Qwen3ForCausalLM"),
    ("bpe:400", "llama", {**PLAIN, "tied_embedding": True}, "LlamaForCausalLM"),
    ("bpe:400", "gpt", {}, "GPT2LMHeadModel"),
    ("bytes", "gpt", {"tied_embedding": False}, "GPT2LMHeadModel"),
    ("bytes", "moe", {}, "Qwen3NextForCausalLM"),
    ("bytes", "moe", PLAIN, "GraniteMoeSharedForCausalLM"),
]


@pytest.mark.parametrize(("tokenizer", "family", "shape", "model"), MODELS)
def test_it_has_the_same_loss_in_transformers(corpora, tmp_path, tokenizer, family, shape, model):
    folder, corpus = trained(corpora, tokenizer, family, **shape)
    printed = call("export", folder.path, "--to", "hf", "--out", tmp_path / "hf", "--json")
    assert printed.exit_code == 0, printed.stderr
    told = json.loads(printed.stdout)
    assert told["model"] == model
    assert sorted(told["files"]) == sorted(path.name for path in (tmp_path / "hf").iterdir())
    loaded, said = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "hf", output_loading_info=True)
    assert type(loaded).__name__ == model
    assert {name: list(value) for name, value in said.items() if value} == {}
    assert loaded.dtype == torch.float32
    found = loss_of(loaded.eval(), corpus, folder.read_spec().eval_tokens)
    assert found == pytest.approx(told["val_loss_nats"], abs=LOSS_TOLERANCE_NATS)
    if family != "moe":  # whose configurations are read as layers, for counts alone
        assert read_config(tmp_path / "hf" / "config.json") == (folder.read_spec().architecture, SEQ_LEN)
    text = torch.tensor([[corpus.eot_id, 5, 6, 7]])
    found, expected = (
        loaded.generate(text, attention_mask=torch.ones_like(text), max_new_tokens=8, do_sample=False, use_cache=cache)
        for cache in (True, False)
    )
    assert torch.equal(found, expected)


def loss_of(model, corpus, eval_tokens):
    """The validation loss as isoflop defines it (train/evaluate.py), with the logits of another library."""
    total, tokens_in_all = 0.0, 0
    for tokens in corpus.validation.values():
        count = max(1, min(eval_tokens, len(tokens) - 1) // SEQ_LEN)
        windows = np.stack([tokens[start : start + SEQ_LEN + 1] for start in np.arange(count) * SEQ_LEN])
        batch = torch.from_numpy(windows.astype(np.int64))
        with torch.inference_mode():
            logits = model(batch[:, :-1]).logits.double()
        nats = torch.nn.functional.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
        total += float(nats) * len(tokens)
        tokens_in_all += len(tokens)
    return total / tokens_in_all


@pytest.mark.parametrize("tokenizer", ["bytes", "bpe:400"])
def test_its_tokenizer_gives_the_ids_of_the_corpus(corpora, tmp_path, tokenizer):
    folder, corpus = trained(corpora, tokenizer)
    export_hf(folder.path, tmp_path / "hf")
    theirs, ours = transformers.AutoTokenizer.from_pretrained(tmp_path / "hf"), load_tokenizer(corpus.directory)
    assert len(theirs) == corpus.vocab_size
    assert theirs.eos_token_id == theirs.bos_token_id == corpus.eot_id
    texts = ["Ka to mi.", "", " a\n\n  b\t", "é ü 中文 🙂 \x00\x7f\xa0\xad", "<|endoftext|> in letters", "x" * 300]
    for text in texts:
        assert theirs(text)["input_ids"] == ours.encode(text), text
        assert theirs.decode(ours.encode(text)) == text
    # documents of the corpus, as they are on the disk
    tokens = next(iter(corpus.validation.values()))
    ends = np.flatnonzero(tokens == corpus.eot_id)[:20]
    for first, last in zip([-1, *ends[:-1]], ends, strict=True):
        document = tokens[first + 1 : last].tolist()
        assert theirs(ours.decode(document))["input_ids"] == document


def test_a_study_has_its_planned_model_written(finished_study, tmp_path):
    from isoflop.sweep import Design

    printed = call("export", finished_study.path, "--to", "hf", "--out", tmp_path / "a" / "hf", "--json")
    assert printed.exit_code == 0, printed.stderr
    told = json.loads(printed.stdout)
    assert told["run_id"] == Design.load(finished_study.path / "plans" / "contest.json").specs[0].run_id
    generated = transformers.pipeline("text-generation", model=str(tmp_path / "a" / "hf"))
    assert generated("Ka", max_new_tokens=5, do_sample=False)[0]["generated_text"].startswith("Ka")


@pytest.mark.parametrize("family", ["gopher", "palm"])
def test_a_family_that_transformers_has_not_is_refused_by_name(corpora, tmp_path, family):
    folder, _ = trained(corpora, family=family, train=False)
    with pytest.raises(RefusedError, match=f"no model of transformers is a {family}") as refusal:
        export_hf(folder.path, tmp_path / "hf")
    assert refusal.value.code == "not_expressible"
    assert not (tmp_path / "hf").exists()


def test_what_is_not_trained_is_not_written(corpora, tmp_path):
    folder, _ = trained(corpora, family="llama", train=False, tied_embedding=True)
    assert "has not finished" in refused("export", folder.path, "--to", "hf", "--out", tmp_path / "hf")
    assert "neither a run folder nor a study" in refused("export", tmp_path, "--to", "hf")
    assert list(tmp_path.iterdir()) == []


def test_the_folder_is_new_or_empty_and_whole_or_not_there(corpora, tmp_path, monkeypatch):
    folder, _ = trained(corpora)
    full, link, file, empty = (tmp_path / name for name in ("full", "link", "file", "empty"))
    full.mkdir()
    (full / "mine").write_text("mine")
    empty.mkdir()
    link.symlink_to(empty)
    file.write_text("mine")
    for place in (full, link, file):
        with pytest.raises(InputError, match="expected a new or empty folder"):
            export_hf(folder.path, place)
    assert [path.name for path in full.iterdir()] == ["mine"]
    export_hf(folder.path, empty)
    assert len(list(empty.iterdir())) == 5

    def fail(source, target):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "rename", fail)
        with pytest.raises(InputError, match="disk full while writing"):
            export_hf(folder.path, tmp_path / "none")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "file", "full", "link"]


def test_weights_of_another_model_are_not_written(corpora, tmp_path):
    folder, _ = trained(corpora)
    copy = RunFolder.create(tmp_path / "study" / "runs", folder.read_spec())
    (tmp_path / "study" / "corpus").symlink_to(corpora["bytes"][0] / "corpus")
    copy.write_result(folder.read_result())
    copy.weights.write_bytes(b"torn")
    with pytest.raises(InputError, match="cannot be read as weights"):
        export_hf(copy.path, tmp_path / "hf")
    other, _ = trained(corpora, family="llama", **PLAIN)
    copy.weights.write_bytes(other.weights.read_bytes())
    with pytest.raises(InputError, match="not the weights of this run's model"):
        export_hf(copy.path, tmp_path / "hf")
    assert not (tmp_path / "hf").exists()
