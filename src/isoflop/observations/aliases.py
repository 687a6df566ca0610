"""Whole names of columns met in published data sets, trainers and trackers, by field."""

from __future__ import annotations

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
