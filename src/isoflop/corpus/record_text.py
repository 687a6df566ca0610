"""The text of a JSON record: under `text` or `content`, under a key that was named, or a conversation."""

from __future__ import annotations

from isoflop.codec import Json, JsonObject

TEXT_KEYS = ("text", "content")
"""Keys of the text in a JSON line or a table; the first that exists is read."""
CHAT_KEYS = ("messages", "conversations", "conversation")
"""Keys of a conversation."""
_ROLES, _CONTENTS = ("role", "from"), ("content", "value", "text")
_SHOWN_KEYS = 8


class NoTextKey(ValueError):
    """A record that has none of the keys where text is looked for."""


def value_at(record: JsonObject, key: str) -> tuple[bool, Json]:
    """(whether it exists, the value under `key`): a name of its own, or names of nested objects with dots between.

    >>> value_at({"a": {"b": "x"}, "a.c": "y"}, "a.b"), value_at({"a": {"b": "x"}, "a.c": "y"}, "a.c")
    ((True, 'x'), (True, 'y'))
    """
    if key in record:
        return True, record[key]
    value: Json = record
    for name in key.split("."):
        if not isinstance(value, dict) or name not in value:
            return False, None
        value = value[name]
    return True, value


def text_of(record: Json, key: str | None) -> tuple[str | None, bool]:
    """(the text of a record, whether it is a conversation); None where it is null.

    Without a `key` the text is under the first of TEXT_KEYS, else of CHAT_KEYS, that exists. Raises NoTextKey where
    none does, and ValueError for a value that is no text.
    """
    if not isinstance(record, dict):
        raise ValueError(f"expected an object, got {type(record).__name__}")
    for name in (*TEXT_KEYS, *CHAT_KEYS) if key is None else (key,):
        exists, value = value_at(record, name)
        if exists:
            break
    else:
        expected = " or ".join(map(repr, TEXT_KEYS)) if key is None else repr(key)
        raise NoTextKey(f"no key {expected}; {{remedy}}, or name the key of the text: --text-key with {_keys(record)}")
    if value is None:
        return None, False
    chat = isinstance(value, list) and (key is not None or name in CHAT_KEYS)
    text = _conversation(value, name) if chat and isinstance(value, list) else value
    if not isinstance(text, str):
        raise ValueError(f"{name!r}: expected text, got {type(value).__name__}")
    if not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
        raise ValueError(f"{name!r} holds half of a surrogate pair")
    if "\0" in text:
        raise ValueError(f"{name!r} holds a NUL character, which no text has")
    return text, chat


def _keys(record: JsonObject) -> str:
    """The keys of a record that lead to text, for a message."""
    names = []
    for name, value in record.items():
        if isinstance(value, dict):
            names += [f"{name}.{inner}" for inner, part in value.items() if isinstance(part, str)]
        elif isinstance(value, str | list):
            names.append(name)
    shown = [repr(name[:40]) for name in names[:_SHOWN_KEYS]]
    return " or ".join(shown) + (" ..." if len(names) > _SHOWN_KEYS else "") if shown else "none: no key holds text"


def _conversation(turns: list[Json], name: str) -> str:
    """A paragraph `role: content` for each turn. Turns with null content, such as calls of tools, are skipped."""
    lines = []
    for turn in turns:
        role = next((turn[key] for key in _ROLES if key in turn), None) if isinstance(turn, dict) else None
        if not isinstance(turn, dict) or not isinstance(role, str):
            raise ValueError(f"{name!r}: expected text, or a list of turns with role and content")
        content = next((turn[key] for key in _CONTENTS if key in turn), None)
        if isinstance(content, list):  # parts of several kinds: text, pictures
            texts = [part.get("text") for part in content if isinstance(part, dict)]
            content = "\n".join(text for text in texts if isinstance(text, str))
        if content is not None and not isinstance(content, str):
            raise ValueError(f"{name!r}: expected the content of a turn as text, got {type(content).__name__}")
        if content:
            lines.append(f"{role}: {content}")
    return "\n\n".join(lines)
