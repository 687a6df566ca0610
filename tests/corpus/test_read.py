import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.corpus import CorpusSources, build_corpus
from isoflop.corpus.documents import ReadingLog
from isoflop.corpus.read import BLOCK_BYTES, _block_end, read_jsonl, read_parquet, read_python, read_text
from isoflop.errors import InputError

from .conftest import prose


def test_latin1_is_told_with_file_and_offset_and_all_problems_at_once(folder, tmp_path):
    (folder / "old.txt").write_bytes(b"\xef\xbb\xbf" + "Bücher".encode("latin-1"))
    (folder / "older.txt").write_bytes(b"caf\xe9")
    with pytest.raises(InputError) as told:
        build_corpus(tmp_path / "corpus", CorpusSources(kind="text", paths=(folder,)))
    message = str(told.value)
    assert message.startswith("text: 2 problems")
    assert "old.txt: expected UTF-8, got byte 0xfc at offset 4; convert it" in message
    assert "older.txt: expected UTF-8, got byte 0xe9 at offset 3" in message
    assert not (tmp_path / "corpus").exists()


def test_broken_lines_of_a_jsonl_are_gathered(tmp_path):
    path = tmp_path / "letters.jsonl"
    lines = [json.dumps({"text": text}) for text in prose(30)]
    lines[2:2] = ['{"text": "cut', '{"body": "no text"}', "[1]", "", '{"text": 5}', '{"text": "\\ud800"}']
    path.write_bytes("\n".join(lines).encode() + b'\n{"text": "\xff"}\n')
    with pytest.raises(InputError) as told:
        build_corpus(tmp_path / "corpus", CorpusSources(kind="text", paths=(path,)))
    message = str(told.value)
    assert message.startswith("text: 6 problems")
    assert "line 3: not JSON (Unterminated string" in message
    assert "line 4: no key 'text' or 'content'; fix or delete the line" in message
    assert "line 5: expected an object, got list" in message
    assert "line 7: 'text': expected text, got int" in message
    assert "line 8: 'text' holds half of a surrogate pair" in message
    assert "line 37: expected UTF-8, got byte 0xff at offset 10" in message


def test_many_problems_are_counted_not_all_listed():
    log = ReadingLog()
    for number in range(50):
        log.problem(f"line {number}")
    with pytest.raises(InputError, match="and 30 more"):
        log.check()


def test_gzip_is_read_and_a_cut_file_is_told(tmp_path):
    path = tmp_path / "letters.jsonl.gz"
    made = prose(40)
    data = gzip.compress("".join(json.dumps({"content": text}) + "\n" for text in made).encode())
    path.write_bytes(data)
    assert list(read_jsonl(path, ReadingLog())) == made
    path.write_bytes(data[: len(data) // 2])
    log = ReadingLog()
    assert len(list(read_jsonl(path, log))) < 40
    assert "fetch the file again" in log.problems[0]


def test_parquet_is_read_and_other_tables_are_told(tmp_path):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    made = prose(20)
    parquet.write_table(pa.table({"id": range(21), "text": [*made, None]}), tmp_path / "a.parquet")
    assert list(read_parquet(tmp_path / "a.parquet", ReadingLog())) == made
    parquet.write_table(pa.table({"body": made}), tmp_path / "b.parquet")
    parquet.write_table(pa.table({"text": [1, 2]}), tmp_path / "c.parquet")
    (tmp_path / "d.parquet").write_text("no table")
    log = ReadingLog()
    assert [list(read_parquet(tmp_path / f"{name}.parquet", log)) for name in "bcd"] == [[], [], []]
    assert "expected a column text or content, got body" in log.problems[0]
    assert "expected text in column text, got int64" in log.problems[1]
    assert "not a Parquet file" in log.problems[2]


def test_a_long_file_is_read_in_blocks_that_lose_nothing(tmp_path):
    path = tmp_path / "long.txt"
    text = "é" * (BLOCK_BYTES // 2 - 3) + "x\nü" + "🎉ab" * (BLOCK_BYTES // 5)
    path.write_text(text, encoding="utf-8")
    blocks = list(read_text(path, ReadingLog()))
    assert len(blocks) > 1
    assert "".join(blocks) == text
    path.write_bytes(text.encode() + b"\xff")
    log = ReadingLog()
    list(read_text(path, log))
    assert f"offset {len(text.encode())};" in log.problems[0]


@given(st.text(min_size=1, max_size=12), st.text(max_size=3))
def test_a_block_never_ends_inside_a_character(text, after):
    data = (text + after).encode()
    for end in range(max(1, len(data) - 8), len(data) + 1):
        cut = _block_end(data[:end])
        if end > 4:
            assert 0 < cut <= end
            data[:cut].decode()


def test_python_that_declares_its_encoding_is_read_and_nonsense_is_left_out(tmp_path):
    (tmp_path / "old.py").write_bytes("# coding: latin-1\nname = 'Bücher'\n".encode("latin-1"))
    assert "Bücher" in next(read_python(tmp_path / "old.py", ReadingLog()))
    (tmp_path / "bad.py").write_bytes(b"# coding: klingon\n")
    log = ReadingLog()
    assert list(read_python(tmp_path / "bad.py", log)) == []
    assert log.notices[0].code == "unreadable_file"
