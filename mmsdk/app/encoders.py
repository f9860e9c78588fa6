"""Which encoder serves each input: the one named, else the preset's, else the modality's own offline one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mmsdk.embed import OpenEncoder, open_encoder
from mmsdk.embed.models import SCHEME
from mmsdk.errors import EncoderError
from mmsdk.plugins import get_registry, missing_modules

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mmsdk.config import Application, InputConfig
    from mmsdk.specs import ModalitySpec, PresetSpec


def encoder_names(application: Application) -> dict[str, tuple[str, ...]]:
    """Return input -> encoder names in order of preference; nothing is opened.

    :raises PluginError: an unknown modality or preset.
    :raises EncoderError: nobody offers an encoder for the modality.
    """
    return {
        name: (entry.encoder,) if entry.encoder else tuple(_offered(name, entry.modality, application.preset))
        for name, entry in application.inputs.items()
    }


def open_encoders(application: Application, device: str) -> dict[str, OpenEncoder]:
    """Open the encoder of every input; of several names the first that is installed.

    :raises PluginError: a named encoder is unknown, or an extra it needs is not installed.
    :raises EncoderError: one cannot be opened, or ``pool`` or ``trainable`` is set where it answers no sequence.
    """
    return {
        name: _formed(name, application.inputs[name], _open_first(application, name, names, device))
        for name, names in encoder_names(application).items()
    }


def _formed(name: str, entry: InputConfig, opened: OpenEncoder) -> OpenEncoder:
    """Return an encoder that makes rows of sequences as the input says."""
    if not opened.sequence and (entry.trainable is not None or entry.pool is not None):
        key = "trainable" if entry.trainable is not None else "pool"
        raise EncoderError(
            f"inputs.{name}.{key} is about sequences, and encoder {opened.name!r} (plugin {opened.origin}) answers one "
            f"vector; leave {key} out, or choose one that answers sequences (`mmsdk plugins list --kind encoder`)"
        )
    if entry.within is not None and entry.trainable is not None:
        raise EncoderError(
            f"inputs.{name}: within is about one vector a row, and a trainable reads sequences; leave one of them out"
        )
    steps = None if entry.trainable is None else entry.trainable.steps
    return replace(opened, pool=entry.pool or "mean", steps=steps)


def _offered(name: str, modality: str, preset_name: str) -> Iterator[str]:
    """Yield what the preset and the modality itself offer."""
    registry = get_registry()
    preset: PresetSpec = registry.get("preset", preset_name).spec  # type: ignore[assignment]
    found = registry.get("modality", modality)
    spec: ModalitySpec = found.spec  # type: ignore[assignment]
    own = [registry.preferred("encoder", spec.default_encoder, found.plugin.name)] if spec.default_encoder else []
    offered = (*preset.encoders.get(spec.name, ()), *own)
    if not offered:
        raise EncoderError(
            f"inputs.{name}: preset {preset.name!r} has no encoder for modality {modality!r}; name one with "
            f"--set inputs.{name}.encoder=NAME (see `mmsdk plugins list --kind encoder`)"
        )
    yield from dict.fromkeys(offered)


def chosen(names: tuple[str, ...]) -> str:
    """Return the first of several encoders that is installed with all it needs; the last where none is.

    One that is installed and cannot be opened is not passed over: a model that cannot be fetched is an error, and no
    reason to embed with another one in silence.
    """
    return next((name for name in names if _installed(name)), names[-1])


def _installed(name: str) -> bool:
    """Return whether an encoder, or its scheme, is declared and the modules it requires are there."""
    registry = get_registry()
    scheme = SCHEME.fullmatch(name)
    if scheme is not None:
        return any(entry.spec.name == scheme[1] for entry in registry.entries("loader"))
    entries = [entry for entry in registry.entries("encoder") if name in (entry.spec.name, entry.name)]
    return any(not missing_modules(entry.spec) for entry in entries)


def _open_first(application: Application, name: str, names: tuple[str, ...], device: str) -> OpenEncoder:
    """Open the first encoder that is installed."""
    entry = application.inputs[name]
    return open_encoder(
        chosen(names),
        entry.modality,
        options=entry.options,
        device=device,
        trust_remote_code=application.trust_remote_code,
    )


def fingerprints(encoders: Mapping[str, OpenEncoder]) -> dict[str, str]:
    """Return input -> fingerprint of its encoder."""
    return {name: encoder.fingerprint for name, encoder in encoders.items()}
