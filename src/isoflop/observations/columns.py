"""Which column of a table is which quantity, whatever its author called it."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Spellings met in published data sets and trackers, reduced by `_plain`; earlier ones win.
_ALIASES: dict[str, tuple[str, ...]] = {
    "N": (
        "n", "params", "parameters", "numparams", "numparameters", "nparams", "paramcount", "parametercount",
        "modelsize", "modelparams", "modelparameters", "nparameters", "totalparams", "totalparameters",
        "paramsnonembedding", "nonembeddingparams", "size",
    ),
    "D": (
        "d", "tokens", "trainingtokens", "traintokens", "numtokens", "ntokens", "totaltokens", "tokensseen",
        "tokencount", "datasetsize", "data", "trainingdata", "numtrainingtokens",
    ),
    "C": (
        "c", "flops", "flop", "compute", "trainingflops", "trainingflop", "trainflops", "totalflops", "numflops",
        "trainingcompute", "totalcompute",
    ),
    "loss": (
        "loss", "finalloss", "valloss", "validationloss", "vallossnats", "testloss", "evalloss", "evaluationloss",
        "finalvalloss", "lossnats", "l", "trainloss", "trainingloss", "finaltrainloss",
    ),
    "loss_se": ("lossse", "vallossse", "lossstd", "lossstderr", "lossstandarderror", "losserror", "stderr"),
    "budget": ("budget", "budgetflops", "flopsbudget", "flopbudget", "computebudget", "isoflopbudget", "targetflops"),
    "run_id": ("runid", "run", "runname", "name", "id", "modelid", "model"),
    "is_final": ("isfinal", "final", "lastcheckpoint"),
    "peak_lr": ("peaklr", "lr", "learningrate", "maxlr", "peaklearningrate", "maxlearningrate"),
    "seed": ("seed", "randomseed"),
}  # fmt: skip

FIELDS: tuple[str, ...] = tuple(_ALIASES)
"""Every quantity that a row can carry."""


def _plain(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())


def match_columns(names: Iterable[str]) -> dict[str, str]:
    """{field of FIELDS: the column of `names` that holds it}; fields without a column are left out.

    >>> match_columns(["Model Size", "Training FLOP", "loss", "hex_color"])
    {'N': 'Model Size', 'C': 'Training FLOP', 'loss': 'loss'}
    """
    plain: dict[str, str] = {}
    for name in names:
        plain.setdefault(_plain(str(name)), str(name))
    found = {}
    for field, aliases in _ALIASES.items():
        column = next((plain[alias] for alias in aliases if alias in plain), None)
        if column is not None:
            found[field] = column
    return found
