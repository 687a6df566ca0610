import pytest

from isoflop.arch import Architecture
from isoflop.runs.folder import RunFolder
from isoflop.runs.result import RunResult, counted_params
from isoflop.runs.run_index import RunIndex
from isoflop.schedule import Schedule
from isoflop.spec import Optimizer, RunSpec


def small_spec(*, steps: int = 10, seed: int = 0, budget_flops: float | None = 1e9) -> RunSpec:
    """A buildable spec of `steps` steps; its seed tells it from others."""
    return RunSpec(
        architecture=Architecture(
            family="llama",
            n_layers=1,
            d_model=16,
            n_heads=1,
            n_kv_heads=1,
            head_dim=16,
            d_ff=32,
            vocab_size=257,
            tied_embedding=False,
        ),
        tokens=64 * steps,
        batch_tokens=64,
        seq_len=32,
        peak_lr=0.005,
        schedule=Schedule(),
        warmup_tokens=0,
        optimizer=Optimizer(
            beta1=0.9,
            beta2=0.95,
            eps=1e-8,
            weight_decay=0.0,
            clip_norm=1.0,
            embedding_lr=4.0,
            output_head_lr=4.0,
            vectors_lr=1.0,
        ),
        seed=seed,
        corpus="0" * 64,
        eval_tokens=64,
        budget_flops=budget_flops,
    )


def result_of(folder: RunFolder, **changed: object) -> RunResult:
    """A finished run's result, with some fields changed."""
    spec = folder.read_spec()
    facts = {
        "run_id": folder.run_id,
        "status": "done",
        "steps": spec.steps,
        "tokens_seen": spec.tokens,
        "params": counted_params(spec.architecture),
        "flops": {"matmul": 1.5e9, "six_n": 1.25e9},
        "train_loss_nats": 2.5,
        "val_loss_nats": 2.625,
        "val_loss_se": 0.01,
        "bits_per_byte": 3.8,
        "domains": {"a": {"loss_nats": 2.625, "loss_se": 0.01, "bits_per_byte": 3.8, "tokens": 64, "bytes": 63}},
        "metric_version": 1,
        "wall_seconds": 1.5,
        "device": "cpu",
        "threads": 1,
        "code_version": "0.1.0",
        "torch_version": "2.13.0",
        "finished": 1.7e9,
        "attempts": 1,
    }
    return RunResult(**{**facts, **changed})  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path):
    return RunFolder.create(tmp_path / "runs", small_spec())


@pytest.fixture
def folders(tmp_path):
    return [RunFolder.create(tmp_path / "runs", small_spec(steps=steps)) for steps in (10, 30, 20)]


@pytest.fixture
def run_index(tmp_path):
    return RunIndex(tmp_path / "study.db")
