"""Runs in the form of one tool after another, for folders of several kinds of logs."""

import json

from logs.formats.encode import event_file, field, json_items, scalar, wandb_file

STEPS = (250, 500, 750, 1000)


def losses_of(final):
    """A curve that ends at `final`."""
    return [(step, final + (1000 - step) / 1000) for step in STEPS]


def huggingface(folder, params, tokens, final):
    history = []
    for step, loss in losses_of(final):
        seen = tokens * step / 1000
        history.append({"step": step, "loss": loss + 0.1, "learning_rate": 1e-3, "num_input_tokens_seen": seen})
        history.append({"step": step, "eval_loss": loss, "eval_runtime": 1.0, "num_input_tokens_seen": seen})
    history.append({"step": 1000, "train_loss": 9.0, "train_runtime": 5.0})
    folder.mkdir(parents=True)
    state = {"global_step": 1000, "max_steps": 1000, "log_history": history}
    (folder / "trainer_state.json").write_text(json.dumps(state))
    (folder / "training_args.json").write_text(json.dumps({"n_params": params}))


def wandb(folder, params, tokens, final):
    def values(**items):
        return json_items({name.replace("__", "/"): json.dumps(value) for name, value in items.items()})

    about = field(17, field(1, folder.name) + field(8, folder.name) + field(4, values(n_params=params, max_steps=1000)))
    rows = [
        field(2, values(train__loss=loss + 0.1, val__loss=loss, tokens=tokens * step / 1000) + field(2, field(1, step)))
        for step, loss in losses_of(final)
    ]
    inner = folder / f"offline-run-20250101_000000-{folder.name}"
    inner.mkdir(parents=True)
    (inner / f"run-{folder.name}.wandb").write_bytes(wandb_file(about, *rows, field(18, field(1, 0))))


def tensorboard(folder, params, tokens, final):
    scalars = [
        scalar(tag, step, value)
        for step, loss in losses_of(final)
        for tag, value in (
            ("train/loss", loss + 0.1), ("eval/loss", loss), ("tokens", tokens * step / 1000), ("n_params", params),
            ("lr", 1e-3 * (1001 - step) / 1000),
        )
    ]  # fmt: skip
    folder.mkdir(parents=True)
    (folder / "events.out.tfevents.1700000000.host.1.0").write_bytes(event_file(*scalars))


def mlflow(folder, params, tokens, final):
    run = folder / "mlruns" / "1" / "0123"
    for inner in ("metrics/train", "metrics/val", "params", "tags"):
        (run / inner).mkdir(parents=True)
    (run.parent / "meta.yaml").write_text("experiment_id: '1'\nname: e\n")
    (run / "meta.yaml").write_text(f"run_id: '0123'\nrun_name: {folder.name}\nstatus: 3\nlifecycle_stage: active\n")
    (run / "params" / "n_params").write_text(str(params))
    (run / "params" / "max_steps").write_text("1000")
    for name, of in (("train/loss", lambda s, x: x + 0.1), ("val/loss", lambda s, x: x),
                     ("tokens", lambda s, x: tokens * s / 1000)):  # fmt: skip
        (run / "metrics" / name).write_text("".join(f"{s} {of(s, x)} {s}\n" for s, x in losses_of(final)))


def lightning(folder, params, tokens, final):
    rows = "".join(
        f"0,{step - 1},{loss + 0.1},,{tokens * step / 1000}\n0,{step - 1},,{loss},\n" for step, loss in losses_of(final)
    )
    folder.mkdir(parents=True)
    (folder / "metrics.csv").write_text(f"epoch,step,train_loss,val_loss,tokens\n{rows}")
    (folder / "hparams.yaml").write_text(f"n_params: {params}\nmax_steps: 1000\n")


def nanogpt(folder, params, tokens, final):
    lines = [
        "max_iters = 1000",
        f"tokens per iteration will be: {tokens // 1000:,}",
        f"num decayed parameter tensors: 9, with {params - 80:,} parameters",
        "num non-decayed parameter tensors: 9, with 80 parameters",
        *(f"step {step}: train loss {loss + 0.1:.12f}, val loss {loss:.12f}" for step, loss in losses_of(final)),
    ]
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.with_suffix(".log").write_text("\n".join(lines) + "\n")


def torchtitan(folder, params, tokens, final):
    lines = [
        f"Model llama3 toy size: {params:,} total parameters",
        f"Training starts at step 1, with local batch size 1, global batch size 1, sequence length {tokens // 1000}, "
        "total steps 1000 (warmup 2)",
    ]
    for step, loss in losses_of(final):
        lines.append(f"\x1b[31mstep: {step:2}  \x1b[32mloss: {loss + 0.1:.12f}  \x1b[33mmemory:  1.25GiB(1.56%)")
        lines.append(f"\x1b[31mvalidate step: {step:2}  \x1b[32mloss: {loss:.12f}  \x1b[33mmemory:  1.25GiB(1.56%)")
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.with_suffix(".log").write_text("\n".join([*lines, "Training completed"]) + "\n")


def megatron(folder, params, tokens, final):
    lines = [
        f"  seq_length {'.' * 30} {tokens // 1000}",
        f" > number of parameters on (tensor, pipeline) model parallel rank (0, 0): {params}",
    ]
    for step, loss in losses_of(final):
        lines.append(f" iteration {step:8d}/    1000 | consumed samples: {step:12d} | lm loss: {loss + 0.1:.12E} |")
        lines.append(f" validation loss at iteration {step} | lm loss value: {loss:.12E} | lm loss PPL: 9.0E+00 | ")
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.with_suffix(".txt").write_text("\n".join(lines) + "\n")


WRITERS = (huggingface, wandb, tensorboard, mlflow, lightning, nanogpt, torchtitan, megatron)
