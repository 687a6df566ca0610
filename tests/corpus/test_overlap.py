import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.corpus import CorpusSources, build_corpus, check_epochs
from isoflop.corpus.overlap import GRAM_WORDS, Overlap, Repeats, gram_hashes
from isoflop.errors import InputError, RefusedError

from .conftest import prose

DOCUMENTS = st.lists(st.lists(st.sampled_from(["a", "bé", "abc", "b"]), max_size=30), max_size=6)


def grams(documents: list[list[str]]) -> list[tuple[str, ...]]:
    return [tuple(words[i : i + GRAM_WORDS]) for words in documents for i in range(len(words) - GRAM_WORDS + 1)]


@given(DOCUMENTS, DOCUMENTS, st.sampled_from([" ", "\n", " \n\t "]))
def test_shares_are_those_of_a_plain_count(validation, training, blank):
    hashes = gram_hashes([" ".join(words).encode() for words in validation])
    wanted = grams(validation)
    assert len(hashes) == len(wanted)
    assert len(set(hashes.tolist())) == len(set(wanted))
    overlap = Overlap({"x": [hashes]})
    overlap.see([blank.join(words).encode() for words in training])
    known = set(grams(training))
    share = sum(gram in known for gram in wanted) / len(wanted) if wanted else None
    assert overlap.shares() == {"x": share}


@given(st.lists(st.lists(st.integers(0, 30), max_size=40), max_size=6))
def test_few_grams_are_counted_one_by_one(parts):
    repeats = Repeats(most_stored=50)
    for part in parts:
        repeats.see(np.array(part, dtype=np.uint64))
    whole = [gram for part in parts for gram in part]
    assert repeats.different() == (pytest.approx(len(set(whole)) / len(whole)) if whole else None)


def test_many_are_known_from_a_sample():
    draw = np.random.default_rng(0)
    different = draw.integers(0, 2**64, size=200_000, dtype=np.uint64)
    repeats = Repeats(most_stored=4096)
    for part in np.array_split(draw.permutation(np.concatenate([different, different, different[:100_000]])), 50):
        repeats.see(part)
    assert repeats.different() == pytest.approx(200 / 500, rel=0.03)
    assert len(repeats._hashes) <= 4096


def copies(tmp_path, times: int, texts: list[str]):
    """A corpus of one file that holds its text so many times, in lines too short to be dropped."""
    lines = [line[i : i + 50] for text in texts for line in text.splitlines() for i in range(0, len(line), 50)]
    (tmp_path / "book.txt").write_text("\n".join(lines * times))
    sources = CorpusSources(kind="text", paths=(tmp_path / "book.txt",))
    return build_corpus(tmp_path / "corpus", sources)


def test_repeats_inside_the_text_count_as_epochs(tmp_path):
    corpus = copies(tmp_path, 2, prose(300))
    assert 0.5 < corpus.different_share < 0.6
    needed = 0.9 * corpus.train_tokens
    assert check_epochs(needed, corpus.train_tokens) == []
    (notice,) = check_epochs(needed, corpus.train_tokens, different=corpus.different_share)
    assert notice.code == "repeated_data"
    assert "% are new" in notice.message
    with pytest.raises(InputError, match="--allow-epochs"):
        check_epochs(3 * corpus.train_tokens, corpus.train_tokens, different=corpus.different_share)


def test_text_that_repeats_little_counts_as_it_is(tmp_path):
    assert copies(tmp_path, 1, prose(60)).different_share == 1.0


def test_validation_that_is_in_training_is_noticed_and_refused_where_it_is_all(tmp_path):
    (tmp_path / "twice").mkdir()
    corpus = copies(tmp_path / "twice", 2, prose(300))
    (notice,) = [notice for notice in corpus.notices if notice.code == "validation_in_training"]
    share = corpus.info.validation["book"].seen_in_training
    assert 0.8 < share < 0.995
    assert f"book {share:.0%}".replace("%", " %") in notice.message
    (tmp_path / "often").mkdir()
    with pytest.raises(RefusedError, match="book: all of the validation text .* give each text once") as told:
        copies(tmp_path / "often", 20, prose(100))
    assert told.value.code == "validation_is_training"
    assert not (tmp_path / "often" / "corpus").exists()
    (tmp_path / "once").mkdir()
    assert not copies(tmp_path / "once", 1, prose(60)).notices
