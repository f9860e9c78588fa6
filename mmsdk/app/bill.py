"""The bill before anything is fetched: downloads, licences, minutes, memory and disk, an input at a time and in all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mmsdk.app.encoders import chosen, encoder_names
from mmsdk.app.probing import Probe, Probed, probe_apart
from mmsdk.data import Policy, interactions_table
from mmsdk.embed.models import Model, model_of, read_manifest
from mmsdk.embed.sequences import Layout, Pooling
from mmsdk.embed.spaces import DTYPES, ENTRY_BYTES
from mmsdk.plugins import get_registry

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mmsdk.config import Application
    from mmsdk.specs import EncoderSpec

BATCH = 512 * 2**20  # decoded samples in one batch, and as many waiting for the next


@dataclass(frozen=True, slots=True, kw_only=True)
class InputBill:
    """What one input costs.

    :param encoder: its name, or ``scheme:reference``.
    :param plugin: distribution and version.
    :param licence: of the weights; empty where nobody wrote it.
    :param model: ``scheme:reference`` of the pretrained model behind it, empty where there is none.
    :param revision: the one pinned, or the one that is here; empty where the newest would be fetched.
    :param folder: where the model lies on this machine, ``None`` where it does not.
    :param dim: length of its vectors; ``None`` where only the opened encoder knows.
    :param fetch: bytes to download, about; 0 where nothing is, ``None`` where only the hub knows.
    :param rows: that have the input, ``None`` where no table is named.
    :param timed: how many of them were encoded to learn the time.
    :param seconds: to embed them, ``None`` where that is unknown.
    :param memory: bytes that the encoder takes: measured, else the size of its weights; ``None`` where unknown.
    :param cache: bytes that its vectors take in the cache, ``None`` where unknown.
    :param reason: why the time is unknown.
    :param refused: it cannot be opened, and fetching would not help.
    """

    encoder: str
    plugin: str
    licence: str
    model: str
    revision: str
    folder: Path | None
    dim: int | None
    fetch: int | None
    rows: int | None
    timed: int
    seconds: float | None
    memory: int | None
    cache: int | None
    reason: str
    refused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What all inputs cost; what is unknown of one input is left out of the sums and named in ``unknown``.

    :param device: what was measured on, empty where nothing was.
    :param rows: of the table, ``None`` where none is named.
    :param fetch: bytes to download; a model that several inputs share counts once.
    :param seconds: to embed every row once; what the cache holds already costs nothing.
    :param memory: bytes that a fit takes at most while it embeds, about.
    :param cache: bytes on the disk.
    :param unknown: what the sums leave out: ``{"seconds": ("photo",)}``.
    """

    inputs: Mapping[str, InputBill]
    device: str
    rows: int | None
    fetch: int
    seconds: float
    memory: int
    cache: int
    unknown: Mapping[str, tuple[str, ...]]

    @property
    def refused(self) -> dict[str, str]:
        """Input -> why its encoder cannot be opened, of which nothing has to be fetched: a fit would end so."""
        return {name: one.reason for name, one in self.inputs.items() if one.refused}


def make_bill(
    application: Application,
    *,
    device: str = "auto",
    on_bad_row: Any = "error",
    allow_outside: bool = False,
    allow_remote: bool = False,
) -> Bill:
    """Return what fitting an application would cost; nothing is fetched, and nothing is left on the disk.

    :param application: where it names no table, rows and all that hangs on them are unknown.
    :raises MmsdkError: the table, the preset or a name is refused.
    """
    get_registry().get("preset", application.preset)  # a fit would refuse it
    names = {name: chosen(found) for name, found in encoder_names(application).items()}
    models = {name: model_of(encoder) for name, encoder in names.items()}
    folders = {name: model.folder() if model else None for name, model in models.items()}
    here = [name for name, model in models.items() if _to_fetch(model, folders[name]) == 0]
    policy = Policy(on_bad_row=on_bad_row, allow_outside=allow_outside, allow_remote=allow_remote)
    if application.interactions is not None:
        interactions_table(application.interactions)  # a fit would refuse it
    probed = None if application.data is None else probe_apart(application, here, device=device, policy=policy)
    names = {name: (probed and probed.inputs[name].encoder) or encoder for name, encoder in names.items()}
    inputs = {
        name: _input(application, name, encoder, models[name], folders[name], probed) for name, encoder in names.items()
    }
    return _total(inputs, probed)


