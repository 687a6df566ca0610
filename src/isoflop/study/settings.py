"""study.toml: the settings of a study. Written when it begins; a resumed study keeps to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

import tomli_w
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    InstanceOf,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)

from isoflop.arch import family_named
from isoflop.codec import JsonObject
from isoflop.corpus import CorpusSources
from isoflop.errors import InputError
from isoflop.files import write_bytes_atomically
from isoflop.json_values import toml_value, without_null
from isoflop.recipe.file import RecipeFile
from isoflop.recipe.tables import CorpusTable
from isoflop.regular_files import read_through_links
from isoflop.runs.engines.settings import EngineSettings
from isoflop.runs.registry import ENGINES, TRACKERS, engine_tables, settings_of, starter_of
from isoflop.study.design_check import check_settings, setting_text
from isoflop.study.engine_settings import Devices, as_table, check_where, problems_of, read_tables, with_sbatch
from isoflop.study.folder import StudyFolder
from isoflop.study.lock import check_place, check_study_links, study_lock
from isoflop.study.recipe_setting import against_recipe, read_recipe_table, with_recipe
from isoflop.study.size_settings import DEFAULT_TOLERANCE, DesignName, design_for, size_problem, with_size
from isoflop.study.trust import remember_begun

SCHEMA = 1
CHANGEABLE = {"workers", "devices", "allow_epochs", "engine", "log", *engine_tables()}
"""Settings that decide no run's numbers: they may be changed in a study whose runs are designed."""


