"""What the papers reproduced come to, in a few sentences."""

from __future__ import annotations

from isoflop.paper import FIGURE_4, Section
from isoflop.paper.rules import BUILT, PROPOSED, flops_served
from isoflop.paper.systems import judge, loss_law, system_named
from isoflop.report.figures.facts import Answer, Grid
from isoflop.report.view import View


def paper_answer(view: View) -> Answer:
    """How many printed numbers come out, what the laws say of Gopher, MT-NLG and PaLM, and what is missing."""
    sections: dict[str, Section] = view["sections"]
    compared = [one for section in sections.values() for one in section.compared]
    same = sum(one.same_digits for one in compared)
    rows = tuple(
        (section.title, f"{section.same_digits} of {len(section.compared)}")
        for section in sections.values()
        if section.compared
    )
    missing = sections[FIGURE_4].missing
    return Answer(
        sentences=(
            f"Of {len(compared)} printed numbers, {same} come out to every printed digit; each of the others has its "
            "reason beside it.",
            _proposal(),
        ),
        groups=(),
        grids=(Grid(heading="To every printed digit", columns=("section", "numbers"), rows=rows),),
        unsaid=(f"{sections[FIGURE_4].title}: {missing}.",) if missing else (),
    )


def _proposal() -> str:
    """What the corrected fit says of 140B on 3T and of PaLM, and what a token costs to serve."""
    law = loss_law("besiroglu2024")
    small, palm = system_named(PROPOSED), system_named(BUILT)
    gaps = [judge(law, system.params, system.tokens).gap for system in (small, palm)]
    return (
        "With Gopher's, MT-NLG's or PaLM's compute every law here would have built a smaller model on more text. At "
        f"PaLM's, approach 1 says {small.label} tokens: by Besiroglu et al.'s constants {gaps[0]:.2g} nats a token "
        f"above the least loss, where PaLM is {gaps[1]:.2g} above, for "
        f"{flops_served(palm.params) / flops_served(small.params):.2f} times fewer FLOPs a token served."
    )
