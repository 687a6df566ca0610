"""The shape of a model, and the list of its tensors.

The list is the single source: the trainer creates its parameters from it, the account counts them from it, and a test
holds that both agree with PyTorch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields
from functools import cache

from isoflop.arch.families.table import family_named
from isoflop.arch.tensors import ROLES, ParamCount, TensorShape
from isoflop.codec import JsonObject
from isoflop.errors import InputError, quoted

# A mistyped depth would be listed tensor by tensor for minutes; the deepest published shape has 126 layers.
_MOST_LAYERS = 10_000
MOST_OF_A_SHAPE = 10**9
"""Limit of any width or count of a shape, of sequences and of tokens: products of all of them are finite."""

NORM_EPS = 1e-6
"""Epsilon under the root of every norm, in all families: that of Llama 1 (Touvron et al. 2023)."""
ROTARY_BASE = 10_000.0
"""Base of the frequencies of rotary positions: Su et al. 2021 (2104.09864)."""


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """The shape of a decoder-only transformer and nothing else: no recipe, no data."""

    family: str
    """A name in `families.FAMILIES`, such as `llama`."""
    n_layers: int
    d_model: int
    n_heads: int
    n_kv_heads: int
    """Heads of keys and values; fewer than `n_heads` for grouped-query attention, one for multi-query attention."""
    head_dim: int
    """A field of its own, since n_heads * head_dim != d_model in six rows of Hoffmann et al., Table A9."""
    d_ff: int
    vocab_size: int
    """Number of tokens, end-of-text included."""
    tied_embedding: bool
    """Whether the output head is the embedding, transposed."""
    n_positions: int | None = None
    """Rows of the table of learned positions, the longest context; None in families that learn none."""
    without: tuple[str, ...] = ()
    """Parts of its family that this shape lacks, keys of `Family.optional`: Llama as published has no `query_key_norm`,
    the published formula of MT-NLG counts no `final_norm`."""
    sliding_window: int | None = None
    """Tokens that attention covers in every layer (Jiang et al. 2023, 2310.06825, section 2); None: all previous ones.
    It is counted; the trainer does not implement it."""
    n_experts: int | None = None
    """Routed experts of every layer, each a feed-forward of `d_ff`; None in families without experts."""
    active_experts: int | None = None
    """Routed experts that a token uses."""
    shared_experts: int | None = None
    """Experts that every token uses besides, of `d_ff` each; None: none."""

    def __post_init__(self) -> None:
        counts = {name: getattr(self, name) for name in _COUNTS}
        or_none = dict.fromkeys(_OR_NONE, ", or none")
        counts |= {name: value for name in or_none if (value := getattr(self, name)) is not None}
        problems = [
            f"{name}: expected a whole number of at least 1{or_none.get(name, '')}, got {quoted(count)}"
            for name, count in counts.items()
            if not isinstance(count, int) or isinstance(count, bool) or count < 1
        ]
        problems += [
            f"{name}: expected at most {MOST_OF_A_SHAPE:,}, got {quoted(count)}"
            for name, count in counts.items()
            if isinstance(count, int) and count > MOST_OF_A_SHAPE
        ]
        if not isinstance(self.family, str) or not all(isinstance(part, str) for part in self.without):
            problems.append("family, without: expected text")
        if not isinstance(self.tied_embedding, bool):
            problems.append(f"tied_embedding: expected true or false, got {quoted(self.tied_embedding)}")
        if not problems and self.n_layers > _MOST_LAYERS:
            problems.append(f"n_layers: expected at most {_MOST_LAYERS:,}, got {self.n_layers:,}")
        if not problems and self.n_heads % self.n_kv_heads:
            problems.append(f"n_kv_heads: expected a divisor of n_heads={self.n_heads}, got {self.n_kv_heads}")
        if not problems and (self.active_experts or 0) > (self.n_experts or 0):
            problems.append(f"active_experts: expected at most n_experts={self.n_experts}, got {self.active_experts}")
        if problems:
            raise InputError.gathered("architecture", problems)

    @property
    def feed_forward_width(self) -> int:
        """Columns of feed-forward that a token passes in a layer: `d_ff`, or those of its experts together."""
        if self.n_experts is None:
            return self.d_ff
        return self.d_ff * ((self.active_experts or 0) + (self.shared_experts or 0))

    @property
    def attention_width(self) -> int:
        """n_heads * head_dim: the width of the queries."""
        return self.n_heads * self.head_dim

    @property
    def kv_width(self) -> int:
        """n_kv_heads * head_dim: the width of the keys, and of the values."""
        return self.n_kv_heads * self.head_dim

    def attended(self, seq_len: int) -> int:
        """Keys per query in a context of `seq_len` tokens: all of them, or those of the sliding window."""
        return seq_len if self.sliding_window is None else min(seq_len, self.sliding_window)

    def tensors(self) -> Iterator[TensorShape]:
        """Every parameter tensor of the model, in the order in which the trainer creates them.

        Raises InputError for an unknown family, and for positions or omissions that the family does not have.
        """
        family = family_named(self.family)
        left_out = family.left_out(self)
        return (tensor for tensor in family.tensors(self) if tensor.name.rsplit(".", 1)[-1] not in left_out)

    @cache  # noqa: B019 small values, and a design counts the same few shapes thousands of times
    def params(self) -> ParamCount:
        """Parameters by role, summed over `tensors()`."""
        count = dict.fromkeys(ROLES, 0)
        for tensor in self.tensors():
            count[tensor.role] += tensor.size
        return ParamCount(**count, tied_head=self.vocab_size * self.d_model if self.tied_embedding else 0)

    @cache  # noqa: B019 as `params`
    def active_params(self) -> ParamCount:
        """Parameters by role that one token uses: all of them but the routed experts that it does not choose.

        Tables count whole, as in published counts of active parameters.
        """
        count = dict.fromkeys(ROLES, 0)
        for tensor in self.tensors():
            count[tensor.role] += tensor.active_size
        return ParamCount(**count, tied_head=self.params().tied_head)

    def as_json(self) -> JsonObject:
        """A JSON object that `from_json` reads back.

        Fields with a default are written only when they differ from it: what was written, and named by the hash of it,
        before a field existed stays as it is.
        """
        # by hand, not by the codec, which asks the class for its fields at every call
        values = {name: getattr(self, name) for name in _DEFAULTS}
        written = {name: value for name, value in values.items() if name in _NEEDED or value != _DEFAULTS[name]}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in written.items()}

    @classmethod
    def from_json(cls, value: object) -> Architecture:
        """The architecture that `as_json` wrote. Raises InputError that lists missing and unknown fields."""
        if not isinstance(value, dict):
            raise InputError(f"architecture: expected an object, got {quoted(value)}")
        problems = [f"{name}: missing" for name in sorted(_NEEDED - set(value))]
        problems += [f"{name}: not a field of an architecture" for name in sorted(set(value) - set(_DEFAULTS))]
        if problems:
            raise InputError.gathered("architecture", problems)
        without = value.get("without", ())
        parts = tuple(without) if isinstance(without, list | tuple) else (without,)
        others = {name: part for name, part in value.items() if name != "without"}
        return cls(**others, without=parts)  # `__post_init__` checks every type, with messages of its own


# of the class, once: a study reads thousands of specs
_DEFAULTS = {field.name: field.default for field in fields(Architecture)}
_NEEDED = {name for name, default in _DEFAULTS.items() if default is MISSING}
_OR_NONE = tuple(field.name for field in fields(Architecture) if field.type == "int | None")
_COUNTS = tuple(field.name for field in fields(Architecture) if field.type == "int")
