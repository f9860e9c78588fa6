"""Encoders that a preset offers and that cannot read the cells: a model of English, where the words are Chinese."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmsdk.app.encoders import encoder_names, open_encoders
from mmsdk.embed import open_modality
from mmsdk.progress import note

if TYPE_CHECKING:
    from mmsdk.app.pipeline import Pipeline
    from mmsdk.config import Application
    from mmsdk.data import Samples
    from mmsdk.data.samples import InputColumn
    from mmsdk.embed import OpenEncoder

ASKED = 64  # cells, spread evenly
ENOUGH = 0.5  # the share of what the cells hold that an encoder has to know


def suit_encoders(pipeline: Pipeline, samples: Samples) -> None:
    """Put the next encoder of the preset in the place of one that knows little of the cells, and say so.

    One that the user named stays, and it is said what it does not know. Asked are encoders with the optional method
    ``knows``.
    """
    encoders = dict(pipeline.encoders)
    for name, column in samples.inputs.items():
        taken, told = suited(pipeline.application, name, column, encoders[name], pipeline.device)
        encoders[name] = taken
        if told:
            note(told, pipeline.quiet)
    pipeline.encoders = encoders


def suited(
    application: Application, name: str, column: InputColumn, opened: OpenEncoder, device: str
) -> tuple[OpenEncoder, str]:
    """Return the encoder of an input, and what to say of it; nothing where it knows its cells."""
    share = known_share(opened, column)
    if share >= ENOUGH:
        return opened, ""
    told = f"{name}: {opened.name} knows {share:.0%} of what the cells hold"
    names = encoder_names(application)[name]
    later = names[names.index(opened.name) + 1 :] if opened.name in names else ()
    for other in later:
        entry = application.inputs[name].model_copy(update={"encoder": other, "options": {}})
        found = open_encoders(application.model_copy(update={"inputs": {name: entry}}), device)[name]
        if known_share(found, column) >= ENOUGH:
            return found, f"{told}; {other} is taken instead ({_better(name)})"
    return opened, f"warning: {told}: take another ({_better(name)})"


def known_share(opened: OpenEncoder, column: InputColumn) -> float:
    """Return the share of what some cells hold that an encoder knows; 1 where it does not say."""
    knows = getattr(opened.encoder, "knows", None)
    present = np.flatnonzero(column.present)
    if not callable(knows) or not len(present):
        return 1.0
    rows = present[np.unique(np.linspace(0, len(present) - 1, ASKED).astype(np.int64))]
    modality = open_modality(column.modality, column.decode)
    decoded = [sample for row in rows if (sample := modality.sample(column.cells, int(row))) is not None]
    return float(knows(decoded, opened.modality)) if decoded else 1.0


def _better(name: str) -> str:
    """Return where encoders that know more are found."""
    return f"--preset multilingual, or --set inputs.{name}.encoder=NAME; see mmsdk encoders list"
