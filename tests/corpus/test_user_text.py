"""Files of the user's own: every kind that people have, and what of a folder is not read."""

import gzip
import json
import lzma
import os

import pytest

from isoflop.corpus import CorpusSources, build_corpus, load_tokenizer
from isoflop.errors import InputError

from .conftest import prose


def sources(*paths, **choices) -> CorpusSources:
    return CorpusSources(kind="text", paths=paths, **choices)


def built(folder, *paths, **choices):
    return build_corpus(folder / "corpus", sources(*paths, **choices))


def documents(corpus) -> list[str]:
    """All documents, training and validation, sorted."""
    found = []
    for tokens in (corpus.train, *corpus.validation.values()):
        found += bytes(0 if i == 256 else i for i in tokens.tolist()).decode().split("\0")[:-1]
    return sorted(found)


def codes(corpus) -> dict[str, str]:
    return {notice.code: notice.message for notice in corpus.notices}


MADE = prose(60)
JSONL = "".join(json.dumps({"text": text}) + "\n" for text in MADE)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.txt.gz", gzip.compress("\n".join(MADE).encode())),
        ("a.md.xz", lzma.compress("\n".join(MADE).encode())),
        ("a.txt", "\n".join(MADE).encode("utf-16")),
        ("a.txt", b"\xff\xfe\0\0" + "\n".join(MADE).encode("utf-32-le")),
        ("a.txt.gz", gzip.compress("\n".join(MADE).encode("utf-16"))),
        ("a.txt", b"\xef\xbb\xbf" + "\n".join(MADE).encode()),
    ],
)
def test_text_is_read_whatever_holds_it(tmp_path, name, data):
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "a.txt").write_text("\n".join(MADE))
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / name).write_bytes(data)
    plain = build_corpus(tmp_path / "expected", sources(tmp_path / "plain"))
    assert documents(built(tmp_path, tmp_path / "text")) == documents(plain)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.jsonl", b"\xef\xbb\xbf" + JSONL.encode()),
        ("a.jsonl", JSONL.encode("utf-16")),
        ("a.jsonl.xz", lzma.compress(JSONL.encode())),
        ("a.json", json.dumps([{"text": text} for text in MADE]).encode()),
        ("a.json", json.dumps([{"text": text} for text in MADE], indent=2).encode("utf-8-sig")),
        ("a.json", json.dumps({"version": 1, "data": [{"text": text} for text in MADE]}).encode()),
        ("a.json", JSONL.encode()),
        ("a.json.gz", gzip.compress(JSONL.encode())),
    ],
)
def test_records_are_read_whatever_holds_them(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    assert documents(built(tmp_path, tmp_path / name)) == sorted(MADE)


def test_zstd_is_read_all_frames_of_it(tmp_path):
    zstandard = pytest.importorskip("zstandard")
    path = tmp_path / "a.jsonl.zst"
    half = len(JSONL) // 2
    path.write_bytes(b"".join(zstandard.compress(part.encode()) for part in (JSONL[:half], JSONL[half:])))
    assert documents(built(tmp_path, path)) == sorted(MADE)
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(InputError, match="end within a frame; fetch the file again"):
        build_corpus(tmp_path / "cut", sources(path))


def test_zstd_without_its_package_says_which(tmp_path, monkeypatch):
    (tmp_path / "a.jsonl.zst").write_bytes(b"(\xb5/\xfd")
    monkeypatch.setitem(__import__("sys").modules, "zstandard", None)
    with pytest.raises(InputError, match=r"zstd needs the package zstandard: pip install 'isoflop\[corpus\]'"):
        built(tmp_path, tmp_path / "a.jsonl.zst")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("\n".join(MADE).encode("utf-16-le"), "NUL byte at offset 1; it looks like UTF-16 without its mark"),
        ("\n".join(MADE).encode("utf-16-be"), "NUL byte at offset 0; .*-f UTF-16BE"),
        (b"text\0text", "NUL byte at offset 4; it looks like binary data: leave it out"),
        (gzip.compress("\n".join(MADE).encode()), r"holds gzip data: rename it to a.txt.gz"),
        (b"%PDF-1.7\n\xe2\xe3", "it is a PDF: convert it to text"),
        ("Bücher und Briefe".encode("cp1252"), "convert it from the encoding .* WINDOWS-1252 where it is Western"),
        ("日本語のテキスト".encode("shift-jis"), "convert it from the encoding .* -t UTF-8`, or leave it out"),
        (b"\xff\xfe" + "a\ud800".encode("utf-16-le", "surrogatepass"), "begins with the mark of utf-16"),
    ],
)
def test_what_is_no_text_is_told_with_what_helps(tmp_path, data, said):
    (tmp_path / "a.txt").write_bytes(data)
    with pytest.raises(InputError, match=said):
        built(tmp_path, tmp_path / "a.txt")


