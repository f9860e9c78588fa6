"""A navigable graph: the quickest single query, slow to build, for collections from which little is removed."""

from __future__ import annotations

from typing import Any

from mmsdk.index.faiss_file import INNER_PRODUCT, FaissIndex, faiss

NEIGHBOURS = 32


class HnswIndex(FaissIndex):
    """HNSW with 32 neighbours over fp16 codes (Malkov & Yashunin, 2016).

    Nothing can be removed from the graph: the store remembers what is gone, searches pass it over, and the graph is
    built anew once a fifth of it is gone. Adding costs about 0.15 ms a vector, twenty times IVF. Takes filters.
    """

    max_effort = 1024

    def make(self, count: int) -> Any:
        """Return ``IDMap2(HNSW32,SQfp16)``."""
        self.graph = faiss.IndexHNSWSQ(self.dim, faiss.ScalarQuantizer.QT_fp16, NEIGHBOURS, INNER_PRODUCT)
        self.graph.hnsw.efSearch = 64
        return faiss.IndexIDMap2(self.graph)

    def parameters(self, k: int, selector: Any) -> Any:
        """Keep at least ``k`` candidates; FAISS does not see to it."""
        effort = self.effort
        if selector is None:
            return None if effort >= k else faiss.SearchParametersHNSW(efSearch=k)
        return faiss.SearchParametersHNSW(sel=selector, efSearch=max(effort, 2 * k))

    @property
    def effort(self) -> int:
        """Candidates kept during a query (efSearch)."""
        return int(faiss.downcast_index(self.index.index).hnsw.efSearch)

    @effort.setter
    def effort(self, value: int) -> None:
        faiss.downcast_index(self.index.index).hnsw.efSearch = value
