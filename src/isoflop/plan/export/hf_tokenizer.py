"""The tokenizer of a corpus as files that Hugging Face transformers reads: tokenizer.json and its configuration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NotRequired, TypedDict

from isoflop.codec import JsonObject, to_json
from isoflop.corpus.tokenizer import END_OF_TEXT, TOKENIZER_FILE, ByteTokenizer, Tokenizer

CONFIG_FILE = "tokenizer_config.json"


class _AddedToken(TypedDict):
    id: int
    content: str


class _Model(TypedDict):
    vocab: dict[str, int]


class _TokenizerFile(TypedDict):
    """What is read of a tokenizer.json, which isoflop wrote or checked when the corpus was built."""

    added_tokens: NotRequired[list[_AddedToken]]
    model: _Model


def hf_tokenizer(tokenizer: Tokenizer, corpus: Path, seq_len: int) -> dict[str, str]:
    """{file name: text} of the tokenizer of the corpus in folder `corpus`, for a model of context `seq_len`.

    It gives the ids that the model was trained on, adds none, and reads the name of end-of-text in a text as letters,
    as corpora are built.
    """
    if isinstance(tokenizer, ByteTokenizer):
        text = json.dumps(_bytes(), ensure_ascii=False, indent=1, sort_keys=True)
    else:
        text = (corpus / TOKENIZER_FILE).read_text(encoding="utf-8")
    end = _token(json.loads(text), tokenizer.eot_id)
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        # a document begins after the end of another
        "bos_token": end,
        "eos_token": end,
        "split_special_tokens": True,
        "clean_up_tokenization_spaces": False,
        "model_max_length": seq_len,
    }
    return {TOKENIZER_FILE: text, CONFIG_FILE: json.dumps(config, sort_keys=True, indent=2) + "\n"}


def _token(tokenizer: _TokenizerFile, token_id: int) -> str:
    """The text of a token in tokenizer.json."""
    for entry in tokenizer.get("added_tokens", ()):
        if entry["id"] == token_id:
            return entry["content"]
    return next(name for name, number in tokenizer["model"]["vocab"].items() if number == token_id)


def _bytes() -> JsonObject:
    """tokenizer.json of `ByteTokenizer`: each byte its own id, as byte-level BPE without a single merge."""
    split: JsonObject = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    special: JsonObject = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": ByteTokenizer.eot_id, "content": END_OF_TEXT, "special": True, **special}],
        "normalizer": None,
        "pre_tokenizer": split,
        "post_processor": None,
        "decoder": split,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": to_json({**_letters(), END_OF_TEXT: ByteTokenizer.eot_id}),
            "merges": [],
        },
    }


def _letters() -> dict[str, int]:
    """{the letter that byte-level BPE writes for a byte: the byte} (Radford et al. 2019, GPT-2's `bytes_to_unicode`).

    Bytes that are letters in Latin-1 stand for themselves, the others for the letters from 256 on.
    """
    printed = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
    others = [byte for byte in range(256) if byte not in printed]
    return {chr(byte if byte in printed else 256 + others.index(byte)): byte for byte in range(256)}
