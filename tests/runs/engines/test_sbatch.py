"""Options of sbatch that a person gives: which are taken, as what, and which are refused with a reason."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.runs.engines.sbatch import checked_sbatch


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ({}, {}),
        ({"account": "lab", "constraint": "a100|h100"}, {"account": "lab", "constraint": "a100|h100"}),
        ({"--mem-per-cpu": "2G", "exclusive": True}, {"mem-per-cpu": "2G", "exclusive": True}),
        ({"cpu_freq": 2.5, "nice": 100, "requeue": False}, {"cpu-freq": "2.5", "nice": "100"}),
        (["--exclusive=user", "gres=gpu", "--requeue"], {"exclusive": "user", "gres": "gpu", "requeue": True}),
        (["--export=ALL,A=b=c"], {"export": "ALL,A=b=c"}),
        (("comment=two words",), {"comment": "two words"}),
    ],
)  # fmt: skip
def test_options_are_taken_as_a_table_or_as_a_list(given, options):
    assert checked_sbatch(given) == options
    assert checked_sbatch(checked_sbatch(given)) == options  # what is written down is read again


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("--account=lab", "expected a table such as"),
        ({"account": ["lab"]}, "account: expected text, a number, true or false"),
        ({"account": ""}, "account: expected 1 to 1000 characters, got 0"),
        ({"comment": "x" * 1001}, "comment: expected 1 to 1000 characters, got 1001"),
        ({"account": "lab\ntouch planted"}, "account: expected one line of text without control characters"),
        ({"account": "lab\u2028#SBATCH"}, "account: expected one line"),
        ({"account": "lab\x00"}, "account: expected one line"),
        ({"comment": "a\\b"}, "comment: expected no backslash"),
        ({"account\n#SBATCH --x": "lab"}, "expected the long name of an option of sbatch"),
        ({"account; touch planted": True}, "expected the long name"),
        (["-A lab"], "expected the long name of an option of sbatch, such as account, or account=lab in a list"),
        (["account lab"], "expected the long name"),
        ([7], "expected options as text"),
        (["--account=a", "account=b"], "account: given twice"),
        ({"mem_per_cpu": 1, "mem-per-cpu": 2}, "mem-per-cpu: given twice"),
        ({"time": "1:00"}, "time: not an option to give: it has a key of its own: minutes"),
        ({"cpus-per-task": 2}, "a key of its own: cpus"),
        ({"array": "0-9"}, "array: not an option to give: each run is a job"),
        ({"wrap": "true"}, "the job is isoflop's trainer"),
        ({"ntasks_per_node": 2}, "a task on each machine"),
        (["--parsable"], "the id of the job"),
        ({"export": "NONE"}, "export: expected ALL"),
    ],
)  # fmt: skip
def test_what_is_no_option_to_give_is_refused_with_the_reason(given, said):
    with pytest.raises(ValueError, match="(?s).*") as refused:
        checked_sbatch(given)
    assert said in str(refused.value)


@given(
    st.dictionaries(
        st.text(max_size=12), st.text(max_size=12) | st.booleans() | st.integers() | st.floats(), max_size=3
    )
)
def test_no_option_ever_adds_a_line_to_a_script(options):
    submitit = pytest.importorskip("submitit", reason="the engine slurm needs the extra `slurm`")
    try:
        checked = checked_sbatch(options)
    except ValueError:
        return
    script = submitit.slurm.slurm._make_sbatch_string("true", "folder", additional_parameters=checked)
    without = submitit.slurm.slurm._make_sbatch_string("true", "folder")
    assert len(script.splitlines()) - len(without.splitlines()) <= len(checked)
    asked = [line for line in script.splitlines() if line and not line.startswith("#")]
    assert asked == [line for line in without.splitlines() if line and not line.startswith("#")]


def test_a_shell_runs_nothing_of_an_option(tmp_path):
    submitit = pytest.importorskip("submitit", reason="the engine slurm needs the extra `slurm`")
    planted = tmp_path / "planted"
    hostile = checked_sbatch({"comment": f"' ; touch {planted}; $(touch {planted}) `touch {planted}` \" #"})
    text = submitit.slurm.slurm._make_sbatch_string("true", tmp_path, additional_parameters=hostile, use_srun=False)
    subprocess.run(["bash", "-c", text], check=True)
    assert not planted.exists()
