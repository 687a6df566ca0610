"""The data of the planner page: laws with their draws, devices, published systems, and the weights of warnings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from isoflop.arch.published import published_systems
from isoflop.arch.shapes import DEFAULT_VOCAB_SIZE
from isoflop.codes import Weight, all_codes
from isoflop.fit import LEVEL
from isoflop.hardware import Hardware, hardware_catalogue
from isoflop.large_recipe import DEFAULT_SEQ_LEN, LargeRecipe
from isoflop.laws import SIX_N, ComputeCost
from isoflop.laws.hyperparameters import HYPERPARAMETER_LAWS, Domain, Power
from isoflop.laws.practice import trained_models
from isoflop.plan import LawSource, Utilization
from isoflop.plan.own_tables import own_cost
from isoflop.plan.run_time import RUN_OVER_STEPS, WHOLE_RUNS, Spread
from isoflop.report.planner.sources import SourceData, source_data


@dataclass(frozen=True, kw_only=True)
class DeviceData:
    """One kind of device, as far as hours, price and energy of a run go."""

    name: str
    peak_flops: float
    """FLOP/s of its 16-bit training format, dense."""
    training_format: str
    memory_bytes: float
    bandwidth: float
    """Bytes per second of its memory."""
    product_share: float | None
    """As this and the links below in `Hardware`: what the time of a step takes."""
    node_devices: int | None
    node_bandwidth: float | None
    network_bandwidth: float | None
    watts: float | None
    price_per_hour: float | None
    price_source: str
    utilization: Utilization
    """What whole runs reached."""
    source: str


@dataclass(frozen=True, kw_only=True)
class SystemData:
    """A published system."""

    name: str
    params: float
    tokens: float
    flops: float
    """6 N D."""
    source: str


@dataclass(frozen=True, kw_only=True)
class CodeData:
    """What a warning does to the grade of an answer."""

    weight: Weight
    remedy: str


@dataclass(frozen=True, kw_only=True)
class BatchLaw:
    """The batch by a published law of hyperparameters."""

    name: str
    params_convention: str
    batch_tokens: Power
    domain: Domain


@dataclass(frozen=True, kw_only=True)
class ModelBatch:
    """The batch of a published model."""

    params: float
    batch_tokens: float | None


@dataclass(frozen=True, kw_only=True)
class BatchData:
    """Laws and published runs that decide the tokens of a step, as in `LargeRecipe`."""

    rule: str = LargeRecipe.rates.name
    """Name of the law that is followed, as far as published runs went."""
    laws: tuple[BatchLaw, ...]
    models: tuple[ModelBatch, ...]

    @classmethod
    def published(cls) -> BatchData:
        """All laws and models that are known."""
        laws = HYPERPARAMETER_LAWS.values()
        return cls(
            laws=tuple(
                BatchLaw(
                    name=law.name,
                    params_convention=law.params_convention,
                    batch_tokens=law.batch_tokens,
                    domain=law.domain,
                )
                for law in laws
            ),
            models=tuple(ModelBatch(params=one.params, batch_tokens=one.batch_tokens) for one in trained_models()),
        )


@dataclass(frozen=True, kw_only=True)
class ShapeData:
    """The models that are built: family llama, with the proportions of `arch.shapes`."""

    vocab_size: int = DEFAULT_VOCAB_SIZE
    seq_len: int = DEFAULT_SEQ_LEN
    """Context in tokens."""
    batch: BatchData = field(default_factory=BatchData.published)
    own_cost: ComputeCost = SIX_N
    """Training FLOPs of a token of such models against N as the law counts, where they are mostly tables."""

    def __post_init__(self) -> None:
        """Makes the cost that of the vocabulary."""
        object.__setattr__(self, "own_cost", own_cost("llama", self.vocab_size))


@dataclass(frozen=True, kw_only=True)
class PlannerData:
    """The object `data` of `isoflop.plan(data, inputs)`."""

    level: float
    """Of intervals, unless the inputs say another."""
    sources: tuple[SourceData, ...]
    devices: tuple[DeviceData, ...]
    systems: tuple[SystemData, ...]
    codes: Mapping[str, CodeData]
    shape: ShapeData | None
    """What is built, laid out, billed and served, as with the recipe "large"; None: as with none."""
    run_over_steps: Spread = RUN_OVER_STEPS
    """Hours of a whole run over those of its steps."""
    whole_runs: str = WHOLE_RUNS
    """The runs that say so."""


def planner_data(
    sources: Iterable[LawSource], shape: ShapeData | None = None, devices: Iterable[Hardware] = ()
) -> PlannerData:
    """Returns the data of a page with these laws, in this order, and with `devices` before those of the catalogue.

    Raises InputError as `source_data` does.
    """
    own = {device.name.lower(): device for device in devices}
    return PlannerData(
        level=LEVEL,
        sources=tuple(source_data(source) for source in sources),
        devices=tuple(_device(device) for device in {**own, **hardware_catalogue(), **own}.values()),
        systems=_systems(),
        codes={
            entry.code: CodeData(weight=entry.weight, remedy=entry.remedy)
            for entry in all_codes()
            if entry.kind == "notice"
        },
        shape=shape,
    )


def _device(device: Hardware) -> DeviceData:
    return DeviceData(
        name=device.name,
        peak_flops=device.peak_flops[device.training_format],
        training_format=device.training_format,
        memory_bytes=device.memory_bytes,
        bandwidth=device.bandwidth,
        product_share=device.product_share,
        node_devices=device.node_devices,
        node_bandwidth=device.node_bandwidth,
        network_bandwidth=device.network_bandwidth,
        watts=device.watts,
        price_per_hour=device.price_per_hour,
        price_source=device.price_source,
        utilization=Utilization.of_whole_runs(),
        source=device.source,
    )


def _systems() -> tuple[SystemData, ...]:
    found = []
    for system in published_systems():
        assert system.tokens is not None
        assert system.flops is not None
        one = SystemData(
            name=system.name, params=system.params, tokens=system.tokens, flops=system.flops, source=system.source
        )
        found.append(one)
    return tuple(found)
