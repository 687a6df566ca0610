"""corpus.json may come from somebody else: it decides what bytes are read as, and which files."""

import json

import numpy as np
import pytest

from isoflop.corpus import CorpusSources, TokenBatches, build_corpus, load_corpus
from isoflop.corpus.info import corpus_digest
from isoflop.errors import InputError


@pytest.fixture
def corpus(folder, tmp_path):
    build_corpus(tmp_path / "corpus", CorpusSources(kind="text", paths=(folder,)))
    return tmp_path / "corpus"


def changed(corpus, *place, value):
    """corpus.json with another value at `place`, its digest made to fit."""
    path = corpus / "corpus.json"
    info = json.loads(path.read_text())
    part = info
    for name in place[:-1]:
        part = part[name]
    part[place[-1]] = value
    told = info["tokenizer"]
    if isinstance(told, dict) and isinstance(info["train"], dict) and isinstance(info["validation"], dict):
        rows = [info["train"], *info["validation"].values()]
        if all(isinstance(row, dict) and "sha256" in row for row in rows):
            validation = {name: row["sha256"] for name, row in info["validation"].items()}
            info["digest"] = corpus_digest(info["train"]["sha256"], validation, told["sha256"], told["vocab_size"])
    path.write_text(json.dumps(info))


@pytest.mark.parametrize("dtype", ["|O", "O", "object", "<u8", ">u2", "<f4", "V8", "S4", "<u2,<u2", None, 7, ["<u2"]])
def test_tokens_are_of_a_closed_list_of_types(corpus, dtype):
    changed(corpus, "dtype", value=dtype)
    with pytest.raises(InputError, match="dtype: expected '<u2' or '<u4'"):
        load_corpus(corpus)


def test_the_type_is_that_of_the_vocabulary(corpus):
    changed(corpus, "dtype", value="<u4")
    with pytest.raises(InputError, match="dtype: <u4 is not that of a vocabulary of 257"):
        load_corpus(corpus)


@pytest.mark.parametrize("place", [("train",), ("validation", "letters")])
@pytest.mark.parametrize(
    "name", ["../secret", "/etc/passwd", "sub/train.bin", "..", ".", "", ".hidden", "a\0b", 3, None]
)
def test_token_files_lie_in_the_folder_of_the_corpus(corpus, place, name):
    changed(corpus, *place, "file", value=name)
    with pytest.raises(InputError, match=r"file: expected (the name of a file in the folder|a valid string)"):
        load_corpus(corpus)


def test_a_token_file_is_reached_through_no_link(corpus, tmp_path):
    (corpus / "train.bin").rename(tmp_path / "elsewhere")
    (corpus / "train.bin").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"train\.bin: is a link"):
        load_corpus(corpus)


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("train", "tokens"), -1, r"train\.tokens: expected greater than or equal to 1, got -1"),
        (("train", "tokens"), True, r"train\.tokens: expected"),
        (("train", "tokens"), 1e9, r"train\.tokens: expected"),
        (("train", "bytes"), "many", r"train\.bytes: expected"),
        (("train", "sha256"), "0", r"train\.sha256: expected 64 hex digits"),
        (("train", "blocks"), [], r"train\.blocks: expected 1 checksums"),
        (("train", "blocks"), [[]], r"train\.blocks\.0: expected a valid string"),
        (("train",), [], "train: expected an object"),
        (("validation",), {}, "validation: dictionary should have at least 1 item"),
        (("validation",), [], "validation: expected an object"),
        (("validation", "letters"), None, r"validation\.letters: expected"),
        (("tokenizer",), "bytes", "tokenizer: expected"),
        (("tokenizer", "vocab_size"), 0, "vocab_size: expected greater than or equal to 2, got 0"),
        (("tokenizer", "vocab_size"), 2**40, "vocab_size: expected less than or equal to 4294967296, got"),
        (("tokenizer", "eot_id"), 257, "eot_id: expected an id below 257"),
        (("tokenizer", "name"), 3, "name: expected a valid string, got 3"),
        (("notices",), [3], r"notices\.0: expected"),
    ],
)
def test_values_of_another_kind_are_named(corpus, place, value, said):
    changed(corpus, *place, value=value)
    with pytest.raises(InputError, match=said):
        load_corpus(corpus)


def test_a_digest_that_is_not_that_of_the_files_is_refused(corpus):
    path = corpus / "corpus.json"
    info = json.loads(path.read_text())
    path.write_text(json.dumps({**info, "digest": "0" * 64}))
    with pytest.raises(InputError, match="digest: not that of the files and the tokenizer that it names"):
        load_corpus(corpus)


def test_nested_beyond_reason_is_no_corpus(corpus):
    (corpus / "corpus.json").write_text("[" * 100_000)
    with pytest.raises(InputError, match="cannot be read"):
        load_corpus(corpus)


def test_ids_beyond_the_vocabulary_reach_no_model():
    tokens = np.arange(100, dtype=np.uint16) % 50
    tokens[40] = 50
    with pytest.raises(InputError, match="token id 50 among the training tokens, and the vocabulary has 50"):
        TokenBatches(tokens, 10, 0, vocab_size=50).sequences(0, 9)
    assert TokenBatches(tokens, 10, 0, vocab_size=51).sequences(0, 9).max() == 50
