"""A configuration of nanoGPT: plain assignments that its `train.py` runs (`python train.py config/FILE.py`).

Its model is gpt with heads as wide together as the model, d_ff = 4 d and a tied embedding; biases by `bias`. Names are
those of the defaults at the head of its train.py.
"""

from __future__ import annotations

from isoflop.plan.export.checked import CHECKED
from isoflop.plan.export.engine_run import EngineRun, comment, no_recipe_of_a_study, no_z_loss, one_rate, refuse
from isoflop.plan.export.hf import gpt2_problems
from isoflop.plan.export.launch import launch_entry
from isoflop.units import format_number

_DEFAULT_VOCABULARY = 50_304  # of GPT-2, padded to a multiple of 64: what it takes where no meta.pkl says another
_LARGEST_VOCABULARY = 2**16  # its token files are of 16 bits
_ADAM_EPS = 1e-8  # of PyTorch's AdamW, which it does not change


def nanogpt(value: EngineRun) -> str:
    """The text of config/train_*.py.

    Raises RefusedError `not_expressible` for what its one model, schedule and optimiser are not.
    """
    family = value.arch.family
    if family != "gpt":
        refuse("nanoGPT", [f"it has no {family}; plan with --family gpt"])
    refuse("nanoGPT", [*_model_problems(value), *_run_problems(value)])
    lines = (f"{name} = {setting!r}" for name, setting in _settings(value).items())
    return f"{_comment(value)}\n# {value.arch.params().total:,} parameters\n" + "\n".join(lines) + "\n"


def _model_problems(value: EngineRun) -> list[str]:
    arch = value.arch
    problems = gpt2_problems(arch)
    if arch.d_ff != 4 * arch.d_model:
        problems.append(f"its feed-forward is {4 * arch.d_model} wide, 4 d_model, got {arch.d_ff}")
    if not arch.tied_embedding:
        problems.append("its output head is its embedding")
    if arch.n_positions != value.run.seq_len:
        problems.append(f"it learns as many positions as a sequence has, {value.run.seq_len}, got {arch.n_positions}")
    if arch.vocab_size > _LARGEST_VOCABULARY:
        problems.append(f"its token files are of 16 bits; plan with --vocab up to {_LARGEST_VOCABULARY}")
    return problems


def _run_problems(value: EngineRun) -> list[str]:
    run, layout = value.run, value.layout
    problems = [*one_rate(run), *no_z_loss(run), *no_recipe_of_a_study(run)]
    if run.schedule.kind == "wsd":
        problems.append("it decays by a cosine only; plan with --rates steplaw2025")
    if run.optimizer.eps != _ADAM_EPS:
        problems.append(
            f"its AdamW has an eps of {format_number(_ADAM_EPS)}, got {format_number(run.optimizer.eps, 6)}"
        )
    if layout is not None and layout.devices != layout.data:
        problems.append("it has replicas only; plan without --gpus")
    if value.recompute in ("selective", "full"):
        problems.append("it does not recompute; plan without --gpus")
    return problems


def _comment(value: EngineRun) -> str:
    vocab, file = value.arch.vocab_size, f"config/train_{value.name.replace('-', '_')}.py"
    fill_in = [
        "dataset, the folder under data/ with your train.bin and val.bin",
        launch_entry(value, f"train.py {file}", first=f"save this file as {file}"),
    ]
    if vocab != _DEFAULT_VOCABULARY:
        fill_in.append(
            f"vocab_size = {vocab:,} in data/DATASET/meta.pkl: without that file nanoGPT takes {_DEFAULT_VOCABULARY:,}"
        )
    fill_in.append("init_from = 'resume' once there is a checkpoint to go on from: without it the run begins again")
    if value.micro_batch_sequences is None:
        fill_in.append(f"batch_size, with gradient_accumulation_steps so that their product stays {value.sequences:,}")
    return comment(
        value,
        engine="nanoGPT",
        checked=CHECKED["nanogpt"],
        fill_in=fill_in,
        differs=(
            "sequences are cut at random places, some tokens again and others never; the plan reads each once",
            "the embeddings of tokens and positions are decayed too; norms and biases are not, as planned",
            "GELU is exact, without the approximation by tanh, and the eps of the norms is 1e-5",
            f"after max_iters = {value.run.steps:,} steps it {_at_the_end(value)}, and does one more step",
        ),
        micro_batch="1 sequence",
    )


def _eval_interval(value: EngineRun) -> int:
    """Steps between two evaluations, each with a checkpoint: where it can be one that divides the steps of the run.

    Nothing is saved at the end of a run that it does not divide.
    """
    target, steps = value.checkpoint_steps, value.run.steps
    return next((every for every in range(target, target // 4, -1) if steps % every == 0), target)


def _at_the_end(value: EngineRun) -> str:
    if value.run.steps % _eval_interval(value) == 0:
        return "evaluates and saves its last checkpoint"
    return f"saves no checkpoint, since no eval_interval near {_eval_interval(value)} divides them"


def _settings(value: EngineRun) -> dict[str, object]:
    arch, run, rates = value.arch, value.run, value.run.optimizer
    micro = value.micro_batch_sequences or 1
    return {
        "out_dir": value.name,
        "dataset": "FILL IN",
        "n_layer": arch.n_layers,
        "n_head": arch.n_heads,
        "n_embd": arch.d_model,
        "block_size": run.seq_len,
        "bias": True,
        "dropout": 0.0,
        "batch_size": micro,
        # of all devices together
        "gradient_accumulation_steps": value.sequences // micro,
        "max_iters": run.steps,
        # checkpoints are saved when it evaluates, and at no other time
        "eval_interval": _eval_interval(value),
        "always_save_checkpoint": True,
        "lr_decay_iters": run.steps,
        "warmup_iters": value.warmup_steps,
        "learning_rate": run.peak_lr,
        # the rate stays where it is when its least value is its largest
        "min_lr": value.final_lr,
        "decay_lr": True,
        "weight_decay": rates.weight_decay,
        "beta1": rates.beta1,
        "beta2": rates.beta2,
        "grad_clip": rates.clip_norm,
    }
