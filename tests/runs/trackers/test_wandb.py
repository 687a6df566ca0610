import json
import os
import struct
import subprocess
import sys

from .contract import TrackerContract

BLOCK, HEADER = 32768, 7
"""The log format of LevelDB, in which W&B keeps records: blocks of pieces, each with a checksum, length and kind."""


def records(path):
    """The records of a .wandb file, as far as they are whole."""
    from wandb.proto.wandb_internal_pb2 import Record

    data, at, record = path.read_bytes(), HEADER, b""  # after the file's own header
    assert data[:4] == b":W&B"
    while at + HEADER <= len(data):
        if BLOCK - at % BLOCK < HEADER:
            at += BLOCK - at % BLOCK
            continue
        _, length, kind = struct.unpack("<IHB", data[at : at + HEADER])
        if kind == 0 or at + HEADER + length > len(data):
            return
        record += data[at + HEADER : at + HEADER + length]
        at += HEADER + length
        if kind in (1, 4):  # whole, or the last piece
            yield Record.FromString(record)
            record = b""


class TestContract(TrackerContract):
    """Offline; read back from the file that `wandb sync` sends."""

    name = "wandb"
    ends = (0, 1)

    def read(self, study, run):
        (file,) = (study / "tracked" / "wandb").glob(f"offline-run-*-{run.run_id}/run-{run.run_id}.wandb")
        return list(records(file))

    def losses(self, study, run):
        found = {}
        for record in self.read(study, run):
            if record.WhichOneof("record_type") == "history":
                row = {item.key or item.nested_key[0]: json.loads(item.value_json) for item in record.history.item}
                found.setdefault(record.history.step.num, []).append(row["train_loss_nats"])
        return found

    def outcome(self, study, run):
        last, code = None, None
        for record in self.read(study, run):
            for item in record.summary.update:
                if (item.key or ".".join(item.nested_key)) == "val_loss_nats":
                    last = json.loads(item.value_json)
            if record.WhichOneof("record_type") == "exit":
                code = record.exit.exit_code
        return last, code

    def test_the_spec_is_its_configuration_and_its_budget_its_group(self, study, run):
        self.followed(study)
        (begun,) = (record.run for record in self.read(study, run) if record.WhichOneof("record_type") == "run")
        config = {item.key: json.loads(item.value_json) for item in begun.config.update}
        assert config["architecture"]["d_model"] == 16
        assert (begun.run_id, begun.project, begun.run_group) == (run.run_id, "study", "1e+09 FLOPs")
        assert run.run_id in begun.display_name

    def sent_something(self, study, run):
        """W&B keeps the last block to itself until it ends: that it has begun is all that can be seen."""
        return bool(list((study / "tracked" / "wandb").glob("offline-run-*/*.wandb")))

    def test_without_a_login_there_is_one_warning(self, study, tmp_path):
        # a process of its own: W&B keeps the mode that it was first used in
        lent = {name: value for name, value in os.environ.items() if name not in ("WANDB_API_KEY", "WANDB_MODE")}
        command = [sys.executable, "-m", "isoflop", "log", str(study), "--to", "wandb"]
        done = subprocess.run(command, capture_output=True, text=True, env={**lent, "HOME": str(tmp_path)})
        assert done.returncode == 3
        (warning,) = done.stderr.splitlines()
        assert warning.startswith("warning: wandb: No API key configured")
        assert f"isoflop log {study} --to wandb" in warning
