"""Names of columns by field: whole names, and the words that names of counts consist of."""

from __future__ import annotations

import re

from isoflop.observations.name_parts import words_of
from isoflop.observations.unit_words import plain_text

# Whole names met in published data sets, trainers and trackers, letters and digits only; earlier ones win.
ALIASES: dict[str, tuple[str, ...]] = {
    "N": (
        "params", "parameters", "numparams", "numparameters", "nparams", "paramcount", "parametercount",
        "modelsize", "modelparams", "modelparameters", "nparameters", "totalparams", "totalparameters",
        "totalparametercount", "paramstotal", "modelparamcount", "paramsactiveprecise", "paramsactive", "activeparams",
        "paramsnonembedding", "nonembeddingparams", "nonembeddingparameters", "paramsnoembed", "nonembparams",
        "orign", "size", "nparamsnonembedding", "modelsizeparams",
    ),
    "D": (
        "tokens", "trainingtokens", "traintokens", "numtokens", "ntokens", "totaltokens", "tokensseen",
        "seentokens", "tokenstrained", "trainedtokens", "tokennum", "tokencount", "datasetsize", "trainingdatasetsize",
        "data", "trainingdata", "numtrainingtokens", "numtraintokens", "ntraintokens", "origt", "numinputtokensseen",
        "consumedtokens", "ntokensseen",
    ),
    "C": (
        "flops", "flop", "compute", "trainingflops", "trainingflop", "trainflops", "trainflop", "totalflops",
        "flopstotal", "numflops", "trainingcompute", "traincompute", "totalcompute", "totalflos", "6nd", "c6nd",
    ),
    "loss_se": (
        "lossse", "vallossse", "lossstd", "lossstderr", "lossstandarderror", "losserror", "stderr", "losssem",
        "vallossstd", "vallossstderr", "evallossstderr", "losssd",
    ),
    "budget": (
        "budget", "budgetflops", "flopsbudget", "flopbudget", "computebudget", "isoflopbudget", "targetflops",
        "flopstarget", "trainingbudget", "isoflop", "isoflops", "targetcompute", "plannedflops", "budgetc", "cbudget",
    ),
    "run_id": ("runid", "run", "runname", "name", "id", "modelid", "hyperid", "experiment", "experimentid", "trialid"),
    "tree": ("tree", "trunk", "trunkrun", "rootrun"),
    "is_final": ("isfinal", "final", "lastcheckpoint", "isfinalcheckpoint"),
    "status": ("status", "state", "runstatus", "runstate", "finished", "completed", "success", "succeeded", "jobstatus",
               "jobstate", "exitstatus", "outcome"),
    "failed": ("diverged", "isdiverged", "failed", "crashed", "isnan", "hasnan", "didcrash"),
    "failure_reason": ("failurereason", "failreason", "exitreason", "stopreason", "errormessage", "reason",
                       "statusreason", "crashreason", "error", "failure", "failuremessage"),
    "schedule": ("schedule", "lrschedule", "lrschedulertype", "schedulekind", "scheduler"),
    "peak_lr": ("peaklr", "lr", "learningrate", "maxlr", "peaklearningrate", "maxlearningrate"),
    "seed": ("seed", "randomseed"),
    "batch": (
        "batch", "batchsize", "globalbatchsize", "globalbatch", "globalbs", "gbs", "gbsz", "bs", "bsz",
        "trainbatchsize",
        "globaltrainbatchsize", "totalbatchsize", "batchsizesequences", "batchsequences", "sequencesperstep",
        "sequencesperbatch", "seqsperbatch", "effectivebatchsize", "ntrainbatch",
    ),
    "batch_tokens": (
        "batchtokens", "tokensperbatch", "tokensperstep", "batchsizetokens", "batchsizeintokens",
        "globalbatchtokens", "globalbatchsizetokens", "tokensperiteration", "tokensperiter", "tokensperupdate",
    ),
    "seq_len": (
        "seqlen", "sequencelength", "seqlength", "maxseqlen", "maxseqlength", "maxsequencelength", "contextlength",
        "contextlen", "ctxlen", "nctx", "blocksize", "contextsize", "ctx", "seq", "maxlength", "contextwindow",
        "encoderseqlength", "encoderseqlen",
    ),
    "step": (
        "step", "steps", "globalstep", "trainstep", "trainsteps", "trainingstep", "trainingsteps", "iteration",
        "iterations", "iter", "iters", "numiterations", "numsteps", "nsteps", "totalsteps", "maxsteps", "numtrainsteps",
        "globalsteps", "optimizersteps", "updates", "numupdates", "trainiters", "stepstrained", "niters", "maxiters",
        "numtrainingsteps", "trainertrainiters", "numoptimizersteps",
    ),
    "samples": (
        "consumedsamples", "consumedtrainsamples", "samplesseen", "trainsamples", "numsamples", "sequencesseen",
        "numsequences", "consumedsequences", "nsequences", "totalsequences",
    ),
    "tokens_per_param": (
        "tokensperparam", "tokensperparameter", "tokperparam", "tokenperparam", "tokenperparameter", "tpp", "dovern",
        "dn", "tokenparamratio", "tokenstoparams", "tokenstoparamsratio", "tokenparameterratio", "tokensparamsratio",
        "tokensparamratio", "dnratio", "ratiodn", "tokensparam", "tokensparameter", "tokensparameters", "tokensparams",
        "dperparam", "dpern", "datatoparamratio",
    ),
    "unique_tokens": ("uniquetokens", "tokensunique", "uniquetrainingtokens", "uniquetokencount", "nuniquetokens"),
    "epochs": ("epochs", "epoch", "numepochs", "nepochs", "trainepochs", "trainingepochs"),
    "vocab_size": ("vocabsize", "vocab", "nvocab", "vocabularysize"),
}  # fmt: skip
LETTERS = {"n": "N", "d": "D", "c": "C", "l": "loss"}
"""A letter alone is the weakest name: L may be layers, and D a width."""
ONE_LETTER = 4000

