"""Writes the fixtures in this folder: one and the same toy run, logged by the library of every tracker and trainer.

Its losses are multiples of 1/16 and its rates of 2**-10: exact in single precision (TensorBoard) and in the four
decimals of text logs, so that every source holds the very same numbers. Run in an environment with torch, transformers,
accelerate, tensorboard, wandb, mlflow-skinny, sqlalchemy, alembic, lightning and torchtitan:

    python tests/golden/logs/write.py tests/golden/logs [NAME...]
"""

import argparse
import logging
import math
import os
import shutil
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

STEPS = (10, 20, 30, 40, 50)
TRAINING = (5.4375, 4.8125, 4.375, 4.0625, 3.875)
VALIDATION = (5.5, 4.875, 4.4375, 4.125, 3.9375)
RATES = (2**-8, 2**-8, 2**-9, 2**-9, 2**-10)
TOKENS_PER_STEP = 4096  # four sequences of 1,024
PLANNED = 50
SHAPE = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": 64}
PARAMS = 2 * 64 * 16 + 2 * (4 * 16 * 16 + 3 * 16 * 32 + 2 * 16) + 16  # embedding and head; layers; last norm
SETTINGS = {"params": PARAMS, "max_steps": PLANNED, "optimizer": "adamw"}
STARTED = 1_700_000_000  # seconds since 1970, in place of the clock's


def at_step(step):
    """The place of the interval of ten steps that ends at or after `step`."""
    return (step - 1) // 10


def points():
    return zip(STEPS, TRAINING, VALIDATION, RATES, strict=True)


def write_huggingface(folder):
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments

    class Model(LlamaForCausalLM):
        """A model whose losses are those of the toy run."""

        def forward(self, input_ids=None, labels=None, **kwargs):
            losses = TRAINING if self.training else VALIDATION
            nought = 0.0 * self.model.norm.weight.sum()
            done = trainer.state.global_step + self.training
            return {"loss": torch.tensor(losses[at_step(done)]) + nought, "logits": nought.reshape(1, 1)}

    class Texts(torch.utils.data.Dataset):
        def __len__(self):
            return 4 * PLANNED

        def __getitem__(self, index):
            tokens = torch.zeros(1024, dtype=torch.long)
            return {"input_ids": tokens, "labels": tokens}

    config = LlamaConfig(**SHAPE, num_key_value_heads=2, max_position_embeddings=1024, tie_word_embeddings=False)
    model = Model(config)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda done: RATES[min(at_step(max(done, 1)), 4)])
    arguments = TrainingArguments(
        output_dir=str(folder), max_steps=PLANNED, per_device_train_batch_size=4, per_device_eval_batch_size=100,
        logging_steps=10, eval_steps=10, save_steps=25, eval_strategy="steps", report_to=[], use_cpu=True,
        include_num_input_tokens_seen="all", disable_tqdm=True, prediction_loss_only=True,
    )  # fmt: skip
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=Texts(),
        eval_dataset=torch.utils.data.Subset(Texts(), range(4)),
        optimizers=(optimizer, schedule),
    )
    trainer.train()
    trainer.save_state()
    for path in list(folder.rglob("*")):
        if path.is_file() and path.name not in ("trainer_state.json", "config.json"):
            path.unlink()


def write_tensorboard(folder):
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(folder))
    for step, training, validation, rate in points():
        writer.add_scalar("train/loss", training, step)
        writer.add_scalar("lr", rate, step)
        writer.add_scalar("tokens", step * TOKENS_PER_STEP, step)
        writer.add_scalar("eval/loss", validation, step, new_style=True)
    writer.close()
    (events,) = folder.iterdir()
    events.rename(folder / f"events.out.tfevents.{STARTED}.host.1.0")


def write_wandb(folder):
    os.environ |= {"WANDB_MODE": "offline", "WANDB_ERROR_REPORTING": "false"}
    import wandb

    quiet = wandb.Settings(
        silent=True, console="off", disable_git=True, disable_code=True, x_disable_stats=True, x_disable_meta=True,
        host="host", username="user", x_save_requirements=False,
    )  # fmt: skip
    run = wandb.init(project="toy", id="toy0", name="toy", config=SETTINGS, dir=str(folder), settings=quiet)
    for step, training, validation, rate in points():
        values = {"train/loss": training, "lr": rate, "tokens": step * TOKENS_PER_STEP, "val/loss": validation}
        run.log(values, step=step)
    run.finish(exit_code=0)
    wandb.teardown()
    (file,) = folder.glob("wandb/offline-run-*/run-toy0.wandb")
    kept = folder / "wandb" / "offline-run-20231114_221320-toy0"
    shutil.move(file, folder / file.name)
    shutil.rmtree(folder / "wandb")
    kept.mkdir(parents=True)
    shutil.move(folder / file.name, kept / file.name)


