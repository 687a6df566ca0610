"""A tokenizer.json of the user's own: loaded by the tokenizers library, its vocabulary and its end of text checked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from isoflop.corpus.tokenizer import OWN_FILE, TOKENIZER_FILE, BpeTokenizer, tokenizers_library
from isoflop.errors import InputError, Notice

if TYPE_CHECKING:
    import tokenizers

ENDS_OF_TEXT = ("<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "<|eos|>", "[EOS]",
                "<|end\u2581of\u2581sentence|>", "<\uff5cend\u2581of\u2581sentence\uff5c>")  # fmt: skip
"""How the vocabularies of published models spell the end of a document."""
_LARGEST_FILE = 2**28
_LARGEST_VOCABULARY = 2**24
_CHECKED_BYTES = 2**18


def load_tokenizer_file(path: Path, end_of_text: str | None = None) -> BpeTokenizer:
    """The tokenizer in `path`, a tokenizer.json or its folder, with the token that ends a document.

    Padding and truncation of the file are switched off. Raises InputError for another kind of file, and where its
    vocabulary lacks `end_of_text`, or, without that, has none or several of ENDS_OF_TEXT.
    """
    file = path / TOKENIZER_FILE if path.is_dir() else path
    inner = _loaded(file)
    inner.no_truncation()
    inner.no_padding()
    known = inner.get_vocab(with_added_tokens=True)
    if not known or max(known.values()) >= _LARGEST_VOCABULARY:
        raise InputError(
            f"{file}: expected a vocabulary of 1 to {_LARGEST_VOCABULARY:,} ids, got {len(known):,} tokens"
        )
    return BpeTokenizer(inner, OWN_FILE, _end_of_text(file, known, end_of_text))


def _loaded(file: Path) -> tokenizers.Tokenizer:
    library = tokenizers_library()
    todo = "expected a tokenizer.json of the tokenizers library, as transformers' save_pretrained writes it"
    try:
        if not file.is_file():
            raise InputError(f"{file}: {todo}; there is no such file")
        if file.stat().st_size > _LARGEST_FILE:
            raise InputError(f"{file}: {todo}, of 256 MiB at the most")
        text = file.read_text(encoding="utf-8")
        if not isinstance(json.loads(text), dict):
            raise InputError(f"{file}: {todo}, got no JSON object")
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{file}: {todo}; it cannot be read ({error})") from error
    try:
        loaded: tokenizers.Tokenizer = library.Tokenizer.from_str(text)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic of the library is no Exception
        raise InputError(f"{file}: {todo}; the library cannot read it ({str(error)[:200]})") from error
    return loaded


def _end_of_text(file: Path, known: dict[str, int], stated: str | None) -> str:
    if stated is not None:
        if stated not in known:
            raise InputError(f"{file}: --end-of-text: its vocabulary of {len(known):,} tokens has no {stated!r}")
        return stated
    ends = [token for token in ENDS_OF_TEXT if token in known]
    if len(ends) != 1:
        what = f"several tokens that may end a text ({', '.join(ends)})" if ends else "no token known to end a text"
        raise InputError(f"{file}: {what}; name the one that ends a document with --end-of-text")
    return ends[0]


def tokenizer_notices(tokenizer: BpeTokenizer, documents: Sequence[bytes]) -> list[Notice]:
    """The notice `lossy_tokenizer` where decoding does not restore the text, by whose bytes bits per byte divide."""
    checked = 0
    for document in documents:
        text = document[:_CHECKED_BYTES].decode(errors="ignore")
        again = tokenizer.decode(tokenizer.encode(text))
        if again != text:
            place = next((i for i, (a, b) in enumerate(zip(text, again, strict=False)) if a != b), len(again))
            message = (
                f"the tokenizer does not restore its text: {text[place : place + 20]!r} became "
                f"{again[place : place + 20]!r}; losses are of what it preserves, bits per byte of the whole text"
            )
            return [Notice(code="lossy_tokenizer", message=message)]
        checked += len(document)
        if checked > _CHECKED_BYTES:
            break
    return []
