"""plan.toml: a planned run as a file that people read and may change, and that `isoflop run` trains.

[plan] is the request and the answer, for people; [text], [run] and [layout] are what is done; [forecast] is what will
be sealed before the run, where the plan was made from runs on the same text; a table of an engine, such as [slurm],
can be added by hand and has the settings of its jobs.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import tomli_w

from isoflop import __version__
from isoflop.codec import Json, JsonObject, fields_to_json, from_json
from isoflop.digest import KEY, digest_of_json
from isoflop.errors import InputError
from isoflop.files import write_bytes_atomically
from isoflop.json_values import toml_value, without_null
from isoflop.plan.plan import Plan
from isoflop.plan.sealed_forecast import Forecast
from isoflop.regular_files import read_through_links
from isoflop.runs.registry import engine_tables
from isoflop.spec import RunSpec

SCHEMA = 1
"""Version of plan.toml. Raise it when a key changes its meaning."""

_HEAD = f"""# A plan of isoflop {__version__}. Train it with: isoflop run FILE
# [plan] says what was asked and answered. [text] is what is trained on; where [run] names a corpus, the plan and its
# forecast are of that text: for another, empty `corpus` and delete [forecast].
"""
_PARTS = ("schema", "plan", "text", "run", "forecast", "layout")


@dataclass(frozen=True, kw_only=True)
class TextSource:
    """The text of a planned run: the corpus of a study, or what to build one from."""

    json_if_set: ClassVar = (
        "study",
        "text",
        "text_key",
        "document_separator",
        "text_suffix",
        "allow_skipped",
        "keep_repeated_lines",
        "end_of_text",
    )
    __pydantic_config__: ClassVar = {"extra": "forbid"}

    study: str | None = None
    """Folder of a study whose corpus is used, relative to plan.toml; None: built from the other fields."""
    corpus: str = "english"
    """`english`, `python` or `text`."""
    text: tuple[str, ...] = ()
    """Files and folders of `text`, relative to plan.toml."""
    tokenizer: str = "bytes"
    """`bytes`, `bpe:N`, or the path of a tokenizer.json, relative to plan.toml."""
    text_key: str | None = None
    """This and the fields below say how text is read, as in study.toml; None: in the usual way."""
    document_separator: str | None = None
    text_suffix: tuple[str, ...] | None = None
    allow_skipped: bool | None = None
    keep_repeated_lines: bool | None = None
    end_of_text: str | None = None

    def as_json(self) -> JsonObject:
        """The table [text]: the study alone where there is one, else the fields that are set."""
        return fields_to_json(self) if self.study is None else {"study": self.study}

    @property
    def reading(self) -> JsonObject:
        """The settings of a study that say how the text is read, where they are set."""
        others = {"study", "corpus", "text", "tokenizer"}
        return {name: part for name, part in fields_to_json(self).items() if name not in others}

    def moved(self, old: Path, new: Path) -> TextSource:
        """The same text for a plan.toml in folder `new` instead of `old`."""
        study = None if self.study is None else os.path.relpath(old / self.study, new)
        tokenizer = self.tokenizer
        if tokenizer.endswith(".json"):
            tokenizer = os.path.relpath(old / tokenizer, new)
        text = tuple(os.path.relpath(old / path, new) for path in self.text)
        return replace(self, study=study, text=text, tokenizer=tokenizer)


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """The content of plan.toml."""

    run: RunSpec
    """The run; its corpus is empty where any text will do."""
    text: TextSource
    forecast: Forecast | None = None
    """The forecast to seal before the run; None where the plan's law is of other text, or says no loss."""
    plan: Mapping[str, Json] = field(default_factory=dict)
    """The request and the answer."""
    layout: Mapping[str, Json] | None = None
    """Its layout on devices, as `LayoutEstimate.as_json` says it; None where no devices were planned for."""
    engines: Mapping[str, Json] = field(default_factory=dict)
    """{engine: what its jobs request}, as written; those of the text's study hold where one is missing."""

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
        law: JsonObject = {
            "law": plan.law.name,
            "params_convention": plan.law.params_convention,
            "loss_unit": plan.law.loss_unit,
        }
        request: JsonObject = {"objective": answered["objective"], "bill": answered["bill"]}
        return cls(
            run=plan.buildable.run_spec(corpus),
            text=text,
            forecast=forecast,
            layout=None if plan.layout_estimate is None else plan.layout_estimate.as_json(),
            plan={**law, **{name: answered[name] for name in names}, **request},
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
        """The content of plan.toml. Raises InputError that names the file and lists every problem of it."""
        value = _loaded(path)
        problems: list[str] = []
        run, text, forecast = None, None, None
        with _noting(problems):
            # TOML has no null: what is missing was not known
            run = RunSpec.from_json({"budget_flops": None, "corpus": "", **value["run"]})
        with _noting(problems):
            text = from_json(TextSource, value["text"], "[text]")
        with _noting(problems):
            forecast = _read_forecast(value.get("forecast"))
        if problems or run is None or text is None:
            raise InputError.gathered(str(path), problems)
        planned = cls(
            run=run,
            text=text,
            forecast=forecast,
            plan=value.get("plan", {}),
            layout=value.get("layout"),
            engines={name: value[name] for name in engine_tables() if name in value},
        )
        try:
            planned.check_forecast()
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
        return planned

    def check_forecast(self) -> None:
        """Raises InputError where the forecast is of another run than [run]: one of the two was changed."""
        if self.forecast is None:
            return
        params = self.run.architecture.params().by_convention(self.forecast.params_convention)
        if (params, self.run.tokens) != (self.forecast.params, self.forecast.tokens):
            raise InputError(
                f"[forecast] is of {self.forecast.params:,.0f} parameters on {self.forecast.tokens:,.0f} tokens, [run] "
                f"of {params:,} on {self.run.tokens:,}; plan it again, or delete [forecast] to train without one"
            )


@contextmanager
def _noting(problems: list[str]) -> Generator[None]:
    """Adds what is wrong with a part of the file to `problems`, so that all parts are read before it is refused."""
    try:
        yield
    except InputError as error:
        problems.append(str(error))
    except (TypeError, ValueError, OverflowError) as error:
        problems.append(f"a value of another kind than isoflop writes ({error})")


_UNKNOWN_FORECAST: JsonObject = {"interval": None, "level": None, "observations_digest": None}


def _with_digest(forecast: Forecast) -> dict[str, object]:
    known = without_null(fields_to_json(forecast))
    return {**known, KEY: digest_of_json(known)}


def _read_forecast(value: Json) -> Forecast | None:
    """The forecast in [forecast]. Raises InputError where it was changed: what is sealed is what was planned."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise InputError(f"[forecast]: expected a table, got {value!r}")
    stated = {name: part for name, part in value.items() if name != KEY}
    forecast = from_json(Forecast, {**_UNKNOWN_FORECAST, **stated}, "[forecast]")
    if value.get(KEY) not in (None, digest_of_json(value)):
        raise InputError(
            "[forecast] was changed after it was planned (its digest does not fit); plan it again, or delete "
            "[forecast] to train without one"
        )
    return forecast


def _loaded(path: Path) -> dict[str, Any]:
    try:
        value = toml_value(read_through_links(path))
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such plan; make one with `isoflop plan ... --out {path}`") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as TOML ({error})") from error
    if value.get("schema") != SCHEMA:
        raise InputError(f"{path}: expected a plan of schema {SCHEMA}, got {value.get('schema')!r}; plan it again")
    problems = [f"{name}: not a part of a plan" for name in sorted(set(value) - {*_PARTS, *engine_tables()})]
    problems += [f"[{name}]: missing" for name in ("text", "run") if not isinstance(value.get(name), dict)]
    if problems:
        raise InputError.gathered(str(path), problems)
    return value
