"""A good aligner, and one bad one for every check."""

import numpy as np
import torch

from mmsdk import Aligner, SpaceMap


def known(vectors, present, position, name, least=2):
    return np.asarray(vectors[name], np.float64)[present[:, position] & (present.sum(1) >= least)]


class Good(Aligner):
    """Each input by ridge onto the first."""

    least = 2

    def fit(self, vectors, present, *, held_out=None, device="cpu"):
        first = self.inputs[0]
        maps = {}
        for position, name in enumerate(self.inputs):
            centre = known(vectors, present, position, name, self.least).mean(0)
            rows = present[:, 0] & present[:, position] & (present.sum(1) >= self.least)
            one = np.asarray(vectors[name], np.float64)[rows] - centre
            target = np.asarray(vectors[first], np.float64)[rows]
            weight = np.linalg.solve(one.T @ one + np.eye(one.shape[1]), one.T @ (target - target.mean(0)))
            maps[name] = SpaceMap.affine(centre, weight)
        return self.changed(maps)

    def changed(self, maps):
        return maps


class NoAligner:
    def __init__(self, inputs, seed=0):
        pass


class SkipsOne(Good):
    def changed(self, maps):
        return {name: maps[name] for name in self.inputs[1:]}


class Functions(Good):
    def changed(self, maps):
        return dict.fromkeys(maps, np.tanh)


class Wide(Good):
    def changed(self, maps):
        one = maps[self.inputs[1]]
        return {**maps, self.inputs[1]: SpaceMap.affine(one.centre, np.hstack([one.weights[0], one.weights[0]]))}


class Strangers(Good):
    def changed(self, maps):
        random = np.random.default_rng(self.seed)
        return {name: SpaceMap.affine(one.centre, random.normal(size=(8, 8))) for name, one in maps.items()}


class Unseeded(Good):
    def changed(self, maps):
        random = np.random.default_rng()
        return {
            name: SpaceMap.affine(one.centre, one.weights[0] + 1e-3 * random.normal(size=(8, 8)))
            for name, one in maps.items()
        }


class ReadsAbsent(Good):
    def fit(self, vectors, present, **how):
        maps = super().fit(vectors, present, **how)
        return {name: SpaceMap.affine(vectors[name].mean(0), one.weights[0]) for name, one in maps.items()}


class LearnsFromLone(Good):
    least = 1


class Divides(Good):
    def fit(self, vectors, present, **how):
        maps = super().fit(vectors, present, **how)
        with np.errstate(all="ignore"):
            return {
                name: SpaceMap.affine(one.centre, one.weights[0] / vectors[name][: len(present)].std(0))
                for name, one in maps.items()
            }


class NeedsMany(Good):
    def fit(self, vectors, present, **how):
        maps = super().fit(vectors, present, **how)
        scale = 1.0 if len(present) > 10 else np.nan
        return {name: SpaceMap.affine(one.centre, scale * one.weights[0]) for name, one in maps.items()}


class Centres(Good):
    def fit(self, vectors, present, **how):
        maps = super().fit(vectors, present, **how)
        for name, one in maps.items():
            vectors[name] -= one.centre
        return maps


class Seeds(Good):
    def fit(self, vectors, present, **how):
        torch.manual_seed(self.seed + 12345)
        return super().fit(vectors, present, **how)


class TakesAnything(Good):
    def __init__(self, inputs, *, seed=0, **options):
        super().__init__(inputs, seed=seed)
