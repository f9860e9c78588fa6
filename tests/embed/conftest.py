"""A registry of small real components: two modalities, encoders that count, and some that misbehave."""

from __future__ import annotations

import sys
import types
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from mmsdk.config import load_application
from mmsdk.data import Policy, read_samples, read_table
from mmsdk.embed import EmbeddingCache
from mmsdk.plugins import registry as registry_module
from mmsdk.plugins.discovery import Found, Source
from mmsdk.plugins.registry import Registry
from mmsdk.protocols import Sequence
from mmsdk.specs import EncoderSpec, LoaderSpec, ModalitySpec


class Words:
    """Text: the values of the columns, joined."""

    decoded = 0

    def decode(self, cell: tuple[Any, ...]) -> str | None:
        type(self).decoded += 1
        text = " ".join(str(value) for value in cell if value is not None).strip()
        if text == "bad":
            raise ValueError("is bad")
        return text or None


class Blob:
    """Files: their bytes as numbers."""

    decoded = 0

    def decode(self, cell: Any) -> np.ndarray:
        type(self).decoded += 1
        with cell.open() as stream:
            data = stream.read()
        if data.startswith(b"torn"):
            raise ValueError("is cut short")
        if data.startswith(b"odd"):
            raise KeyError("chunk")
        return np.frombuffer(data, np.uint8)


class Counting:
    """Length and first byte of what it gets; remembers its batches."""

    made = 0

    def __init__(self, scale: float = 1.0, dim: int = 4) -> None:
        type(self).made += 1
        self.dim, self.scale = dim, scale
        self.batches: list[list[Any]] = []
        self.device = ""

    def to(self, device: str) -> None:
        self.device = device

    def encode(self, batch: Any, modality: str) -> np.ndarray:
        self.batches.append(list(batch))
        rows = [[len(x), self._code(x[0]), len(modality), 0.1] for x in batch]
        return (np.resize(np.array(rows, np.float32), (len(batch), self.dim)) * self.scale).astype(np.float32)

    @staticmethod
    def _code(first: Any) -> int:
        return ord(first) if isinstance(first, str) else int(first)


class Lengthy(Counting):
    """Says how long its samples are."""

    batch_size = 2

    def length(self, sample: Any) -> int:
        return len(sample)

    def report(self) -> dict[str, tuple[int, int] | float]:
        texts = [text for batch in self.batches for text in batch]
        return {"truncated": (sum(len(text) > 50 for text in texts), len(texts)), "speedup": 1.5}


class Scales:
    """A fitted encoder: numbers less the mean of the training rows."""

    dim = 0

    def fit(self, batch: Any, modality: str) -> None:
        self.fitted_on = list(batch)
        self.mean, self.dim = float(np.mean([float(x) for x in batch])), 1

    def encode(self, batch: Any, modality: str) -> np.ndarray:
        return np.array([[float(x) - self.mean] for x in batch], np.float32)

    def state(self) -> dict[str, float]:
        return {"mean": self.mean}

    def load_state(self, state: dict[str, float]) -> None:
        self.mean, self.dim = state["mean"], 1


class Wrong:
    """Answers what ``answer`` says to the text ``wrong``."""

    def __init__(self, answer: str = "nan") -> None:
        self.dim, self.answer = 2, answer

    def encode(self, batch: Any, modality: str) -> Any:
        vectors = np.ones((len(batch), 2), np.float32)
        for row, text in enumerate(batch):
            if text == "wrong":
                if self.answer == "raise":
                    raise RuntimeError("no such word")
                if self.answer == "interrupt":
                    raise KeyboardInterrupt
                vectors[row] = {"nan": np.nan, "huge": 1e6}.get(self.answer, 1)
        answers = {"float64": vectors.astype(float), "list": vectors.tolist(), "short": vectors[:-1]}
        return answers.get(self.answer, vectors)


def load_reference(
    reference: str, *, modality: str, device: str, trust_remote_code: bool, scale: float = 1.0
) -> Counting:
    encoder = Counting(scale=scale)
    encoder.opened_with = (reference, modality, device, trust_remote_code)
    return encoder


class Broken:
    """Cannot be constructed."""

    def __init__(self) -> None:
        raise OSError("no weights")


