"""What the recipe of small models changes by family, each with its measurement (bench/recipe.py --family)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class FamilyTuning:
    """What the recipe of a family changes in that of llama, which the constants of `SmallRecipe` were measured on."""

    hidden_lr: float = 1.0
    """Peak rate of the hidden matrices over llama's."""
    embedding_lr: float = 1.0
    """Multiple of the embedding's rate over llama's multiple. A tied table is the output head too."""
    muon_embedding_lr: float = 1.0
    """The same with Muon for the hidden matrices, over that with AdamW."""
    fewest_layers: int = 2
    optimum: float = 1.0
    """Parameters of the optimum over llama's, for the first guess of a sweep."""


FAMILY_TUNINGS: dict[str, FamilyTuning] = {
    "gopher": FamilyTuning(hidden_lr=0.5, embedding_lr=0.3, optimum=1.5),
    "gpt": FamilyTuning(hidden_lr=0.5),
    "gpt-rope": FamilyTuning(hidden_lr=0.5, embedding_lr=0.3),
    "palm": FamilyTuning(hidden_lr=0.5, muon_embedding_lr=0.5, fewest_layers=3),
}
"""Measured at 3e11 FLOPs and width 32 (28 where there are three layers), in nats a token; two losses are of two initial
weights.

With Muon, at half, once, twice and four times these hidden rates, AdamW at its own in brackets. gopher: 1.871 and
1.872, 1.849 and 1.848, 1.852 and 1.849, 1.864 and 1.867 (1.882 and 1.905). gpt: 2.063 and 2.046, 1.985 and 1.989,
1.988 and 2.005, 2.074 and 2.036 (2.120 and 2.088). gpt-rope: 1.874 and 1.866, 1.848 and 1.849, 1.856 and 1.845, 1.866
and 1.876 (1.894 and 1.884). palm at llama's multiple of the embedding: 1.980 and 1.959, 1.929 and 1.918, 1.908 and
1.924, 1.968 and 1.989 (1.934 and 1.957). Half and twice the embedding's multiple: gopher 1.847 and 1.846, 1.850 and
1.851; gpt 1.976 and 1.982, 2.025 and 2.032; gpt-rope 1.856 and 1.851, 1.857 and 1.856; palm 1.903 and 1.898, 1.930 and
1.942: palm has half of it.

The rest was measured with AdamW.

gopher: llama's rates 1.937; half the hidden rate 1.920; 0.3 of the embedding's multiple 1.919; both 1.882; 0.2 and 0.6
of the multiple with half the rate 1.886 and 1.911. Its vertices lay at 1.25 to 1.55 times llama's first guess from
1.8e11 to 7.3e11 FLOPs, and above the largest size, 2.5 times the guess, at 4.5e10 and 9.1e10.
palm: llama's rates 1.965 and 1.975; half the hidden rate 1.963 and 1.963; 0.35 of it 1.970 and 1.972; 0.3 and 2.5 of
the embedding's multiple 2.023 and 2.042. Attention and feed-forward of a layer stand side by side, so two layers are
two steps where llama's are four: at half the rate and about the same size, three layers give 1.934, two 1.963, four
1.959.
gpt: scatters by 1 to 2 %, so that width 32 decides nothing: llama's rates 2.100 and 2.096, half the hidden rate 2.121,
with 0.6 of the embedding's multiple 2.083 and 2.121. In a whole study with llama's rates half of all rates was best in
the learning-rate check at 1.8K, 14K and 40K parameters, by 0.1, 1.3 and 0.9 %.
gpt-rope: llama's rates 1.920 and 1.910; half the hidden rate 1.912 and 1.895, a quarter 1.927 and 1.924; half with 0.3
of the embedding's multiple, whose table is the output head too, 1.894 and 1.884, with 0.15 1.884 and 1.897, with 0.6
1.905 (one seed). (gpt with the same seeds: 2.120 and 2.088.)
"""
