"""A plugin with one modality that is known (text) and one that is not (colour)."""

from mmsdk import EncoderSpec, LoaderSpec, ModalitySpec, PresetSpec, hookimpl


@hookimpl
def mmsdk_modalities():
    yield ModalitySpec(name="text", target="fake_modalities:Words", sample="str", cells="words")
    yield ModalitySpec(name="colour", target="fake_modalities:Colour", sample="float32 (3,)", cells="#rrggbb")


@hookimpl
def mmsdk_encoders():
    yield EncoderSpec(name="plain", modalities=("text",), dim=4, target="fake_encoders:Good")
    yield EncoderSpec(name="filed", modalities=("text",), dim=4, target="fake_encoders:Filed")


@hookimpl
def mmsdk_presets():
    yield PresetSpec(name="builtin", encoders={"text": ("plain",)})


@hookimpl
def mmsdk_encoder_loaders():
    yield LoaderSpec(name="web", modalities=("text",), target="fake_small:load_with_a", example="web:model")