def _input(
    application: Application,
    name: str,
    encoder: str,
    model: Model | None,
    folder: Path | None,
    probed: Probed | None,
) -> InputBill:
    """Return the bill of one input."""
    spec, plugin = _declared(encoder)
    behind = model.spec if model is not None and model.spec is not None else spec
    found = probed.inputs[name] if probed is not None else None
    fetch = _to_fetch(model, folder)
    dim = _dim(application, name, behind, found)
    manifest = read_manifest(folder) if folder is not None else {}
    return InputBill(
        encoder=encoder,
        plugin=plugin,
        licence=(behind.licence if behind is not None else "") or manifest.get("licence", ""),
        model=f"{model.scheme}:{model.reference}" if model is not None else "",
        revision=_revision(model, folder, manifest),
        folder=folder,
        dim=dim,
        fetch=fetch,
        rows=found.present if found is not None else None,
        timed=found.timed if found is not None else 0,
        seconds=found.seconds if found is not None else None,
        memory=found.memory if found is not None and found.timed else (behind.size or None) if behind else None,
        cache=_cache(application, dim, found),
        reason=_reason(found, fetch),
        refused=found is not None and found.refused,
    )


def _declared(encoder: str) -> tuple[EncoderSpec | None, str]:
    """Return the spec of a registered name, and the plugin of a name or scheme."""
    registry = get_registry()
    scheme, colon, _ = encoder.partition(":")
    entry = registry.get("loader", scheme) if colon else registry.get("encoder", encoder)
    plugin = f"{entry.plugin.distribution} {entry.plugin.version}"
    return (None if colon else entry.spec), plugin  # type: ignore[return-value]


def _to_fetch(model: Model | None, folder: Path | None) -> int | None:
    """Return the bytes to download; ``None`` of a model that no spec describes."""
    if model is None or folder is not None or model.reference.startswith((".", "/", "~")):  # a path is never fetched
        return 0
    return (model.spec.size or None) if model.spec is not None else None


def _revision(model: Model | None, folder: Path | None, manifest: Mapping[str, Any]) -> str:
    """Return the revision that is here, else the one pinned."""
    if model is None:
        return ""
    if folder is not None and folder.parent.name == "snapshots":  # as the hub's cache names them
        return folder.name
    return str(manifest.get("revision") or model.revision)


def _dim(application: Application, name: str, spec: EncoderSpec | None, found: Probe | None) -> int | None:
    """Return the length of the vectors of a row: as measured, else as declared."""
    if found is not None and found.dim is not None:
        return found.dim
    if spec is None or not spec.dim:
        return None
    entry = application.inputs[name]
    if entry.trainable is not None:
        return Layout(steps=entry.trainable.steps, dim=spec.dim).size
    return Pooling(kind=entry.pool or "mean", dim=spec.dim).size


def _cache(application: Application, dim: int | None, found: Probe | None) -> int | None:
    """Return what the vectors of an input take on the disk; a fitted encoder keeps none."""
    if found is None or not found.cached:
        return None if found is None else 0
    if dim is None:
        return None
    return found.present * (dim * DTYPES[application.precision].itemsize + ENTRY_BYTES)


def _reason(found: Probe | None, fetch: int | None) -> str:
    """Return why the time is unknown."""
    if found is None:
        return "no table is named"
    if found.seconds is not None or not found.present:
        return ""
    return found.reason or ("unknown until fetched" if fetch != 0 else "not tried")


def _total(inputs: Mapping[str, InputBill], probed: Probed | None) -> Bill:
    """Add the bills up."""
    absent = {one.model: one for one in inputs.values() if one.fetch != 0}
    rows = probed.rows if probed is not None else None
    vectors = sum((one.rows or 0) * (one.dim or 0) * 4 for one in inputs.values())
    weights = sum(one.memory or 0 for one in absent.values())
    memory = (probed.memory if probed is not None else 0) + weights + vectors + (BATCH if absent else 0)
    return Bill(
        inputs=inputs,
        device=probed.device if probed is not None else "",
        rows=rows,
        fetch=sum(one.fetch or 0 for one in absent.values()),
        seconds=sum(one.seconds or 0.0 for one in inputs.values()),
        memory=memory,
        cache=sum(one.cache or 0 for one in inputs.values()),
        unknown={what: names for what in ("fetch", "seconds", "memory", "cache") if (names := _unknown(inputs, what))},
    )


def _unknown(inputs: Mapping[str, InputBill], what: str) -> tuple[str, ...]:
    """Return the inputs of which something is unknown; one without rows takes no time."""
    needed = {name: one for name, one in inputs.items() if what == "fetch" or one.rows != 0}
    return tuple(name for name, one in needed.items() if getattr(one, what) is None)
