"""What a plugin does in a fresh process with the network shut: asked once a plugin, read by several checks."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from mmsdk.specs import EncoderSpec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mmsdk.specs import Spec

LIMIT_SECONDS = 600


class Probe:
    """The answers of one fresh process about some targets; the process runs when the first answer is wanted.

    :param specs: whose targets are imported, and whose encoders are run.
    :param roots: modules of entry points, imported first.
    """

    def __init__(self, specs: Iterable[Spec], roots: Iterable[str] = ()) -> None:
        self.specs = tuple(spec for spec in specs if spec.target)
        self.roots = tuple(roots)

    def target(self, target: str) -> dict[str, Any]:
        """Return ``{"error", "network"}`` of importing a target's module."""
        found: dict[str, Any] = self._answer["targets"][target]
        return found

    def root(self, module: str) -> dict[str, Any]:
        """Return ``{"error", "heavy", "network"}`` of importing an entry point's module."""
        found: dict[str, Any] = self._answer["roots"][module]
        return found

    def encoder(self, target: str) -> dict[str, Any]:
        """Return ``{"fingerprint", "values": {modality: rows}}`` of an encoder, or ``{"error"}``."""
        found: dict[str, Any] = self._answer["encoders"][target]
        return found

    @functools.cached_property
    def _answer(self) -> dict[str, Any]:
        """Run the process; another hash seed than ours shows what depends on it."""
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "PYTHONHASHSEED": "77",
            "HF_HUB_OFFLINE": "1",
        }
        done = subprocess.run(
            [sys.executable, "-m", "mmsdk.testing.offline"],
            input=json.dumps(self._request()),
            env=environment,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        if done.returncode:
            raise AssertionError(
                f"a fresh process that imports the plugin ended with {done.returncode}:\n{done.stderr}"
            )
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return answer

    def _request(self) -> dict[str, Any]:
        """Return what the process is asked."""
        encoders = [spec for spec in self.specs if isinstance(spec, EncoderSpec)]
        return {
            "roots": self.roots,
            "targets": sorted({spec.target for spec in self.specs}),
            "encoders": [
                {
                    "target": spec.target,
                    "modalities": spec.modalities,
                    "fitted": spec.fitted,
                    "sequence": spec.output == "sequence",
                }
                for spec in encoders
            ],
        }
