"""How the runs of a study are trained, in words."""

from __future__ import annotations

from isoflop.spec import RunSpec
from isoflop.units import format_number


def recipe_in_words(spec: RunSpec) -> dict[str, str]:
    """How all runs are trained, {what: in words}, for the methods card."""
    schedule, optimizer = spec.schedule, spec.optimizer
    shape = {
        "cosine": f"cosine to {format_number(schedule.final_fraction, 6)} of the peak",
        "wsd": f"constant, then a cooldown 1 - sqrt over the last {100 * schedule.cooldown_fraction:.0f} % "
        f"to {format_number(schedule.final_fraction, 6)} of the peak",
        "constant": "constant",
    }[schedule.kind]
    muon = f"Muon for the hidden matrices, momentum {optimizer.momentum}; AdamW for the rest"
    hidden = muon if optimizer.hidden == "muon" else "AdamW"
    # a tied head is the embedding, and trained at its rate
    tied = spec.architecture.tied_embedding
    head = "" if tied else f"output head {format_number(optimizer.output_head_lr, 6)}, "
    return {
        "family": spec.architecture.family,
        "context": f"{spec.seq_len} tokens",
        "schedule": f"{shape}; ends at each run's own token count",
        "optimizer": f"{hidden}, betas {optimizer.beta1} and {optimizer.beta2}, weight decay {optimizer.weight_decay}, "
        f"gradient clipped at {optimizer.clip_norm}",
        **({"masked": f"{100 * spec.masked_fraction:.0f} % of every batch"} if spec.masked_fraction else {}),
        "learning rates": f"embedding {format_number(optimizer.embedding_lr, 6)}, {head}"
        f"vectors {format_number(optimizer.vectors_lr)} times that of the hidden matrices",
        "evaluation": f"{spec.eval_tokens:,} validation tokens a domain, after the last step",
        "precision": spec.precision,
        "seed": f"{spec.seed:,}",
    }
