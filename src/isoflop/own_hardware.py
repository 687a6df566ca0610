"""Devices of one's own: a file of them, in the form of the catalogue, or the figures of one as options state them.

Nothing is guessed: a device has the figures that were stated, and what needs another one says which.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path

from isoflop.errors import InputError, close_names, quoted
from isoflop.hardware import Hardware, hardware_named
from isoflop.units import format_flops, format_number, parse_bytes, parse_money, parse_quantity

_GIVEN = "given"
_NEEDED = ("peak", "memory", "bandwidth")
_KEYS = (
    "name", "peak", "format", "memory", "bandwidth", "link", "network", "node_devices", "product_share", "watts",
    "price_per_hour", "source",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class DeviceFigures:
    """Figures of a device as its user states them, numbers or text with units; None where not stated."""

    peak: str | float | None = None
    """Dense FLOP/s in the 16-bit format of training."""
    memory: str | float | None = None
    """Bytes, such as `24GB`."""
    bandwidth: str | float | None = None
    """Bytes a second of the memory, such as `1.0TB/s`."""
    link: str | float | None = None
    """Bytes a second that it sends to others of its node, one way."""
    network: str | float | None = None
    """Bytes a second that it sends to other nodes, one way."""
    node_devices: int | None = None
    """Devices of a node."""
    product_share: float | None = None
    """Share of the peak that its matrix products reach in training."""

    @property
    def stated(self) -> list[str]:
        """Names of the figures that were stated."""
        return [field.name for field in fields(self) if getattr(self, field.name) is not None]

    def of(self, name: str, known: Hardware | None, count: int, *, number_format: str = "bfloat16") -> Hardware:
        """The device called `name`: these figures in place of those of `known`, or alone.

        A link without the devices of a node joins all `count` of them. A peak is that of `number_format`, of a known
        device of its own training format. Raises InputError where it is not known and peak, memory or bandwidth is not
        stated, or a figure is none.
        """
        if known is None and (missing := [_option(need) for need in _NEEDED if getattr(self, need) is None]):
            raise InputError(
                f"hardware: {quoted(name)} is not in the catalogue; a device of your own needs {', '.join(missing)} too"
            )
        base = known or Hardware(name=name, peak_flops={}, memory_bytes=0.0, bandwidth=0.0, source=_GIVEN)
        found = replace(
            base, source=_GIVEN if known is None else f"{known.source}; {' and '.join(self.stated)} as given"
        )
        if self.peak is not None:
            number_format = number_format if known is None else known.training_format
            found = replace(found, peak_flops={number_format: parse_quantity(self.peak, _option("peak"))})
        if self.memory is not None:
            found = replace(found, memory_bytes=_bytes(self.memory, _option("memory")))
        if self.bandwidth is not None:
            found = replace(found, bandwidth=_bytes(self.bandwidth, _option("bandwidth")))
        return self._linked(found, count)

    def _linked(self, device: Hardware, count: int) -> Hardware:
        if self.product_share is not None:
            if not 0 < self.product_share <= 1:
                raise InputError(
                    f"{_option('product_share')}: expected a share up to 1, got {format_number(self.product_share, 6)}"
                )
            device = replace(device, product_share=self.product_share, product_source=_GIVEN)
        if self.link is not None:
            own = self.node_devices or device.node_devices or count
            device = replace(device, node_bandwidth=_bytes(self.link, _option("link")), node_devices=own)
        elif self.node_devices is not None:
            device = replace(device, node_devices=self.node_devices)
        if self.network is not None:
            device = replace(device, network_bandwidth=_bytes(self.network, _option("network")))
        return replace(device, links_source=_GIVEN) if self.link or self.network else device


@dataclass(frozen=True, kw_only=True)
class DeviceSource:
    """Where devices are known from: a file of the user, the catalogue, and figures as stated."""

    file: Path | None = None
    """TOML file with tables [[devices]]."""
    figures: DeviceFigures = DeviceFigures()
    """Of the one device that is asked for."""

    def device(self, name: str, count: int) -> Hardware:
        """The device called `name`, of which there are `count`. Raises InputError as `device_named` does."""
        return device_named(name, count=count, file=self.file, figures=self.figures)

    @property
    def words(self) -> list[str]:
        """The options that state it, for a command that is to be run again."""
        values = {name: getattr(self.figures, name) for name in self.figures.stated}
        stated = [
            (_option(name), str(one) if isinstance(one, int | str) else format_flops(one, 12))
            for name, one in values.items()
        ]
        files = [] if self.file is None else [("--hardware", str(self.file))]
        return [word for pair in (*files, *stated) for word in pair]


CATALOGUE = DeviceSource()
"""The catalogue alone."""


def device_named(
    name: str, *, count: int = 1, file: Path | None = None, figures: DeviceFigures = DeviceFigures()
) -> Hardware:
    """The device called `name`: of the user's file, else of the catalogue, with stated figures in place of its own.

    Raises InputError for a name that neither has and of which peak, memory and bandwidth are not all stated.
    """
    own = {} if file is None else read_devices(file)
    known = next((device for key, device in own.items() if _plain(key) == _plain(name)), None)
    if known is None:
        try:
            known = hardware_named(name)
        except InputError as error:
            if not figures.stated:
                of_file = "" if file is None else f"; {file} has {', '.join(own)}"
                raise InputError(
                    f"{error}{of_file}; state one of your own with --device-peak, --device-memory, --device-bandwidth"
                ) from None
    return figures.of(name, known, count) if known is None or figures.stated else known


def read_devices(path: Path) -> dict[str, Hardware]:
    """{name: device} of a user's file: tables [[devices]] with name, peak, memory, bandwidth and what else is known.

    Raises InputError for a file that is none, with every problem of its devices.
    """
    try:
        rows = tomllib.loads(path.read_text(encoding="utf-8")).get("devices")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"--hardware: {path}: expected a TOML file with tables [[devices]]: {error}") from None
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"--hardware: {path}: expected tables [[devices]], each with name, peak, memory and bandwidth")
    found: dict[str, Hardware] = {}
    problems = []
    for place, row in enumerate(rows, start=1):
        try:
            device = _read(row, path)
            if any(_plain(device.name) == _plain(other) for other in found):
                raise InputError(f"{quoted(device.name)} stands twice")
            found[device.name] = device
        except InputError as error:
            problems.append(f"device {place}: {error}")
    if problems:
        raise InputError(f"--hardware: {path}: {'; '.join(problems)}")
    return found


def _read(row: dict[str, object], path: Path) -> Hardware:
    if unknown := [key for key in row if key not in _KEYS]:
        near = "; ".join(f"{quoted(key)}: did you mean {close_names(key, _KEYS)}?" for key in unknown)
        raise InputError(f"unknown {near}")
    name, number_format = row.get("name"), row.get("format", "bfloat16")
    if not isinstance(name, str) or not name.strip():
        raise InputError("name: expected the text that --gpus has after the x")
    if number_format not in ("bfloat16", "float16"):
        raise InputError(f"format: expected bfloat16 or float16, got {quoted(str(number_format))}")
    if missing := [need for need in _NEEDED if row.get(need) is None]:
        raise InputError(f"{name}: expected {', '.join(missing)} too")
    figures = {key: row[key] for key in ("peak", "memory", "bandwidth", "link", "network") if key in row}
    if wrong := [
        key for key, value in figures.items() if isinstance(value, bool) or not isinstance(value, str | int | float)
    ]:
        raise InputError(f"{name}: {', '.join(wrong)}: expected a number, or text with a unit")
    if ("link" in row) != ("node_devices" in row):
        raise InputError(f"{name}: link and node_devices: expected both or neither")
    device = DeviceFigures(
        **{key: value for key, value in figures.items() if isinstance(value, str | int | float)},
        node_devices=_whole(row, "node_devices"),
        product_share=_positive(row, "product_share"),
    ).of(name, None, 1, number_format=str(number_format))
    price = row.get("price_per_hour")
    amount = None if price is None else parse_money(str(price), "price_per_hour")[0]
    source = f"{row.get('source', 'given')} ({path.name})"
    return replace(
        device,
        source=source,
        watts=_positive(row, "watts"),
        price_per_hour=amount,
        price_source="" if amount is None else _GIVEN,
    )


def _positive(row: dict[str, object], key: str) -> float | None:
    value = row.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise InputError(f"{key}: expected a number above zero, got {quoted(str(value))}")
    return float(value)


def _whole(row: dict[str, object], key: str) -> int | None:
    value = _positive(row, key)
    if value is not None and value != int(value):
        raise InputError(f"{key}: expected a whole number, got {format_number(value, 6)}")
    return None if value is None else int(value)


def _bytes(value: str | float, what: str) -> float:
    """Bytes, or bytes a second: a plain number, or text with a unit, with or without `/s`."""
    if isinstance(value, str) and not value.strip()[-1:].isdigit():
        return parse_bytes(value.strip().removesuffix("/s"), what)
    return parse_quantity(value, what)


def _option(figure: str) -> str:
    return f"--device-{figure.replace('_', '-')}" if figure != "node_devices" else "--device-node"


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace(" ", "")
