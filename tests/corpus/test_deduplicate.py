import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.corpus import records
from isoflop.corpus.deduplicate import deduplicate
from isoflop.corpus.document_store import MIN_LINE_CHARACTERS, DocumentStore, StoredText


@pytest.fixture(params=[2**17, 2], ids=["in memory", "on the disk"])
def few_wait(request, monkeypatch):
    """Records that stay in memory, and records that are dealt out into files."""
    monkeypatch.setattr(records, "_FLUSHED_AT", request.param)


def kept_texts(folder, texts, *, keep_repeated_lines=False):
    """(what stays of `texts`, what was counted, the line that goes most often)."""
    folder.mkdir()
    store = DocumentStore(folder, keep_repeated_lines=keep_repeated_lines)
    for text in texts:
        store.add(text, 0)
    store.close()
    unique = deduplicate(store)
    text = StoredText(store.path)
    found = [
        text[place].decode()
        for part in unique.documents
        for place in zip(part["start"].tolist(), part["length"].tolist(), strict=True)
    ]
    text.close()
    assert unique.bytes_of[0] == sum(len(one.encode()) for one in found)
    return found, dict(store.dropped), unique.commonest


def test_a_line_may_repeat_inside_its_own_document(tmp_path, few_wait):
    refrain = "And so the river went on and on, and nobody on its banks could say where it went."
    texts = [f"{refrain}\none\n{refrain}\r\n", f"two\n{refrain}\nthree", f"\n{refrain}   \n"]
    found, dropped, commonest = kept_texts(tmp_path / "a", texts)
    assert found == [f"{refrain}\none\n{refrain}", "two\nthree"]
    assert dropped == {
        "duplicate_documents": 0,
        "duplicate_lines": 2,
        "duplicate_line_bytes": 2 * (len(refrain) + 1),
        "empty_documents": 1,
    }
    assert commonest == (refrain, 2)
    found, dropped, commonest = kept_texts(tmp_path / "b", texts, keep_repeated_lines=True)
    assert found == [texts[0].replace("\r\n", ""), texts[1], refrain]
    assert dropped["duplicate_lines"] == 0
    assert commonest is None


LINES = st.sampled_from(["short", "", " ", *(letter * MIN_LINE_CHARACTERS for letter in "abcdé")])
TEXTS = st.lists(st.lists(LINES, min_size=1, max_size=6).map("\n".join), max_size=12)


@given(TEXTS)
def test_what_stays_is_what_a_reader_with_a_memory_would_keep(tmp_path_factory, texts):
    seen_documents, seen_lines, wanted = set(), set(), []
    for text in texts:
        lines = [line.rstrip() for line in text.split("\n")]
        whole = "\n".join(lines).strip("\n")
        if not whole.strip() or whole in seen_documents:
            continue
        seen_documents.add(whole)
        kept = "\n".join(line for line in lines if line not in seen_lines).strip("\n")
        seen_lines |= {line for line in lines if len(line) >= MIN_LINE_CHARACTERS}
        wanted += [kept] if kept.strip() else []
    numbers = itertools.count()
    root = tmp_path_factory.mktemp("texts")
    assert kept_texts(root / str(next(numbers)), texts)[0] == wanted
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "_FLUSHED_AT", 3)
        assert kept_texts(root / str(next(numbers)), texts)[0] == wanted
