"""Many small networks in one pass: each as if alone, settings that act, the same bits for the same seed."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mmsdk.heads import Lesson, PopulationHead, Reduced, read_options, restore_head
from mmsdk.model import net_arrays
from mmsdk.tasks import Classification, Regression
from mmsdk.train.population import Drawn, _Stack, draw_settings, fit_population

SIZES = {"photo": 12, "title": 5}


def rows_of(n=120, seed=0):
    random = np.random.default_rng(seed)
    kind = random.integers(0, 3, n)
    means = np.random.default_rng(9)
    vectors = {
        name: torch.from_numpy((means.normal(size=(3, size))[kind] + random.normal(size=(n, size))).astype(np.float32))
        for name, size in SIZES.items()
    }
    present = torch.from_numpy(random.random((n, 2)) < 0.85)
    present[~present.any(1), 0] = True
    return vectors, present, kind


def lesson_of(seed=0, n=120):
    vectors, present, kind = rows_of(n, seed)
    task = Classification()
    task.prepare(["a", "b", "c"])
    return Lesson(vectors=vectors, present=present, task=task, targets=torch.from_numpy(kind))


def config(**changed):
    return SimpleNamespace(**{"epochs": 8, "batch_size": 32, "patience": 8} | changed)


def settings(**changed):
    """Return settings of two members, the first without any dropout."""
    plain = {"learning_rate": 3e-3, "weight_decay": 0.1, "dropout": 0.0, "input_dropout": 0.0, "modality_dropout": 0.0}
    return Drawn(**{name: np.array([one, changed.get(name, one)]) for name, one in plain.items()})


def weights_after(drawn, epochs=2):
    lesson = lesson_of()
    reduced = Reduced(SIZES, 64)
    reduced.fit(lesson)
    stack = _Stack(reduced, lesson, drawn, 8)
    for number in range(1, epochs + 1):
        stack._epoch(number, config(), 8)
    return stack, reduced, lesson


def test_a_member_is_trained_as_by_a_plain_loop_of_torch():
    """The same batches, ``torch.nn`` layers and AdamW with the member's own rate; decay after sixteen steps."""
    lesson = lesson_of()
    reduced = Reduced(SIZES, 64)
    reduced.fit(lesson)
    drawn = settings()
    stack = _Stack(reduced, lesson, drawn, 8)
    first = stack._scaled()
    into, out = torch.nn.Linear(19, 8), torch.nn.Linear(8, 3)
    with torch.no_grad():
        into.weight.copy_(first["into"][0].T)
        into.bias.zero_()
        out.weight.copy_(first["out"][0].T)
        out.bias.zero_()
    parameters = [*into.parameters(), *out.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=3e-3, weight_decay=0.0, eps=1e-12)
    seen = []
    stack._seen = lambda batch: seen.append(batch) or _Stack._seen(stack, batch)
    stack._epoch(1, config(), 8)
    rows = torch.cat([stack.rows, (~lesson.present).float()], 1)
    from mmsdk.train.schedule import learning_rate

    for step, batch in enumerate(seen):
        optimiser.param_groups[0]["lr"] = pace = 3e-3 * learning_rate(step, len(seen) * 8, 1.0)
        answer = out(torch.nn.functional.gelu(into(rows[batch])))
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(answer, lesson.targets[batch]).backward()
        optimiser.step()
    share = (1 - 3e-3 * 0.1) ** (pace / 3e-3 * len(seen))
    found = stack._scaled()
    assert torch.allclose(found["into"][0], into.weight.T * share, atol=2e-5)
    assert torch.allclose(found["out_bias"][0, 0], out.bias, atol=2e-5)


def test_decay_of_a_long_epoch_is_that_of_its_steps():
    """Beside AdamW, which decays at every step: not the whole epoch's at its end, after all that it should restrain."""
    from mmsdk.train.schedule import learning_rate

    lesson = lesson_of(n=4096)
    reduced = Reduced(SIZES, 64)
    reduced.fit(lesson)
    strong = {"learning_rate": 1e-2, "weight_decay": 1.0, "dropout": 0.0, "input_dropout": 0.0, "modality_dropout": 0.0}
    stack = _Stack(reduced, lesson, Drawn(**{name: np.array([one]) for name, one in strong.items()}), 8)
    first = stack._scaled()
    weights = {name: one[0].clone().requires_grad_() for name, one in first.items()}
    groups = [
        {"params": [weights["into"], weights["out"]], "weight_decay": 1.0},
        {"params": [weights["into_bias"], weights["out_bias"]], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, lr=1e-2, eps=1e-12)
    seen = []
    stack._seen = lambda batch: seen.append(batch) or _Stack._seen(stack, batch)
    stack._epoch(1, config(), 8)
    rows = torch.cat([stack.rows, (~lesson.present).float()], 1)
    for step, batch in enumerate(seen):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, len(seen) * 8, 1e-2)
        hidden = torch.nn.functional.gelu(rows[batch] @ weights["into"] + weights["into_bias"])
        optimiser.zero_grad()
        lesson.task.loss(hidden @ weights["out"] + weights["out_bias"], lesson.targets[batch], None).mean().backward()
        optimiser.step()
    assert len(seen) == 128
    for name in ("into", "out"):
        ours, plain = stack._scaled()[name][0].norm(), weights[name].detach().norm()
        assert float(ours / plain) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize(
    "changed",
    [
        {"learning_rate": 9e-3},
        {"weight_decay": 9.0},
        {"dropout": 0.5},
        {"input_dropout": 0.5},
        {"modality_dropout": 0.5},
    ],
)
def test_a_setting_of_one_member_changes_that_member_alone(changed):
    base, other = weights_after(settings())[0]._scaled(), weights_after(settings(**changed))[0]._scaled()
    assert torch.allclose(base["into"][0], other["into"][0], atol=1e-6)
    assert not torch.allclose(base["into"][1], other["into"][1], atol=1e-3)


