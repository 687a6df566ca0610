"""Run folders of our own (spec.json, metrics.jsonl, result.json), and the folder of a study, whose runs/ they lie in.

The files are read as anybody's, by their keys, since this floor lies below the one that writes them: what a result
says is taken, and nothing is computed from recipes of today. `RunFolder.read_result` holds it to its spec.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from isoflop.codec import Json, JsonObject
from isoflop.errors import InputError, Notice
from isoflop.json_values import json_value
from isoflop.logs.build import LoggedLines, logged_run
from isoflop.logs.formats.format import LogFormat
from isoflop.logs.formats.metric_lines import MetricLines, finite_number, read_metrics
from isoflop.logs.options import LogOptions
from isoflop.logs.points import Points
from isoflop.logs.run import LoggedRun
from isoflop.logs.settings import flat_settings
from isoflop.logs.source import LogSource
from isoflop.regular_files import read_regular
from isoflop.spec import RunSpec

SPEC, RESULT, METRICS, RUNS = "spec.json", "result.json", "metrics.jsonl", "runs"
_SIGNS = (METRICS, RESULT, "attempts.jsonl", "heartbeat.json")
"""Of which a run folder that was ever started has one, besides its spec."""
_STUDY = ("study.toml", "sweep.json")
PARAMS, FLOPS = "non_embedding", "matmul"
"""What is counted where a study fits a law (runs/outcomes.py)."""


def recognise(source: LogSource) -> bool:
    """Whether a folder is that of a run, started or not, or that of a study with its runs."""
    if not source.is_folder:
        return False
    if SPEC in source.names:
        return any(name in source.names for name in _SIGNS) or _is_spec(source.path / SPEC)
    return RUNS in source.names and any(name in source.names for name in _STUDY)


def read(source: LogSource, options: LogOptions) -> tuple[LoggedRun, ...]:
    """The run of a folder, or all that were started of a study. Raises InputError for damaged files, naming them."""
    if SPEC in source.names:
        return (run_in(source.path, options),)
    runs = [run_in(folder, options) for folder in _folders(source.path / RUNS)]
    if not runs:
        raise InputError(f"{source}: a study whose runs have not begun; train them: isoflop run {source}")
    return tuple(runs)


@dataclass
class _GrowingFolder:
    """The run of a folder while its trainer works: `GrowingRuns`."""

    folder: Path
    options: LogOptions
    logged: MetricLines = field(default_factory=MetricLines)

    @property
    def file(self) -> Path:
        return self.folder / METRICS

    @property
    def also(self) -> tuple[Path, ...]:
        return (self.folder / RESULT,)

    def feed(self, content: bytes) -> None:
        self.logged.add(content)

    def runs(self) -> tuple[LoggedRun, ...]:
        return (run_in(self.folder, self.options, self.logged),)


def grow(source: LogSource, options: LogOptions) -> _GrowingFolder | None:
    """The reader of the folder of one run; None for a study."""
    return _GrowingFolder(source.path, options) if SPEC in source.names else None


FORMAT = LogFormat(
    name="run_folder", words="a run folder or a study of isoflop", recognise=recognise, read=read, grow=grow
)


def _folders(runs: Path) -> Iterator[Path]:
    """Folders of runs that were started, by name."""
    for path in sorted(runs.iterdir()):
        started = any((path / name).is_file() for name in _SIGNS)
        if path.is_dir() and not path.is_symlink() and started and (path / SPEC).is_file():
            yield path


def _is_spec(file: Path) -> bool:
    try:
        value = _object(file)
    except InputError:
        return False
    return {"architecture", "batch_tokens", "schedule"} <= value.keys()


def run_in(folder: Path, options: LogOptions, logged: MetricLines | None = None) -> LoggedRun:
    """The run of a folder; `logged` are its metrics, where they have been read. Raises InputError as `read` does."""
    spec = _object(folder / SPEC)
    result = _object(folder / RESULT) if (folder / RESULT).is_file() else {}
    logged = read_metrics(folder / METRICS) if logged is None else logged
    batch, tokens = finite_number(spec.get("batch_tokens")), finite_number(spec.get("tokens"))
    planned = tokens / batch if tokens and batch else None
    numbers = logged.numbers()
    steps = finite_number(result.get("steps"))
    final = _final_losses(result) if steps is not None else {}
    if steps is not None and final:
        last = np.array([logged.lines], dtype=np.int64)
        numbers |= {f"eval/{name}/loss": Points(rows=last, values=np.array([loss])) for name, loss in final.items()}
        seen = finite_number(result.get("tokens_seen"))
        for name, value in (("step", steps), ("tokens", seen), ("flops", _counted(result, "flops", FLOPS))):
            if value is not None:
                numbers[name] = _with_point(numbers.get(name), logged.lines, value)
    params = options.params_of(folder.name)
    params = _counted(result, "params", PARAMS) or _counted_by_shape(spec) if params is None else params
    run = logged_run(
        LoggedLines(lines=logged.lines + 1, numbers=numbers, settings=flat_settings(spec)),
        name=folder.name,
        source=f"{folder} (a run folder of isoflop)",
        options=options,
        planned=planned,
        ended=result.get("status") == "done",  # a result is written last
        failure=str(result.get("reason") or "failed") if result.get("status") == "failed" else "",
        notices=[Notice(code="torn_line", message=f"{logged.torn} torn lines of {METRICS} are left out")]
        if logged.torn
        else [],
    )
    return _with_counts(run, params, options)


def _with_counts(run: LoggedRun, params: float | None, options: LogOptions) -> LoggedRun:
    """The run with its parameters and what is counted."""
    stated = options.params_of(run.name) is not None
    return replace(
        run,
        params=params,
        params_convention=options.params_convention if stated else PARAMS if params is not None else None,
        flops_convention=FLOPS if run.flops is not None else None,
    )


def _final_losses(result: Mapping[str, Json]) -> dict[str, float]:
    """{evaluation set: final loss in nats per token}: `validation` of all domains, and each domain."""
    losses = {"validation": finite_number(result.get("val_loss_nats"))}
    domains = result.get("domains")
    for name, facts in (domains if isinstance(domains, dict) else {}).items():
        losses[name] = finite_number(facts.get("loss_nats")) if isinstance(facts, dict) else None
    return {name: loss for name, loss in losses.items() if loss is not None}


def _counted(result: Mapping[str, Json], what: str, convention: str) -> float | None:
    counts = result.get(what)
    return finite_number(counts.get(convention)) if isinstance(counts, dict) else None


def _counted_by_shape(spec: JsonObject) -> float | None:
    """Parameters of the shape in a spec; None where this version does not know the shape."""
    try:
        return float(RunSpec.from_json(spec).architecture.params().non_embedding)
    except InputError:
        return None


def _with_point(points: Points | None, row: int, value: float) -> Points:
    if points is None:
        return Points(rows=np.array([row], dtype=np.int64), values=np.array([value]))
    return Points(rows=np.append(points.rows, row), values=np.append(points.values, value))


def _object(file: Path) -> JsonObject:
    """The object in a file. Raises InputError, naming it, where it holds none."""
    try:
        value = json_value(read_regular(file))
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: cannot be read: {error}") from error
    if not isinstance(value, dict):
        raise InputError(f"{file}: expected a JSON object")
    return value
