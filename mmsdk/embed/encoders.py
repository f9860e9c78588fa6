"""Opening an encoder by the name a user gave it, once, however many inputs and modalities share it."""

from __future__ import annotations

import hashlib
import inspect
import json
import re
import threading
import weakref
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mmsdk.embed.dims import dim_of
from mmsdk.embed.models import SCHEME, nearest
from mmsdk.embed.sequences import Layout, Pooling
from mmsdk.errors import EncoderError, MmsdkError, did_you_mean
from mmsdk.files import hash_file
from mmsdk.plugins import get_registry, strict
from mmsdk.specs import EncoderSpec, LoaderSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mmsdk.data.cells import Cells
    from mmsdk.embed.sequences import Form
    from mmsdk.plugins import Entry
    from mmsdk.specs import ModalitySpec


@dataclass(eq=False, slots=True, weakref_slot=True)
class _Opened:
    """An encoder that is open, shared by all who ask for the same name, options and device."""

    encoder: Any
    fingerprint: str
    origin: str
    lock: threading.RLock = field(default_factory=threading.RLock)
    dim: int | None = None  # of a frozen one, once it is checked


@dataclass(slots=True, kw_only=True)
class OpenEncoder:
    """An encoder, ready for one modality.

    :param name: as the user wrote it.
    :param modality: what it is to encode here.
    :param origin: the plugin behind it, for messages: ``tone (mmsdk-tone 0.1.0)``.
    :param encoder: the component itself (:class:`mmsdk.protocols.Encoder`).
    :param fingerprint: what an index or a run made with it must find again.
    :param fitted: it learns from the training rows, is saved with the run and never cached.
    :param ready: it needs no fitting, or has been fitted or restored.
    :param sequence: it answers a :class:`mmsdk.Sequence` a sample, not a vector.
    :param pool: how a sequence becomes one vector.
    :param steps: instead, how many steps of it are kept, packed into a row.
    :param most: samples of a batch that fit the device, once a larger one did not.
    :param lock: held while it encodes: tokenizers and sessions are not always safe for threads.
    """

    name: str
    modality: str
    origin: str
    encoder: Any
    fingerprint: str
    fitted: bool
    ready: bool
    sequence: bool = False
    pool: str = "mean"
    steps: int | None = None
    most: int | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)
    _opened: _Opened | None = None  # kept alive as long as this is

    @property
    def dim(self) -> int:
        """Length of its vectors, of a sequence's whole row; of a fitted encoder, known once it is ready."""
        return self.step_dim if self.form is None else self.form.size

    @property
    def form(self) -> Form | None:
        """How a sequence becomes a row; ``None`` where the encoder answers vectors."""
        if not self.sequence:
            return None
        if self.steps is not None:
            return Layout(steps=self.steps, dim=self.step_dim)
        return Pooling(kind=self.pool, dim=self.step_dim)

    @property
    def step_dim(self) -> int:
        """Length of a vector that the encoder answers, for a sample or for a step."""
        known = self._opened.dim if self._opened is not None else None
        return int(self.encoder.dim) if known is None else known

    def state(self) -> Mapping[str, Any] | None:
        """Return what a fitted encoder learned (JSON), ``None`` of a frozen one."""
        return cast("Mapping[str, Any]", self.encoder.state()) if self.fitted else None

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Restore a fitted encoder; afterwards nothing is fitted again."""
        self.encoder.load_state(state)
        self.ready = True


_shared: weakref.WeakValueDictionary[str, _Opened] = weakref.WeakValueDictionary()
_shared_lock = threading.RLock()


def open_encoder(
    name_or_reference: str,
    modality: str,
    *,
    options: Mapping[str, Any] | None = None,
    device: str = "cpu",
    trust_remote_code: bool = False,
) -> OpenEncoder:
    """Open an encoder for one modality.

    The same name, options and device give the same object as long as somebody holds it, so that a joint encoder
    (CLIP) is in memory once; a fitted one is always new.

    :param name_or_reference: a registered name (``minilm``, ``mmsdk-text/minilm``) or ``scheme:reference``.
    :param options: keyword arguments of the encoder's class or of the scheme's loader.
    :param device: ``"cpu"``, ``"cuda"``, ``"cuda:1"``; handed to ``to`` (or to the loader) where there is one.
    :param trust_remote_code: handed to loaders of schemes; nothing else looks at it.
    :raises PluginError: nobody declares the name or the scheme, or its target cannot be imported.
    :raises EncoderError: it does not encode the modality, refuses its options, or cannot be opened.
    """
    options, modality = dict(options or {}), modality.rpartition("/")[2]  # encoders know it without its plugin
    scheme = SCHEME.fullmatch(name_or_reference)
    entry = get_registry().get("loader", scheme[1]) if scheme else get_registry().get("encoder", name_or_reference)
    _check_modality(entry, name_or_reference, modality)
    spec = entry.spec
    model = nearest(name_or_reference)
    if model != name_or_reference:  # a name for a model that a scheme opens, or a folder of pulled models
        options = {**spec.options, **options} if isinstance(spec, EncoderSpec) else options
        named = open_encoder(model, modality, options=options, device=device, trust_remote_code=trust_remote_code)
        return replace(named, name=name_or_reference)
    reference = scheme[2] if scheme else None
    arguments = {"modality": modality, "device": device, "trust_remote_code": trust_remote_code} if scheme else {}
    fitted = isinstance(spec, EncoderSpec) and spec.fitted
    opened = _open(entry, reference, arguments, options, device, share=not fitted)
    if not fitted:
        _check_dim(opened, name_or_reference)
    return OpenEncoder(
        name=name_or_reference,
        modality=modality,
        origin=opened.origin,
        encoder=opened.encoder,
        fingerprint=opened.fingerprint,
        fitted=fitted,
        ready=not fitted,
        sequence=getattr(opened.encoder, "output", getattr(spec, "output", "vector")) == "sequence",
        lock=opened.lock,
        _opened=opened,
    )


def _open(
    entry: Entry,
    reference: str | None,
    arguments: Mapping[str, Any],
    options: Mapping[str, Any],
    device: str,
    *,
    share: bool,
) -> _Opened:
    """Return the open encoder, from those already open where it may be shared."""
    key = spelled([entry.plugin.distribution, entry.name, reference, arguments, options, device])
    with _shared_lock:
        opened = _shared.get(key) if share else None
        if opened is None:
            encoder = _construct(entry, reference, arguments, options, device)
            try:
                fingerprint = _fingerprint(entry, reference, options, encoder)
            except (OSError, ValueError, TypeError, AttributeError, RuntimeError) as error:
                raise EncoderError(
                    f"encoder {entry.spec.name!r} (plugin {entry.plugin.origin}) has no fingerprint: "
                    f"{type(error).__name__}: {error}"
                ) from error
            opened = _Opened(encoder, fingerprint, entry.plugin.origin)
            if share:
                _shared[key] = opened
        return opened


def _construct(
    entry: Entry, reference: str | None, arguments: Mapping[str, Any], options: Mapping[str, Any], device: str
) -> Any:
    """Call the target; everything it raises names the encoder and its plugin."""
    target = entry.load()
    what = f"encoder {entry.spec.name!r}" if reference is None else f"encoder '{entry.spec.name}:{reference}'"
    what = f"{what} (plugin {entry.plugin.origin})"
    _check_options(target, options, what, set(arguments))
    try:
        encoder = target(**options) if reference is None else target(reference, **arguments, **options)
        if reference is None and callable(move := getattr(encoder, "to", None)):
            move(device)
    except MmsdkError:
        raise
    except Exception as error:
        if strict():
            raise
        with_options = f" with options {dict(options)}" if options else ""
        raise EncoderError(
            f"{what} cannot be opened{with_options} on {device}: {type(error).__name__}: {error}"
        ) from error
    return encoder


def _check_options(
    target: Any, options: Mapping[str, Any], what: str, taken: set[str], *, key: str = "options"
) -> None:
    """Refuse options the target has no parameter for, with the nearest one.

    :raises EncoderError: an option is not one of its parameters.
    """
    try:
        parameters = inspect.signature(target).parameters.values()
    except (TypeError, ValueError):  # a class written in C
        return
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return
    known = {
        parameter.name
        for parameter in parameters
        if parameter.kind in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    }
    for option in options.keys() - (known - taken):
        listed = ", ".join(sorted(known - taken)) or "none"
        raise EncoderError(f"{what}: {key}: no option named {option!r}.{did_you_mean(option, known)} Known: {listed}")


def _check_modality(entry: Entry, name: str, modality: str) -> None:
    """Refuse an encoder for what it does not encode.

    :raises PluginError: there is no such modality.
    :raises EncoderError: the modality is not among its own.
    """
    spec = cast("EncoderSpec | LoaderSpec", entry.spec)
    if modality not in spec.modalities:
        others = _encoders_for(modality)
        if not others:
            get_registry().get("modality", modality)  # a word that nobody knows is rather misspelled than unserved
        raise EncoderError(
            f"encoder {name!r} (plugin {entry.plugin.origin}) encodes {', '.join(spec.modalities)}, not {modality}. "
            f"For {modality} there are: {others or 'none'}"
        )


def _encoders_for(modality: str) -> str:
    """Return the encoders and schemes installed for a modality; empty where there is none."""
    entries = (*get_registry().entries("encoder"), *get_registry().entries("loader"))
    specs = [cast("EncoderSpec | LoaderSpec", entry.spec) for entry in entries]
    fitting = [spec for spec in specs if modality in spec.modalities]
    return ", ".join(f"{spec.name}:..." if isinstance(spec, LoaderSpec) else spec.name for spec in fitting)


def _check_dim(opened: _Opened, name: str) -> None:
    """Refuse an encoder that does not say how long its vectors are.

    :raises EncoderError: ``dim`` is no positive number.
    """
    if opened.dim is not None:
        return
    dim = dim_of(opened.encoder, opened.fingerprint)
    if not isinstance(dim, int) or isinstance(dim, bool) or dim < 1:
        raise EncoderError(
            f"encoder {name!r} (plugin {opened.origin}): dim must be a positive int once it is open, not {dim!r}"
        )
    opened.dim = dim


def _fingerprint(entry: Entry, reference: str | None, options: Mapping[str, Any], encoder: Any) -> str:
    """Return 32 hex digits: plugin, target, options, and its own ``fingerprint()`` or else its version and files."""
    parts: list[Any] = [entry.plugin.distribution, entry.spec.target, options]
    own = getattr(encoder, "fingerprint", None)
    if callable(own):
        parts += ["own", str(own())]
    else:
        parts += [entry.plugin.version, reference, _files_of(reference)]
    return digest(parts)


def _files_of(reference: str | None) -> list[tuple[str, str]]:
    """Return the hashes of the files a reference names, so that new weights under an old name are seen."""
    path = Path(re.split("[#@]", reference)[0]) if reference else None
    if path is None or not path.exists():
        return []
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    return [(file.name, hash_file(file)) for file in files]


def digest(parts: Any) -> str:
    """Return 32 hex digits for JSON-like values."""
    return hashlib.blake2b(spelled(parts).encode(), digest_size=16).hexdigest()


def spelled(value: Any) -> str:
    """Return the one JSON spelling of options: keys in order."""
    return json.dumps(value, sort_keys=True, default=repr)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenModality:
    """What decodes the cells of an input.

    :param component: the modality itself.
    :param decode: cell -> sample.
    :param identity: plugin, version, target, options and its own ``fingerprint()``: where one differs, vectors do.
    :param origin: the plugin behind it, for messages.
    :param fingerprint: its own, empty where it has none: what a run must find again, whatever the version is by then.
    :param media: cells are files.
    """

    component: Any
    decode: Callable[[Any], Any]
    identity: str
    origin: str
    fingerprint: str
    media: bool

    def sample(self, cells: Cells, row: int) -> Any:
        """Return the decoded sample of a row; ``None`` where it has none, its file is gone, or it cannot be decoded.

        For looking at a few rows: what is wrong with a cell is told where all of them are embedded.
        """
        try:
            cell = cells[row]
            return None if cell is None else self.decode(cell)
        except ValueError:
            return None


def open_modality(name: str, options: Mapping[str, Any] | None = None) -> OpenModality:
    """Open a modality.

    :param options: the ``decode`` options of the input.
    :raises PluginError: nobody declares it, or it cannot be imported.
    :raises EncoderError: it cannot be constructed, or does not take the options.
    """
    entry = get_registry().get("modality", name)
    target = entry.load()
    options = dict(options or {})
    what = f"modality {name!r} (plugin {entry.plugin.origin})"
    _check_options(target, options, what, set(), key="decode")
    parts = [entry.plugin.distribution, entry.plugin.version, entry.spec.target, *([options] * bool(options))]
    try:
        component = target(**options)
        own = getattr(component, "fingerprint", None)
        told = str(own()) if callable(own) else ""
        return OpenModality(
            component=component,
            decode=component.decode,
            identity=spelled([*parts, *([told] * bool(told))]),
            origin=entry.plugin.origin,
            fingerprint=told,
            media=cast("ModalitySpec", entry.spec).media,
        )
    except MmsdkError:
        raise
    except Exception as error:
        if strict():
            raise
        with_options = f" with decode {options}" if options else ""
        raise EncoderError(f"{what} cannot be opened{with_options}: {type(error).__name__}: {error}") from error
