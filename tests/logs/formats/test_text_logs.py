"""Text logs: forms of lines that trainers print, restarts, several runs, units, colours, torn and hostile lines."""

import gzip
import math
import time

import pytest

from isoflop.errors import InputError
from isoflop.logs import read_logs


def log(tmp_path, *lines, name="a.log", end="\n", **encoding):
    (tmp_path / name).write_text("\n".join(lines) + end, **encoding)
    return tmp_path / name


def values(series):
    return list(zip(series.steps.tolist(), series.values.tolist(), strict=True))


def nanogpt(first, last, loss=3.0):
    for step in range(first, last + 1, 10):
        if step % 50 == 0:
            yield f"step {step}: train loss {loss - step / 1000:.4f}, val loss {loss + 0.1 - step / 1000:.4f}"
            yield "saving checkpoint to out"
        yield f"iter {step}: loss {loss - step / 1000:.4f}, time 120.00ms, mfu 30.00%"


HEADER = [
    "Overriding config with config/train_gpt2.py:", "# a comment", "max_iters = 200 # of steps", "learning_rate = 6e-4",
    "gradient_accumulation_steps = 5 * 8", "tokens per iteration will be: 491,520", "number of parameters: 123.59M",
    "num decayed parameter tensors: 50, with 124,354,560 parameters",
    "num non-decayed parameter tensors: 98, with 121,344 parameters",
]  # fmt: skip


def test_nanogpt_states_its_size_and_its_tokens(tmp_path):
    (run,) = read_logs(log(tmp_path, *HEADER, *nanogpt(0, 200)))
    assert (run.params, run.params_convention) == (124_475_904, "total")
    assert run.tokens.at(200) == 200 * 491_520
    assert (run.planned_steps, run.ended) == (200, True)
    assert run.settings["learning_rate"] == 6e-4
    assert run.training.at(50) == 2.95
    assert run.evaluations["validation"].at(200) == 2.9


def test_a_resumed_run_is_one_run_with_the_evaluation_at_its_checkpoint(tmp_path):
    again = ["RuntimeError: CUDA error", *HEADER[5:6], "Resuming training from out", *nanogpt(100, 200, 2.5)]
    (run,) = read_logs(log(tmp_path, *HEADER, *nanogpt(0, 140), *again))
    assert run.evaluations["validation"].values.tolist() == [3.1, 3.05, 2.5, 2.45, 2.4]
    assert run.training.at(90) == 2.91
    assert run.training.at(100) == 2.4
    assert run.ended is True


def test_runs_from_their_first_step_on_are_several(tmp_path):
    runs = read_logs(log(tmp_path, *HEADER, *nanogpt(0, 200), *HEADER, *nanogpt(0, 100, 2.5)))
    assert [(run.name, run.ended, run.training.values[-1]) for run in runs] == [("a-1", True, 2.8), ("a-2", False, 2.4)]


def test_a_script_that_prints_evaluations_only(tmp_path):
    line = "step {}: train loss {:.4f}, val loss {:.4f}, perplexity  14.4"
    (run,) = read_logs(log(tmp_path, "0.943502 M parameters", line.format(0, 4, 5), line.format(9, 3, 4)))
    assert values(run.training) == [(0, 4), (9, 3)]
    assert values(run.evaluations["validation"]) == [(0, 5), (9, 4)]
    assert (run.params, run.params_convention) == (943_502, None)


MODDED = [
    "    train_batch_size: int = 2048 * 24 * 8", "    train_max_seq_len: int = 128 * 16",
    '    print0(f"step:{step}/{train_steps} val_loss:{val_loss:.4f} train_time:{training_time_ms:.0f}ms")', "=" * 100,
    "step:0/250 val_loss:10.8258 train_time:0ms step_avg:0.02ms", "step:1/250 train_time:380ms step_avg:379.58ms",
    "step:125/250 val_loss:4.3037 train_time:12257ms step_avg:98.06ms",
    "step:250/250 val_loss:3.9734 train_time:24414ms step_avg:97.66ms final_eval",
]  # fmt: skip


def test_modded_nanogpt_after_a_script_of_a_hundred_kilobytes(tmp_path):
    (run,) = read_logs(log(tmp_path, *["import torch  # a line of the script"] * 3000, *MODDED, name="x.txt"))
    assert values(run.evaluations["validation"]) == [(0, 10.8258), (125, 4.3037), (250, 3.9734)]
    assert run.tokens.at(250) == 250 * 393_216
    assert run.seconds.at(250) == pytest.approx(24.414)
    assert run.training is None
    assert run.ended is True


