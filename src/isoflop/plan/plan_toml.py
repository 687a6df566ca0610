"""plan.toml: a planned run as a file that people read and may change, and that `isoflop run` trains.

[plan] is what was asked and answered, for people; [text], [run] and [layout] are what is done; [forecast] is what will
be sealed before the run, where the plan was made from runs on the same text; [slurm] and [ray], which people add, are
what an engine's jobs ask for.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import tomli_w

from isoflop import __version__
from isoflop.digest import KEY, digest_of_json
from isoflop.errors import InputError
from isoflop.files import write_bytes_atomically
from isoflop.json_values import toml_value, without_null
from isoflop.plan.forecast import Forecast
from isoflop.plan.plan import Plan
from isoflop.regular_files import read_through_links
from isoflop.runs.registry import engine_tables
from isoflop.spec import RunSpec

SCHEMA = 1
"""Version of plan.toml. Raise it when a key changes its meaning."""

_HEAD = f"""# A plan of isoflop {__version__}. Train it with: isoflop run FILE
# [plan] says what was asked and answered. [text] is what is trained on; where [run] names a corpus, the plan and its
# forecast are of that text: for another, empty `corpus` and delete [forecast].
"""
READING: dict[str, type] = {
    "text_key": str,
    "document_separator": str,
    "text_suffix": list,
    "allow_skipped": bool,
    "keep_repeated_lines": bool,
    "end_of_text": str,
}
"""Settings of a study that say how its text is read, and their types."""
_KIND_WORDS: dict[type, str] = {list: "a list of texts", bool: "true or false", str: "text"}
_PARTS = ("schema", "plan", "text", "run", "forecast", "layout")


@dataclass(frozen=True, kw_only=True)
class TextSource:
    """The text of a planned run: a study's corpus, or what to build one from."""

    study: str | None = None
    """Folder of a study whose corpus is used, relative to plan.toml; None: built from the other fields."""
    corpus: str = "english"
    """`english`, `python` or `text`."""
    text: tuple[str, ...] = ()
    """Files and folders of `text`, relative to plan.toml."""
    tokenizer: str = "bytes"
    """`bytes`, `bpe:N`, or the path of a tokenizer.json, relative to plan.toml."""
    reading: Mapping[str, Any] = field(default_factory=dict)
    """How text is read where that is not the usual way: keys of READING as in study.toml."""

    def as_json(self) -> dict[str, Any]:
        """The fields that say something."""
        if self.study is not None:
            return {"study": self.study}
        paths = {"text": list(self.text)} if self.text else {}
        return {"corpus": self.corpus, **paths, "tokenizer": self.tokenizer, **self.reading}

    def moved(self, old: Path, new: Path) -> TextSource:
        """The same text for a plan.toml in folder `new` instead of `old`."""
        study = None if self.study is None else os.path.relpath(old / self.study, new)
        tokenizer = self.tokenizer
        if tokenizer.endswith(".json"):
            tokenizer = os.path.relpath(old / tokenizer, new)
        text = tuple(os.path.relpath(old / path, new) for path in self.text)
        return replace(self, study=study, text=text, tokenizer=tokenizer)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> TextSource:
        """The source that `as_json` wrote. Raises InputError that lists unknown keys and wrong types."""
        kinds: dict[str, type] = {"study": str, "corpus": str, "text": list, "tokenizer": str, **READING}
        problems = [f"{name}: expected one of {', '.join(kinds)}" for name in sorted(set(value) - set(kinds))]
        problems += [
            f"{name}: expected {_KIND_WORDS[kind]}, got {value[name]!r}"
            for name, kind in kinds.items()
            if name in value and not isinstance(value[name], kind)
        ]
        if problems:
            raise InputError.gathered("text", problems)
        given: dict[str, Any] = {name: part for name, part in value.items() if name not in READING}
        given["text"] = tuple(map(str, value.get("text", ())))
        return cls(**given, reading={name: value[name] for name in READING if name in value})


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """What plan.toml holds."""

    run: RunSpec
    """The run; its corpus is empty where any text will do."""
    text: TextSource
    forecast: Forecast | None = None
    """What to seal before the run; None where the plan's law is of other text, or says no loss."""
    plan: Mapping[str, Any] = field(default_factory=dict)
    """What was asked and answered."""
    layout: Mapping[str, Any] | None = None
    """How it lies over devices, as `LayoutEstimate.as_json` says it; None where no devices were planned for."""
    engines: Mapping[str, Any] = field(default_factory=dict)
    """{engine: what its jobs ask for}, as written; those of the text's study hold where one is missing."""

    @classmethod
    def of(cls, plan: Plan, text: TextSource, forecast: Forecast | None = None, corpus: str = "") -> PlannedRun:
        """The run of a plan, on the text whose digest is `corpus` where that is known already.

        Raises InputError where the plan has no shape.
        """
        if plan.buildable is None:
            reason = next((n.message for n in plan.notices if n.code == "no_buildable_shape"), "no shape was asked for")
            raise InputError(f"plan: nothing to train: {reason}")
        answered = plan.as_json()
        names = (
            "budget_flops",
            "flops",
            "params",
            "params_interval",
            "tokens",
            "loss",
            "loss_interval",
            "level",
            "expected_waste",
            "extrapolation_factor",
        )
        said = {"law": plan.law.name, "params_convention": plan.law.params_convention, "loss_unit": plan.law.loss_unit}
        asked = {"objective": answered["objective"], "bill": answered["bill"]}
        return cls(
            run=plan.buildable.run_spec(corpus),
            text=text,
            forecast=forecast,
            layout=None if plan.layout_estimate is None else plan.layout_estimate.as_json(),
            plan={**said, **{name: answered[name] for name in names}, **asked},
        )

    def on(self, corpus: str) -> RunSpec:
        """The run on the text whose digest is `corpus`."""
        return replace(self.run, corpus=corpus)

    def write(self, path: Path) -> None:
        """Writes plan.toml whole or not at all. Raises InputError when the disk does not take it."""
        value = {
            "schema": SCHEMA,
            "plan": dict(self.plan),
            "text": self.text.as_json(),
            "run": self.run.as_json(),
            "forecast": None if self.forecast is None else _with_digest(self.forecast),
            "layout": self.layout and dict(self.layout),
            **self.engines,
        }
        write_bytes_atomically(path, (_HEAD + tomli_w.dumps(without_null(value))).encode())

    @classmethod
    def read(cls, path: Path) -> PlannedRun:
        """What plan.toml holds. Raises InputError that names the file and lists what is wrong with it."""
        value = _loaded(path)
        try:
            # TOML has no null: what is not there was not known
            planned = cls(
                run=RunSpec.from_json({"budget_flops": None, "corpus": "", **value["run"]}),
                text=TextSource.from_json(value["text"]),
                forecast=_read_forecast(value.get("forecast")),
                plan=value.get("plan", {}),
                layout=value.get("layout"),
                engines={name: value[name] for name in engine_tables() if name in value},
            )
            planned.check_forecast()
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
        except (TypeError, ValueError, OverflowError) as error:
            raise InputError(f"{path}: a value of another kind than is written there by isoflop ({error})") from error
        return planned

    def check_forecast(self) -> None:
        """Raises InputError where the forecast is of another run than [run]: one of the two was changed."""
        if self.forecast is None:
            return
        params = self.run.architecture.params().by_convention(self.forecast.params_convention)
        if (params, self.run.tokens) != (self.forecast.params, self.forecast.tokens):
            raise InputError(
                f"[forecast] is of {self.forecast.params:,.0f} parameters on {self.forecast.tokens:,.0f} tokens, [run] "
                f"of {params:,} on {self.run.tokens:,}; plan it anew, or delete [forecast] to train without one"
            )


