"""A mixture of domains has the shares that it was asked for, and the validation text of any other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.corpus import Corpus, CorpusSources, build_corpus, load_tokenizer
from isoflop.corpus.mixture import check_weights, kept_shares
from isoflop.errors import InputError

from .conftest import prose

SIZES = st.dictionaries(st.sampled_from("abcd"), st.tuples(st.integers(1, 10**9), st.floats(0.01, 100)), min_size=1)


@given(SIZES)
def test_shares_have_the_ratio_of_the_weights_and_one_domain_is_whole(drawn: dict[str, tuple[int, float]]) -> None:
    sizes, weights = ({name: part[side] for name, part in drawn.items()} for side in (0, 1))
    kept = kept_shares(sizes, weights)  # type: ignore[arg-type]
    assert max(kept.values()) == pytest.approx(1.0)
    each = [kept[name] * sizes[name] / weights[name] for name in drawn]
    assert each == pytest.approx([each[0]] * len(each))


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({"letters": 1.0, "poem": 1.0, "poems": 1.0}, "poem: no domain of this text; did you mean poems?"),
        ({"letters": 1.0}, "poems: expected a weight"),
        ({"letters": 1.0, "poems": -1.0}, "poems: expected at least 0, got -1"),
        ({"letters": 0.0, "poems": 0.0}, "expected a weight above 0"),
    ],
)
def test_weights_of_other_domains_are_refused(weights: dict[str, float], said: str) -> None:
    with pytest.raises(InputError) as caught:
        check_weights(["letters", "poems"], weights)
    assert said in str(caught.value)


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    made = []
    for seed, name in enumerate(("letters", "poems")):
        root = tmp_path / name
        root.mkdir()
        for number, text in enumerate(prose(200, seed)):
            (root / f"{number:03d}.txt").write_text(text + "\n")
        made.append(root)
    return made


def built(folder: Path, paths: list[Path], **weights: float) -> Corpus:
    return build_corpus(folder, CorpusSources(kind="text", paths=tuple(paths), weights=weights))


def documents(corpus: Corpus) -> set[str]:
    ends = np.flatnonzero(np.asarray(corpus.train) == corpus.eot_id)
    tokenizer = load_tokenizer(corpus.directory)
    return {tokenizer.decode(part[:-1].tolist()) for part in np.split(corpus.train, ends + 1)[:-1]}


def test_the_training_text_is_mixed_and_the_validation_text_is_not(tmp_path: Path, folders: list[Path]) -> None:
    plain = built(tmp_path / "plain", folders)
    mixed, less = (built(tmp_path / f"of {part}", folders, letters=part, poems=1.0) for part in (0.5, 0.25))
    rows = {name: row.train_bytes for name, row in mixed.info.domains.items()}  # type: ignore[union-attr]
    # documents are whole, of 200 about a hundred: the share is that of as many draws
    assert rows["letters"] / rows["poems"] == pytest.approx(0.5, abs=0.1)
    assert rows["poems"] == plain.info.domains["poems"].train_bytes  # type: ignore[union-attr]
    for name, tokens in plain.validation.items():
        assert (mixed.validation[name] == tokens).all()
    assert mixed.digest != plain.digest
    # of two shares the larger holds the smaller
    assert documents(less) < documents(mixed) < documents(plain)
    assert mixed.info.weights == {"letters": 0.5, "poems": 1.0}  # type: ignore[union-attr]
    assert built(tmp_path / "of 0.5", folders, letters=0.5, poems=1.0).info == mixed.info


def test_a_weight_of_zero_leaves_a_domain_out_of_training_alone(tmp_path: Path, folders: list[Path]) -> None:
    corpus = built(tmp_path / "corpus", folders, letters=0.0, poems=1.0)
    assert corpus.info is not None
    assert corpus.info.domains["letters"].train_bytes == 0
    assert len(corpus.validation["letters"]) > 0
