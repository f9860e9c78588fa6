"""Many input vectors to one: the interface that plugins extend, the projection before it, and the built-in fusions."""

from mmsdk.fusion.bottleneck import BottleneckFusion
from mmsdk.fusion.concat import ConcatFusion
from mmsdk.fusion.convolution import ConvolutionFusion
from mmsdk.fusion.cross_attention import CrossAttentionFusion
from mmsdk.fusion.experts import ExpertsFusion
from mmsdk.fusion.gated import GatedFusion
from mmsdk.fusion.interface import Fusion, mean_attention
from mmsdk.fusion.joint import JointFusion, UnitProjector
from mmsdk.fusion.late import LateFusion, LateHead, stack_answers
from mmsdk.fusion.lowrank import LowRankFusion
from mmsdk.fusion.mixed import MixedFusion
from mmsdk.fusion.projection import Dropout, Projector
from mmsdk.fusion.steps import StepFusion, Steps, unpack_steps
from mmsdk.fusion.tensor import TensorFusion
from mmsdk.fusion.transformer import TransformerFusion

__all__ = [
    "BottleneckFusion",
    "ConcatFusion",
    "ConvolutionFusion",
    "CrossAttentionFusion",
    "Dropout",
    "ExpertsFusion",
    "Fusion",
    "GatedFusion",
    "JointFusion",
    "LateFusion",
    "LateHead",
    "LowRankFusion",
    "MixedFusion",
    "Projector",
    "StepFusion",
    "Steps",
    "TensorFusion",
    "TransformerFusion",
    "UnitProjector",
    "mean_attention",
    "stack_answers",
    "unpack_steps",
]
