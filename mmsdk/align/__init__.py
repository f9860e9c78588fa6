"""Vectors of different inputs into one space: the interface that plugins extend, the aligners, the losses."""

from mmsdk.align.cca import CanonicalAligner, canonical_maps
from mmsdk.align.contrastive import ContrastiveAligner
from mmsdk.align.interface import Aligner, SpaceMap
from mmsdk.align.moments import Moments, teaching_rows
from mmsdk.align.procrustes import ProcrustesAligner
from mmsdk.align.retrieval import partner_ranks
from mmsdk.align.ridge import RidgeAligner
from mmsdk.align.whitening import CoralAligner, WhiteningAligner

__all__ = [
    "Aligner",
    "CanonicalAligner",
    "ContrastiveAligner",
    "CoralAligner",
    "Moments",
    "ProcrustesAligner",
    "RidgeAligner",
    "SpaceMap",
    "WhiteningAligner",
    "canonical_maps",
    "partner_ranks",
    "teaching_rows",
]
