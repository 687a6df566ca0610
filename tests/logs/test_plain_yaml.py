"""The plain scalars of YAML: what PyYAML reads of them too, and what is passed over."""

import pytest

from isoflop.logs.plain_yaml import plain_scalars

TEXT = """\
# a comment
name: toy  # of one run
rate: 3.0e-04
steps: 500
on: true
nothing: null
empty:
'quoted key': 'single: quoted'
url: http://x/y
optim:
  lr: 0.1
  betas:
  - 0.9
  - 0.95
  inner:
    eps: 1.0e-08
last: "double # quoted"
"""


def read(tmp_path, text):
    (tmp_path / "x.yaml").write_text(text)
    return plain_scalars(tmp_path / "x.yaml")


def test_scalars_have_dotted_names(tmp_path):
    assert read(tmp_path, TEXT) == {
        "name": "toy", "rate": 3e-4, "steps": 500.0, "on": True, "nothing": None, "quoted key": "single: quoted",
        "url": "http://x/y", "optim.lr": 0.1, "optim.inner.eps": 1e-8, "last": "double # quoted",
    }  # fmt: skip


def test_they_are_those_of_a_reader_of_all_of_yaml(tmp_path):
    yaml = pytest.importorskip("yaml")

    def flat(value, before=""):
        for name, part in value.items():
            if isinstance(part, dict):
                yield from flat(part, f"{before}{name}.")
            elif not isinstance(part, list) and (part is not None or name == "nothing"):
                yield f"{before}{'on' if name is True else name}", part

    assert read(tmp_path, TEXT) == dict(flat(yaml.safe_load(TEXT)))


def test_a_large_file_is_read_in_a_moment(tmp_path):
    assert len(read(tmp_path, "".join(f"key{i}: {i}\n" for i in range(200_000)))) == 2000
    assert read(tmp_path, " " * 1_000_000 + "a: 1\n") == {"a": 1.0}
    assert read(tmp_path, "a" * 1_000_000) == {}