def test_bits_per_byte_are_no_nats_per_token(tmp_path):
    (run,) = read_logs(log(tmp_path, "step:0/9 val_bpb:3.2 train_time:0ms", "step:9/9 val_bpb:1.2 train_time:10s"))
    assert run.loss_unit == "bits_per_byte"
    assert run.evaluations["validation"].values.tolist() == [3.2, 1.2]
    assert run.seconds.at(9) == 10
    (run,) = read_logs(
        log(tmp_path, "step:0 val_loss:4.0 val_bpb:1.4", "step:9 val_loss:3.0 val_bpb:1.1", name="b.log")
    )
    assert (run.loss_unit, run.evaluations["validation"].values[-1]) == ("nats_per_token", 3.0)
    assert [notice.code for notice in run.notices] == ["other_unit_not_read"]


def test_torchtitan_of_several_ranks_in_colour(tmp_path):
    lines = [
        f"[rank{rank}]:[titan] 2025-04-16 23:20:21,0{rank} - root - INFO - \x1b[31mstep: {step:2}  \x1b[32mloss: "
        f"{loss:7.4f}  \x1b[33mmemory: 26.64GiB(33.61%)  \x1b[34mtps: 1,444  \x1b[36mtflops: 300.32  \x1b[39m"
        for step, loss in ((1, 12.25), (10, 10.5), (1000, 4.125))
        for rank in (0, 1)
    ]
    (run,) = read_logs(log(tmp_path, *lines, "[titan] - root - INFO - Training completed"))
    assert values(run.training) == [(1, 12.25), (10, 10.5), (1000, 4.125)]
    assert run.ended is True


def test_torchtitan_states_its_plan_on_a_line_of_its_own(tmp_path):
    plan = (
        "Trainer is initialized with local batch size 8, global batch size 64, gradient accumulation steps 1, sequence "
        "length 8192, total steps 30 (warmup 2)"
    )
    point = "step: {}  loss:  {}  grad_norm:  0.5  memory: 1.00GiB(1.00%)  tps: 1  tflops: 1  mfu: N/A"
    before = ["Model llama3 debug size: 6,163,712 total parameters", plan, "Training starts at step 1"]
    after = [plan, "Loading the checkpoint from out/step-10.", "Training starts at step 11"]
    points = [point.format(step, 5.0 - step / 100) for step in (10, 20, 20, 30)]
    (run,) = read_logs(log(tmp_path, *before, *points[:2], *after, *points[2:]))
    assert (run.params, run.tokens.at(30), run.ended) == (6_163_712, 30 * 64 * 8192, True)
    assert run.training.steps.tolist() == [10, 20, 30]


def test_torchtitan_that_goes_on_from_a_checkpoint(tmp_path):
    start = (
        "Training starts at step {}, with local batch size 8, global batch size 64, sequence length 8,192, total steps "
        "30 (warmup 2)"
    )
    point = "step: {}  loss:  {}  grad_norm:  0.5  memory: 1.00GiB(1.00%)  tps: 1  tflops: 1  mfu: N/A"
    before = [start.format(1), *(point.format(step, 5.0 - step / 100) for step in (10, 20))]
    after = [start.format(11), *(point.format(step, 4.5 - step / 100) for step in (20, 30))]
    (run,) = read_logs(log(tmp_path, *before, *after))
    assert values(run.training) == [(10, 4.9), (20, 4.3), (30, 4.2)]
    assert run.tokens.at(30) == 30 * 64 * 8192
    (run,) = read_logs(log(tmp_path, *after, *after, name="b.log"))  # the log begins in the middle
    assert values(run.training) == [(20, 4.3), (30, 4.2)]


MEGATRON = (
    " [2025-04-13 23:41:57] iteration {step:8d}/     400 | consumed samples: {samples:12d} | elapsed time per "
    "iteration (ms): 13100.0/13240.9 | throughput per GPU (TFLOP/s/GPU): 579.4/573.6 | learning rate: 3.421949E-07 | "
    "global batch size:   256 | lm loss: {loss:.6E} | z loss: 1.0E-02 | sop loss: 7.651082E-02 | loss scale: 1.0 | "
    "grad norm: 0.003 | number of skipped iterations:   0 | number of nan iterations:   0 |"
)


