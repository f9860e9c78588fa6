"""Tuning an encoder together with the head, by low-rank updates of its last layers, where frozen is not enough."""

from mmsdk.tune.deciding import Verdict, decide
from mmsdk.tune.encoder import TunedEncoder, require_tunable, tuned
from mmsdk.tune.lora import Adapter
from mmsdk.tune.training import Rows, TunedInput, tune_encoder

__all__ = [
    "Adapter",
    "Rows",
    "TunedEncoder",
    "TunedInput",
    "Verdict",
    "decide",
    "require_tunable",
    "tune_encoder",
    "tuned",
]
