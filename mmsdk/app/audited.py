"""What an audit log says of each answer: the model, what went in (as hashes), what came out, which rules held."""

from __future__ import annotations

import hashlib
import json
import math
from typing import TYPE_CHECKING, Any

from mmsdk.protocols import Media

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from mmsdk.app.application import App
    from mmsdk.app.prediction import Prediction
    from mmsdk.data import Samples
    from mmsdk.journal import Journal
    from mmsdk.protocols import Output

RUN = "run.json"


def write_audit(
    app: App, samples: Samples, answers: Sequence[Prediction], fired: Mapping[str, np.ndarray], journal: Journal
) -> str:
    """Add a line for each answer, on the disk when this returns; return the head of the log.

    :param fired: rule -> bool ``(n,)``.
    """
    run = hashlib.sha256((app.folder / RUN).read_bytes()).hexdigest()
    return journal.append(
        [
            {
                "id": samples.ids[row],
                "model": app.document["fingerprint"],
                "run": run,
                "inputs": {name: _hash(one.cells[row], journal) for name, one in samples.inputs.items()},
                "answers": {task: told(output) for task, output in answer.outputs.items()},
                "fired": sorted(name for name, rows in fired.items() if rows[row]),
            }
            for row, answer in enumerate(answers)
        ]
    )


def told(output: Output) -> dict[str, Any]:
    """Return an answer as JSON values; an infinite end of an interval is null."""
    return {
        "value": list(output.value) if isinstance(output.value, tuple) else output.value,
        "abstained": output.abstained,
        "confidence": output.confidence,
        "probabilities": dict(output.probabilities),
        "set": [None if isinstance(one, float) and not math.isfinite(one) else one for one in output.prediction_set],
        "rules": list(output.rules),
        "unjudged": list(output.unjudged),
        "novelty": output.novelty,
    }


def _hash(cell: Any, journal: Journal) -> str | None:
    """Return the hash of an input as it came through the door: a file's bytes, or its cells as JSON."""
    if cell is None:
        return None
    if isinstance(cell, Media):
        with cell.open() as stream:
            return journal.hashed(stream.read())
    return journal.hashed(json.dumps(cell, ensure_ascii=False, default=str).encode())
