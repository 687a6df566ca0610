from __future__ import annotations

import json
from pathlib import Path

import pytest

from isoflop.arch.layout import Layout
from isoflop.errors import InputError
from isoflop.runs.parallel_config import (
    ParallelConfig,
    parallel_config_file,
    read_parallel_config,
    write_parallel_config,
)


def test_a_launch_is_read_as_it_was_written(tmp_path: Path) -> None:
    launch = ParallelConfig(
        layout=Layout(data=2, sharded=4, tensor=8), micro_batch_sequences=3, recompute="full", products="bfloat16"
    )
    write_parallel_config(tmp_path, launch)
    assert read_parallel_config(tmp_path) == launch
    assert json.loads((tmp_path / "launch.json").read_text()) == {
        "layout": {"data": 2, "pipeline": 1, "sharded": 4, "tensor": 8},
        "micro_batch_sequences": 3,
        "recompute": "full",
        "products": "bfloat16",
        "compiled": None,
        "schema": 1,
    }


def test_nobody_wrote_one(tmp_path: Path) -> None:
    assert read_parallel_config(tmp_path) is None


def test_what_a_person_leaves_out_is_as_by_default(tmp_path: Path) -> None:
    parallel_config_file(tmp_path).write_text('{"layout": {"tensor": 2}}')
    assert read_parallel_config(tmp_path) == ParallelConfig(layout=Layout(tensor=2))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "not JSON"),
        ("[]", "expected a JSON object"),
        ('{"layout": 3}', "with an object `layout`"),
        ('{"layouts": {}}', "layouts: not a field of a launch"),
        ('{"layout": {"tensors": 2}}', "layout.tensors: not a field"),
        ('{"layout": {"tensor": 0}}', "tensor: expected a whole number of at least 1, got 0"),
        ('{"layout": {"pipeline": 2}}', "layout.pipeline: expected 1, the trainer has no pipeline, got 2"),
        (
            '{"micro_batch_sequences": 0}',
            "expected a whole number of at least 1, or null, got 0",
        ),
        ('{"recompute": "selective"}', "recompute: expected none or full, got 'selective'"),
        ('{"products": "float8"}', "products: expected one of float32, tfloat32, bfloat16, or null, got 'float8'"),
        ('{"compiled": 1}', "compiled: expected true, false or null, got 1"),
        ('{"schema": 2}', "schema: this version of isoflop reads 1, got 2"),
        ('{"schema": 2, "recompute": ""}', "2 problems"),
    ],
)
def test_what_is_no_launch_is_named(tmp_path: Path, text: str, problem: str) -> None:
    parallel_config_file(tmp_path).write_text(text)
    with pytest.raises(InputError) as caught:
        read_parallel_config(tmp_path)
    assert str(parallel_config_file(tmp_path)) in str(caught.value)
    assert problem in str(caught.value)