def megatron(*steps, length=True):
    if length:
        yield "  seq_length ...................................... 2048"
        yield "  evaluate .......................................: (3274.73, 3274.73)"
    for step in steps:
        yield MEGATRON.format(step=step, samples=256 * step, loss=8.0 - step / 100)


def test_megatron_takes_the_loss_and_no_other_term(tmp_path):
    (run,) = read_logs(log(tmp_path, *megatron(100, 200)))
    assert values(run.training) == [(100, 7.0), (200, 6.0)]
    assert run.tokens.at(200) == 200 * 256 * 2048
    assert run.learning_rate.values[0] == 3.421949e-07
    assert (run.planned_steps, run.ended) == (400, False)
    (run,) = read_logs(log(tmp_path, *megatron(100, 200, length=False), name="b.log"))
    assert run.tokens is None  # samples of unknown length


def test_megatron_evaluates_on_one_set_or_on_several(tmp_path):
    lines = [
        " validation loss at iteration 100 | lm loss value: 7.5E+00 | lm loss PPL: 1.808042E+03 | ",
        "[default3]: validation loss at iteration 400 on validation set | lm loss value: 5.0E+00 | lm loss PPL: 9 | ",
        " validation loss at iteration 400 on test set | lm loss value: 5.25E+00 | lm loss PPL: 1.9E+02 | ",
        "0: validation loss at iteration 400 [hplt] | sop loss value: 9.0 | lm loss value: 1.5 | ",
    ]
    (run,) = read_logs(log(tmp_path, *megatron(100, 400), *lines))
    assert {name: values(each) for name, each in run.evaluations.items()} == {
        "validation": [(100, 7.5), (400, 5.0)],
        "test": [(400, 5.25)],
        "hplt": [(400, 1.5)],
    }


def test_megatron_counts_a_model_in_one_part_only(tmp_path):
    part = " > number of parameters on (tensor, pipeline) model parallel rank ({}, 0): 860288"
    (run,) = read_logs(log(tmp_path, part.format(0), *megatron(100, 200)))
    assert (run.params, run.params_convention) == (860_288, "total")
    (run,) = read_logs(log(tmp_path, part.format(0), part.format(1), *megatron(100, 200), name="b.log"))
    assert run.params is None


def test_a_loss_of_nan_is_a_divergence(tmp_path):
    (run,) = read_logs(log(tmp_path, *nanogpt(0, 50), "iter 60: loss nan, time 120.00ms, mfu 30.00%"))
    assert math.isnan(run.training.values[-1])
    assert "diverged" in run.failure


@pytest.mark.parametrize(
    "end", ["step 500: train loss 1.7032, val loss 1.62", "iter 60: loss 2.9", "step 500: train los"]
)
def test_a_torn_last_line_is_no_point(tmp_path, end):
    (run,) = read_logs(log(tmp_path, *nanogpt(0, 50), end, end=""))
    assert run.training.steps[-1] == 50
    assert run.evaluations["validation"].steps[-1] == 50


def test_a_whole_last_line_without_an_end_is_a_point(tmp_path):
    (run,) = read_logs(log(tmp_path, *nanogpt(0, 50), end=""))
    assert run.training.steps[-1] == 50


def test_progress_bars_utf_16_and_gzip(tmp_path):
    lines = ["\r  5%|##   | 5/100 [00:01<00:02]\r  6%|##   | 6/100", *nanogpt(0, 50)]
    expected = values(read_logs(log(tmp_path, *lines))[0].training)
    (run,) = read_logs(log(tmp_path, *lines, name="b.log", encoding="utf-16"))
    assert values(run.training) == expected
    (tmp_path / "c.log.gz").write_bytes(gzip.compress((tmp_path / "a.log").read_bytes()))
    (run,) = read_logs(tmp_path / "c.log.gz")
    assert (run.name, values(run.training)) == ("c", expected)


HOSTILE = {
    "spaces": " iteration 1/ 2 |" + " " * 300_000 + "|",
    "colons": " iteration 1/ 2 |" + ": " * 100_000,
    "digits": "step:1/2 val_loss:" + "1" * 300_000,
    "points": "step 1: train loss 1.2.3, val loss 4..5",
    "commas": "step: ,,,  loss: ,,  memory: 1",
    "escapes": "\x1b]" * 100_000 + "\x1b[" * 100_000,
    "stars": "    a: int = 1" + " * 1" * 100_000,
    "huge": "    a: int = 1e308 * 1e308 * 1e308",
    "equals": "a = " + " " * 200_000 + "b",
    "nulls": "\x00" * 100_000,
    "steps": f"iter {'9' * 400}: loss 1.0, time 1ms",
}


