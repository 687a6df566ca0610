"""Which versions of the engines the exports were checked against, by the engines' own code (bench/exports.md)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Checked:
    """An engine as it was when its export was checked."""

    package: str
    """Its name among the packages of Python; that of the repository where it has none."""
    version: str
    """Of that package; empty where the engine has no releases."""
    date: str
    """YYYY-MM-DD."""

    @property
    def words(self) -> str:
        """`checked against torchtitan 0.3.0 on 2026-12-01`."""
        of = (
            f"{self.package} {self.version}" if self.version else f"the names of {self.package}, which has no releases,"
        )
        return f"checked against {of} on {self.date}"


CHECKED: dict[str, Checked] = {
    "torchtitan": Checked(package="torchtitan", version="0.3.0", date="2026-12-01"),
    "olmo-core": Checked(package="ai2-olmo-core", version="3.0.0", date="2026-12-01"),
    "megatron": Checked(package="megatron-core", version="0.19.2", date="2026-12-01"),
    "nanogpt": Checked(package="nanoGPT", version="", date="2026-12-01"),
    "hf": Checked(package="transformers", version="5.23.0", date="2026-12-01"),
}
"""{engine, as in EXPORTS: what its export was checked against}."""
