"""The commands of Slurm as jobs and submitit call them, on processes of this machine: sbatch, srun, sacct, scancel and
scontrol. All machines of a job are this one.

Jobs are folders in $PRETEND_SLURM: script, environment, pid, state. While the file `full` is there, jobs stay PENDING.
"""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

HOME = Path(os.environ.get("PRETEND_SLURM", "."))


def sbatch(script):
    number = len(list(HOME.glob("job-*"))) + 1
    job = HOME / f"job-{number}"
    job.mkdir()
    (job / "script").write_text(Path(script).read_text())
    (job / "state").write_text("PENDING")
    if not (HOME / "full").exists():
        begin(job)
    print(f"Submitted batch job {number}")


def begin(job):
    environment = {**os.environ, "SLURM_JOB_ID": job.name.removeprefix("job-"), "SUBMITIT_EXECUTOR": "slurm"}
    asked = re.search(r"^#SBATCH --nodes=(\d+)$", (job / "script").read_text(), re.MULTILINE)
    nodes = asked[1] if asked else "1"
    environment |= {"SLURM_NTASKS": nodes, "SLURM_JOB_NUM_NODES": nodes, "SLURM_NODEID": "0", "SLURM_PROCID": "0"}
    environment |= {"SLURM_JOB_NODELIST": f"here[1-{nodes}]"}
    process = subprocess.Popen(
        ["bash", str(job / "script")],
        env={**environment, "SLURM_LOCALID": "0"},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    (job / "pid").write_text(str(process.pid))
    (job / "state").write_text("RUNNING")


def srun(*arguments):
    command = list(arguments)
    while command[0].startswith("-"):
        with_value = command[0] in ("--output", "--error")
        command = command[2 if with_value else 1 :]
    others = [
        subprocess.Popen(command, env={**os.environ, "SLURM_NODEID": str(task), "SLURM_PROCID": str(task)})
        for task in range(1, int(os.environ["SLURM_NTASKS"]))
    ]
    first = subprocess.run(command)
    sys.exit(max([first.returncode, *(process.wait() for process in others)]))


def scontrol(*arguments):
    assert arguments[:2] == ("show", "hostnames"), arguments
    print("127.0.0.1\n" * int(re.findall(r"\d+", arguments[2])[-1]), end="")


def alive(job):
    with suppress(OSError):
        os.kill(int((job / "pid").read_text()), 0)
        return True
    return False


def sacct(*arguments):
    for job in HOME.glob("job-*"):
        state = (job / "state").read_text()
        if state == "RUNNING" and not alive(job):
            state = "COMPLETED"
        print(f"{job.name.removeprefix('job-')}|{state}")


def scancel(number):
    job = HOME / f"job-{number}"
    (job / "state").write_text("CANCELLED by 0")
    with suppress(OSError):
        group = int((job / "pid").read_text())
        os.killpg(group, signal.SIGTERM)
        time.sleep(1)
        os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
