"""What answers a task: heads inside the network, and heads beside it that read the vectors of the inputs themselves."""

from mmsdk.heads.ensemble import EnsembleHead, width_of
from mmsdk.heads.options import OPTIONS, read_options

__all__ = ["OPTIONS", "EnsembleHead", "read_options", "width_of"]
