"""The fitted whole: projection, fusion and heads; its targets; saved and loaded without pickle."""

from mmsdk.model.foreign import load_fusion, load_trainable, open_task, try_task
from mmsdk.model.net import Fused, JointNet, Stem, build_net, infer, member_width
from mmsdk.model.run import Run, load_net_arrays, load_run, net_arrays, save_run
from mmsdk.model.targets import (
    Clash,
    Target,
    encode_targets,
    make_task,
    offered_options,
    prepare_targets,
    refuse_unread,
    training_rows,
)

__all__ = [
    "Clash",
    "Fused",
    "JointNet",
    "Run",
    "Stem",
    "Target",
    "build_net",
    "encode_targets",
    "infer",
    "load_fusion",
    "load_net_arrays",
    "load_run",
    "load_trainable",
    "make_task",
    "member_width",
    "net_arrays",
    "offered_options",
    "open_task",
    "prepare_targets",
    "refuse_unread",
    "save_run",
    "training_rows",
    "try_task",
]