class StudySettings(BaseModel):
    """Everything that decides a study. Field names are the keys of study.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_: int = Field(default=SCHEMA, alias="schema")
    minutes: float | None = Field(default=None, gt=0, lt=1e12)
    """Wall time for the whole study; None when `flops` is given."""
    flops: float | None = Field(default=None, gt=0, lt=1e40)
    """Training FLOPs of the whole study (sweep and final runs), `matmul` convention."""
    family: str = "llama"
    recipe: InstanceOf[RecipeFile] | None = None
    """What the runs are trained otherwise by than the default recipe: the table [recipe]."""
    workers: int | None = Field(default=None, ge=1, le=1024)
    """Training processes of one thread each; None: one a core."""
    devices: Devices = "auto"
    """GPUs that runs may go to: auto, cpu, cuda or numbers such as 0,1."""
    engine: str = "local"
    """Who trains the runs: a name in `registry.ENGINES`."""
    engines: dict[str, InstanceOf[EngineSettings]] = Field(default_factory=dict)
    """{engine: its settings}; in study.toml each is a table of its own, such as [slurm]."""
    log: tuple[str, ...] = ()
    """Trackers that are sent what the runs write."""
    seed: int = Field(default=0, ge=0, lt=2**63)
    corpus: Literal["english", "python", "text"] = "english"
    text: tuple[str, ...] = ()
    text_key: str | None = None
    """Key of records that holds their text; None: the usual ones."""
    document_separator: str | None = None
    """What ends a document inside a text; None: nothing does."""
    text_suffix: tuple[str, ...] = ()
    """Endings of further files to read in folders."""
    allow_skipped: bool = False
    """Read a folder of which most is skipped."""
    keep_repeated_lines: bool = False
    """Keep long lines that an earlier document has too."""
    tokenizer: str = "bytes"
    """`bytes`, `bpe:N` or the path of a tokenizer.json."""
    end_of_text: str | None = None
    """The token of a tokenizer.json that ends a document; None: the one that it is known to have."""
    seq_len: int | None = Field(default=None, ge=8, le=2**20)
    """Context in tokens; None: the recipe's."""
    allow_epochs: bool = False
    """Train for more than four epochs."""
    target_flops: float | None = Field(default=None, gt=0, lt=1e40)
    """FLOPs of the planned run, of which an adaptive sweep is a share; instead of `minutes` and `flops`."""
    design: DesignName = "isoflop"
    """How the sweep is designed: in batches, each by what the runs so far show, or as a grid of isoFLOP budgets.
    Studies that name none are of versions that had the grid alone; new ones name DEFAULT_DESIGN."""
    tolerance: float = Field(default=DEFAULT_TOLERANCE, gt=0, lt=1)
    """Expected waste of the planned run, as a share of its FLOPs, at which an adaptive sweep ends."""
    budgets: int = Field(default=5, ge=1, le=100)
    """isoFLOP budgets of the sweep."""
    budget_ratio: float = Field(default=2.0, gt=1, le=1000)
    """Each budget over the one below."""
    final_ratio: float = Field(default=4.0, ge=1, le=1e6)
    """Budget of the final runs over the largest of the sweep."""

    @field_validator("engine", "log")
    @classmethod
    def _registered(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        names = (value,) if isinstance(value, str) else value
        known = ENGINES if isinstance(value, str) else TRACKERS
        if unknown := [name for name in names if name not in known]:
            raise ValueError(f"expected one of {', '.join(known)}, got {', '.join(map(repr, unknown))}")
        return value

    @model_serializer(mode="wrap")
    def _tables_of_engines(self, handler: SerializerFunctionWrapHandler) -> dict[str, object]:
        values: dict[str, object] = handler(self)
        del values["engines"]
        values["recipe"] = None if self.recipe is None else self.recipe.as_json()
        return values | {name: as_table(self.engines.get(name)) or None for name in engine_tables()}

    @model_validator(mode="after")
    def _whole(self) -> StudySettings:
        if self.schema_ != SCHEMA:
            raise ValueError(f"schema: this version of isoflop reads {SCHEMA}, got {self.schema_}")
        if problem := size_problem(self.minutes, self.flops, self.target_flops, self.design):
            raise ValueError(problem)
        if (self.corpus == "text") != bool(self.text):
            raise ValueError("text: expected paths with corpus = 'text', and only then")
        _ = self.sources.layout  # refuses settings that contradict each other
        family_named(self.family)
        if problems := against_recipe(self.recipe, family=self.family, seq_len=self.seq_len, engine=self.engine):
            raise ValueError("; ".join(problems))
        check_where(self.devices, self.starter, here=self.starter_settings.trains_here)
        families = settings_of(self.engine, self.engines).families
        if families is not None and self.family not in families:
            expected = ", ".join(families)
            raise ValueError(
                f"engine: {self.engine} trains {expected}, got family {self.family}; take one of them, or local"
            )
        return self

    @property
    def starter(self) -> str:
        """The engine that starts the trainers: `engine`, or the one that it delegates to."""
        return starter_of(self.engine, self.engines)

    @property
    def starter_settings(self) -> EngineSettings:
        """The settings of `starter`."""
        return settings_of(self.starter, self.engines)

    @property
    def whole_recipe(self) -> RecipeFile:
        """The recipe with the family, the context and the text of this study: another study trains the same by it.

        Without an optimiser where none is named: see `optimizer_where_none_is_named`.
        """
        named = self.recipe or RecipeFile()
        text = self.text if self.corpus == "text" else None
        corpus = CorpusTable(
            name=None if self.corpus == "text" else self.corpus, text=text, weights=named.corpus.weights
        )
        return replace(named, family=named.family or self.family, context=self.seq_len, corpus=corpus)

    @property
    def deciding(self) -> JsonObject:
        """{setting: value} of all that decide which runs are designed, as JSON values; a design keeps them.

        The paths of the text are left out, for a text may be moved: the specs have the digest of what was read.
        """
        values: JsonObject = self.model_dump(mode="json", by_alias=True)
        return {name: value for name, value in values.items() if name not in CHANGEABLE | {"schema", "text"}}

    @property
    def sources(self) -> CorpusSources:
        """Where the text comes from."""
        return CorpusSources(
            kind=self.corpus,
            paths=tuple(Path(path) for path in self.text),
            text_key=self.text_key,
            document_separator=self.document_separator,
            suffixes=self.text_suffix,
            allow_skipped=self.allow_skipped,
            keep_repeated_lines=self.keep_repeated_lines,
            weights=(self.recipe.corpus.weights if self.recipe is not None else None) or {},
        )


def read_settings(folder: StudyFolder) -> StudySettings:
    """The settings of an existing study.

    Raises InputError that lists every problem of study.toml and every setting that was changed after the runs were
    designed, and for a study with a link in its folders.
    """
    check_study_links(folder.path, whole=False)
    try:
        values = toml_value(read_through_links(folder.settings))
    except FileNotFoundError as error:
        if (folder.path / "plan.toml").exists():
            raise InputError(
                f"{folder.path}: the run of a plan, not a study; continue it with "
                f"`isoflop run PLAN.TOML --into {folder.path}`"
            ) from error
        raise InputError(f"{folder.path}: no study here; begin one with `isoflop study {folder.path}`") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{folder.settings}: cannot be read ({error}); restore it or use a new folder") from error
    settings = checked_settings(values, str(folder.settings))
    check_settings(
        settings.model_dump(by_alias=True),
        file=folder.settings,
        sweep=folder.sweep,
        final_design=folder.final_design,
        free=CHANGEABLE,
    )
    return settings


def checked_settings(values: Mapping[str, object], what: str) -> StudySettings:
    """The settings that plain values state. Raises InputError, naming `what`, that lists every problem."""
    if values.get("schema", SCHEMA) != SCHEMA:
        raise InputError(
            f"{what}: a study of schema {values['schema']!r}, this version of isoflop reads {SCHEMA}; "
            "continue with the version that began it, or use a new folder"
        )
    engines, problems = read_tables(values)
    recipe, more = read_recipe_table(values.get("recipe"))
    problems += more
    others = {name: value for name, value in values.items() if name not in engine_tables()}
    try:
        settings = StudySettings.model_validate({**others, "engines": engines, "recipe": recipe})
    except ValidationError as error:
        raise InputError.gathered(what, [*problems_of(error), *problems]) from error
    if problems:
        raise InputError.gathered(what, problems)
    return settings


def begin_or_resume(
    folder: StudyFolder,
    requested: Mapping[str, object],
    check: Callable[[StudyFolder, StudySettings], None] | None = None,
) -> StudySettings:
    """The settings of the study in `folder`, changed by the `requested` options; the study is begun where none exists.

    Until its runs are designed a study takes any change, so that a first try that was refused costs nothing; then only
    CHANGEABLE. Raises InputError for another change: the runs would not belong together; for a folder of other things;
    and what `check` raises, which is asked before anything is written and only while no runs are designed.
    """
    begun = folder.settings.exists()
    if not begun:
        check_place(folder.path)
    existing: dict[str, object] = read_settings(folder).model_dump(by_alias=True) if begun else {}
    requested = with_recipe(existing, requested)
    if not begun and "design" not in requested:
        requested = {**requested, "design": design_for(requested)}
    changed = {
        key: value
        for key, value in with_sbatch(existing, requested).items()
        if not begun or setting_text(value) != setting_text(existing[key])
    }
    fixed = sorted(set(changed) - CHANGEABLE)
    if begun and folder.sweep.exists() and fixed:
        designed_with = ", ".join(
            f"no {key}" if existing[key] is None else f"{key} = {setting_text(existing[key])}" for key in fixed
        )
        raise InputError(
            f"{folder.path}: the runs of this study were designed with {designed_with}; leave these options out to "
            "continue it, or use another folder"
        )
    settings = checked_settings(_merged(existing, changed), "study")
    if check is not None and not folder.sweep.exists():
        check(folder, settings)
    if changed or not begun:
        with study_lock(folder.path):
            _write(folder, settings)
        if not begun:
            remember_begun(folder.path)
    return settings


def _merged(existing: Mapping[str, object], changed: Mapping[str, object]) -> dict[str, object]:
    """`existing` with `changed`, and without what a change displaces: another size, own text or a named corpus."""
    merged = with_size({**existing, **changed}, changed)
    if "corpus" in changed and "text" not in changed:
        displaced = {"text": (), "text_key": None, "document_separator": None, "text_suffix": ()}
        merged.update({key: value for key, value in displaced.items() if key not in changed})
    return merged


def _write(folder: StudyFolder, settings: StudySettings) -> None:
    # TOML has no null: what is None is left out, in the tables of engines too
    values = without_null(settings.model_dump(by_alias=True))
    head = (
        "# What this study was asked for. Once its runs are designed it keeps to it; for another, use another folder.\n"
    )
    try:
        data = (head + tomli_w.dumps(values)).encode()
    except UnicodeEncodeError as error:
        raise InputError("--text: expected a path in UTF-8; rename the file or folder") from error
    write_bytes_atomically(folder.settings, data)
