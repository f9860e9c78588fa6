"""The fake components of ``parts``, installed as a plugin and alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mmsdk.testing import installed, write_distribution

if TYPE_CHECKING:
    from collections.abc import Iterator

PARTS = Path(__file__).parent / "parts"


@pytest.fixture(scope="module", autouse=True)
def _parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("site")
    modules = {file.stem: file.read_text(encoding="utf-8") for file in sorted(PARTS.glob("fake_*.py"))}
    write_distribution(folder, "mmsdk-fake", modules=modules, entry_points={"fake": "fake_plugin"})
    os.environ["MMSDK_LOAD_PLUGINS"] = "fake"
    with installed(folder):
        yield
    del os.environ["MMSDK_LOAD_PLUGINS"]
