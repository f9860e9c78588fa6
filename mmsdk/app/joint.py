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
    from mmsdk.specs import FusionSpec


def is_joint(application: Application) -> bool:
    """Return whether the fusion works in the encoders' own space."""
    return cast("FusionSpec", get_registry().get("fusion", application.fusion.type).spec).joint


def in_joint_space(application: Application, encoders: Mapping[str, OpenEncoder]) -> Application:
    """Return the application with the width of the space its encoders share.

    :raises ConfigError: they share none.
    """
    if not is_joint(application):
        return application
    spaces = {name: space_of(one) for name, one in encoders.items()}
    if None in spaces.values() or len(set(spaces.values())) > 1:
        listed = ", ".join(f"{name} by {encoders[name].name}" for name in spaces)
        raise ConfigError(
            f"fusion.type: {application.fusion.type} needs inputs whose encoders share one space, such as CLIP or "
            f"SigLIP for all; here: {listed}. Give each input the same joint encoder, or choose another fusion"
        )
    dim = next(iter(encoders.values())).dim
    return application.model_copy(update={"fusion": application.fusion.model_copy(update={"dim": dim, "members": 1})})


def space_of(opened: OpenEncoder) -> str | None:
    """Return what names the space an encoder shares with others, ``None`` where it shares none."""
    space: Any = getattr(opened.encoder, "space", None)
    return space() if callable(space) and opened.form is None else None


def query_encoders(
    application: Application, encoders: Mapping[str, OpenEncoder], device: str
) -> dict[str, OpenEncoder]:
    """Return, by modality, encoders of the same space for what no input holds, so that one may search by it."""
    if not is_joint(application):
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
