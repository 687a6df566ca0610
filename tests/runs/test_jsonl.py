import math

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isoflop.runs.jsonl import append_lines, read_lines, rewrite_lines

LINES = st.lists(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5) | st.floats()), max_size=6)


def known(lines):
    finite = lambda value: None if isinstance(value, float) and not math.isfinite(value) else value  # noqa: E731
    return tuple({key: finite(value) for key, value in line.items()} for line in lines)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(before=LINES, after=LINES, cut=st.integers(0, 200))
def test_a_file_cut_anywhere_loses_the_cut_line_alone(tmp_path, before, after, cut):
    path = tmp_path / "lines.jsonl"
    path.unlink(missing_ok=True)
    append_lines(path, before, durable=False)
    whole = path.read_bytes()
    path.write_bytes(whole[: max(0, len(whole) - cut)])
    kept = path.read_bytes()
    survivors = kept.count(b"\n")
    # A line that lost nothing but its newline is whole too.
    torn = kept.split(b"\n")[-1]
    survivors += torn.endswith(b"}") and torn in whole.split(b"\n")
    append_lines(path, after, durable=True)
    found = read_lines(path)
    assert found.lines == known(before)[:survivors] + known(after)
    assert found.skipped == (1 if torn and not (torn.endswith(b"}") and torn in whole.split(b"\n")) else 0)


def test_rewrite_replaces(tmp_path):
    path = tmp_path / "lines.jsonl"
    append_lines(path, [{"a": 1}, {"a": 2}], durable=False)
    rewrite_lines(path, [{"a": 2}])
    assert read_lines(path).lines == ({"a": 2},)
