"""A good fusion, and one bad one for every check."""

import torch
from torch import nn

from mmsdk import Fusion, StepFusion, Steps


class Good(Fusion):
    """The mean of what is present, through a layer; a learned vector where nothing is."""

    def __init__(self, inputs, dim, **options):
        super().__init__(inputs, dim, **options)
        self.layer = nn.Linear(dim, dim)
        self.empty = nn.Parameter(torch.ones(dim))

    def forward(self, tokens, present):
        mask = present[:, :, None].to(tokens.dtype)
        count = mask.sum(1)
        mean = (self.layer(torch.where(present[:, :, None], tokens, 0)) * mask).sum(1) / count.clamp_min(1)
        return torch.where(count > 0, mean, self.empty)


class NoFusion(nn.Module):
    def __init__(self, inputs, dim):
        super().__init__()


class Wide(Good):
    def forward(self, tokens, present):
        return super().forward(tokens, present).repeat(1, 2)


class Noisy(Good):
    def forward(self, tokens, present):
        return super().forward(tokens, present) + torch.randn(())


class BatchMean(Good):
    def forward(self, tokens, present):
        fused = super().forward(tokens, present)
        return fused - fused.mean(0)


class IgnoresMask(Good):
    def forward(self, tokens, present):
        return super().forward(tokens, torch.ones_like(present))


class FirstOnly(Good):
    def forward(self, tokens, present):
        return super().forward(tokens[:, :1], present[:, :1])


class Blind(Good):
    """Adds up tokens: a token of zeros and an absent one are the same, which is right only by luck."""

    def forward(self, tokens, present):
        return self.layer(tokens[:, 0]) + self.empty + 0 * tokens.sum(1)


class DividesByNothing(Good):
    def forward(self, tokens, present):
        mask = present[:, :, None].to(tokens.dtype)
        return (self.layer(tokens) * mask).sum(1) / mask.sum(1) + 0 * self.empty


class Detached(Good):
    def forward(self, tokens, present):
        return super().forward(tokens.detach(), present)


class Idle(Good):
    def __init__(self, inputs, dim, **options):
        super().__init__(inputs, dim, **options)
        self.never = nn.Linear(dim, dim)


class Unsaved(Good):
    def __init__(self, inputs, dim, **options):
        super().__init__(inputs, dim, **options)
        self.scale = torch.rand(dim) + 0.5

    def forward(self, tokens, present):
        return super().forward(tokens, present) * self.scale


class TakesAnything(Good):
    def __init__(self, inputs, dim, **options):
        super().__init__(inputs, dim)


class Unreadable(Good):
    def readings(self):
        return {"strength": float("nan")}


class GoodSteps(StepFusion):
    """The mean of all steps of all inputs, each seen through a layer; a learned vector where there is none."""

    def __init__(self, inputs, dim, **options):
        super().__init__(inputs, dim, **options)
        self.layer = nn.Linear(dim, dim)
        self.empty = nn.Parameter(torch.ones(dim))

    def fuse_steps(self, inputs):
        values = torch.cat([one.blanked().values for one in inputs], dim=1)
        present = torch.cat([one.present for one in inputs], dim=1)
        count = present.sum(1, keepdim=True)
        mean = (self.layer(values) * present[:, :, None]).sum(1) / count.clamp_min(1)
        return torch.where(count > 0, mean, self.empty)


class WideSteps(GoodSteps):
    def fuse_steps(self, inputs):
        return super().fuse_steps(inputs).repeat(1, 2)


class BatchSteps(GoodSteps):
    def fuse_steps(self, inputs):
        fused = super().fuse_steps(inputs)
        return fused - fused.mean(0)


class CountsPadding(GoodSteps):
    def fuse_steps(self, inputs):
        return super().fuse_steps(inputs) * inputs[0].values.shape[1]


class ReadsNothing(GoodSteps):
    def fuse_steps(self, inputs):
        return super().fuse_steps(inputs) + inputs[0].times.mean(1, keepdim=True)


class FirstStep(GoodSteps):
    def fuse_steps(self, inputs):
        first = [
            type(one)(values=one.values[:, :1], times=one.times[:, :1], present=one.present[:, :1]) for one in inputs
        ]
        return super().fuse_steps(first)


class DetachedSteps(GoodSteps):
    def fuse_steps(self, inputs):
        still = [Steps(values=one.values.detach(), times=one.times, present=one.present) for one in inputs]
        return super().fuse_steps(still)
