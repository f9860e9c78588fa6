"""A good recipe, and one bad one for every check."""

import os
import random
from pathlib import Path

from mmsdk import Card

WORDS = ("lamp", "vase", "rug", "stool")


class Good:
    def sample(self, folder, seed):
        draw = random.Random(seed)
        rows = [f"{n},{draw.choice(WORDS)} {draw.randrange(99)},{'ab'[n % 2]}" for n in range(24)]
        (folder / "items.csv").write_text("id,words,kind\n" + "\n".join(rows))
        return {
            "data": str(folder / "items.csv"),
            "id": "id",
            "inputs": {"words": {"column": "words", "modality": "text", "encoder": "plain"}},
            "tasks": {"kind": {"column": "kind", "type": "classification"}},
            "fusion": {"dim": 8},
            "confidence": {"source": "validation"},
        }

    def application(self, data, settings):
        return {}

    def card(self, app):
        return Card(intended=("Sort items.",), data=("Made-up words.",), limits=("Knows two kinds.",))

    def sections(self, app):
        yield "Items", f"<p>{len(app.index)}</p>"


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


class UnknownEncoder(Good):
    def sample(self, folder, seed):
        words = {"column": "words", "modality": "text", "encoder": "nobody"}
        return {**super().sample(folder, seed), "inputs": {"words": words}}


class OneLabel(Good):
    def sample(self, folder, seed):
        found = super().sample(folder, seed)
        path = Path(found["data"])
        path.write_text(path.read_text().replace(",b", ",a"))
        return {**found, "rules": [{"task": "kind", "never": "a"}]}


class NoCard(Good):
    card = None


class NoLimits(Good):
    def card(self, app):
        return Card(intended=("Sort items.",), data=("Made-up words.",))


class WrongCard(Good):
    def card(self, app):
        return Card(intended="Sort items.")


class BareSections(Good):
    def sections(self, app):
        yield "Items"


class FailingSections(Good):
    def sections(self, app):
        yield "Items", "<p>" + app.nothing


class FarSections(Good):
    def sections(self, app):
        yield "Items", '<img src="https://example.org/a.png">'


class ReadsItsSample(Good):
    def sample(self, folder, seed):
        found = super().sample(folder, seed)
        words = {**found["inputs"]["words"], "encoder": "filed", "options": {"path": found["data"]}}
        return {**found, "inputs": {"words": words}}