_UNKNOWN_FORECAST = {"interval": None, "level": None, "observations_digest": None, "run_id": None}


def _with_digest(forecast: Forecast) -> dict[str, Any]:
    said = without_null(forecast.as_json())
    return {**said, KEY: digest_of_json(said)}


def _read_forecast(value: Any) -> Forecast | None:
    """The forecast in [forecast]. Raises InputError where it was changed: what is sealed is what was planned."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise InputError(f"[forecast]: expected a table, got {value!r}")
    said = {name: part for name, part in value.items() if name != KEY}
    found = Forecast.from_json({**_UNKNOWN_FORECAST, **said})
    if value.get(KEY) not in (None, digest_of_json(value)):
        raise InputError(
            "[forecast] was changed after it was planned (its digest does not fit); plan it anew, or delete [forecast] "
            "to train without one"
        )
    return found


def _loaded(path: Path) -> dict[str, Any]:
    try:
        value = toml_value(read_through_links(path))
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such plan; make one with `isoflop plan ... --out {path}`") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as TOML ({error})") from error
    if value.get("schema") != SCHEMA:
        raise InputError(
            f"{path}: expected a plan of schema {SCHEMA}, got {value.get('schema')!r}; make it anew with `isoflop plan`"
        )
    problems = [f"{name}: not a part of a plan" for name in sorted(set(value) - {*_PARTS, *engine_tables()})]
    problems += [f"[{name}]: missing" for name in ("text", "run") if not isinstance(value.get(name), dict)]
    if problems:
        raise InputError.gathered(str(path), problems)
    return value
