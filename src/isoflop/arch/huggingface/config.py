"""The fields of a config.json, read with every problem gathered; what may change a count and is not read is one."""

from __future__ import annotations

import re
from collections.abc import Mapping

from isoflop.codec import Json
from isoflop.errors import quoted

_DECISIVE = re.compile(
    r"bias|dense|dim|expert|head|hidden|intermediate|layer|moe|mtp|nextn|norm|num_|rank|share|size|tie|window"
)
"""Names of fields that may say how many tensors a model has, or how large they are."""
_NEUTRAL = frozenset(
    {
        "_name_or_path",
        "architectures",
        "attention_dropout",
        "attn_logit_softcapping",
        "attn_pdrop",
        "aux_loss_alpha",
        "bos_token_id",
        "chunk_size_feed_forward",
        "classifier_dropout",
        "cross_attention_hidden_size",
        "embd_pdrop",
        "encoder_no_repeat_ngram_size",
        "eos_token_id",
        "ep_size",
        "expert_dropout",
        "final_logit_softcapping",
        "head_dropout",
        "hidden_act",
        "hidden_activation",
        "hidden_dropout",
        "hidden_dropout_prob",
        "image_size",
        "initial_context_length",
        "initializer_range",
        "layer_norm_elementwise_affine",
        "layer_norm_eps",
        "layer_norm_epsilon",
        "layerdrop",
        "max_position_embeddings",
        "max_sequence_length",
        "mm_tokens_per_image",
        "n_group",
        "no_repeat_ngram_size",
        "no_rope_layer_interval",
        "norm_eps",
        "norm_epsilon",
        "norm_topk_prob",
        "num_beam_groups",
        "num_beams",
        "num_experts_per_group",
        "num_labels",
        "num_return_sequences",
        "original_max_position_embeddings",
        "output_hidden_states",
        "output_router_logits",
        "pretraining_tp",
        "quantization_config",
        "query_pre_attn_scalar",
        "resid_pdrop",
        "rms_norm_eps",
        "rope_scaling",
        "rope_theta",
        "rotary_emb_base",
        "routed_scaling_factor",
        "router_aux_loss_coef",
        "router_jitter_noise",
        "scoring_func",
        "seq_aux",
        "summary_first_dropout",
        "summary_proj_to_labels",
        "swiglu_limit",
        "tie_encoder_decoder",
        "topk_group",
        "topk_method",
    }
)
"""Fields with such a name that change neither tensors nor products."""


class Config:
    """The fields of a config, read with every problem gathered."""

    def __init__(self, kind: str, values: Mapping[str, Json]) -> None:
        self.kind = kind
        """Its `model_type`."""
        self.values = values
        self.problems: list[str] = []
        self._read = {"model_type"}

    def number(self, name: str, default: int | None = None) -> int:
        """An integer of at least 1; `default` where the field is missing or null; any other value is a problem."""
        value = self.get(name)
        if value is None and default is not None:
            return default
        if value is None:
            self.problems.append(f"{name}: missing")
        elif not isinstance(value, int) or isinstance(value, bool) or value < 1:
            self.problems.append(f"{name}: expected a whole number of at least 1, got {quoted(value)}")
        else:
            return value
        return 1

    def flag(self, name: str, default: bool) -> bool:
        """True or false; `default` where the field is missing or null; any other value but 0 and 1 is a problem."""
        value = self.get(name)
        if value is None:
            return default
        if value not in (False, True):  # 0 and 1 pass too, as they do in Python
            self.problems.append(f"{name}: expected true or false, got {quoted(value)}")
        return bool(value)

    def must_be_false(self, name: str) -> None:
        """A problem unless the field is missing or false."""
        value = self.get(name, False)
        if value not in (False,):  # 0 passes too, as it does in Python
            self.problems.append(f"{name}: no family has {quoted(value)}, only False")

    def get(self, name: str, default: Json = None) -> Json:
        """The value of a field as it stands, which counts as read."""
        self._read.add(name)
        return self.values.get(name, default)

    def words(self, name: str) -> list[str] | None:
        """A list with a word for each layer; None where the field is missing or null, anything else is a problem."""
        value = self.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            self.problems.append(f"{name}: expected a list of words, got {quoted(value)}")
            return None
        return [str(word) for word in value]

    def refuse_unread(self) -> None:
        """A problem for each field that was not read, may change the count, and does not say that it is off."""
        self.problems += [
            f"{name}: {quoted(value)} may change the count, and no reader knows it"
            for name, value in self.values.items()
            if name not in self._read
            and name not in _NEUTRAL
            and value not in (None, False, 0, [], {})
            and _DECISIVE.search(name)
        ]
