"""How many members the fused vector has room for: one of few values, normalised by itself, says next to nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmsdk.app.joint import is_joint
from mmsdk.errors import ConfigError
from mmsdk.model import member_width
from mmsdk.progress import note

if TYPE_CHECKING:
    from mmsdk.config import Application

ROOM = 8  # values a member needs: of 16, four members of 4 were right in .84 of six classes' rows, two of 8 in .94


def with_room(application: Application, *, quiet: bool) -> Application:
    """Return the application with no more members than have eight values each, or with one; a note tells of it.

    :raises ConfigError: the fused vector is a single value, which normalising makes 0.
    """
    fusion = application.fusion
    if is_joint(application) or member_width(fusion) >= ROOM:
        return application
    if fusion.dim == 1:
        raise ConfigError(
            f"fusion.dim is 1: a vector of one value, normalised, is 0 in every row; give it {ROOM} or more"
        )
    now = fusion.dim // member_width(fusion)
    count = max((one for one in range(2, now) if fusion.dim % one == 0 and fusion.dim >= one * ROOM), default=1)
    if now == 1:
        return application
    note(f"fusion.members: {count} of {fusion.dim // count} values, since a member needs {ROOM} to learn by", quiet)
    return application.model_copy(update={"fusion": fusion.model_copy(update={"members": count})})
