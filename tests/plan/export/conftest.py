"""Planned runs of every family, small enough to build."""

from dataclasses import replace

import pytest

from isoflop.large_recipe import LargeRecipe
from isoflop.plan import FixedParams, make_plan
from isoflop.plan.export import EngineRun


@pytest.fixture
def engine_run():
    """`engine_run("llama", peak_lr=1e-3, layout=...)`: a plan's run, with fields of it or its spec changed."""
    from isoflop.laws import published_law

    def make(family="llama", *, arch=None, **changes):
        recipe = LargeRecipe(family=family, vocab_size=1024, seq_len=256)
        law = published_law("besiroglu2024")
        value = EngineRun.of_plan(make_plan(law, 1.2e17, objective=FixedParams(params=20e6), recipe=recipe))
        run = replace(value.run, architecture=replace(value.run.architecture, **(arch or {})))
        of_run = {name: given for name, given in changes.items() if hasattr(run, name)}
        if "tokens" not in of_run and run.tokens % (batch := of_run.get("batch_tokens", run.batch_tokens)):
            of_run["tokens"] = run.tokens // batch * batch  # whole batches
        rest = {name: given for name, given in changes.items() if name not in of_run}
        return replace(value, run=replace(run, **of_run), **rest)

    return make
