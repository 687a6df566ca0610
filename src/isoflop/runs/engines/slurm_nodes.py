"""What the nodes of a Slurm cluster state of their memory: jobs may ask for none where they state none."""

from __future__ import annotations

import re
import subprocess

from isoflop.runs.engines.slurm_states import ANSWER_SECONDS

_UNSTATED_MB = 1
"""RealMemory of a node whose line in slurm.conf has none (slurm.conf(5))."""


def states_no_memory(partition: str | None) -> bool:
    """Whether no node of `partition` (names with commas between; None: the default one) states its memory.

    Then every job that asks for memory is refused: "Memory specification can not be satisfied". False where Slurm does
    not say.
    """
    asked = [] if partition is None else [f"--partition={partition}"]
    try:
        answer = subprocess.run(
            ["sinfo", "--noheader", "--exact", "--format=%P|%m", *asked],
            capture_output=True,
            text=True,
            timeout=ANSWER_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    stated = _stated(answer.stdout, of_default=partition is None) if answer.returncode == 0 else []
    return bool(stated) and max(stated) <= _UNSTATED_MB


def _stated(lines: str, *, of_default: bool) -> list[int]:
    """MB of the nodes in lines `partition|memory`, of the default partition (marked with *) where there is one.

    >>> _stated("small|4000\\nlarge*|1\\n", of_default=True), _stated("small|4000+\\n", of_default=True)
    ([1], [4000])
    """
    rows = re.findall(r"^([^|\n]*?)(\*?)\|(\d+)\+?$", lines, re.MULTILINE)
    marked = [row for row in rows if row[1]] if of_default else []
    return [int(memory) for _, _, memory in marked or rows]