@pytest.mark.parametrize(
    "text", ['[{"text": "a"}', '[{"text": "a"} x]', '[{"text": "a"}] 5 6', "[" * 100_000, "7" * 9000]
)
def test_broken_json_is_told(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match="text: "):
        built(tmp_path, tmp_path / "a.json")


def test_null_rows_are_counted_and_left_out(tmp_path):
    lines = [*JSONL.splitlines(), '{"text": null}', '{"text": null}']
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    corpus = built(tmp_path, tmp_path / "a.jsonl")
    assert documents(corpus) == sorted(MADE)
    assert codes(corpus)["null_text"].startswith("2 rows without text (null) were left out, in a.jsonl")


def test_the_keys_that_are_there_are_named_once_and_read_when_named(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"id": 1, "doc": {"body": text}, "t{}": "x"}) + "\n" for text in MADE))
    with pytest.raises(
        InputError, match=r"a.jsonl line 1: no key 'text' or 'content'; .*--text-key with 'doc.body'"
    ) as told:
        built(tmp_path, path)
    assert "problems" not in str(told.value)
    assert documents(built(tmp_path, path, text_key="doc.body")) == sorted(MADE)


def test_parquet_has_nested_keys_and_conversations_too(tmp_path):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    turns = [[{"role": "user", "content": "Tell."}, {"role": "assistant", "content": text}] for text in MADE]
    parquet.write_table(pa.table({"doc": [{"body": text} for text in MADE]}), tmp_path / "a.parquet")
    parquet.write_table(pa.table({"messages": turns}), tmp_path / "b.parquet")
    assert documents(built(tmp_path, tmp_path / "a.parquet", text_key="doc.body")) == sorted(MADE)
    chats = build_corpus(tmp_path / "chats", sources(tmp_path / "b.parquet"))
    assert documents(chats) == sorted(f"user: Tell.\n\nassistant: {text}" for text in MADE)


@pytest.mark.parametrize(
    ("key", "role", "content"), [("messages", "role", "content"), ("conversations", "from", "value")]
)
def test_conversations_are_read_with_their_roles(tmp_path, key, role, content):
    path = tmp_path / "a.jsonl"
    calls = {role: "assistant", content: None, "tool_calls": []}
    parts = {role: "user", content: [{"type": "text", "text": "Look:"}, {"type": "image_url", "image_url": {}}]}
    chats = [[parts, calls, {role: "assistant", content: text}] for text in MADE]
    path.write_text("".join(json.dumps({key: chat}) + "\n" for chat in chats))
    corpus = built(tmp_path, path)
    assert documents(corpus) == sorted(f"user: Look:\n\nassistant: {text}" for text in MADE)
    assert codes(corpus)["conversations"].startswith("60 records are conversations")
    path.write_text('{"messages": ["no turns"]}\n')
    with pytest.raises(InputError, match="'messages': expected text, or a list of turns with role and content"):
        build_corpus(tmp_path / "other", sources(path))


@pytest.mark.parametrize("separator", ["<|endoftext|>", r"\n\f\n"])
def test_documents_end_at_the_separator(tmp_path, separator, monkeypatch):
    monkeypatch.setattr("isoflop.corpus.read.BLOCK_BYTES", 1000)  # so that blocks end inside separators
    mark = separator.replace("\\n", "\n").replace("\\f", "\f")
    (tmp_path / "a.txt").write_text(mark.join(MADE) + mark)
    corpus = built(tmp_path, tmp_path / "a.txt", document_separator=separator)
    assert documents(corpus) == sorted(MADE)
    assert "end_of_text_in_text" not in codes(corpus)
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": mark.join(MADE)}))
    rows = build_corpus(tmp_path / "rows", sources(tmp_path / "a.jsonl", document_separator=separator))
    assert documents(rows) == sorted(MADE)