MODULE = "mmsdk_embed_fakes"
SPECS = {
    "modality": (
        ModalitySpec(name="text", target=f"{MODULE}:Words", sample="str", cells="words"),
        ModalitySpec(name="blob", target=f"{MODULE}:Blob", sample="uint8 (n,)", cells="files", media=True),
    ),
    "encoder": (
        EncoderSpec(name="count", modalities=("text", "blob"), dim=4, target=f"{MODULE}:Counting"),
        EncoderSpec(name="lengthy", modalities=("text",), dim=4, target=f"{MODULE}:Lengthy"),
        EncoderSpec(name="scales", modalities=("text",), dim=0, fitted=True, target=f"{MODULE}:Scales"),
        EncoderSpec(name="wrong", modalities=("text",), dim=2, target=f"{MODULE}:Wrong"),
        EncoderSpec(name="broken", modalities=("text",), dim=2, target=f"{MODULE}:Broken"),
        EncoderSpec(name="frames", modalities=("text",), dim=2, output="sequence", target=f"{MODULE}:Frames"),
    ),
    "loader": (LoaderSpec(name="made", modalities=("text",), target=f"{MODULE}:load_reference", example="made:x"),),
}


class Frames:
    """A step for each letter, none for "empty"; and what no encoder may answer."""

    dim = 2

    def encode(self, batch: Any, modality: str) -> Any:
        answers = {
            "array": np.zeros((1, 2), np.float32),
            "few": [],
            "wide": [Sequence(values=np.zeros((1, 3), np.float32), times=np.zeros(1))],
            "nan": [Sequence(values=np.full((1, 2), np.nan, np.float32), times=np.zeros(1))],
            "back": [Sequence(values=np.zeros((2, 2), np.float32), times=np.array([1.0, 0.5]))],
            "thing": [5],
        }
        if batch[0] in answers:
            return answers[batch[0]]
        return [self._steps("" if text == "empty" else text) for text in batch]

    def _steps(self, text: str) -> Sequence:
        values = np.array([[ord(letter), len(text)] for letter in text], np.float32).reshape(-1, 2)
        return Sequence(values=values, times=np.arange(len(text), dtype=np.float64))


def registry_of(version: str = "1.0") -> Registry:
    source = Source(name="fakes", distribution="mmsdk-fakes", version=version, load=lambda: None)
    return Registry([Found(source=source, specs=SPECS)])


@pytest.fixture(autouse=True)
def fakes(monkeypatch):
    module = types.ModuleType(MODULE)
    for item in (Words, Blob, Counting, Lengthy, Scales, Wrong, Broken, Frames, load_reference):
        setattr(module, item.__name__, item)
    for item in (Words, Blob):
        item.decoded = 0
    Counting.made = Lengthy.made = 0
    monkeypatch.setitem(sys.modules, MODULE, module)
    monkeypatch.setattr(registry_module._Shared, "registry", registry_of())
    return module


@pytest.fixture
def another_version(monkeypatch):
    return lambda version: monkeypatch.setattr(registry_module._Shared, "registry", registry_of(version))


@pytest.fixture
def cache(tmp_path):
    with_folder = EmbeddingCache(tmp_path / "cache")
    yield with_folder
    with_folder.close()


@pytest.fixture
def rows(tmp_path):
    """Samples as the data layer reads them: a column of texts, one of files, and the part of each row."""

    def build(title=None, photo=None, split=None, policy=None):
        columns, inputs = {}, {}
        if title is not None:
            columns["words"], inputs["title"] = list(title), {"column": "words", "modality": "text"}
        if photo is not None:
            inputs["photo"] = {"column": "image", "modality": "blob"}
            columns["image"] = [cell if isinstance(cell, str) else write(i, cell) for i, cell in enumerate(photo)]
        if split is not None:
            columns["part"] = split
        count = len(next(iter(columns.values())))
        table = pa.table(
            {"sku": [f"id{i}" for i in range(count)], **{k: pa.array(v, pa.string()) for k, v in columns.items()}}
        )
        application = {"id": "sku", "inputs": inputs, **({"split": {"column": "part"}} if split is not None else {})}
        return read_samples(
            read_table(table, root=tmp_path), load_application(application), policy, partial=split is None
        )[0]

    def write(number, content):
        if content is None:
            return None
        (tmp_path / f"{number}.bin").write_bytes(content)
        return f"{number}.bin"

    return build


@pytest.fixture
def two_inputs(tmp_path):
    """Samples of one column of files that two inputs read, ``first`` and ``second``."""

    def build(contents):
        for number, content in enumerate(contents):
            (tmp_path / f"{number}.bin").write_bytes(content)
        table = read_table(pa.table({"image": [f"{number}.bin" for number in range(len(contents))]}), root=tmp_path)
        entry = {"column": "image", "modality": "blob"}
        return read_samples(table, load_application({"inputs": {"first": entry, "second": entry}}), partial=True)[0]

    return build


@pytest.fixture
def skip():
    return Policy(on_bad_row="skip")
