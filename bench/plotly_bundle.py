"""plotly.js as the pages carry it, fetched anew from npm: python bench/plotly_bundle.py 4.1.1

Writes the cartesian bundle, its licence and a record of both to src/isoflop/report/assets/. Needs npm on the PATH. Run
`python -m pytest tests/report` afterwards: a new version must draw every figure.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ASSETS = Path(__file__).parents[1] / "src" / "isoflop" / "report" / "assets"
PACKAGE = "plotly.js-cartesian-dist-min"
BUNDLE = "plotly-cartesian.min.js"


def fetch(version: str) -> None:
    """Replace the bundle by that of `version`. Raises ValueError where its licence is not in it."""
    with tempfile.TemporaryDirectory() as folder:
        packed = subprocess.run(
            ["npm", "pack", f"{PACKAGE}@{version}", "--json"], cwd=folder, capture_output=True, text=True, check=True
        )
        answer = json.loads(packed.stdout)[0]
        with tarfile.open(Path(folder) / answer["filename"]) as archive:
            bundle, licence, about = (_member(archive, name) for name in (BUNDLE, "LICENSE", "package.json"))
    if b"Licensed under the MIT license" not in bundle[:500] or json.loads(about)["license"] != "MIT":
        raise ValueError(f"{PACKAGE} {version}: expected the header of the MIT license at the top of {BUNDLE}")
    ASSETS.mkdir(exist_ok=True)
    (ASSETS / BUNDLE).write_bytes(bundle)
    (ASSETS / "plotly-LICENSE.txt").write_bytes(licence)
    record = {
        "package": f"{PACKAGE} of npm",
        "version": version,
        "source": "https://github.com/plotly/plotly.js",
        "license": "MIT",
        "integrity": answer["integrity"],
        "sha256": hashlib.sha256(bundle).hexdigest(),
        "fetched_by": f"python bench/plotly_bundle.py {version}",
    }
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in record.items())
    (ASSETS / "plotly.toml").write_text(f"# plotly-cartesian.min.js: where it comes from\n{lines}", encoding="utf-8")


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(f"package/{name}")
    if file is None:
        raise ValueError(f"expected a file {name} in {PACKAGE}")
    return file.read()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python bench/plotly_bundle.py VERSION")
    fetch(sys.argv[1])
