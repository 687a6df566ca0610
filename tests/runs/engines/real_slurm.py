"""A Slurm of one node, of its own: munged, slurmctld and slurmd with every file and port of theirs in one folder.

Nothing of a Slurm that the machine has is read or touched: commands find this one by $SLURM_CONF, and its daemons are
ended by their process ids.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scancel", "scontrol", "squeue", "sinfo")
START_SECONDS = 60.0
NODE = "here"

_CONF = """
ClusterName=isoflop-test
SlurmctldHost={host}(127.0.0.1)
MailProg=/bin/true
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={home}/munge/socket
CredType=cred/munge
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmctldPidFile={home}/slurmctld.pid
SlurmdPidFile={home}/slurmd.pid
SlurmctldLogFile={home}/slurmctld.log
SlurmdLogFile={home}/slurmd.log
StateSaveLocation={home}/state
SlurmdSpoolDir={home}/spool
PlugStackConfig={home}/plugstack.conf
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters={select}
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/none
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,bf_interval=2
KillWait=5
MinJobAge=300
NodeName={node} NodeAddr=127.0.0.1 CPUs=2 {memory} State=UNKNOWN
PartitionName=test Nodes={node} Default=YES MaxTime=INFINITE State=UP
"""


def unusable() -> str:
    """Why no Slurm can be set up here; empty where it can."""
    if os.geteuid() != 0:
        return "a Slurm of its own needs root"
    # daemons lie where the path of a user does not always lead
    os.environ["PATH"] = os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/sbin"])
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    return f"{', '.join(missing)}: not installed; `make test-slurm` installs Slurm where it can" if missing else ""


class RealSlurm:
    """The daemons; `memory_mb` is what the node states as its RealMemory, None for a node that states none."""

    def __init__(self, home: Path, *, memory_mb: int | None = 4000) -> None:
        self.home = home
        self.conf = home / "slurm.conf"
        self.memory_mb = memory_mb
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> RealSlurm:
        for name in ("munge", "state", "spool"):
            (self.home / name).mkdir(parents=True)
        # munged wants every folder on the way to its files out of the hands of others, or --force
        (self.home / "munge").chmod(0o711)
        key = self.home / "munge" / "key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(128))
        (self.home / "plugstack.conf").touch()
        controller_port, node_port = free_ports(2)
        self.conf.write_text(
            _CONF.format(
                home=self.home,
                node=NODE,
                host=socket.gethostname().split(".")[0],
                controller_port=controller_port,
                node_port=node_port,
                memory="" if self.memory_mb is None else f"RealMemory={self.memory_mb}",
                select="CR_Core" if self.memory_mb is None else "CR_Core_Memory",
            )
        )
        try:
            self._start_munge()
            self.start_controller()
            self.start_node()
            self.wait_until_idle()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _environment(self) -> dict[str, str]:
        """Commands find this Slurm by it, and no other."""
        return {**os.environ, "SLURM_CONF": str(self.conf)}

    @property
    def pids(self) -> list[int]:
        """The processes of the daemons."""
        return [daemon.pid for daemon in self._daemons.values()]

    def ask(self, *command: str) -> str:
        """What a command of Slurm prints."""
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr or done.stdout}")
        return done.stdout

    def start_controller(self) -> None:
        """slurmctld, which goes on with the jobs that it has written down."""
        self._start("slurmctld", ["slurmctld", "-D", "-f", str(self.conf)])

    def stop_controller(self) -> None:
        """Ends slurmctld as a restart of it does."""
        self._end("slurmctld")

    def start_node(self) -> None:
        """slurmd."""
        self._start("slurmd", ["slurmd", "-D", "-f", str(self.conf), "-N", NODE])

    def wait_until_idle(self) -> None:
        """Returns once the node takes jobs."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            with suppress(RuntimeError):
                if self.ask("sinfo", "--noheader", "--format=%t").strip() == "idle":
                    return
            for name, daemon in self._daemons.items():
                if daemon.poll() is not None:
                    raise RuntimeError(f"{name} ended: {self._said(name)}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"the node is not idle: {self._said('slurmctld')} {self._said('slurmd')}")
            time.sleep(0.1)

    def close(self) -> None:
        """Cancels what runs, and ends the daemons."""
        with suppress(RuntimeError, subprocess.SubprocessError, OSError):
            self.ask("scancel", "--user=root", "--signal=KILL", "--full")
            self.ask("scancel", "--user=root")
            deadline = time.monotonic() + 10
            while self.ask("squeue", "--noheader") and time.monotonic() < deadline:
                time.sleep(0.1)
        for name in ("slurmd", "slurmctld", "munged"):
            self._end(name)

    def _start_munge(self) -> None:
        of = self.home / "munge"
        command = ["munged", "--foreground", "--force", "--num-threads=2", f"--socket={of / 'socket'}"]
        command += [f"--key-file={of / 'key'}", f"--pid-file={of / 'pid'}", f"--log-file={of / 'log'}"]
        command += [f"--seed-file={of / 'seed'}"]
        self._start("munged", command)
        deadline = time.monotonic() + START_SECONDS
        while not (of / "socket").exists():
            if self._daemons["munged"].poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"munged did not start: {self._said('munged')}")
            time.sleep(0.02)

    def _start(self, name: str, command: list[str]) -> None:
        with open(self.home / f"{name}.out", "ab") as out:
            self._daemons[name] = subprocess.Popen(
                command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def _end(self, name: str) -> None:
        daemon = self._daemons.pop(name, None)
        if daemon is None:
            return
        daemon.send_signal(signal.SIGTERM)
        try:
            daemon.wait(10)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()

    def _said(self, name: str) -> str:
        return (self.home / f"{name}.out").read_text(errors="replace")[-2000:]


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens at."""
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()
