from pathlib import Path

import numpy as np
import pytest

SENTENCE = """the of and a to in is was that it for on as with by at from his an were are which this be had or not
but river stone winter garden letter captain window ordinary measure paper silence mountain answer machine"""
WORDS = SENTENCE.split()


def prose(documents: int, seed: int = 0, words: int = 120) -> list[str]:
    """Documents of made-up sentences; no two alike."""
    draw = np.random.default_rng(seed)
    made = []
    for number in range(documents):
        picked = draw.choice(WORDS, size=words)
        lines = [" ".join(picked[i : i + 20]) for i in range(0, words, 20)]
        made.append(f"Letter {seed}-{number}\n" + "\n".join(lines))
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of 60 text files, about 40 KB."""
    root = tmp_path / "letters"
    for number, text in enumerate(prose(60)):
        path = root / f"year{number % 3}" / f"{number:02d}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
    return root
