"""python held_trainer.py OPTIONS: `python -m isoflop.train OPTIONS`, but a run with a file `hold`, which says a step,
waits there: what must meet a trainer at work meets it on a busy machine, too."""

import sys
import time

from step_trainer import is_held

from isoflop.train import loop
from isoflop.train.__main__ import main

train_steps = loop.train_steps


def held(state, should_stop):
    def asked():
        while not (stop := should_stop()) and is_held(state.folder.path, state.step):
            time.sleep(0.01)
        return stop

    return train_steps(state, asked)


if __name__ == "__main__":
    loop.train_steps = held
    sys.exit(main())
