"""The hooks of mmsdk. Every hook takes nothing and yields frozen specs; nothing heavy is imported by yielding one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mmsdk.specs import (
        AlignerSpec,
        CommandSpec,
        EncoderSpec,
        FusionSpec,
        HealthCheckSpec,
        IndexSpec,
        LoaderSpec,
        ModalitySpec,
        PresetSpec,
        RecipeSpec,
        TaskSpec,
        TrainableSpec,
    )

PROJECT = "mmsdk"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def mmsdk_modalities() -> Iterable[ModalitySpec]:  # type: ignore[empty-body]
    """Declare kinds of input.

    Example::

        from mmsdk import ModalitySpec, hookimpl


        @hookimpl
        def mmsdk_modalities():
            yield ModalitySpec(
                name="colour",
                target="mmsdk_colour:Colour",
                sample="float32 (3,), each 0..1",
                cells="a hex colour such as #ff8800",
            )
    """


@hookspec
def mmsdk_encoders() -> Iterable[EncoderSpec]:  # type: ignore[empty-body]
    """Declare frozen encoders.

    Example::

        from mmsdk import EncoderSpec, hookimpl


        @hookimpl
        def mmsdk_encoders():
            yield EncoderSpec(name="tone", modalities=("audio",), dim=64, target="mmsdk_tone.encoder:ToneEncoder")
    """


@hookspec
def mmsdk_encoder_loaders() -> Iterable[LoaderSpec]:  # type: ignore[empty-body]
    """Declare schemes that open any model of a family by reference.

    Example::

        from mmsdk import LoaderSpec, hookimpl


        @hookimpl
        def mmsdk_encoder_loaders():
            yield LoaderSpec(
                name="onnx",
                modalities=("image", "audio"),
                target="mmsdk_onnx.loader:load",
                example="onnx:models/net.onnx#embeddings",
            )
    """


@hookspec
def mmsdk_presets() -> Iterable[PresetSpec]:  # type: ignore[empty-body]
    """Declare named choices of encoders; presets of one name from several plugins are merged by modality.

    Example::

        from mmsdk import PresetSpec, hookimpl


        @hookimpl
        def mmsdk_presets():
            yield PresetSpec(name="builtin", encoders={"text": ("minilm", "ngrams")})
    """


@hookspec
def mmsdk_trainables() -> Iterable[TrainableSpec]:  # type: ignore[empty-body]
    """Declare trainable encoders of sequences.

    Example::

        from mmsdk import TrainableSpec, hookimpl


        @hookimpl
        def mmsdk_trainables():
            yield TrainableSpec(name="gru", target="mmsdk_gru:Gru", summary="a recurrent network, both ways")
    """


@hookspec
def mmsdk_aligners() -> Iterable[AlignerSpec]:  # type: ignore[empty-body]
    """Declare aligners: the vectors of several inputs into one space, between embedding and fusion.

    Example::

        from mmsdk import AlignerSpec, hookimpl


        @hookimpl
        def mmsdk_aligners():
            yield AlignerSpec(name="pls", target="mmsdk_pls:PlsAligner", summary="partial least squares")
    """


@hookspec
def mmsdk_fusions() -> Iterable[FusionSpec]:  # type: ignore[empty-body]
    """Declare fusions: many input vectors to one.

    Example::

        from mmsdk import FusionSpec, hookimpl


        @hookimpl
        def mmsdk_fusions():
            yield FusionSpec(name="mean", target="mmsdk_mean:MeanFusion", summary="the mean of what is present")
    """


@hookspec
def mmsdk_tasks() -> Iterable[TaskSpec]:  # type: ignore[empty-body]
    """Declare task types.

    Example::

        from mmsdk import TaskSpec, hookimpl


        @hookimpl
        def mmsdk_tasks():
            yield TaskSpec(name="ordinal", target="mmsdk_ordinal:Ordinal", summary="ordered classes")
    """


@hookspec
def mmsdk_indexes() -> Iterable[IndexSpec]:  # type: ignore[empty-body]
    """Declare vector index types.

    Example::

        from mmsdk import IndexSpec, hookimpl


        @hookimpl
        def mmsdk_indexes():
            yield IndexSpec(name="annoy", target="mmsdk_annoy:AnnoyIndex", removable=False)
    """


@hookspec
def mmsdk_recipes() -> Iterable[RecipeSpec]:  # type: ignore[empty-body]
    """Declare recipes, run as ``mmsdk recipe NAME``.

    Example::

        from mmsdk import RecipeSpec, hookimpl


        @hookimpl
        def mmsdk_recipes():
            yield RecipeSpec(
                name="recommend",
                target="mmsdk_recipe_recommend.recipe:Recommend",
                takes="items (photo, text, price ...) and who took which",
            )
    """


@hookspec
def mmsdk_commands() -> Iterable[CommandSpec]:  # type: ignore[empty-body]
    """Declare subcommands of ``mmsdk``; the core's own are declared here too.

    Example::

        from mmsdk import CommandSpec, hookimpl


        @hookimpl
        def mmsdk_commands():
            yield CommandSpec(name="label", target="mmsdk_label.cli:label", summary="Open the labelling page.")
    """


@hookspec
def mmsdk_health_checks() -> Iterable[HealthCheckSpec]:  # type: ignore[empty-body]
    """Declare checks that ``mmsdk doctor`` runs.

    Example::

        from mmsdk import HealthCheckSpec, hookimpl


        @hookimpl
        def mmsdk_health_checks():
            yield HealthCheckSpec(name="openmp", target="mmsdk_omp:check", summary="one OpenMP runtime, not two")
    """