def test_the_head_answers_as_the_stack_judged_and_the_best_are_kept():
    lesson, judge = lesson_of(), lesson_of(seed=1, n=60)
    head = fit_population(lesson, judge, read_options("population", {"size": 6, "keep": 6, "hidden": 8}), config())
    scores = [one["score"] for one in head.members]
    assert scores == sorted(scores, reverse=True)
    masks = {name: judge.present[:, place] for place, name in enumerate(SIZES)}
    best = PopulationHead(
        head.reduced, {name: head.get_buffer(name)[:1] for name in ("into", "into_bias", "out", "out_bias")}, []
    )
    assert judge.score(best(judge.vectors, masks, torch.empty(0))) == pytest.approx(scores[0])
    together = judge.score(head(judge.vectors, masks, torch.empty(0)))
    assert together > 0.8
    few = fit_population(lesson, judge, read_options("population", {"size": 6, "keep": 2, "hidden": 8}), config())
    assert len(few.into) == 2
    assert torch.equal(few.into, head.into[:2])


def test_the_same_seed_gives_the_same_bits_and_torch_is_left_alone():
    lesson, judge = lesson_of(), lesson_of(seed=1, n=60)
    options = read_options("population", {"size": 3, "keep": 3, "hidden": 8})
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    one, two = (fit_population(lesson, judge, options, config(epochs=2)) for _ in range(2))
    assert torch.equal(torch.rand(1), expected)
    assert torch.equal(one.into, two.into)
    other = fit_population(
        lesson_of(seed=0).take(np.arange(120)), judge, options, config(epochs=2), drawn=draw_settings(3, 8)
    )
    assert not torch.equal(one.into, other.into)


def test_a_refit_learns_from_more_rows_and_a_saved_head_is_the_same():
    lesson, judge = lesson_of(), lesson_of(seed=1, n=60)
    options = read_options("population", {"size": 3, "keep": 2, "hidden": 8})
    base = fit_population(lesson, judge, options, config(epochs=3))
    head = fit_population(lesson, judge, options, config(epochs=3), refit=lesson_of(seed=2, n=180))
    assert head.members == base.members
    assert not torch.equal(head.into, base.into)
    arrays = {name.removeprefix("h."): one for name, one in net_arrays(head, "h").items()}
    again = restore_head(head.document(), arrays)
    masks = {name: judge.present[:, place] for place, name in enumerate(SIZES)}
    assert torch.equal(head(judge.vectors, masks, torch.empty(0)), again(judge.vectors, masks, torch.empty(0)))


def test_a_long_input_is_reduced_to_its_main_components():
    """Beside scikit-learn's, up to the sign of a component."""
    from sklearn.decomposition import PCA

    random = np.random.default_rng(0)
    values = random.normal(size=(90, 3)) @ random.normal(size=(3, 20)) + 0.01 * random.normal(size=(90, 20))
    task = Regression()
    lesson = Lesson(
        vectors={"x": torch.from_numpy(values.astype(np.float32))},
        present=torch.ones(90, 1, dtype=torch.bool),
        task=task,
        targets=torch.zeros(90),
    )
    reduced = Reduced({"x": 20}, 3)
    reduced.fit(lesson)
    found = reduced(lesson.vectors, lesson.present).numpy()
    standard = (values - values.mean(0)) / values.std(0)
    expected = PCA(3).fit_transform(standard) * (3 / 20) ** 0.5
    assert np.allclose(np.abs(found), np.abs(expected), atol=2e-3)
    assert (found**2).mean() == pytest.approx(1.0, abs=0.05)
    few = Reduced({"x": 20}, 3)
    few.fit(lesson.take(np.arange(10)))
    assert np.allclose(few.basis_0.T @ few.basis_0, 3 * np.eye(3), atol=1e-3)