CHINCHILLA_RATIO = 20.0
"""Tokens per parameter of which names such as `chinchilla_multiple` are multiples (Hoffmann et al. 2022)."""
_CHINCHILLA = frozenset(
    {"multiple", "multiples", "multiplier", "ratio", "factor", "x", "multiplicity", "scale", "units"}
)

# The head word of a count, and the words that may qualify it: "num_total_training_tokens" is tokens.
_HEADS = {
    "N": ("params", "param", "parameters", "parameter"),
    "D": ("tokens", "token"),
    "C": ("flops", "flop", "flos", "compute"),
    "step": ("steps", "iterations", "iters", "updates"),
}
_QUALIFIERS = {
    "N": frozenset({
        "n", "num", "nr", "number", "of", "the", "count", "counts", "total", "model", "size", "active",
        "activated", "trainable", "non", "no", "without", "excl", "excluding", "with", "incl", "including",
        "embedding", "embeddings", "embed", "emb", "embs", "nonembedding", "nonembed", "nonemb", "precise",
        "exact", "approx", "all", "dense", "llm", "lm", "our", "#", "and",
    }),
    "D": frozenset({
        "n", "num", "nr", "number", "of", "the", "count", "total", "train", "training", "trained", "seen",
        "consumed", "processed", "input", "cumulative", "cum", "global", "all", "so", "far", "d", "budget",
        "data", "dataset", "size", "elapsed", "used", "target", "planned", "pretrain", "pretraining",
        "pretrained", "final", "actual", "#", "end", "at", "text",
    }),
    "C": frozenset({
        "n", "num", "nr", "number", "of", "the", "count", "total", "train", "training", "model",
        "cumulative", "cum", "used", "spent", "est", "estimated", "estimate", "actual", "theoretical",
        "exact", "all", "final", "pretrain", "pretraining", "c", "#", "floating", "point", "operations", "6", "nd",
    }),
    "step": frozenset({
        "n", "num", "number", "of", "total", "train", "training", "trained", "max", "optimizer", "optim",
        "global", "completed",
    }),
}  # fmt: skip
_EMBEDDING = frozenset({
        "embedding", "embeddings", "embed", "emb", "embs",
})  # fmt: skip
_WITHOUT = frozenset({
    "non", "no", "without", "excl", "excluding", "with", "incl", "including", "and",
})  # fmt: skip
_NOT_ALL = {"active": 30, "activated": 30, "non": 40, "no": 40, "without": 40, "excl": 40, "excluding": 40,
            "nonembedding": 40, "nonembed": 40, "nonemb": 40, "trainable": 10, "precise": 5}  # fmt: skip
