"""Fusions and tasks of plugins: what they get wrong is one sentence, before anything is learned."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from mmsdk.errors import ConfigError, PluginError
from mmsdk.model import Target, encode_targets, load_fusion, load_trainable, open_task, try_task
from mmsdk.plugins import get_registry
from mmsdk.testing.fakes import installed, write_distribution

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FUSIONS = {
    "good": "return tokens.sum(1)",
    "short": "return tokens.sum(1)[:, :3]",
    "nan": "return tokens.sum(1) * float('nan')",
    "raises": "raise RuntimeError('no fuse')",
    "nothing": "return None",
}
MORE = """
    class Needy(Fusion):
        def __init__(self, inputs, dim, needed):
            super().__init__(inputs, dim)

        def forward(self, tokens, present):
            return tokens.sum(1)

    class Module(torch.nn.Module):
        pass
"""
TRAINABLES = """
    import torch

    from mmsdk import Trainable

    class Last(Trainable):
        each_step = True

        def __init__(self, dim, width, *, scale=1.0, **options):
            super().__init__(dim, width, **options)
            self.scale = scale
            self.out = torch.nn.Linear(dim, width)

        def forward(self, values, times, present):
            return self.out(values.sum(1)) * self.scale

        def forward_steps(self, values, times, present):
            return self.out(values)

    class Thin(Last):
        def forward(self, values, times, present):
            return super().forward(values, times, present)[:, :3]

    class Endless(Last):
        def forward(self, values, times, present):
            return super().forward(values, times, present) / times[:, :1]

    class Broken(Last):
        def forward(self, values, times, present):
            raise KeyError("steps")

    class Stepless(Last):
        forward_steps = Trainable.forward_steps

    class Flatter(Last):
        def forward_steps(self, values, times, present):
            return self.forward(values, times, present)

    class Clueless(Last):
        def __init__(self, dim, width):
            raise KeyError("boo")

    class Plain:
        pass
"""
TASK = """
    import numpy as np
    import torch

    from mmsdk import Output

    class Count:
        metric = "deviance"
        higher_is_better = False
        mean = 2.0

        def prepare(self, values):
            pass

        def encode(self, values):
            return np.array([float(value) for value in values], np.float32), np.ones(len(values), bool), []

        def head(self, dim):
            return torch.nn.Linear(dim, 1)

        def loss(self, logits, targets, weights):
            return torch.exp(logits[:, 0]) - targets * logits[:, 0]

        def class_weights(self, targets):
            return None

        def outputs(self, logits):
            return [Output(value=float(np.exp(row[0]))) for row in logits]

        def scores(self, logits, targets):
            return {"deviance": lambda rows: 0.0}

        def baseline(self, n):
            return np.zeros((n, 1), np.float32)

        def state(self):
            return {"mean": self.mean}

        def load_state(self, state):
            self.mean = state["mean"]

    class Nameless(Count):
        baseline = None

    class Needy(Count):
        def __init__(self, needed):
            pass

    class Narrow(Count):
        def head(self, dim):
            return torch.nn.Linear(3, 1)

    class Flat(Count):
        def head(self, dim):
            return torch.nn.Sequential(torch.nn.Linear(dim, 1), torch.nn.Flatten(0))

    class Mean(Count):
        def loss(self, logits, targets, weights):
            return super().loss(logits, targets, weights).mean()

    class Bare(Count):
        def outputs(self, logits):
            return [1.0 for _ in logits]

    class Unscored(Count):
        metric = "accuracy"

    class Wide(Count):
        def baseline(self, n):
            return np.zeros((n, 2), np.float32)

    class Sure(Count):
        def outputs(self, logits):
            return [Output(value=1.0, confidence=7.0) for _ in logits]

    class Unsure(Count):
        def outputs(self, logits):
            return [Output(value=1.0, probabilities={"1.0": float("nan")}) for _ in logits]

    class Scored(Count):
        def scores(self, logits, targets):
            return super().scores(logits, targets) | {"exact": 0.5}

    class Undefined(Count):
        def scores(self, logits, targets):
            return {"deviance": lambda rows: float("nan")}

    class Cut(Count):
        def encode(self, values):
            targets, labelled, problems = super().encode(values)
            return targets[1:], labelled, problems

    class Stateful(Count):
        mean = np.float32(2)
