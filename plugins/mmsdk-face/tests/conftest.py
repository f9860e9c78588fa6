"""Photographs for every test of faces: one face, two of them side by side, none."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from skimage import data


@pytest.fixture(scope="session")
def astronaut():
    """Return a photograph of one face, 240 x 240."""
    return np.asarray(Image.fromarray(data.astronaut()).resize((240, 240)))


@pytest.fixture(scope="session")
def two(astronaut):
    """Return a frame 240 x 426 with the face twice, the right one mirrored."""
    frame = np.full((240, 426, 3), 90, np.uint8)
    frame[:, :213], frame[:, 213:] = astronaut[:, :213], astronaut[:, 212::-1]
    return frame


@pytest.fixture(scope="session")
def nobody():
    """Return a photograph without a face, 240 x 240."""
    return np.asarray(Image.fromarray(data.coffee()).resize((240, 240)))


@pytest.fixture
def real():
    """Return the folder with real weights, or skip."""
    import os
    from pathlib import Path

    folder = os.environ.get("MMSDK_REAL")
    if not folder or not Path(folder).is_dir():
        pytest.skip("MMSDK_REAL names no folder of real data (it lies beside the project on development machines)")
    return Path(folder).resolve()
