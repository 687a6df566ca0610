"""python olmo_driver.py STUDY WORKERS CORPUS: does the runs of a study with OLMo-core, as any driver does."""

import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from isoflop.errors import IsoflopError
from isoflop.runs.driver import execute
from isoflop.runs.engines.settings import EngineRequest
from isoflop.runs.folder import run_folders
from isoflop.runs.lock import held
from isoflop.runs.registry import make_engine
from isoflop.runs.run_index import RunIndex

TRAINER = Path(__file__).with_name("olmo_trainer.py")


def engine(logs, workers, corpus):
    """The engine with the trainer of the contract in the place of `-m isoflop.train`."""
    made = make_engine("olmo", {}, EngineRequest(workers=workers, logs=logs, corpus=corpus))
    options = ["--worker", "--corpus", str(corpus.resolve()), *made.options]
    return replace(made, command=[sys.executable, str(TRAINER), *options])


def main(study, workers, corpus):
    try:
        with held(study / "lock", "the study"), closing(engine(study / "logs", workers, corpus)) as made:
            execute(run_folders(study / "runs"), made, RunIndex(study / "study.db"), on_event=lambda e: print(e.kind))
    except IsoflopError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))