def log_to_mlflow(uri):
    import mlflow

    client = mlflow.MlflowClient(tracking_uri=uri)
    run = client.create_run(client.create_experiment("toy", artifact_location="file:///artifacts"), run_name="toy")
    for name, value in SETTINGS.items():
        client.log_param(run.info.run_id, name, value)
    for step, training, validation, rate in points():
        client.log_metric(run.info.run_id, "train/loss", training, step=step)
        client.log_metric(run.info.run_id, "lr", rate, step=step)
        client.log_metric(run.info.run_id, "tokens", step * TOKENS_PER_STEP, step=step)
        client.log_metric(run.info.run_id, "val/loss", validation, step=step)
    client.set_terminated(run.info.run_id)


def write_mlflow(folder):
    os.environ |= {"MLFLOW_ALLOW_FILE_STORE": "true", "MLFLOW_DISABLE_TELEMETRY": "true", "LOGNAME": "user"}
    log_to_mlflow(f"file:{folder}/mlruns")
    shutil.rmtree(folder / "mlruns" / "0", ignore_errors=True)
    for meta in folder.rglob("meta.yaml"):
        meta.write_text(meta.read_text().replace(f"{folder}", ""))


def write_mlflow_database(folder):
    import sqlite3

    os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "LOGNAME": "user"}
    log_to_mlflow(f"sqlite:///{folder}/mlflow.db")
    database = sqlite3.connect(folder / "mlflow.db")
    # a hundred empty tables and indices of other parts of MLflow, 900 kB
    kept = ("runs", "experiments", "metrics", "latest_metrics", "params", "tags")
    tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in tables:
        if table not in kept and not table.startswith("sqlite"):
            database.execute(f'DROP TABLE "{table}"')
    database.execute("UPDATE experiments SET artifact_location = 'file:///artifacts'")
    database.commit()
    database.execute("PRAGMA page_size = 1024")
    database.execute("VACUUM")
    database.close()


