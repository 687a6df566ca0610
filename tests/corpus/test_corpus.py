import json

import pytest

from isoflop.corpus import CorpusSources, build_corpus, check_epochs, load_corpus
from isoflop.errors import InputError


def test_what_is_missing_or_damaged_is_told(folder, tmp_path):
    target = tmp_path / "corpus"
    with pytest.raises(InputError, match="no corpus here; build it with `isoflop corpus`"):
        load_corpus(target)
    sources = CorpusSources(kind="text", paths=(folder,))
    digest = build_corpus(target, sources).digest
    info = json.loads((target / "corpus.json").read_text())
    for damage, told in (
        ({**info, "schema": 99}, "expected schema 1, got 99"),
        ([], "expected schema 1, got 'list'"),
        ({k: v for k, v in info.items() if k != "digest"}, "digest: missing"),
    ):
        (target / "corpus.json").write_text(json.dumps(damage))
        with pytest.raises(InputError, match=told):
            load_corpus(target)
    (target / "corpus.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        load_corpus(target)
    assert build_corpus(target, sources).digest == digest
    data = (target / "train.bin").read_bytes()
    (target / "train.bin").write_bytes(data[:-2])
    with pytest.raises(InputError, match=r"train.bin: expected \d+ bytes, got"):
        load_corpus(target)
    # The next build sees it too and mends it.
    assert build_corpus(target, sources).digest == digest
    assert (target / "train.bin").read_bytes() == data
    (target / "val-letters.bin").unlink()
    with pytest.raises(InputError, match=r"val-letters.bin: No such file"):
        load_corpus(target)


def test_one_epoch_is_silent_more_warn_and_above_four_refuse():
    assert check_epochs(1000, 1000) == []
    (notice,) = check_epochs(4000, 1000)
    assert notice.code == "repeated_data"
    with pytest.raises(InputError, match=r"4.1 epochs of 1K; expected at most 4. Give more text"):
        check_epochs(4100, 1000)
    assert check_epochs(4100, 1000, allow=True)[0].code == "repeated_data"
