"""Rules in an application: checked before anything is computed, taught, applied to answers, and judged."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.errors import ConfigError
from mmsdk.evaluate import judged_part, paired
from mmsdk.evaluate.scores import Scoring, score_logits
from mmsdk.model import Clash, infer, training_rows
from mmsdk.progress import note
from mmsdk.rules.conditions import columns_read
from mmsdk.tasks import Classification, Multilabel, Regression

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mmsdk.app.draft import Draft
    from mmsdk.app.pipeline import Pipeline
    from mmsdk.config import Application
    from mmsdk.data import Samples, Table
    from mmsdk.model import Target
    from mmsdk.protocols import Output, Task
    from mmsdk.rules import Fired, RuleBook, Ruled

SCORED_AT = 36.0  # a forbidden label is scored as if its chance were e**-36, so that a log-loss stays a number


def check_rules(application: Application, table: Table) -> None:
    """Refuse rules whose condition cannot be read from the table, or is the answer, before anything is embedded."""
    for number, entry in enumerate(application.rules, 1):
        name = entry.name or f"rule {number}"
        read = columns_read(entry.when, table.names, name) if entry.when else ()
        for task in entry.tasks():
            if (column := application.tasks[task].column) in read:
                raise ConfigError(
                    f"rules: {name}: when: reads {column}, which is the answer of task {task!r} that the rule is "
                    "about: its figures would be those of an answer that was looked up, and a new row has none; name "
                    "another column, or leave the rule out"
                )
        numbered = set(read) & set(application.privacy.number if application.privacy is not None else ())
        if numbered:
            raise ConfigError(
                f"rules: {name}: when: reads {', '.join(sorted(numbered))}, which privacy.number numbers anew in every "
                "table: name another column, or do not number it"
            )


def teach_rules(draft: Draft, whole: Mapping[str, Task] | None = None) -> None:
    """Open the rules, refuse those that contradict each other in some row, and set what training has to teach.

    A rule that holds for no training row teaches nothing, and a note says so.

    :param whole: task name -> the task in whose label set the rules are written, where training rows may lack a label
        that a rule names, as those of a fold may; the tasks of the draft where left out.
    :raises MmsdkError: a rule is wrong, or the rows of the table set two against each other.
    """
    pipeline, weight = draft.pipeline, draft.application.training.rules
    whole = whole or {name: target.task for name, target in draft.targets.items()}
    fired = open_checked(pipeline, whole, draft.samples).met
    if weight == 0:
        return
    if not pipeline.rules:
        raise ConfigError("training.rules: there is no rule, so there is nothing to teach; add one, or set it to 0")
    training = training_rows(draft.samples.split)
    if idle := [name for name, rows in fired.items() if not rows[training].any()]:
        told = f"training.rules: nothing is taught by {', '.join(map(repr, idle))}, which no training row meets"
        note(told, pipeline.quiet)
    known = {name: _Known(target.task, whole[name]) for name, target in draft.targets.items()}
    for name, target in draft.targets.items():
        bounds = pipeline.rules.bounds(name, fired)
        draft.targets[name] = replace(
            target,
            allowed=None if bounds is None else known[name].bounds(bounds),
            clashes=tuple(_clashes(pipeline.rules, name, known, fired)),
            rule_weight=weight,
        )


def tell_unread(fired: Fired, table: Table | None, *, quiet: bool) -> None:
    """Say which rules could not be judged by some rows, where text stands in the place of a number."""
    for (rule, column), rows in fired.unread.items():
        assert table is not None  # by which the rule was judged
        cell = table.column(column)[int(rows.argmax())].as_py()
        note(
            f"rules: {rule!r} could not be judged in {rows.sum()} of {len(table)} rows, and changes nothing there: "
            f"{column} is text that is no number ({cell!r:.80}); give the number alone, or nothing where it is missing",
            quiet,
        )


def open_checked(pipeline: Pipeline, tasks: Mapping[str, Task], samples: Samples) -> Fired:
    """Open the rules of an application, refuse those that contradict each other in some row, and say what is unread.

    :returns: the rows they hold for.
    :raises MmsdkError: so they do, or one names a label that no task knows.
    """
    pipeline.open_rules(tasks)
    fired = pipeline.rules.fired(samples.table, len(samples))
    pipeline.rules.check(fired.met, samples.ids)
    tell_unread(fired, samples.table, quiet=pipeline.quiet)
    return fired


class _Known:
    """A task and the one in whose label set, or on whose scale, the rules are written: that of a fold knows less."""

    def __init__(self, own: Task, whole: Task) -> None:
        self.own, self.whole = own, whole
        mine, written = getattr(own, "labels", ()), getattr(whole, "labels", ())
        self.places = [written.index(label) for label in mine]

    def bounds(self, allowed: np.ndarray) -> np.ndarray:
        """Return what bounds leave ``(n, width)``, as the task itself has it."""
        if isinstance(self.own, Regression) and isinstance(self.whole, Regression):
            return np.asarray((allowed * self.whole.scale + self.whole.mean - self.own.mean) / self.own.scale)
        return np.asarray(allowed[:, self.places])

    def pairs(self, pairs: np.ndarray) -> np.ndarray:
        """Return the pairs of child and parent ``(k, 2)`` of which the task knows both."""
        place = {there: here for here, there in enumerate(self.places)}
        found = [(place[one], place[other]) for one, other in pairs.tolist() if one in place and other in place]
        return np.array(found, dtype=np.int64).reshape(-1, 2)


def _clashes(
    rules: RuleBook, name: str, known: Mapping[str, _Known], fired: Mapping[str, np.ndarray]
) -> Iterator[Clash]:
    """Yield what rules about a task, and about pairs that it is the first task of, do not let stand together.

    A fold may lack labels: what would leave it nothing, or excludes nothing that it knows, is left out.
    """
    for rule in rules.rules:
        if rule.task != name:
            continue
        places = known[name].places
        if rule.kind == "hierarchy":
            mask = known[name].pairs(rule.mask)
            acts = mask.size > 0
        elif rule.kind == "apart":
            mask = np.flatnonzero(rule.mask[places])
            acts = len(mask) > 1
        elif rule.kind == "pair":
            mask = rule.mask[np.ix_(places, known[rule.other].places)]
            acts = mask.size > 0 and not mask.all()
        else:
            continue
        if acts:
            yield Clash(mask=mask, rows=fired[rule.name], other=rule.other)


def inside_bounds(
    rules: RuleBook, name: str, task: Task, outputs: Sequence[Output], fired: Mapping[str, np.ndarray]
) -> Sequence[Output]:
    """Return the answers of a task, the interval of a number cut off where rules say that it cannot lie."""
    bounds = rules.bounds(name, fired) if isinstance(task, Regression) else None
    if bounds is None:
        return outputs
    assert isinstance(task, Regression)
    lowest, highest = (bounds * task.scale + task.mean).T.tolist()
    return [
        replace(one, prediction_set=(max(one.prediction_set[0], low), min(one.prediction_set[1], high)))
        if one.prediction_set
        else one
        for one, low, high in zip(outputs, lowest, highest, strict=True)
    ]


def ruled_outputs(
    rules: RuleBook, tasks: Mapping[str, Task], logits: Mapping[str, np.ndarray], fired: Fired
) -> dict[str, Sequence[Output]]:
    """Return the outputs of every task inside the rules, with the names of those that changed them, or might have."""
    if not rules:
        return {name: task.outputs(logits[name]) for name, task in tasks.items()}
    ruled = rules.apply(logits, fired.met)
    doubts = {rule.name: fired.unjudged(rule.name) for rule in rules.rules}
    found: dict[str, Sequence[Output]] = {}
    for name, task in tasks.items():
        ours = {rule.name: doubts[rule.name] for rule in rules.rules if name in rule.tasks and doubts[rule.name].any()}
        found[name] = [
            replace(one, rules=ruled.names(name, row), unjudged=tuple(rule for rule, rows in ours.items() if rows[row]))
            for row, one in enumerate(task.outputs(ruled.logits[name]))
        ]
    return found


def rule_metrics(draft: Draft, scoring: Scoring) -> dict[str, dict[str, Any]]:
    """Return, for each task that rules speak of, its figures with and without them on the rows it is judged by.

    Rows of ``test`` are calibrated first, as in use.
    """
    from mmsdk.app.confiding import calibration_of  # which applies the rules itself

    rules, net = draft.pipeline.rules, draft.pipeline.net
    if not rules or net is None:
        return {}
    ours = [name for name in rules.tasks if name in draft.targets]
    parts = {name: judged_part(draft.targets[name], draft.samples.split) for name in ours}
    rows = np.flatnonzero(np.isin(draft.samples.split, [part for part in parts.values() if part]))
    if len(rows) == 0:
        return {}
    _, logits = infer(net, draft.embeddings.values, draft.embeddings.present, rows=rows)
    calibrate = calibration_of(draft)
    if calibrate is not None and set(parts.values()) == {"test"}:
        logits = {name: calibrate(name, one, rows, None) for name, one in logits.items()}
    fired = rules.fired(draft.samples.table.take(rows), len(rows))
    ruled = rules.apply(logits, fired.met)
    found = {}
    for name in ours:
        target = draft.targets[name]
        here = np.flatnonzero((draft.samples.split[rows] == parts[name]) & target.labelled[rows])
        if len(here):
            found[name] = _judged(target, name, (logits[name][here], ruled), here, rows[here], scoring)
            found[name] |= _counts(rules, ruled, name, target, rows, here)
            found[name]["unjudged"] = {rule: int(fired.unjudged(rule)[here].sum()) for rule in found[name]["fired"]}
    return found


def _judged(
    target: Target,
    name: str,
    answers: tuple[np.ndarray, Ruled],
    here: np.ndarray,
    rows: np.ndarray,
    scoring: Scoring,
) -> dict[str, Any]:
    """Return the metrics without and with the rules, and the gain in the one that decides."""
    task, truth = target.task, target.values[rows]
    plain, inside = answers[0], _scorable(task, answers[1].logits[name][here])
    better = 1 if task.higher_is_better else -1
    first, second = (task.scores(one, truth)[task.metric] for one in (inside, plain))
    groups = None if scoring.groups is None else scoring.groups[rows]
    gain = paired(
        lambda r: better * first(r),
        lambda r: better * second(r),
        len(rows),
        groups=groups,
        seed=scoring.seed,
        resamples=scoring.resamples,
    )
    return {
        "without": score_logits(task, plain, truth, rows=rows, scoring=scoring),
        "with": score_logits(task, inside, truth, rows=rows, scoring=scoring),
        "gain": {task.metric: gain.as_json()},
    }


def _scorable(task: Task, logits: np.ndarray) -> np.ndarray:
    """Return logits whose certainty is bounded, so that one wrong rule leaves the log-loss a number."""
    if isinstance(task, Classification):
        return np.asarray(np.maximum(logits, logits.max(axis=1, keepdims=True) - SCORED_AT))
    return np.asarray(np.clip(logits, -SCORED_AT, SCORED_AT)) if isinstance(task, Multilabel) else logits


def _counts(
    rules: RuleBook, ruled: Ruled, name: str, target: Target, rows: np.ndarray, here: np.ndarray
) -> dict[str, dict[str, int]]:
    """Return how many answers of a task the rules changed, and of each how often it fired, changed one, was broken."""
    ours = [rule for rule in rules.rules if name in rule.tasks]
    changed = {rule.name: ruled.blame.get((name, rule.name), np.zeros(0, bool)) for rule in ours}
    truth = target.values[rows[here]]
    blamed = [one[here] for (of, _), one in ruled.blame.items() if of == name]
    return {
        "answers": {"scored": len(here), "changed": int(np.any(blamed, axis=0).sum())},
        "fired": {rule.name: int(ruled.fired[rule.name][here].sum()) for rule in ours},
        "changed": {key: int(one[here].sum()) if len(one) else 0 for key, one in changed.items()},
        "broken": {
            rule.name: int((rule.breaks(truth) & ruled.fired[rule.name][here]).sum())
            for rule in ours
            if rule.kind != "pair"
        },
    }
