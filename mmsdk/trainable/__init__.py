"""Small networks over the steps of a sequence, trained with the head: the interface, and the built-in ones."""

from mmsdk.trainable.each import EachStep
from mmsdk.trainable.interface import Trainable
from mmsdk.trainable.stem import SequenceStem
from mmsdk.trainable.tcn import Tcn
from mmsdk.trainable.transformer import Transformer

__all__ = ["EachStep", "SequenceStem", "Tcn", "Trainable", "Transformer"]
