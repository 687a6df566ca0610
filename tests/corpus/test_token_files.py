"""A bit that flipped in a token file is found before it is a loss."""

import hashlib
import json
import random
import zlib

import numpy as np
import pytest

from isoflop.corpus import CorpusSources, build_corpus, load_corpus, token_files
from isoflop.corpus.token_files import TokenDigest
from isoflop.errors import InputError

BLOCK = 4096


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(token_files, "BLOCK_BYTES", BLOCK)
    monkeypatch.setattr("isoflop.corpus.info.BLOCK_BYTES", BLOCK)


@pytest.fixture
def directory(folder, tmp_path, small_blocks):
    build_corpus(tmp_path / "corpus", CorpusSources(kind="text", paths=(folder,)))
    return tmp_path / "corpus"


def flip(path, bit):
    data = bytearray(path.read_bytes())
    data[bit // 8] ^= 1 << (bit % 8)
    path.write_bytes(data)


def forget_blocks(directory):
    """As an earlier version wrote it."""
    info = json.loads((directory / "corpus.json").read_text())
    for row in (info["train"], *info["validation"].values()):
        del row["blocks"]
    (directory / "corpus.json").write_text(json.dumps(info))


def test_digests_are_the_same_however_the_bytes_came(small_blocks):
    data = random.Random(0).randbytes(3 * BLOCK + 10)
    whole, parts = TokenDigest(), TokenDigest()
    whole.update(data)
    for start in range(0, len(data), 1000):
        parts.update(data[start : start + 1000])
    blocks = [f"{zlib.crc32(data[start : start + BLOCK]):08x}" for start in range(0, len(data), BLOCK)]
    assert whole.sha256 == parts.sha256 == hashlib.sha256(data).hexdigest()
    assert whole.blocks == parts.blocks == tuple(blocks)


def test_a_sound_corpus_passes_and_has_a_checksum_a_block(directory):
    corpus = load_corpus(directory)
    assert len(corpus.check.train.blocks) == -(-corpus.train.nbytes // BLOCK) > 2
    corpus.check.at_start()
    corpus.check.at_end(1.0)


@pytest.mark.parametrize("name", ["train.bin", "val-letters.bin"])
@pytest.mark.parametrize("old", [False, True])
def test_a_flipped_bit_is_found_at_the_start(directory, name, old):
    if old:
        forget_blocks(directory)
    path = directory / name
    bits = random.Random(name).sample(range(path.stat().st_size * 8), 8)
    for bit in bits:
        flip(path, bit)
        with pytest.raises(InputError, match=rf"{name}: its bytes are not those that were written .*builds the corpus"):
            load_corpus(directory).check.at_start()
        flip(path, bit)
    load_corpus(directory).check.at_start()


def test_of_a_large_file_some_blocks_are_read_at_the_start_and_the_rest_at_the_end(directory, monkeypatch):
    monkeypatch.setattr(token_files, "CHEAP_BYTES", 2 * BLOCK)
    corpus = load_corpus(directory)
    count = len(corpus.check.train.blocks)
    found = 0
    for block in range(count):
        flip(directory / "train.bin", 8 * BLOCK * block + 5)
        again = load_corpus(directory)
        try:
            again.check.at_start()
        except InputError:
            found += 1
        else:
            with pytest.raises(InputError, match=r"train\.bin: its bytes are not"):
                again.check.at_end(1.0)
        flip(directory / "train.bin", 8 * BLOCK * block + 5)
    assert found < count


def test_after_a_run_no_more_is_read_than_its_time_allows(directory, monkeypatch):
    monkeypatch.setattr(token_files, "CHEAP_BYTES", 0)
    monkeypatch.setattr(token_files, "END_SECONDS", 0.0)
    flip(directory / "train.bin", 77)
    check = load_corpus(directory).check
    check.at_start()
    check._rate = 1.0  # a byte a second: nothing is read whole
    with pytest.raises(InputError, match="its bytes are not"):
        check.at_end(1000.0)  # fifty seconds allow all blocks
    forget_blocks(directory)
    check = load_corpus(directory).check
    check._rate = 1.0
    check.at_end(1000.0)  # without checksums of blocks the whole is all there is to read, and that is too much


def test_ids_beyond_the_vocabulary_are_told_although_the_digest_fits(directory):
    tokens = np.fromfile(directory / "val-letters.bin", dtype="<u2")
    tokens[3] = 60_000
    tokens.tofile(directory / "val-letters.bin")
    info = json.loads((directory / "corpus.json").read_text())
    digest = TokenDigest()
    digest.update(tokens.tobytes())
    info["validation"]["letters"] |= {"sha256": digest.sha256, "blocks": digest.blocks}
    told = info["tokenizer"]
    info["digest"] = token_digest(info, told)
    (directory / "corpus.json").write_text(json.dumps(info))
    with pytest.raises(InputError, match="token id 60000, and the vocabulary has 257"):
        load_corpus(directory).check.at_start()


def token_digest(info, told):
    from isoflop.corpus.info import corpus_digest

    validation = {name: row["sha256"] for name, row in info["validation"].items()}
    return corpus_digest(info["train"]["sha256"], validation, told["sha256"], told["vocab_size"])
