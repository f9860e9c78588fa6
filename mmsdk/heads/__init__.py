"""What answers a task: heads inside the network, and heads beside it that read the vectors of the inputs themselves."""

from mmsdk.heads.beside import Beside, Lesson
from mmsdk.heads.blend import BlendHead, choose_share
from mmsdk.heads.boosting import BoostingHead, fit_boosting, require_boosting
from mmsdk.heads.ensemble import EnsembleHead, width_of
from mmsdk.heads.folds import inner_folds
from mmsdk.heads.linear import LinearHead, fit_linear
from mmsdk.heads.options import OPTIONS, PopulationOptions, read_options
from mmsdk.heads.population import PopulationHead
from mmsdk.heads.reduced import Reduced
from mmsdk.heads.saved import restore_head
from mmsdk.heads.stacked import StackedHead, fit_stacked

__all__ = [
    "OPTIONS",
    "Beside",
    "BlendHead",
    "BoostingHead",
    "EnsembleHead",
    "Lesson",
    "LinearHead",
    "PopulationHead",
    "PopulationOptions",
    "Reduced",
    "StackedHead",
    "choose_share",
    "fit_boosting",
    "fit_linear",
    "fit_stacked",
    "inner_folds",
    "read_options",
    "require_boosting",
    "restore_head",
    "width_of",
]
