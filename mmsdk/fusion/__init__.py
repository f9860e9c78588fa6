"""Many input vectors to one: the interface that plugins extend, the projection before it, and the built-in fusions."""

from mmsdk.fusion.concat import ConcatFusion
from mmsdk.fusion.gated import GatedFusion
from mmsdk.fusion.interface import Fusion
from mmsdk.fusion.joint import JointFusion, UnitProjector
from mmsdk.fusion.projection import Dropout, Projector

__all__ = ["ConcatFusion", "Dropout", "Fusion", "GatedFusion", "JointFusion", "Projector", "UnitProjector"]