@pytest.mark.parametrize("line", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_line_costs_no_time_and_no_run(tmp_path, line):
    path = log(tmp_path, *nanogpt(0, 100), line, *nanogpt(110, 200), *MODDED, *megatron(100, 200))
    began = time.process_time()
    run, *_ = read_logs(path)
    assert time.process_time() - began < 5
    assert run is not None


def test_prose_about_losses_is_no_log(tmp_path):
    path = log(
        tmp_path,
        "At step 10 the loss: 3.2 was",
        "step 1: nothing",
        "iter 5: loss of signal",
        "val loss 3.2",
        name="a.md",
    )
    with pytest.raises(InputError, match="none of a kind that is known"):
        read_logs(path)


CHAT = [
    "Number of parameters: 560,988,160", "Total batch size 16,384 => gradient accumulation steps: 4",
    "Step 00000 | Validation bpb: 3.228247",
    "step 00000/00200 (0.00%) | loss: 9.012936 | lrm: 0.00 | dt: 1436.54ms | tok/sec: 11,405 | total time: 0.00m",
    "step 00199/00200 (99.50%) | loss: 4.702426 | lrm: 0.05 | dt: 1343.52ms | tok/sec: 12,194 | total time: 2.50m",
    "Step 00200 | Validation bpb: 1.228247",
]  # fmt: skip


def test_a_page_that_quotes_a_log_is_none(tmp_path):
    log(tmp_path, *HEADER, *nanogpt(0, 50))
    log(tmp_path, "# Results", "```", *nanogpt(0, 100), "```", name="README.md")
    assert [run.name for run in read_logs(tmp_path)] == ["a"]


def test_nanochat_evaluates_in_bits_per_byte(tmp_path):
    (run,) = read_logs(log(tmp_path, *CHAT))
    assert (run.loss_unit, values(run.evaluations["validation"])) == ("bits_per_byte", [(0, 3.228247), (200, 1.228247)])
    assert run.training is None
    assert {notice.code for notice in run.notices} == {"other_unit_not_read", "tokens_from_steps"}
    assert (run.params, run.tokens.at(200), run.seconds.at(199), run.ended) == (560_988_160, 200 * 16_384, 150, True)


def test_llm_c_evaluates_after_the_step_that_it_printed_last(tmp_path):
    line = "step {:4d}/3 | loss {:.6f} (+nanz)| norm 22.1414 (-1.20z)| lr 8.57e-07 | 2.5 ms | 40.2% bf16 MFU"
    lines = ["| num_parameters        | 124475904   |", "| total_batch_size      | 524288      |", "val loss 11.033154"]
    (run,) = read_logs(log(tmp_path, *lines, *(line.format(i, 11 - i) for i in (1, 2, 3)), "val loss 7.875000"))
    assert values(run.training) == [(1, 10), (2, 9), (3, 8)]
    assert values(run.evaluations["validation"]) == [(0, 11.033154), (3, 7.875)]
    assert (run.params, run.tokens.at(3), run.ended) == (124_475_904, 3 * 524_288, True)


def test_build_nanogpt_counts_from_zero(tmp_path):
    line = "step {:5d} | loss: {:.6f} | lr 6.0000e-04 | norm: 15.3366 | dt: 82809.54ms | tok/sec: 6331.11"
    (run,) = read_logs(
        log(tmp_path, "validation loss: 10.9511", line.format(0, 9), line.format(1, 8), "validation loss: 7.9511")
    )
    assert values(run.training) == [(1, 9), (2, 8)]
    assert values(run.evaluations["validation"]) == [(0, 10.9511), (2, 7.9511)]


def test_gpt_neox_writes_an_underscore(tmp_path):
    line = " samples/sec: 51.2 | iteration {:8d}/      50 | learning rate: 1.2E-04 | lm_loss: {} |"
    done = " validation loss at iteration 20 | lm_loss value: 4.5E+00 | lm_loss_ppl value: 9.1E+01 | "
    (run,) = read_logs(log(tmp_path, line.format(10, "6.1E+00"), line.format(20, "5.5E+00"), done))
    assert values(run.training) == [(10, 6.1), (20, 5.5)]
    assert values(run.evaluations["validation"]) == [(20, 4.5)]
