"""Which column of a table is which quantity, whatever its author called it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from isoflop.errors import InputError

# Spellings met in published data sets and trackers, reduced by `_plain`; earlier ones win.
_ALIASES: dict[str, tuple[str, ...]] = {
    "N": (
        "n", "params", "parameters", "numparams", "numparameters", "nparams", "paramcount", "parametercount",
        "modelsize", "modelparams", "modelparameters", "nparameters", "totalparams", "totalparameters",
        "totalparametercount", "paramstotal", "paramsactiveprecise", "paramsactive", "activeparams",
        "paramsnonembedding", "nonembeddingparams", "nonembeddingparameters", "paramsnoembed", "nonembparams",
        "orign", "size",
    ),
    "D": (
        "d", "tokens", "trainingtokens", "traintokens", "numtokens", "ntokens", "totaltokens", "tokensseen",
        "seentokens", "tokenstrained", "trainedtokens", "tokennum", "tokencount", "datasetsize", "trainingdatasetsize",
        "data", "trainingdata", "numtrainingtokens", "numtraintokens", "ntraintokens", "origt",
    ),
    "C": (
        "c", "flops", "flop", "compute", "trainingflops", "trainingflop", "trainflops", "trainflop", "totalflops",
        "flopstotal", "numflops", "trainingcompute", "traincompute", "totalcompute",
    ),
    "loss": (
        "loss", "finalloss", "valloss", "validationloss", "vallossnats", "validloss", "testloss", "evalloss",
        "evaluationloss", "finalvalloss", "finalvalidationloss", "finalevalloss", "lossnats", "crossentropy",
        "crossentropyloss", "l", "origloss", "trainloss", "trainingloss", "finaltrainloss", "finaltrainingloss",
    ),
    "loss_se": ("lossse", "vallossse", "lossstd", "lossstderr", "lossstandarderror", "losserror", "stderr"),
    "budget": (
        "budget", "budgetflops", "flopsbudget", "flopbudget", "computebudget", "isoflopbudget", "targetflops",
        "flopstarget", "trainingbudget",
    ),
    "run_id": ("runid", "run", "runname", "name", "id", "modelid", "hyperid", "experiment", "experimentid", "trialid"),
    "is_final": ("isfinal", "final", "lastcheckpoint", "isfinalcheckpoint"),
    "status": ("status", "state", "runstatus", "runstate", "finished", "completed", "success", "succeeded"),
    "failed": ("diverged", "isdiverged", "failed", "crashed", "isnan"),
    "schedule": ("schedule", "lrschedule", "lrschedulertype", "schedulekind", "scheduler"),
    "peak_lr": ("peaklr", "lr", "learningrate", "maxlr", "peaklearningrate", "maxlearningrate"),
    "seed": ("seed", "randomseed"),
    "batch": ("batch", "batchsize", "globalbatchsize", "globalbatch", "globalbs"),
    "batch_tokens": ("batchtokens", "tokensperbatch", "tokensperstep", "batchsizetokens", "batchsizeintokens"),
    "step": ("step", "steps", "globalstep", "trainstep", "trainingstep", "trainingsteps", "iteration", "iterations"),
    "unique_tokens": ("uniquetokens", "tokensunique", "uniquetrainingtokens", "uniquetokencount"),
    "epochs": ("epochs", "epoch", "numepochs", "nepochs", "trainepochs", "trainingepochs"),
    "vocab_size": ("vocabsize", "vocab", "nvocab", "vocabularysize"),
}  # fmt: skip

FIELDS: tuple[str, ...] = tuple(_ALIASES)
"""Every quantity that a row can carry."""
QUANTITIES = ("N", "D", "C", "loss", "loss_se", "budget", "peak_lr", "batch_tokens", "step", "unique_tokens",
              "epochs", "vocab_size")  # fmt: skip
"""The fields that hold numbers; the others hold names and words."""
WORDS = {"N": "params", "D": "tokens", "C": "flops"}
"""What the letters are called in options and in JSON."""
_SYNONYMS = {
    "params": "N", "parameters": "N", "tokens": "D", "flops": "C", "compute": "C", "lr": "peak_lr",
    "learning_rate": "peak_lr", "run": "run_id", "final": "is_final", "vocab": "vocab_size",
}  # fmt: skip

# Names of losses that are no aliases: one of several validation sets, or a tracker's path.
_SET_LOSS = re.compile(r"loss[\[_/.: -].+|.*[/_.: -](loss|nll|ce)|.*[_/. -]loss[_/. -](nats|final)", re.IGNORECASE)
# Of a loss, or beside it in the objective: not the loss.
_NO_LOSS = re.compile(
    r"std|stderr|(^|[_ .-])se([\[_ .-]|$)|error|lower|upper|\bci\b|conf_?int|variance|count|weight|coef|scale|"
    r"(^|[/_.-])(z|aux|router|kl|l1|l2|moe|mtp|balanc\w*|regulari\w*)_?loss|loss_t$|delta|diff",
    re.IGNORECASE,
)
# Other units of a loss, by how the plain name ends.
_LOSS_UNITS = (
    (re.compile(r"(perplexity|ppl)$"), "perplexity"),
    (re.compile(r"(bpb|bits(per)?byte)$"), "bits_per_byte"),
    (re.compile(r"(bitspertoken)$"), "bits_per_token"),
)
_LOGS = re.compile(r"^\s*(log_?10|log_?2|ln|log_?e|log)[\s_(\[]*(.+?)[\s)\]]*$", re.IGNORECASE)
_LOG_WORDS = {"log10": "log10", "log2": "log2", "ln": "ln", "loge": "ln", "log": "log"}
# "(B)", "[millions]", "in billions", "_M": capitals only for a letter that stands alone, as m may be milli.
_BRACKETED = re.compile(
    r"[\s_]*[(\[]\s*(?:in\s+)?#?\s*([KMGBT]|(?i:thousands?|millions?|billions?|trillions?|"
    r"flops?|tokens?|params?|parameters|nats))\s*[)\]]\s*$"
)
_TRAILING = re.compile(r"[\s_](?:in[\s_])?([KMBT]|(?i:thousands?|millions?|billions?|trillions?))\s*$")
_POWERS = {"k": 1e3, "m": 1e6, "g": 1e9, "b": 1e9, "t": 1e12}


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A column that may hold a field, and how its name says to read it."""

    column: str
    """Its name in the file."""
    logarithm: str = ""
    """`log10`, `log2`, `ln`; `log` where the name leaves the base open; empty for plain numbers."""
    scale: float = 1.0
    """Units of one that a plain number counts, e.g. 1e6 for "params (M)"."""
    loss_unit: str = ""
    """Of a loss whose name says so."""
    rank: int = 0
    """Lowest is best: from 0 aliases, 500 their logarithms, 1000 ends of a path, 2000 patterns, 3000 other units."""


