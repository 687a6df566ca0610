import hashlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from isoflop.corpus import CorpusSources, TokenBatches, build_corpus, load_corpus, load_tokenizer
from isoflop.errors import InputError

from .conftest import WORDS, prose


def texts(*paths: Path) -> CorpusSources:
    return CorpusSources(kind="text", paths=paths)


def documents(corpus, tokens) -> list[str]:
    tokenizer = load_tokenizer(corpus.directory)
    ends = np.flatnonzero(np.asarray(tokens) == corpus.eot_id)
    assert ends[-1] == len(tokens) - 1
    return [tokenizer.decode(part[part != corpus.eot_id].tolist()) for part in np.split(tokens, ends[:-1] + 1)]


def test_a_folder_becomes_tokens_and_every_document_is_on_one_side(folder, tmp_path):
    corpus = build_corpus(tmp_path / "corpus", texts(folder), val_fraction=0.1)
    train, val = documents(corpus, corpus.train), documents(corpus, corpus.validation["letters"])
    written = [path.read_text().strip() for path in folder.rglob("*.txt")]
    # 60 files of 700 bytes: a tenth is 4.2 KB, so no file is longer than a quarter of it, but pieces are 2 KiB or more.
    assert sorted(train + val) == sorted(written)
    assert not set(train) & set(val)
    assert corpus.train_bytes == sum(len(text.encode()) for text in train)
    assert corpus.validation_bytes["letters"] == sum(len(text.encode()) for text in val)
    assert corpus.train_tokens == corpus.train_bytes + len(train) == corpus.info.train.tokens
    assert corpus.vocab_size == 257
    assert corpus.eot_id == 256
    assert corpus.train.dtype == np.uint16
    assert TokenBatches(corpus.train, 256, 0).sequences(0, 4).shape == (4, 257)
    assert sorted(path.name for path in corpus.directory.iterdir()) == ["corpus.json", "train.bin", "val-letters.bin"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corpus", "letters"]


def letters_without_a_generator(count: int) -> list[str]:
    """Documents whose words follow from hashes, so that they are the same with every version of NumPy."""

    def word(*at: int) -> str:
        return WORDS[hashlib.sha256(repr(at).encode()).digest()[0] % len(WORDS)]

    return [
        "\n".join(" ".join(word(i % 270, line, place) for place in range(14)) for line in range(8))
        for i in range(count)
    ]


def test_the_corpus_of_a_text_is_the_one_that_it_always_was(tmp_path):
    made = letters_without_a_generator(300)
    standing = "This sentence stands in many of the letters, and only the first of them may keep it."
    mixed = [text if number % 3 else f"{text}\r\n{standing}  \r\n" for number, text in enumerate(made)]
    (tmp_path / "a.txt").write_bytes("\n\n".join(mixed[:120]).encode())
    (tmp_path / "b.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in mixed[10:]))
    sources = texts(tmp_path / "a.txt", tmp_path / "b.jsonl")
    corpus = build_corpus(tmp_path / "corpus", sources, seed=2, val_fraction=0.05)
    assert asdict(corpus.info.dropped) == PINNED_DROPPED
    # frozen: runs that were trained on a corpus name it by this digest
    assert corpus.digest == PINNED_DIGEST


PINNED_DROPPED = {
    "duplicate_documents": 20,
    "duplicate_line_bytes": 66794,
    "duplicate_lines": 929,
    "empty_documents": 39,
}
PINNED_DIGEST = "a85391c8265379d5a3bf7ed96f2fac67a09d5d810dd09fceb474f5061c71b406"


def test_second_call_reads_nothing_and_a_changed_file_builds_anew(folder, tmp_path):
    first = build_corpus(tmp_path / "corpus", texts(folder))
    called = []
    again = build_corpus(tmp_path / "corpus", texts(folder), progress=lambda *a: called.append(a))
    assert not called
    assert again.info.built == first.info.built
    (folder / "year0" / "00.txt").write_text("A new letter.\n" * 3)
    assert build_corpus(tmp_path / "corpus", texts(folder)).digest != first.digest


def test_same_text_in_other_files_and_order_gives_the_same_corpus(tmp_path):
    made = prose(80)
    for name, order in (("one", made), ("two", made[::-1])):
        (tmp_path / name).mkdir()
        (tmp_path / name / "letters.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in order))
    one, two = (
        build_corpus(tmp_path / f"corpus-{name}", texts(tmp_path / name / "letters.jsonl")) for name in ("one", "two")
    )
    assert one.digest == two.digest
    other = build_corpus(tmp_path / "seed", texts(tmp_path / "one" / "letters.jsonl"), seed=1)
    assert other.digest != one.digest
    assert sorted(documents(other, other.train)) == sorted(documents(one, one.train))
    np.testing.assert_array_equal(other.validation["letters"], one.validation["letters"])


def test_validation_documents_stay_there_when_text_is_added(tmp_path):
    path = tmp_path / "letters.jsonl"
    made = prose(1200, words=60)
    sides = []
    for count in (1000, 1200):
        path.write_text("".join(json.dumps({"content": text}) + "\n" for text in made[:count]))
        corpus = build_corpus(tmp_path / f"corpus{count}", texts(path), val_fraction=0.1)
        sides.append(set(documents(corpus, corpus.validation["letters"])))
    assert sides[0] < sides[1]


def test_duplicates_are_dropped_and_counted(tmp_path):
    made = prose(80)
    copied_line = "All rights of this sentence are reserved, and it stands in every document of the folder."
    made = [f"{text}\n{copied_line}\nshort line" for text in made]
    path = tmp_path / "letters.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in [*made, *made[:7], "", " \n"]))
    corpus = build_corpus(tmp_path / "corpus", texts(path))
    dropped = asdict(corpus.info.dropped)
    assert dropped["duplicate_documents"] == 7
    assert dropped["duplicate_lines"] == 79
    assert dropped["duplicate_line_bytes"] == 79 * (len(copied_line) + 1)
    assert dropped["empty_documents"] == 2
    everything = documents(corpus, corpus.train) + documents(corpus, corpus.validation["letters"])
    assert sum(copied_line in text for text in everything) == 1
    assert sum("short line" in text for text in everything) == 80


def test_one_book_is_cut_so_that_both_sides_have_text(tmp_path):
    (tmp_path / "book.txt").write_text("\n\n".join(prose(100)))
    corpus = build_corpus(tmp_path / "corpus", texts(tmp_path / "book.txt"))
    assert corpus.validation_bytes["book"] >= 4096
    assert corpus.train_bytes > 0.85 * (tmp_path / "book.txt").stat().st_size
    whole = (tmp_path / "book.txt").read_text()
    assert all(piece in whole for piece in documents(corpus, corpus.train))


def test_each_path_is_a_domain_of_its_own(folder, tmp_path):
    (tmp_path / "Notes (2).txt").write_text("\n".join(prose(40, seed=9)))
    corpus = build_corpus(tmp_path / "corpus", texts(folder, tmp_path / "Notes (2).txt"))
    assert sorted(corpus.validation) == ["letters", "notes-2"]
    assert corpus.info.validation["letters"].seen_in_training == 0.0


def test_validation_text_that_stands_in_training_text_is_measured(tmp_path):
    common = " ".join(prose(1, seed=5)[0].split())
    path = tmp_path / "letters.jsonl"
    # The common passage is broken into short lines, so that it is not dropped as a repeated line.
    broken = "\n".join(common[i : i + 50] for i in range(0, len(common), 50))
    path.write_text("".join(json.dumps({"text": f"{text}\n{broken}"}) + "\n" for text in prose(80, words=80)))
    share = build_corpus(tmp_path / "corpus", texts(path)).info.validation["letters"].seen_in_training
    assert 0.4 < share < 0.8


def test_bpe_is_learned_from_the_training_part_and_gives_the_text_back(folder, tmp_path):
    pytest.importorskip("tokenizers")
    plain = build_corpus(tmp_path / "bytes", texts(folder))
    corpus = build_corpus(tmp_path / "bpe", texts(folder), tokenizer="bpe:400")
    assert sorted(documents(corpus, corpus.train)) == sorted(documents(plain, plain.train))
    assert corpus.vocab_size == 400
    assert corpus.train_tokens < 0.6 * plain.train_tokens
    assert corpus.train_bytes == plain.train_bytes
    assert int(corpus.train.max()) < corpus.vocab_size
    assert corpus.digest != plain.digest
    again = build_corpus(tmp_path / "again", texts(folder), tokenizer="bpe:400")
    assert again.digest == corpus.digest
    tokenizer_file = tmp_path / "bpe" / "tokenizer.json"
    tokenizer_file.write_text(tokenizer_file.read_text().replace('"add_prefix_space":false', '"add_prefix_space":true'))
    with pytest.raises(InputError, match="not the tokenizer"):
        load_tokenizer(tmp_path / "bpe")


KILLED = """
import os, signal, sys
from pathlib import Path
from isoflop.corpus import CorpusSources, build_corpus
def progress(what, share):
    if what == sys.argv[3]:
        os.kill(os.getpid(), signal.SIGKILL)
build_corpus(Path(sys.argv[1]), CorpusSources(kind="text", paths=(Path(sys.argv[2]),)), progress=progress)
"""


@pytest.mark.parametrize("moment", ["reading letters", "packing"])
def test_a_killed_build_leaves_nothing_half_and_the_next_one_ends(folder, tmp_path, moment):
    target = tmp_path / "corpus"
    command = [sys.executable, "-c", KILLED, str(target), str(folder), moment]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert not target.exists()
    first = build_corpus(target, texts(folder))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corpus", "letters"]
    (folder / "more.txt").write_text("\n".join(prose(3, seed=4)))
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert load_corpus(target).digest == first.digest
    assert build_corpus(target, texts(folder)).digest != first.digest


def test_too_little_text_is_told(tmp_path):
    (tmp_path / "a.txt").write_text("Too short.")
    (tmp_path / "b.txt").write_text("Too short, too.")
    with pytest.raises(InputError, match=r"corpus: 2 problems\n  - a: expected at least 16,384 bytes .* got 10; give"):
        build_corpus(tmp_path / "corpus", texts(tmp_path / "a.txt", tmp_path / "b.txt"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "b.txt"]


def test_a_file_too_large_for_the_disk_is_told(folder, tmp_path):
    limited = (
        "import resource, sys; from pathlib import Path; from isoflop.corpus import *; from isoflop.errors import *\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
        "try: build_corpus(Path(sys.argv[1]), CorpusSources(kind='text', paths=(Path(sys.argv[2]),)))\n"
        "except InputError as error: print(error)\n"
    )
    command = [sys.executable, "-c", limited, str(tmp_path / "corpus"), str(folder)]
    told = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "larger than this process may write" in told.stdout, told.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["letters"]


def test_wrong_settings_are_told(folder, tmp_path):
    with pytest.raises(InputError, match="'bytes' or 'bpe:N'"):
        build_corpus(tmp_path / "corpus", texts(folder), tokenizer="words")
    with pytest.raises(InputError, match="val_fraction"):
        build_corpus(tmp_path / "corpus", texts(folder), val_fraction=0)


def test_python_sources_have_two_domains(tmp_path):
    pytest.importorskip("importlib.metadata").version("torch")
    sources = CorpusSources(kind="python", max_bytes_per_domain=300_000)
    corpus = build_corpus(tmp_path / "corpus", sources)
    assert sorted(corpus.validation) == ["stdlib", "torch"]
    assert min(corpus.validation_bytes.values()) >= 4096
    assert 400_000 < corpus.train_bytes < 1_500_000
    assert "import " in load_tokenizer(corpus.directory).decode(corpus.train[:20000].tolist())
    assert os.listdir(tmp_path) == ["corpus"]
