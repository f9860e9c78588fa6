"""From what a model answers to one vector a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from mmsdk import EncoderError

if TYPE_CHECKING:
    from mmsdk_transformers.network import Network

CLASS_TOKENS = ("cls_token", "class_embedding")


def pooled(answer: Any) -> torch.Tensor:
    """Return what a tower of a joint model answers: its vectors, in whatever they are wrapped."""
    vectors: torch.Tensor = answer if isinstance(answer, torch.Tensor) else answer.pooler_output
    return vectors


def picture_vectors(answer: Any, network: Network, pooling: str, name: str) -> torch.Tensor:
    """Return ``(n, dim)`` of a picture model: tokens ``(n, t, d)`` or a feature map ``(n, d, h, w)``."""
    pooler = getattr(answer, "pooler_output", None)
    if pooling == "pooler" or (pooling == "auto" and network.pooled and pooler is not None):
        return _pooler(pooler, network, name)
    hidden: torch.Tensor = answer.last_hidden_state
    if hidden.ndim == 4:
        if pooling == "cls":
            raise EncoderError(f"{name}: pooling 'cls' needs a class token; the model answers with a feature map")
        return hidden.mean((2, 3))
    if pooling == "cls" or (pooling == "auto" and _has_class_token(network.model)):
        return hidden[:, 0]
    return hidden.mean(1)


def text_vectors(answer: Any, mask: torch.Tensor, network: Network, pooling: str, name: str) -> torch.Tensor:
    """Return ``(n, dim)`` of a text model; the mean leaves padding out."""
    if pooling == "pooler":
        return _pooler(getattr(answer, "pooler_output", None), network, name)
    hidden: torch.Tensor = answer.last_hidden_state.float()
    if pooling == "cls":
        return hidden[:, 0]
    weight = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weight).sum(1) / weight.sum(1).clamp(min=1)


def sound_vectors(answer: Any, mask: torch.Tensor | None, network: Network, pooling: str, name: str) -> torch.Tensor:
    """Return ``(n, dim)`` of a sound model: its pooler's, or the mean of the frames that are no padding.

    :param mask: of what the model was given, at whatever rate; ``None`` where nothing is padding.
    """
    if pooling == "cls" and not _has_class_token(network.model):
        raise EncoderError(f"{name}: pooling 'cls' needs a class token, which the model does not have; use 'mean'")
    has_pooler = getattr(answer, "pooler_output", None) is not None
    if mask is None or pooling in ("cls", "pooler") or (pooling == "auto" and has_pooler):
        return picture_vectors(answer, network, pooling, name)
    frames = _frames(mask, network.model, answer.last_hidden_state.shape[1])
    return text_vectors(answer, frames, network, "mean", name)


def _frames(mask: torch.Tensor, model: Any, count: int) -> torch.Tensor:
    """Return which of the model's frames hold sound ``(n, count)``."""
    if mask.shape[1] == count:
        return mask
    if hasattr(model, "_get_feature_vector_attention_mask"):  # wav2vec 2.0 and its kin
        found: torch.Tensor = model._get_feature_vector_attention_mask(count, mask)
        return found
    return mask[:, :: mask.shape[1] // count][:, :count]


def _pooler(pooler: torch.Tensor | None, network: Network, name: str) -> torch.Tensor:
    """Return the pooler's answer, if there is a trained one."""
    if pooler is None or not network.pooled:
        raise EncoderError(
            f"{name}: pooling 'pooler' needs a trained pooler, which the weights lack; use 'mean' or 'cls'"
        )
    return pooler.flatten(1)


def _has_class_token(model: torch.nn.Module) -> bool:
    """Return whether the first token stands for the whole picture."""
    return any(key.endswith(CLASS_TOKENS) for key, _ in model.named_parameters())
