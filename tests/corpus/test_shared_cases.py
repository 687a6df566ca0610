"""The small inputs that once came out wrong, where they lie beside the repository."""

from pathlib import Path

import pytest

from isoflop.arch import flops_per_token, kv_cache_bytes
from isoflop.arch.huggingface import read_config
from isoflop.corpus import CorpusSources, build_corpus
from isoflop.errors import InputError

CASES = Path(__file__).parents[3] / "shared" / "cases"


@pytest.fixture
def case():
    """The path of a case by its name; skips where there are none."""

    def path(name: str) -> Path:
        if not (CASES / name).exists():
            pytest.skip(f"no ../shared/cases/{name} beside the repository")
        return CASES / name

    return path


def built(folder, path, **choices):
    """(documents, codes of notices) of the corpus of `path`."""
    corpus = build_corpus(folder / "corpus", CorpusSources(kind="text", paths=(path,), **choices))
    found = []
    for tokens in (corpus.train, *corpus.validation.values()):
        found += bytes(0 if token == corpus.eot_id else token for token in tokens.tolist()).decode().split("\0")[:-1]
    return found, {notice.code for notice in corpus.notices}


def test_documents_end_at_the_marker_or_a_notice_says_that_they_do_not(case, tmp_path):
    _, codes = built(tmp_path, case("eot-in-text"))
    assert "end_of_text_in_text" in codes
    documents, codes = built(tmp_path, case("eot-in-text"), document_separator="<|endoftext|>")
    assert len(documents) == 30
    assert "end_of_text_in_text" not in codes


def test_a_mark_is_dropped_and_null_rows_are_left_out(case, tmp_path):
    documents, codes = built(tmp_path / "bom", case("jsonl-bom"))
    assert (len(documents), codes) == (30, set())
    documents, codes = built(tmp_path / "null", case("jsonl-null"))
    assert (len(documents), codes) == (27, {"null_text"})


def test_the_keys_that_are_there_are_named(case, tmp_path):
    with pytest.raises(InputError, match="--text-key with 'raw_content'"):
        built(tmp_path, case("other-key"))
    assert len(built(tmp_path, case("other-key"), text_key="raw_content")[0]) == 30


def test_a_template_that_goes_is_told_of_and_stays_where_that_is_asked(case, tmp_path):
    first = "Below is an instruction that describes a task."
    documents, codes = built(tmp_path, case("template"))
    assert codes == {"repeated_lines"}
    assert sum(one.startswith(first) for one in documents) == 1
    documents, codes = built(tmp_path, case("template"), keep_repeated_lines=True)
    assert sum(one.startswith(first) for one in documents) == len(documents) == 30


def test_a_sliding_window_is_used(case):
    arch, context = read_config(case("configs/mistral_window.json"))
    assert (context, kv_cache_bytes(arch, context)) == (32768, 2**29)
    assert flops_per_token(arch, context) <= 4.911e10