def test_a_marker_in_the_text_and_a_separator_that_is_not_are_noticed(tmp_path):
    (tmp_path / "a.txt").write_text("<|endoftext|>\n".join(MADE))
    told = codes(built(tmp_path, tmp_path / "a.txt"))["end_of_text_in_text"]
    assert told.startswith("the text spells out '<|endoftext|>' 59 times")
    assert "--document-separator '<|endoftext|>'" in told
    other = build_corpus(tmp_path / "other", sources(tmp_path / "a.txt", document_separator="<eos>"))
    assert set(codes(other)) == {"separator_not_found"}
    with pytest.raises(InputError, match="got an empty text"):
        build_corpus(tmp_path / "none", sources(tmp_path / "a.txt", document_separator=""))


@pytest.fixture
def mixed(tmp_path):
    """A folder of text with other things beside it."""
    root = tmp_path / "mixed"
    root.mkdir()
    (root / "a.txt").write_text("\n".join(MADE))
    (root / "b.json").write_text(json.dumps([{"text": text} for text in prose(40, seed=1)]))
    (root / "c.py").write_text("print('a program')\n" * 20)
    (root / "d.tar.gz").write_bytes(b"x" * 50)
    (root / "NOTES").write_text("notes")
    (root / ".hidden").write_text("hidden")
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "e.txt").write_text("elsewhere")
    (root / "link").symlink_to(other)
    os.mkfifo(root / "pipe.txt")
    return root


def test_what_a_folder_walk_skips_is_reported(tmp_path, mixed):
    corpus = built(tmp_path, mixed)
    told = codes(corpus)["skipped_files"]
    for part in (
        "1 file .json (",
        "1 file .py (380 B)",
        "1 file .tar.gz (50 B)",
        "1 file without an ending",
        "1 file that is no regular file (0 B)",
        "linked folders, which are not followed (link)",
        "hidden files and folders (1)",
    ):
        assert part in told, told
    assert corpus.info.domains["mixed"].files == 1


def test_other_kinds_are_read_where_they_are_asked_for(tmp_path, mixed):
    corpus = built(tmp_path, mixed, suffixes=(".json,py",))
    assert corpus.info.domains["mixed"].files == 3
    text = "\n".join(documents(corpus))
    assert "a program" in text
    assert all(one.splitlines()[1] in text for one in prose(40, seed=1))
    assert ".json" not in codes(corpus)["skipped_files"]
    named = build_corpus(tmp_path / "named", sources(mixed / "a.txt", mixed / "b.json"))
    assert sorted(named.validation) == ["a", "b-json"]
    (tmp_path / "table.csv").write_text("a,b\n" * 9000)
    with pytest.raises(InputError, match="got another kind of file; .*--text-suffix"):
        build_corpus(tmp_path / "table", sources(tmp_path / "table.csv"))


def test_a_folder_of_which_most_is_skipped_is_refused_until_told(tmp_path, mixed):
    (mixed / "rest.zip").write_bytes(b"x" * 200_000)
    with pytest.raises(InputError, match=r"8\d % of the bytes would be skipped: 1 file .zip .*--allow-skipped"):
        built(tmp_path, mixed)
    assert "skipped_files" in codes(built(tmp_path, mixed, allow_skipped=True))


def test_repeated_lines_are_told_of_and_kept_where_that_is_asked(tmp_path):
    template = "Below is a task, written by hand. Write an answer that does what the task asks for."
    texts = [f"{template}\n{text}" for text in MADE]
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    corpus = built(tmp_path, path)
    assert sum(template in text for text in documents(corpus)) == 1
    told = codes(corpus)["repeated_lines"]
    assert told.startswith("59 lines of 60 characters or more that stand in an earlier document were dropped")
    assert "most often, 59 times, 'Below is a task" in told
    kept = build_corpus(tmp_path / "kept", sources(path, keep_repeated_lines=True))
    assert documents(kept) == sorted(texts)
    assert kept.info.dropped.duplicate_lines == 0
    assert not kept.notices


def test_the_settings_decide_the_corpus_and_the_usual_ones_leave_its_fingerprint(tmp_path, folder):
    plain = built(tmp_path, folder)
    assert built(tmp_path, folder).info.built == plain.info.built
    assert set(sources(folder).choices()) == set()
    assert built(tmp_path, folder, text_key="body").info.fingerprint != plain.info.fingerprint
    with pytest.raises(InputError, match="apply to --text only"):
        CorpusSources(text_key="body")
    assert load_tokenizer(plain.directory).name == "bytes"


def test_a_pipe_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(InputError, match="expected a file or folder, got a pipe or device"):
        built(tmp_path, tmp_path / "pipe.txt")