def write_lightning(folder):
    import lightning
    import torch
    from lightning.pytorch.loggers import CSVLogger

    class Module(lightning.LightningModule):
        def __init__(self, params, max_steps, optimizer):
            super().__init__()
            self.save_hyperparameters()
            self.weight = torch.nn.Parameter(torch.zeros(1))

        def training_step(self, batch, place):
            done = self.global_step + 1
            self.log("train_loss", TRAINING[at_step(done)])
            self.log("lr", RATES[at_step(done)])
            self.log("tokens", float(done * TOKENS_PER_STEP))
            return self.weight.sum()

        def validation_step(self, batch, place):
            self.log("val_loss", VALIDATION[at_step(self.global_step)])

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=1.0)

    loader = torch.utils.data.DataLoader(torch.zeros(PLANNED, 1), batch_size=1)
    once = torch.utils.data.DataLoader(torch.zeros(1, 1), batch_size=1)
    trainer = lightning.Trainer(
        max_steps=PLANNED, logger=CSVLogger(str(folder), name="", version="toy"), log_every_n_steps=10,
        val_check_interval=10, num_sanity_val_steps=0, accelerator="cpu", enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(Module(**SETTINGS), loader, once)


def write_torchtitan(folder):
    """The line of a point is torchtitan's own; those around it are in the form that its trainer prints."""
    from types import SimpleNamespace

    from torchtitan.components import metrics
    from torchtitan.tools.logging import init_logger, logger

    init_logger()
    handler = logging.FileHandler(folder / "toy.log")
    handler.setFormatter(logging.Formatter("[titan] 2023-11-14 22:13:20,000 - root - %(levelname)s - %(message)s"))
    logger.handlers = [handler]
    memory = SimpleNamespace(
        max_active_gib=1.0, max_active_pct=1.0, max_reserved_gib=1.25, max_reserved_pct=1.56, num_alloc_retries=0,
        num_ooms=0,
    )  # fmt: skip
    monitor = SimpleNamespace(get_peak_stats=lambda: memory, reset_peak_stats=lambda: None, device_name="NVIDIA H100")
    processor = object.__new__(metrics.MetricsProcessor)
    processor.__dict__ |= {
        "logger": SimpleNamespace(log=lambda *args: None), "device_memory_monitor": monitor, "color": metrics.Color(),
        "parallel_dims": SimpleNamespace(non_data_parallel_size=1), "gpu_peak_flops": 1e15, "num_flops_per_token": 1e9,
        "ntokens_since_last_log": 40960, "data_loading_times": [0.1], "time_last_log": 0.0, "optimizers": None,
        "lr_schedulers": None, "config": SimpleNamespace(log_freq=10), "has_quantization": False,
    }  # fmt: skip
    logger.info(f"Model llama3 toy size: {PARAMS:,} total parameters")
    logger.info(
        "Trainer is initialized with local batch size 4, global batch size 4, gradient accumulation steps 1, sequence "
        f"length 1024, total steps {PLANNED} (warmup 2)"
    )
    logger.info("Training starts at step 1")
    for step, training, validation, _ in points():
        processor.ntokens_since_last_log, processor.data_loading_times = 40960, [0.1]
        processor.time_last_log = time.perf_counter() - 1.0
        processor.log(step, training, training, 0.5)
        processor.ntokens_since_last_log, processor.time_last_log = 40960, time.perf_counter() - 1.0
        processor.log_validation(validation, step)
    logger.info("Training completed")


def write_nanogpt(folder):
    """In the form of the lines that train.py of karpathy/nanoGPT and scripts like it print."""
    lines = [
        f"Overriding: max_iters = {PLANNED}",
        f"tokens per iteration will be: {TOKENS_PER_STEP:,}",
        "Initializing a new model from scratch",
        f"number of parameters: {(PARAMS - 80) / 1e6:.2f}M",
        f"num decayed parameter tensors: 16, with {PARAMS - 80:,} parameters",
        "num non-decayed parameter tensors: 5, with 80 parameters",
        "using fused AdamW: False",
    ]
    for step, training, validation, _ in points():
        lines.append(f"step {step}: train loss {training:.4f}, val loss {validation:.4f}")
        lines.append("saving checkpoint to out")
        lines.append(f"iter {step}: loss {training:.4f}, time {12.5:.2f}ms, mfu {30.25:.2f}%")
    (folder / "toy.log").write_text("\n".join(lines) + "\n")


def write_modded_nanogpt(folder):
    """In the form of the lines of records/track_1_short of KellerJordan/modded-nanogpt, 2024-10 to 2025-09."""
    lines = [
        "@dataclass",
        "class Hyperparameters:",
        "    batch_size : int = 2*2 # batch size, in sequences, across all devices",
        "    sequence_length : int = 1024 # sequence length, in tokens",
        f"    num_iterations : int = {PLANNED} # number of iterations to run",
        "=" * 100,
    ]
    for step, training, validation, _ in points():
        lines.append(f"step:{step}/{PLANNED} train_loss:{training:.4f} train_time:{100 * step}ms step_avg:{100:.2f}ms")
        lines.append(f"step:{step}/{PLANNED} val_loss:{validation:.4f} train_time:{100 * step}ms step_avg:{100:.2f}ms")
    lines.append("peak memory allocated: 1024 MiB reserved: 1280 MiB")
    (folder / "toy.txt").write_text("\n".join(lines) + "\n")


def write_megatron(folder):
    """In the form of the lines that megatron/training/training.py of NVIDIA/Megatron-LM prints (2025)."""
    lines = [
        "------------------------ arguments ------------------------",
        *(f"  {name} {'.' * (48 - len(name))} {value}" for name, value in
          (("global_batch_size", 4), ("lr", RATES[0]), ("seq_length", 1024), ("train_iters", PLANNED))),
        "-------------------- end of arguments ---------------------",
        f" > number of parameters on (tensor, pipeline) model parallel rank (0, 0): {PARAMS}",
    ]  # fmt: skip
    for step, training, validation, rate in points():
        fields = [
            f" [2023-11-14 22:13:20] iteration {step:8d}/{PLANNED:8d}", f"consumed samples: {4 * step:12d}",
            "elapsed time per iteration (ms): 62.5", "throughput per GPU (TFLOP/s/GPU): 490.0",
            f"learning rate: {rate:.6E}", "global batch size:     4", f"lm loss: {training:.6E}", "loss scale: 1.0",
            "grad norm: 0.500", "number of skipped iterations:   0", "number of nan iterations:   0",
        ]  # fmt: skip
        lines.append(" | ".join(fields) + " |")
        losses = f"lm loss value: {validation:.6E} | lm loss PPL: {math.exp(validation):.6E} | "
        words = f" validation loss at iteration {step} | {losses}"
        lines += ["-" * len(words), words, "-" * len(words)]
    lines.append("[after training is done] datetime: 2023-11-14 22:13:30 ")
    (folder / "toy.log").write_text("\n".join(lines) + "\n")


WRITERS = {
    "huggingface": (write_huggingface, ("transformers", "accelerate", "torch")),
    "tensorboard": (write_tensorboard, ("tensorboard", "torch")),
    "wandb": (write_wandb, ("wandb",)),
    "mlflow": (write_mlflow, ("mlflow-skinny",)),
    "mlflow_database": (write_mlflow_database, ("mlflow-skinny", "sqlalchemy")),
    "lightning": (write_lightning, ("lightning",)),
    "torchtitan": (write_torchtitan, ("torchtitan",)),
    "nanogpt": (write_nanogpt, ()),
    "modded_nanogpt": (write_modded_nanogpt, ()),
    "megatron": (write_megatron, ()),
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", default=list(WRITERS))
    options = parser.parse_args()
    for name in options.names:
        write, libraries = WRITERS[name]
        with tempfile.TemporaryDirectory() as made:
            (Path(made) / "toy").mkdir()
            write(Path(made) / "toy")
            target = options.folder / name / "toy"
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(Path(made) / "toy", target)
        print(name, ", ".join(f"{library} {version(library)}" for library in libraries), file=sys.stderr)


if __name__ == "__main__":
    main()