_OPERATIONS = ("floating", "point", "operations")


def fields_of(words: tuple[str, ...], path: tuple[str, ...], *, ratio: bool = False) -> list[tuple[str, int]]:
    """(field, rank) of a name in `words`, the lowest rank being the best.

    Ranks start at 0 for whole names, 200 for names composed of known words, 1000 for ends of a tracker's path, and 4000
    for one letter. A name that divides one quantity by another (`ratio`) is no count.
    """
    plain = "".join(word for word in words if word.isalnum())
    if ratio:
        whole = "".join([*(word for word in path[-1:] if word.isalnum()), plain])
        return [("tokens_per_param", 0)] if whole in ALIASES["tokens_per_param"] else []
    if is_chinchilla_ratio(words):
        return [("tokens_per_param", 10)]
    if path[-1:] == ("time",) and plain in ("token", "batch", "sample"):  # Composer
        return [({"token": "D", "batch": "step", "sample": "samples"}[plain], 1100)]
    # the whole name with its path is the surest match, then its last part, then its words
    joined = "".join(char for piece in (*path, *words) for char in piece if char.isalnum())
    fields = [(field, names.index(joined)) for field, names in ALIASES.items() if joined in names]
    if fields:
        return fields
    later = 1000 if path else 0
    fields = [
        (field, later + names.index(plain))
        for field, names in ALIASES.items()
        if plain in names and len(plain) > 1 and not (field in ("failure_reason", "failed") and path)
    ]
    fields = fields or [(field, later + 200 + rank) for field, rank in _composed(words, path)]
    if not fields and not path and plain in LETTERS:
        fields = [(LETTERS[plain], ONE_LETTER)]
    return fields


def is_chinchilla_ratio(words: tuple[str, ...]) -> bool:
    """Whether the words name a multiple of 20 tokens per parameter: "chinchilla_multiple", "xC"."""
    rest = set(words) - {"of", "optimal", "the", "tokens", "data"}
    if words in (("x", "c"), ("xc",), ("x", "chinchilla"), ("chinchilla",)):
        return words != ("chinchilla",)
    return "chinchilla" in rest and bool(rest & _CHINCHILLA) and not rest - _CHINCHILLA - {"chinchilla"}


def _composed(words: tuple[str, ...], path: tuple[str, ...]) -> list[tuple[str, int]]:
    """(field, rank) of a name that consists of a head word and qualifiers; fewer words rank better."""
    present = set(words)
    if (
        words[:1] == ("n",)
        and len(words) > 1
        and present <= _QUALIFIERS["N"]
        and not (present & _EMBEDDING and not present & _WITHOUT)
    ):
        return [("N", len(words) + sum(_NOT_ALL.get(word, 0) for word in present))]  # "N (non-emb)", "N (total)"
    if present >= set(_OPERATIONS) and present <= _QUALIFIERS["C"]:
        return [("C", len(words))]
    for field, heads in _HEADS.items():
        head = present & set(heads)
        rest = present - head
        if not head or rest - _QUALIFIERS[field] or present == {"token"}:
            continue
        if field == "N" and rest & _EMBEDDING and not rest & _WITHOUT:
            return []  # parameters of the embedding alone
        if field == "C" and path and path[-1].startswith("throughput") and "total" not in rest:
            return []  # a rate
        return [(field, len(words) + sum(_NOT_ALL.get(word, 0) for word in rest))]
    return []


_OF_FLOPS = re.compile(r"[kmgtpezy]?flo(p|ps|s)|compute|isoflops?|budget|[pez]f")
_RATES = frozenset({
    "per", "s", "sec", "second", "utilization", "mfu", "hfu", "throughput", "ratio", "time", "peak",
    "gpu", "device", "rate", "dtype",
})  # fmt: skip


def names_flops(name: str) -> bool:
    """Whether a name is about an amount of compute; a rate or a share is none."""
    words = set(words_of(plain_text(name)))
    return any(_OF_FLOPS.fullmatch(word) for word in words) and not words & (_RATES | {"tokens", "token", "params"})


def is_unit_of_flops(name: str) -> bool:
    """Whether the last part of a name is a unit of FLOPs that is also used for rates, such as TFLOPs."""
    return bool(re.fullmatch(r"[kmgtp]flops?", "".join(words_of(plain_text(name).rpartition("/")[2]))))
