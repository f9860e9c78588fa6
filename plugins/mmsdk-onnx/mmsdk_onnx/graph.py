"""What an ONNX file takes and gives, read from the file itself: names, types and shapes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mmsdk import EncoderError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import onnx

Shape = tuple[int | None, ...]  # None: any length
CHANNELS = (1, 3)
FLOATS = ("FLOAT", "FLOAT16")
SOUND = 100  # samples; an input of fewer numbers is no window of a sound


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """An input or output of the graph.

    :param kind: the element type as ONNX names it (``FLOAT``, ``INT64``).
    :param shape: ``None`` in the place of a free dimension; ``None`` as a whole where the file does not say.
    """

    name: str
    kind: str
    shape: Shape | None

    def __str__(self) -> str:
        """Return ``pixel_values float (?, 3, 224, 224)``."""
        if self.shape is None:
            return f"{self.name} {self.kind.lower()} of unknown shape"
        return (
            f"{self.name} {self.kind.lower()} ({', '.join('?' if size is None else str(size) for size in self.shape)})"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """What goes in and what comes out, and the files that hold it.

    :param metadata: what its maker wrote into it, such as ``{"sample_rate": "16000"}``.
    """

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    files: tuple[Path, ...]
    metadata: Mapping[str, str] = field(default_factory=dict)


def read_graph(file: Path, name: str) -> Graph:
    """Read the ports of an ONNX file; weights stay on the disk.

    :raises EncoderError: the file is no ONNX model, or a file of its weights is missing.
    """
    import onnx
    from onnx.external_data_helper import ExternalDataInfo

    try:
        model = onnx.load(file, load_external_data=False)
    except Exception as error:  # protobuf raises what it likes
        raise EncoderError(f"{name}: {file} is no ONNX model, or is damaged") from error
    if not model.graph.output:
        raise EncoderError(f"{name}: {file} is no ONNX model, or is damaged")
    beside = {
        ExternalDataInfo(tensor).location
        for tensor in model.graph.initializer
        if tensor.data_location == onnx.TensorProto.EXTERNAL
    }
    files = tuple(file.parent / location for location in sorted(beside))
    if missing := [str(one) for one in files if not one.is_file()]:
        raise EncoderError(f"{name}: {file} keeps weights in {', '.join(missing)}, which does not exist; copy it there")
    weights = {tensor.name for tensor in model.graph.initializer}
    return Graph(
        inputs=tuple(_port(value) for value in model.graph.input if value.name not in weights),
        outputs=tuple(_port(value) for value in model.graph.output),
        files=(file, *files),
        metadata={entry.key: entry.value for entry in model.metadata_props},
    )


def the_input(graph: Graph, modality: str, name: str) -> Port:
    """Return the one input, if the modality can feed it."""
    needs = {
        "image": "one float input of shape (batch, 3, h, w) or (batch, h, w, 3)",
        "vector": "one float input of shape (batch, n)",
        "number": "one float input of shape (batch, 1)",
        "audio": f"one float input of shape (batch, n) or (n), a waveform of {SOUND} samples or more",
    }
    if modality not in needs:
        raise EncoderError(
            f"{name}: the onnx scheme feeds audio, image, text, vector and number, not {modality}; "
            "write an encoder plugin for it"
        )
    takes = f"it takes {', '.join(map(str, graph.inputs)) or 'nothing'}"
    if len(graph.inputs) != 1:
        raise EncoderError(f"{name}: {takes}; {modality} can feed {needs[modality]}")
    (port,) = graph.inputs
    if port.kind not in FLOATS or not _fits(port.shape, modality):
        raise EncoderError(f"{name}: {takes}; {modality} can feed {needs[modality]}")
    return port


def the_output(graph: Graph, wanted: str, name: str) -> Port:
    """Return the output of that name, or the only one of shape ``(batch, n)``."""
    listed = ", ".join(map(str, graph.outputs))
    if wanted:
        found = [port for port in graph.outputs if port.name == wanted]
        if not found:
            raise EncoderError(f"{name}: no output named {wanted!r}; the file gives {listed}")
        return found[0]
    flat = [port for port in graph.outputs if port.kind in FLOATS and port.shape is not None and len(port.shape) == 2]
    if len(flat) != 1:
        raise EncoderError(f"{name}: name one output, as in {name}#{graph.outputs[0].name}; the file gives {listed}")
    return flat[0]


def is_channels_last(shape: Shape) -> bool:
    """Return whether pictures go in as (batch, h, w, channels)."""
    return shape[1] not in CHANNELS and shape[3] in CHANNELS


def _fits(shape: Shape | None, modality: str) -> bool:
    """Return whether an input of that shape can hold the modality."""
    if shape is None:
        return False
    if modality == "audio":
        return len(shape) in (1, 2) and (shape[-1] is None or shape[-1] >= SOUND)
    if modality == "image":
        return len(shape) == 4 and (shape[1] in CHANNELS or shape[3] in CHANNELS)
    return len(shape) == 2 and (modality == "vector" or shape[1] in (1, None))


def _port(value: onnx.ValueInfoProto) -> Port:
    """Return the port that ONNX describes."""
    import onnx

    tensor = value.type.tensor_type
    shape = tuple(d.dim_value if d.HasField("dim_value") and d.dim_value > 0 else None for d in tensor.shape.dim)
    kind = onnx.TensorProto.DataType.Name(tensor.elem_type)
    return Port(name=value.name, kind=kind, shape=shape if tensor.HasField("shape") else None)
