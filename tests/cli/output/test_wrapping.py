"""Lines on a narrow terminal."""

from isoflop.cli.output.wrapping import wrapped

LINE = "  warning: " + "words that fill a line " * 5 + "/a/path/that-is/longer/than/" + "sixty/columns/" * 3 + " and on"


def test_lines_break_between_words_only():
    lines = wrapped(LINE, 60).split("\n")
    assert " ".join(lines).split() == LINE.split(), "nothing breaks in mid-word"
    assert all(len(line) <= 60 or " " not in line.strip() for line in lines)
    assert not any(line.endswith(" ") for line in lines)
    assert [line[:4].isspace() for line in lines] == [False] + [True] * (len(lines) - 1)


def test_lines_that_fit_and_breaks_of_the_text_stay():
    assert wrapped("Error: 2 problems\n  - a: missing\n  - b: missing", 60) == (
        "Error: 2 problems\n  - a: missing\n  - b: missing"
    )


def test_a_wide_terminal_has_no_wide_lines():
    assert max(map(len, wrapped("word " * 100, 400).split("\n"))) <= 100
