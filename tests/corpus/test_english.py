import pytest

from isoflop.corpus.english import article_text, clean_sense, entry_text


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("To go  astray;\n to err.", "To go astray; to err."),
        ("Same as mill{1}, or orient{2b}.", "Same as mill, or orient."),
        ("He saw the bird,Singing in the tree.", "He saw the bird, Singing in the tree."),
        ("In the next [world].", "In the next [world]."),
        ("The value exceeds 1913 Webster]", ""),
        ("A weight of 1\n[1913 Webster]", ""),
        ("Denoted by [a mark", ""),
        ("Same as .", ""),
        (".", ""),
        ("See Owl.", "See Owl."),
    ],
)
def test_senses(raw, clean):
    assert clean_sense(raw) == clean


def test_an_entry_has_its_parts_of_speech_phrases_and_synonyms():
    entry = {
        "entry": "poll",
        "pos": [
            {
                "part_of_speech": "n.",
                "etymology": "[Carried over from another entry.]",
                "definitions": [{"text": "The head.", "examples": ["All flaxen was his poll."]}],
                "cs": "Polling booth, a place to vote; -- shut him in.Cen. vii. 16.",
                "syn": "Syn. -- Head; pate. -- Poll, Head. An essay about them.",
            },
            {"part_of_speech": "v. t.", "definitions": [{"text": "See .", "examples": []}]},
        ],
    }
    assert entry_text(entry).split("\n") == [
        "poll, n.",
        "The head.",
        '"All flaxen was his poll."',
        "Polling booth, a place to vote",
        "Synonyms: Head; pate.",
    ]
    assert entry_text({**entry, "entry": "poll\n[1913 webster]"}) == ""


def test_articles_lose_holes_and_those_without_their_formulas_are_left_out():
    assert (
        article_text({"title": "Koi", "extract": "Koi ( ), or nishikigoi , are\xa0fish ."})
        == "Koi\nKoi, or nishikigoi, are fish."
    )
    lost = "Let  be a field. For  and  in it, , the sum of  is , or so."
    assert article_text({"title": "Field", "extract": lost}) == ""
    assert article_text({"title": "Nothing", "extract": " "}) == ""
