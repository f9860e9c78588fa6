"""``fusion: joint``: the inputs' encoders must share one space, and a query may come in any modality they know."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, cast

from mmsdk.config import InputConfig
from mmsdk.embed import open_encoder
from mmsdk.errors import ConfigError, MmsdkError
from mmsdk.plugins import get_registry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmsdk.config import Application
    from mmsdk.embed import OpenEncoder
    from mmsdk.specs import AlignerSpec, FusionSpec


def is_joint(application: Application) -> bool:
    """Return whether the fusion works in the encoders' own space."""
    if application.fusion.type == "auto":
        return False  # the short list has none of that kind
    return cast("FusionSpec", get_registry().get("fusion", application.fusion.type).spec).joint


def in_joint_space(application: Application, encoders: Mapping[str, OpenEncoder]) -> Application:
    """Return the application with the width of the space its encoders share.

    :raises ConfigError: they share none.
    """
    if not is_joint(application):
        return application
    if gives_one_space(application):
        return _of_width(application, application.fusion.dim)  # until the space is learned
    spaces = {name: space_of(one) for name, one in encoders.items()}
    if None in spaces.values() or len(set(spaces.values())) > 1:
        listed = ", ".join(f"{name} by {encoders[name].name}" for name in spaces)
        raise ConfigError(
            f"fusion.type: {application.fusion.type} needs inputs whose encoders share one space, such as CLIP or "
            f"SigLIP for all; here: {listed}. Give each input the same joint encoder, bring all into one space "
            "(align: cca), or choose another fusion"
        )
    dim = next(iter(encoders.values())).dim
    return _of_width(application, dim)


def gives_one_space(application: Application) -> bool:
    """Return whether all inputs are aligned, by an aligner that learns from pairs: one space, whatever the encoders."""
    align = application.align
    if align is None or not set(application.inputs) <= set(aligned_inputs(application)):
        return False
    return cast("AlignerSpec", get_registry().get("aligner", align.type).spec).paired


def aligned_inputs(application: Application) -> list[str]:
    """Return the inputs that the application aligns: those it names, else all that have one vector a row."""
    align = application.align
    if align is None:
        return []
    return align.inputs or [name for name, one in application.inputs.items() if one.trainable is None]


def as_wide_as_aligned(application: Application, dims: Mapping[str, int]) -> Application:
    """Return the application with the width of the space that its inputs were brought into.

    :raises ConfigError: their vectors came out of different lengths, so there is no one space.
    """
    if not is_joint(application) or application.align is None:
        return application
    if len(set(dims.values())) > 1:
        listed = ", ".join(f"{name} {dim}" for name, dim in dims.items())
        raise ConfigError(
            f"fusion.type: {application.fusion.type} needs vectors of one length, and align: {application.align.type} "
            f"made: {listed}. Choose an aligner that brings all into one space, or another fusion"
        )
    return _of_width(application, next(iter(dims.values())))


def _of_width(application: Application, dim: int) -> Application:
    """Return the application with a fused vector of this length, in one part."""
    return application.model_copy(update={"fusion": application.fusion.model_copy(update={"dim": dim, "members": 1})})


def space_of(opened: OpenEncoder) -> str | None:
    """Return what names the space an encoder shares with others, ``None`` where it shares none."""
    space: Any = getattr(opened.encoder, "space", None)
    return space() if callable(space) and opened.form is None else None


def query_encoders(
    application: Application, encoders: Mapping[str, OpenEncoder], device: str
) -> dict[str, OpenEncoder]:
    """Return, by modality, encoders of the same space for what no input holds, so that one may search by it."""
    if not is_joint(application) or application.align is not None:  # what has no map is not in the space
        return {}
    first = next(iter(encoders.values()))
    known = {one.modality for one in encoders.values()} | set(encoders)
    found = {}
    for entry in get_registry().entries("modality"):
        if entry.spec.name in known:
            continue
        with contextlib.suppress(MmsdkError):
            opened = open_encoder(
                first.name, entry.spec.name, device=device, trust_remote_code=application.trust_remote_code
            )
            if space_of(opened) == space_of(first) and opened.dim == first.dim:
                found[entry.spec.name] = opened
    return found


def with_queries(application: Application, queries: Mapping[str, OpenEncoder]) -> Application:
    """Return the application with an input for each query modality, named as the modality."""
    asked = {name: InputConfig(column=name, modality=name, encoder=one.name) for name, one in queries.items()}
    return application.model_copy(update={"inputs": {**application.inputs, **asked}})
