"""A good trainable, and one bad one for every check."""

import torch
from torch import nn

from mmsdk import Trainable


class Good(Trainable):
    """The mean of the present steps, each with its time, through a layer."""

    def __init__(self, dim, width, **options):
        super().__init__(dim, width, **options)
        self.layer = nn.Linear(dim + 1, width)

    def forward(self, values, times, present):
        mask = present[:, :, None]
        steps = torch.where(mask, torch.cat([values, times[:, :, None]], 2), 0)
        return self.layer(steps.sum(1) / mask.sum(1).clamp_min(1))


class NoTrainable(nn.Module):
    def __init__(self, dim, width):
        super().__init__()


class Wide(Good):
    def forward(self, values, times, present):
        return super().forward(values, times, present).repeat(1, 2)


class Noisy(Good):
    def forward(self, values, times, present):
        return super().forward(values, times, present) + torch.randn(())


class BatchMean(Good):
    def forward(self, values, times, present):
        answer = super().forward(values, times, present)
        return answer - answer.mean(0)


class TrainsOnTheBatch(Good):
    """Out of training it is innocent."""

    def forward(self, values, times, present):
        answer = super().forward(values, times, present)
        return answer - answer.mean(0) if self.training else answer


class CountsPadding(Good):
    def forward(self, values, times, present):
        return super().forward(values, times, present) / values.shape[1]


class IgnoresMask(Good):
    def forward(self, values, times, present):
        return super().forward(values, times, torch.ones_like(present))


class ReadsEveryTime(Good):
    def forward(self, values, times, present):
        return super().forward(values, times, present) + times.mean(1, keepdim=True)


class FirstOnly(Good):
    def forward(self, values, times, present):
        return super().forward(values[:, :1], times[:, :1], present[:, :1])


class SkipsLast(Good):
    """Ends at the step before the last: the last one is there, and nobody asks."""

    def forward(self, values, times, present):
        return super().forward(values[:, :6], times[:, :6], present[:, :6])


class DividesByNothing(Good):
    def forward(self, values, times, present):
        mask = present[:, :, None]
        steps = torch.where(mask, torch.cat([values, times[:, :, None]], 2), 0)
        return self.layer(steps.sum(1) / mask.sum(1))


class Detached(Good):
    def forward(self, values, times, present):
        return super().forward(values.detach(), times, present)


class Idle(Good):
    def __init__(self, dim, width, **options):
        super().__init__(dim, width, **options)
        self.never = nn.Linear(dim, dim)


class Unsaved(Good):
    def __init__(self, dim, width, **options):
        super().__init__(dim, width, **options)
        self.scale = torch.rand(width) + 0.5

    def forward(self, values, times, present):
        return super().forward(values, times, present) * self.scale


class TakesAnything(Good):
    def __init__(self, dim, width, **options):
        super().__init__(dim, width)


class GoodSteps(Good):
    each_step = True

    def forward_steps(self, values, times, present):
        steps = torch.cat([values, times[:, :, None]], 2)
        return self.layer(torch.where(present[:, :, None], steps, 0))


class OneStep(GoodSteps):
    def forward_steps(self, values, times, present):
        return self(values, times, present)
