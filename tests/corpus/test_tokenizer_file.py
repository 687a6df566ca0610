import json

import pytest

from isoflop.corpus import CorpusSources, build_corpus, load_tokenizer
from isoflop.corpus.tokenizer import train_bpe
from isoflop.corpus.tokenizer_file import load_tokenizer_file
from isoflop.errors import InputError

from .conftest import prose

tokenizers = pytest.importorskip("tokenizers")


def written(path, *, ends=("<|endoftext|>",), **changes):
    """A tokenizer.json as people have them, with what a corpus must not take from it: a beginning, padding, a limit."""
    inner = tokenizers.Tokenizer.from_str(train_bpe(prose(40), 400)._inner.to_str().replace("<|endoftext|>", ends[0]))
    inner.add_special_tokens(["<s>", *ends])
    inner.post_processor = tokenizers.processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", inner.token_to_id("<s>"))]
    )
    inner.enable_truncation(8)
    inner.enable_padding(length=8)
    path.write_text(json.dumps({**json.loads(inner.to_str()), **changes}))
    return path


def texts_of(corpus) -> list[str]:
    tokenizer, found, ids = load_tokenizer(corpus.directory), [], []
    for token in corpus.train.tolist():
        if token == corpus.eot_id:
            found.append(tokenizer.decode(ids))
            ids = []
        else:
            ids.append(token)
    return found


@pytest.mark.parametrize("end", ["<|endoftext|>", "</s>"])
def test_a_tokenizer_of_ones_own_makes_the_corpus_and_comes_with_it(folder, tmp_path, end):
    file = written(tmp_path / "tokenizer.json", ends=(end,))
    sources = CorpusSources(kind="text", paths=(folder,))
    corpus = build_corpus(tmp_path / "corpus", sources, tokenizer=str(file))
    plain = build_corpus(tmp_path / "plain", sources)
    assert sorted(texts_of(corpus)) == sorted(texts_of(plain))
    assert (corpus.vocab_size, corpus.train_bytes) == (401, plain.train_bytes)
    assert corpus.info.tokenizer.name == "file"
    assert corpus.info.tokenizer.end_of_text == end
    assert not corpus.notices
    name, tokens = "letters", corpus.validation["letters"]
    assert corpus.validation_bytes_of(name, 0, len(tokens)) == corpus.validation_bytes[name]
    file.unlink()  # the corpus has its own
    assert load_tokenizer(corpus.directory).decode(corpus.train[:20].tolist())


def test_the_same_file_builds_nothing_anew_and_another_does(folder, tmp_path):
    sources = CorpusSources(kind="text", paths=(folder,))
    file = written(tmp_path / "tokenizer.json", ends=("</s>", "<eos>"))
    with pytest.raises(InputError, match=r"several tokens that may end a text \(</s>, <eos>\); name the one"):
        build_corpus(tmp_path / "corpus", sources, tokenizer=str(file))
    one = build_corpus(tmp_path / "corpus", sources, tokenizer=str(file), end_of_text="<eos>")
    again = build_corpus(tmp_path / "corpus", sources, tokenizer=str(tmp_path), end_of_text="<eos>")
    assert again.info.built == one.info.built
    assert build_corpus(tmp_path / "corpus", sources, tokenizer=str(file), end_of_text="</s>").digest != one.digest


def test_a_tokenizer_that_changes_the_text_is_noticed(folder, tmp_path):
    file = written(tmp_path / "tokenizer.json", normalizer={"type": "Lowercase"})
    corpus = build_corpus(tmp_path / "corpus", CorpusSources(kind="text", paths=(folder,)), tokenizer=str(file))
    (notice,) = corpus.notices
    assert notice.code == "lossy_tokenizer"
    assert "'Letter" in notice.message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no such file"),
        ("{", "cannot be read"),
        ("[1]", "got no JSON object"),
        ("[" * 100_000, "cannot be read"),
        ('{"model": 5}', "the library cannot read it"),
        ('{"version": "1.0", "model": {"type": "BPE", "vocab": {}, "merges": []}}', "a vocabulary of 1 to"),
    ],
)
def test_what_is_no_tokenizer_is_told(tmp_path, content, said):
    path = tmp_path / "tokenizer.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=said):
        load_tokenizer_file(path)


def test_an_end_of_text_that_is_not_there_is_told(folder, tmp_path):
    file = written(tmp_path / "tokenizer.json", ends=("<|stop|>",))
    with pytest.raises(InputError, match="no token known to end a text; name the one that ends a document"):
        load_tokenizer_file(file)
    with pytest.raises(InputError, match="has no '<halt>'"):
        load_tokenizer_file(file, "<halt>")
    assert load_tokenizer_file(file, "<|stop|>").end_of_text == "<|stop|>"
    with pytest.raises(InputError, match="--end-of-text is about a tokenizer of your own"):
        build_corpus(tmp_path / "c", CorpusSources(kind="text", paths=(folder,)), end_of_text="<|stop|>")
