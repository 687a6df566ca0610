"""Runs: a folder each, the engines that train them, and the run index derived from them.

The names here are those that the rooms above and the trainer use most; engines and trackers are in `registry`.
"""

from typing import TYPE_CHECKING

from isoflop.lazy_names import names_of

if TYPE_CHECKING:
    from isoflop.runs.driver import execute
    from isoflop.runs.engine import Ended, Engine
    from isoflop.runs.folder import Heartbeat, RunFolder, run_folders
    from isoflop.runs.lock import LockedError, held
    from isoflop.runs.parallel_config import (
        MatmulPrecision,
        ParallelConfig,
        read_parallel_config,
        write_parallel_config,
    )
    from isoflop.runs.result import Reason, RunResult, counted_params
    from isoflop.runs.run_event import RunEvent
    from isoflop.runs.run_index import RunIndex

__getattr__ = names_of(
    __name__,
    {
        "driver": "execute",
        "engine": "Ended Engine",
        "folder": "Heartbeat RunFolder run_folders",
        "lock": "LockedError held",
        "parallel_config": "MatmulPrecision ParallelConfig read_parallel_config write_parallel_config",
        "result": "Reason RunResult counted_params",
        "run_event": "RunEvent",
        "run_index": "RunIndex",
    },
)

__all__ = [
    "Ended",
    "Engine",
    "Heartbeat",
    "LockedError",
    "MatmulPrecision",
    "ParallelConfig",
    "Reason",
    "RunEvent",
    "RunFolder",
    "RunIndex",
    "RunResult",
    "counted_params",
    "execute",
    "held",
    "read_parallel_config",
    "run_folders",
    "write_parallel_config",
]
