"""An engine that plays outcomes, for tests of what a driver makes of them."""

import time

from isoflop.runs.driver import execute
from isoflop.runs.engine import Ended

from .conftest import result_of


class ScriptedEngine:
    """Plays outcomes: each start of a folder ends with the next of its script, which may write to the folder."""

    def __init__(self, script, slots=1):
        self.script, self.slots, self.started, self.running, self.stopped = script, slots, [], [], 0
        self.killed = []

    @property
    def free(self):
        return self.slots - len(self.running)

    def next_of(self, waiting):
        return next(iter(waiting), None)

    def start(self, folder):
        self.started.append(folder)
        self.running.append(folder)

    def poll(self, timeout):
        if not self.running:
            time.sleep(timeout)
            return []
        folder = self.running.pop(0)
        return [Ended(folder=folder, outcome=self.script(folder), message="it happened")]

    def kill(self, folder):
        self.killed.append(folder)

    def stop(self, seconds=0.0):
        self.stopped += 1
        self.running.clear()

    def close(self):
        pass


def finish(folder):
    with folder.lock():
        folder.record_attempt(0)
        folder.write_result(result_of(folder, attempts=len(folder.attempts())))
    return "finished"


def run(folders, engine, run_index, **options):
    events = []
    results = execute(folders, engine, run_index, on_event=events.append, **options)
    return results, events
