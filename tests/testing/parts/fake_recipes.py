"""A good recipe, and one bad one for every check."""

import os
import random
from pathlib import Path


class Good:
    def sample(self, folder, seed):
        rows = [f"{n},{random.Random(seed * 1000 + n).random()}" for n in range(5)]
        (folder / "items.csv").write_text("id,price\n" + "\n".join(rows))
        return {
            "data": str(folder / "items.csv"),
            "inputs": {"price": {"column": "price", "modality": "number"}},
            "tasks": {"price": {"column": "price", "type": "regression"}},
        }

    def application(self, data, settings):
        return {}

    def sections(self, app):
        yield from ()


class NoSections(Good):
    sections = None


class NoTasks(Good):
    def sample(self, folder, seed):
        return {**super().sample(folder, seed), "tasks": {}}


class Unseeded(Good):
    def sample(self, folder, seed):
        return super().sample(folder, random.SystemRandom().randrange(10**9))


class OneSeed(Good):
    def sample(self, folder, seed):
        return super().sample(folder, 0)


class Stray(Good):
    def sample(self, folder, seed):
        Path(f"stray-{os.getpid()}.txt").write_text("here")
        return super().sample(folder, seed)
