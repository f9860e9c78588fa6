"""Ranking: which items a user takes next, from content and behaviour together."""

from mmsdk.tasks.ranking.blocks import Said
from mmsdk.tasks.ranking.choice import Choice, Chooser
from mmsdk.tasks.ranking.content import Content, prepare
from mmsdk.tasks.ranking.explain import Asking, Contribution, contributions
from mmsdk.tasks.ranking.histories import Histories
from mmsdk.tasks.ranking.profile import Profile, fitted_profile, new_profile, stacked
from mmsdk.tasks.ranking.ranker import Ranker

__all__ = [
    "Asking",
    "Choice",
    "Chooser",
    "Content",
    "Contribution",
    "Histories",
    "Profile",
    "Ranker",
    "Said",
    "contributions",
    "fitted_profile",
    "new_profile",
    "prepare",
    "stacked",
]
