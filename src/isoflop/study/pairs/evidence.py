"""From trained pairs to the two sides that a comparison takes: the pairs, and the sweep's runs for the slope of A."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from isoflop.compare.result import Audit, Comparison
from isoflop.compare.sides import FinalRun, Side
from isoflop.corpus import Corpus
from isoflop.logs.run import Setting
from isoflop.runs import RunResult
from isoflop.runs.outcomes import FLOPS_CONVENTION, PARAMS_CONVENTION
from isoflop.spec import RunSpec
from isoflop.study.pairs.rates import RateCheck
from isoflop.study.pairs.side import TrainedSide

ALL = "all text"
"""The validation text of all domains together, weighted by tokens: the set on which pairs are stopped."""
_OF_A_RUN = ("tokens", "peak_lr", "seed", "group", "budget_flops", "warmup_tokens", "batch_tokens", "corpus", "schema")
"""Fields of a spec that a recipe does not fix: they follow from the cell and the seed."""


@dataclass(frozen=True, kw_only=True)
class TrainedRun:
    """A run that ended well, and the cell as which it is compared."""

    spec: RunSpec
    result: RunResult
    cell: RunSpec | None = None
    """The run of the other side whose size and tokens stand for the cell; None: its own. A recipe that builds other
    shapes comes near to the same size only, and its tokens follow from the FLOPs, which are equal."""

    @property
    def place(self) -> RunSpec:
        """The spec that says which cell it is."""
        return self.cell or self.spec


def side_of(side: TrainedSide, pairs: Sequence[TrainedRun], text: Corpus, sweep: Iterable[TrainedRun] = ()) -> Side:
    """The runs of `side` in `pairs`, with what they were trained with; those of a `sweep` with the same recipe show how
    its loss falls with compute. Each run counts once. `text` is that of the study, by whose validation text all are
    evaluated.
    """
    runs = {run.spec.run_id: run for run in (*sweep, *pairs)}
    compared = {run.spec.run_id for run in pairs}
    own = "the study's" if side.text.digest == text.digest else f"a mixture, corpus {side.text.digest[:12]}"
    return Side(
        name=side.name,
        runs=tuple(final_run(run, side.text if run.spec.run_id in compared else None) for run in runs.values()),
        settings={**_shared([run.spec for run in pairs]), "training text": own},
        params_convention=PARAMS_CONVENTION,
        flops_convention=FLOPS_CONVENTION,
        tokenizer=f"of corpus {text.digest[:12]}, {text.vocab_size} tokens",
        evaluation={name: f"of corpus {text.digest[:12]}" for run in runs.values() for name in losses_of(run.result)},
    )


def losses_of(result: RunResult) -> dict[str, float]:
    """{evaluation set: nats per token}: all text first, then its domains where there are several."""
    losses = {} if result.val_loss_nats is None else {ALL: result.val_loss_nats}
    if len(result.domains) > 1:
        losses |= {name: facts["loss_nats"] for name, facts in result.domains.items() if facts["loss_nats"] is not None}
    return losses


def final_run(run: TrainedRun, text: Corpus | None) -> FinalRun:
    """The end of a run, as comparisons take it; with the epochs of its training `text`, where that is given."""
    spec, result = run.spec, run.result
    return FinalRun(
        name=spec.run_id,
        losses=losses_of(result),
        params=float(run.place.architecture.params().by_convention(PARAMS_CONVENTION)),
        tokens=float(run.place.tokens),
        flops=result.flops.get(FLOPS_CONVENTION),
        steps=float(spec.steps),
        seconds=result.wall_seconds or None,
        label=f"seed {spec.seed}",
        finished=True,
        settings={} if text is None else {"epochs": float(f"{spec.tokens / text.train_tokens:.2g}")},
    )


def _shared(specs: Sequence[RunSpec]) -> dict[str, Setting]:
    """What the recipe fixes in all `specs`, flattened: `optimizer.beta1`."""
    # what the JSON of a spec leaves out, since older ones do not name it, is named here
    flat = [dict(_flattened({**spec.as_json(), **_left_out(spec)})) for spec in specs]
    return {
        name: value
        for name, value in flat[0].items()
        if name.split(".")[0] not in (*_OF_A_RUN, "architecture") and all(other.get(name) == value for other in flat)
    } | _shapes(specs)


def _left_out(spec: RunSpec) -> dict[str, object]:
    return {"optimizer": vars(spec.optimizer), "z_loss": spec.z_loss, "masked_fraction": spec.masked_fraction}


def _shapes(specs: Sequence[RunSpec]) -> dict[str, Setting]:
    """What all shapes have in common, and their depths."""
    flat = [dict(_flattened(spec.architecture.as_json())) for spec in specs]
    shared: dict[str, Setting] = {
        f"shape.{name}": value for name, value in flat[0].items() if all(other.get(name) == value for other in flat)
    }
    batches = sorted({spec.batch_tokens for spec in specs})
    return shared | {"batch tokens": ", ".join(map(str, batches))}


def _flattened(value: Mapping[str, object], place: str = "") -> Iterable[tuple[str, Setting]]:
    for name, part in value.items():
        if isinstance(part, Mapping):
            yield from _flattened(part, f"{place}{name}.")
        elif part is None or isinstance(part, str | float | bool | int):
            yield place + name, part


def audited(found: Comparison, checks: tuple[RateCheck, RateCheck], specs: Sequence[Sequence[RunSpec]]) -> Comparison:
    """`found` with what its runs alone do not tell: how the rates were chosen, and what size and tokens each side has
    where the recipes build other shapes. `specs` are those of the pairs, of A and of B.
    """
    own = [_rates(*checks)]
    sizes = [sorted({spec.architecture.params().non_embedding for spec in of_side}) for of_side in specs]
    if sizes[0] != sizes[1]:
        remark = "each recipe builds its nearest shape; both spend the same FLOPs"
        own.append(_listed("parameters", sizes, remark))
        tokens = [sorted({spec.tokens for spec in of_side}) for of_side in specs]
        own.append(_listed("tokens", tokens, "they follow from the FLOPs, which are equal"))
    replaced = {each.what: each for each in own}
    kept = tuple(replaced.pop(each.what, each) for each in found.audit)
    return replace(found, audit=(*kept, *replaced.values()))


def _rates(a: RateCheck, b: RateCheck) -> Audit:
    """Whether each side was compared at its own best learning rate."""
    equal = a.bracketed and b.bracketed
    outer = "a better rate may lie beyond: move it in the recipe, and compare again"
    return Audit(what="learning rate", a=a.words(), b=b.words(), equal=equal, remark="" if equal else outer)


def _listed(what: str, counts: Sequence[Sequence[int]], remark: str) -> Audit:
    words = [", ".join(f"{count:,}" for count in of_side) for of_side in counts]
    return Audit(what=what, a=words[0], b=words[1], equal=False, remark=remark)
