import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoflop.corpus.tokenizer import BpeTokenizer, ByteTokenizer, bpe_vocabulary, token_dtype, train_bpe
from isoflop.errors import InputError

from .conftest import prose


@given(st.text())
def test_bytes_give_the_text_back(text):
    tokenizer = ByteTokenizer()
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == tokenizer.decode([*ids, tokenizer.eot_id]) == text
    assert all(0 <= i < 256 for i in ids)


@pytest.fixture(scope="module")
def bpe():
    pytest.importorskip("tokenizers")
    return train_bpe(prose(60), 500)


@given(text=st.text() | st.sampled_from(["<|endoftext|>", " <|endoftext|>\n", "\x00", "  a\t\r\n"]))
@settings(deadline=None)
def test_bpe_gives_the_text_back(bpe, text):
    ids = bpe.encode(text)
    assert bpe.decode(ids) == bpe.decode([*ids, bpe.eot_id]) == text
    assert all(0 <= i < bpe.vocab_size and i != bpe.eot_id for i in ids)


@given(st.lists(st.text(max_size=20), min_size=1, max_size=6))
@settings(deadline=None)
def test_documents_end_with_end_of_text(bpe, texts):
    for tokenizer in (ByteTokenizer(), bpe):
        wanted = [i for text in texts for i in [*tokenizer.encode(text), tokenizer.eot_id]]
        ids = tokenizer.encode_documents([text.encode() for text in texts])
        assert ids.tolist() == wanted
        assert ids.dtype == token_dtype(tokenizer.vocab_size)


def test_names():
    assert bpe_vocabulary("bpe:4096") == 4096
    for wrong in ("bpe:256", "bpe:", "BYTES", "bpe:4k"):
        with pytest.raises(InputError, match="'bytes' or 'bpe:N'"):
            bpe_vocabulary(wrong)
    assert token_dtype(2**16).itemsize == 2
    assert token_dtype(2**16 + 1).itemsize == 4


def test_a_vocabulary_without_its_end_of_text_is_refused():
    tokenizers = pytest.importorskip("tokenizers")
    with pytest.raises(InputError, match="got none such"):
        BpeTokenizer(tokenizers.Tokenizer(tokenizers.models.BPE({"a": 0}, [])), "file")
