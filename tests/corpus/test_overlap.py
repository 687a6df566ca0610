from hypothesis import given
from hypothesis import strategies as st

from isoflop.corpus.overlap import GRAM_WORDS, Overlap, gram_hashes

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
