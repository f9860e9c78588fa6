"""Inverted lists on a GPU, where faiss-gpu is installed. Untested on hardware: no machine here had a GPU for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmsdk.errors import StoreError
from mmsdk.index.faiss_file import faiss
from mmsdk.index.ivf import IvfIndex

if TYPE_CHECKING:
    from pathlib import Path

    from mmsdk.index.exact import Floats, Found, Keys


class GpuIndex(IvfIndex):
    """:class:`IvfIndex` with a copy on the first GPU that answers unfiltered searches; filtered ones stay on the CPU.

    :raises StoreError: FAISS has no GPU support, or sees no GPU.
    """

    def __init__(self, dim: int, count: int = 0) -> None:
        """Refuse at once where no GPU can be used."""
        if not hasattr(faiss, "StandardGpuResources"):
            raise StoreError(
                "index type 'gpu': this FAISS is built without GPU support, faiss-gpu was expected; "
                "run `pip uninstall -y faiss-cpu && pip install faiss-gpu`, or choose type 'ivf'"
            )
        if faiss.get_num_gpus() < 1:
            raise StoreError("index type 'gpu': faiss-gpu sees no GPU; choose type 'ivf', or look at `nvidia-smi`")
        super().__init__(dim, count)
        self._resources: Any = faiss.StandardGpuResources()
        self._mirror: Any = None

    def train(self, vectors: Floats) -> None:
        """Learn the lists on the GPU, keep the trained index on the CPU."""
        mirror = faiss.index_cpu_to_gpu(self._resources, 0, self.index)
        mirror.train(vectors)
        self.index = faiss.index_gpu_to_cpu(mirror)

    def add(self, keys: Keys, vectors: Floats) -> None:
        """Add to the CPU index; the copy is made again at the next search."""
        super().add(keys, vectors)
        self._mirror = None

    def remove(self, keys: Keys) -> None:
        """Drop from the CPU index; the copy is made again at the next search."""
        super().remove(keys)
        self._mirror = None

    def load(self, path: Path, *, mmap: bool) -> None:
        """Read into memory; what goes to the GPU cannot stay mapped."""
        super().load(path, mmap=False)
        self._mirror = None

    def search(self, vectors: Floats, k: int, allowed: Keys | None = None) -> Found:
        """Search the copy on the GPU; with ``allowed``, or past its limit of k = 2048, the CPU index."""
        if allowed is not None or k > 2048:
            return super().search(vectors, k, allowed)
        if self._mirror is None:
            self._mirror = faiss.index_cpu_to_gpu(self._resources, 0, self.index)
        self._mirror.nprobe = self.index.nprobe
        scores, keys = self._mirror.search(vectors, k)
        scores[keys < 0] = -float("inf")
        return scores, keys
