"""Run in a process of its own: import targets with the network shut, and say what they did; JSON in, JSON out.

stdin: ``{"roots": [modules of entry points], "targets": [...], "encoders": [{target, modalities, fitted}]}``.
"""

from __future__ import annotations

import importlib
import json
import socket
import sys
from typing import Any, NoReturn

HEAVY = ("torch", "numpy", "faiss", "pydantic", "transformers", "sklearn", "pandas", "scipy", "PIL", "onnxruntime")


def shut_network(attempts: list[str]) -> None:
    """Make every connection and look-up fail, and write down who was asked for."""

    def refuse(*arguments: Any, **_: Any) -> NoReturn:
        attempts.append(repr(next((a for a in arguments if not isinstance(a, socket.socket)), "?")))
        raise OSError("the network is shut while mmsdk checks a plugin")

    for name in ("connect", "connect_ex", "sendto"):
        setattr(socket.socket, name, refuse)
    for name in ("getaddrinfo", "gethostbyname", "create_connection"):
        setattr(socket, name, refuse)


def probe(request: dict[str, Any]) -> dict[str, Any]:
    """Import the roots, then the targets, then open and run the encoders."""
    attempts: list[str] = []
    shut_network(attempts)
    answer: dict[str, Any] = {"roots": {}, "targets": {}, "encoders": {}}
    for root in request["roots"]:
        before = set(sys.modules)
        error = _import(root)
        heavy = sorted(name for name in HEAVY if name in sys.modules and name not in before)
        answer["roots"][root] = {"error": error, "heavy": heavy, "network": _drain(attempts)}
    modules: dict[str, Any] = {}
    for target in request["targets"]:
        module = target.partition(":")[0]
        if module not in modules:
            modules[module] = {"error": _import(module), "network": _drain(attempts)}
        answer["targets"][target] = modules[module]
    for encoder in request["encoders"]:
        answer["encoders"][encoder["target"]] = _run_encoder(encoder)
    return answer


def _import(module: str) -> str:
    """Import a module; return what it raised, empty when nothing."""
    try:
        importlib.import_module(module)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def _drain(attempts: list[str]) -> list[str]:
    """Return the attempts since the last time."""
    found = attempts[:]
    attempts.clear()
    return found


def _run_encoder(request: dict[str, Any]) -> dict[str, Any]:
    """Open an encoder and return its fingerprint and what it answers to the samples, as nested lists."""
    from mmsdk.plugins import resolve
    from mmsdk.testing.samples import samples

    try:
        answer: dict[str, Any] = {"values": {}}
        for modality in request["modalities"]:
            encoder = resolve(request["target"])()
            batch = samples(modality)
            if request["fitted"]:
                encoder.fit(batch, modality)
            values = encoder.encode(batch, modality)
            answer["values"][modality] = [
                (getattr(row, "values", row) if request["sequence"] else row).tolist() for row in values
            ]
            answer["fingerprint"] = encoder.fingerprint() if hasattr(encoder, "fingerprint") else None
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
    return answer


if __name__ == "__main__":
    result = probe(json.load(sys.stdin))
    sys.stdout.write("\n" + json.dumps(result) + "\n")