def field_named(text: str, option: str) -> str:
    """The field that a person calls `text`: one of FIELDS or a word such as params. Raises InputError, naming `option`.

    >>> field_named("params", "--column"), field_named("N", "--column"), field_named("lr", "--column")
    ('N', 'N', 'peak_lr')
    """
    found = _SYNONYMS.get(text.strip().lower(), text.strip())
    if found not in FIELDS:
        known = ", ".join(f"{WORDS[field]} ({field})" if field in WORDS else field for field in FIELDS)
        raise InputError(f"{option} {text}: expected a field of {known}; got {text!r}")
    return found


def candidates(names: Iterable[str]) -> dict[str, list[Candidate]]:
    """{field: the columns of `names` that may hold it, best first}; fields without any are left out."""
    found: dict[str, list[Candidate]] = {}
    for name in names:
        for field, candidate in _readings(str(name)):
            found.setdefault(field, []).append(candidate)
    return {field: sorted(found[field], key=lambda item: item.rank) for field in FIELDS if field in found}


def match_columns(names: Iterable[str]) -> dict[str, str]:
    """{field of FIELDS: the column of `names` that its name suits best}; fields without a column are left out.

    >>> match_columns(["Model Size", "Training FLOP", "loss", "hex_color"])
    {'N': 'Model Size', 'C': 'Training FLOP', 'loss': 'loss'}
    """
    return {field: found[0].column for field, found in candidates(names).items()}


def _plain(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())


def _readings(name: str) -> list[tuple[str, Candidate]]:
    """Every field that the column `name` may hold."""
    base, scale = _without_unit(name)
    found = []
    for field, rank in _fields_of(base):
        found.append((field, Candidate(column=name, scale=scale, rank=rank)))
    log = _LOGS.match(name)
    if log:
        inner, inner_scale = _without_unit(log[2])
        word = _LOG_WORDS[log[1].lower().replace("_", "")]
        for field, rank in _fields_of(inner):
            if field in ("N", "D", "C", "budget"):
                found.append((field, Candidate(column=name, logarithm=word, scale=inner_scale, rank=rank + 500)))
    plain = _plain(base)
    unit = next((unit for ending, unit in _LOSS_UNITS if ending.search(plain)), "")
    if unit and not _NO_LOSS.search(name):
        found.append(("loss", Candidate(column=name, loss_unit=unit, rank=3000)))
    elif _SET_LOSS.fullmatch(name) and not _NO_LOSS.search(name) and not any(field == "loss" for field, _ in found):
        found.append(("loss", Candidate(column=name, rank=2000)))
    if plain.startswith("modelsize") and "N" not in {field for field, _ in found}:
        found.append(("N", Candidate(column=name, scale=scale, rank=2000)))
    return found


def _fields_of(base: str) -> list[tuple[str, int]]:
    """(field, rank) of a name without logarithm and unit: the whole of it, else the last part of a tracker's path."""
    whole = _plain(base)
    found = [(field, names.index(whole)) for field, names in _ALIASES.items() if whole in names]
    last = _plain(re.split(r"[/.]", base)[-1])
    if not found and last and last != whole:
        found = [
            (field, 1000 + names.index(last))
            for field, names in _ALIASES.items()
            if last in names and len(last) > 1 and field != "loss"
        ]
    return found


def _without_unit(name: str) -> tuple[str, float]:
    """("params", 1e6) of "params (M)"; the name itself and 1 where it names no unit."""
    for pattern in (_BRACKETED, _TRAILING):
        unit = pattern.search(name)
        if unit and unit.start() > 0:
            return name[: unit.start()], _POWERS.get(unit[1].lower()[0], 1.0) if _is_scale(unit[1]) else 1.0
    return name, 1.0


def _is_scale(word: str) -> bool:
    return len(word) == 1 or word.lower().rstrip("s") in ("thousand", "million", "billion", "trillion")