"""


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[Path]:
    """A plugin with fusions and tasks, good and bad."""
    site = tmp_path
    bodies = "".join(
        f"\n    class {name.title()}(Fusion):\n        def forward(self, tokens, present):\n            {body}\n"
        for name, body in FUSIONS.items()
    )
    fusions = [*(name.title() for name in FUSIONS), "Needy", "Module"]
    tasks, trainables = (re.findall(r"class (\w+)", text) for text in (TASK, TRAINABLES))
    hooks = f"""
    from mmsdk import FusionSpec, TaskSpec, TrainableSpec, hookimpl

    @hookimpl
    def mmsdk_fusions():
        for name in {fusions}:
            yield FusionSpec(name=name.lower(), target="abroad_fusions:" + name)

    @hookimpl
    def mmsdk_trainables():
        for name in {trainables}:
            yield TrainableSpec(name=name.lower(), target="abroad_trainables:" + name)

    @hookimpl
    def mmsdk_tasks():
        for name in {tasks}:
            yield TaskSpec(name=name.lower(), target="abroad_tasks:" + name)
    """
    source = f"    import torch\n\n    from mmsdk import Fusion\n{bodies}{MORE}"
    modules = {"abroad_plugin": hooks, "abroad_fusions": source, "abroad_tasks": TASK, "abroad_trainables": TRAINABLES}
    write_distribution(site, "mmsdk-abroad", modules=modules, entry_points={"abroad": "abroad_plugin"})
    with installed(site):
        yield site


def fusion(name: str, **options: Any) -> Any:
    return load_fusion(get_registry().get("fusion", name), ("photo", "title"), 4, options)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("short", "makes a tensor (2, 3) of tokens (2, 2, 4), expected a tensor (2, 4)"),
        ("nan", "makes NaN or infinity of finite tokens"),
        ("raises", "cannot fuse: RuntimeError: no fuse"),
        ("nothing", "makes None of tokens (2, 2, 4), expected a tensor (2, 4)"),
        ("needy", "cannot be made: TypeError: Needy.__init__() missing 1 required positional argument: 'needed'"),
        ("module", "is no subclass of mmsdk.Fusion: 'abroad_fusions:Module'"),
    ],
)
def test_a_bad_fusion_is_one_sentence(plugin: Path, name: str, said: str) -> None:
    with pytest.raises(PluginError) as caught:
        fusion(name)
    start = f"the fusion {name!r} of plugin abroad (mmsdk-abroad 0.1.0) "
    assert str(caught.value) == f"{start}{said}. See `mmsdk plugins check abroad`"


def test_a_good_fusion_costs_no_random_number(plugin: Path) -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    assert fusion("good").__name__ == "Good"
    assert torch.rand(1) == expected
    with pytest.raises(ConfigError, match="Good takes no option named 'spread'"):
        fusion("good", spread=1)


def test_the_error_itself_where_plugins_are_strict(plugin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMSDK_STRICT_PLUGINS", "1")
    with pytest.raises(RuntimeError, match="no fuse"):
        fusion("raises")


def trainable(name: str, **options: Any) -> Any:
    return load_trainable(get_registry().get("trainable", name), 5, 4, options)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("thin", "makes a tensor (2, 3) of steps (2, 3, 5), expected a tensor (2, 4)"),
        ("endless", "makes NaN or infinity of finite steps"),
        ("broken", "fails in forward(): KeyError: 'steps'"),
        ("stepless", "fails in forward_steps(): NotImplementedError: Stepless does not answer each step"),
        ("flatter", "makes a tensor (2, 4) of steps (2, 3, 5), expected a tensor (2, 3, 4)"),
        ("clueless", "cannot be made: KeyError: 'boo'"),
        ("plain", "is no subclass of mmsdk.Trainable: 'abroad_trainables:Plain'"),
    ],
)
def test_a_bad_trainable_is_one_sentence(plugin: Path, name: str, said: str) -> None:
    with pytest.raises(PluginError) as caught:
        trainable(name)
    start = f"the trainable {name!r} of plugin abroad (mmsdk-abroad 0.1.0) "
    assert str(caught.value) == f"{start}{said}. See `mmsdk plugins check abroad`"


def test_a_good_trainable_costs_no_random_number_and_takes_its_options_alone(plugin: Path) -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    assert trainable("last", scale=2.0).__name__ == "Last"
    assert torch.rand(1) == expected
    with pytest.raises(ConfigError, match="Last takes no option named 'scal'"):
        trainable("last", scal=2.0)
    with pytest.raises(PluginError, match=r"the trainable 'last' of plugin abroad .* fails in forward.*TypeError"):
        trainable("last", scale="big")


def tried(name: str) -> None:
    entry = get_registry().get("task", name)
    task = open_task(entry, {"separator": "|"})
    values, labelled, _ = task.encode(["3", "1", "4"])
    task.prepare(["3"])
    try_task(entry, Target(task=task, values=values, labelled=labelled))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nameless", "has no method baseline: 'abroad_tasks:Nameless'"),
        ("needy", "cannot be made: TypeError: Needy.__init__() missing 1 required positional argument: 'needed'"),
        ("narrow", "fails in the head for 8 numbers: RuntimeError: "),
        ("flat", "has a head that makes a tensor (2,) of 2 rows, expected (b, width)"),
        ("mean", "has the loss a tensor () for 2 rows, expected one of each row, (b,)"),
        ("bare", "answers 2 of float for 2 rows, expected a mmsdk.Output for each"),
        ("unscored", "names the metric 'accuracy', and its scores() are deviance"),
        ("wide", "has a baseline (2, 2), expected (2, 1) as of its head"),
        ("sure", "answers with the confidence or probability 7.0, expected 0 to 1"),
        ("unsure", "answers with the confidence or probability nan, expected 0 to 1"),
        ("scored", "fails in the score 'exact': TypeError: "),
        ("undefined", "has the metric deviance nan on all 3 labelled rows, expected a number"),
        ("stateful", "has a state() that JSON cannot hold: TypeError: "),
    ],
)
def test_a_bad_task_is_one_sentence(plugin: Path, name: str, said: str) -> None:
    with pytest.raises(PluginError) as caught:
        tried(name)
    assert str(caught.value).startswith(f"the task type {name!r} of plugin abroad (mmsdk-abroad 0.1.0) {said}")
    assert str(caught.value).endswith(". See `mmsdk plugins check abroad`")


def test_a_task_that_loses_a_row_is_named(plugin: Path) -> None:
    task = open_task(get_registry().get("task", "cut"), {})
    with pytest.raises(PluginError) as caught:
        encode_targets(task, ["3", "1", "4"], name="often", column="n")
    assert str(caught.value).startswith(
        "tasks.often: encode() of abroad_tasks:Cut gives 2 targets and a mask of 3 for 3 cells, expected one of each"
    )


def test_a_good_task_passes(plugin: Path) -> None:
    tried("count")


def test_a_task_without_a_labelled_row_is_not_tried(plugin: Path) -> None:
    entry = get_registry().get("task", "mean")
    task = open_task(entry, {})
    try_task(entry, Target(task=task, values=np.zeros(2, np.float32), labelled=np.zeros(2, bool)))
