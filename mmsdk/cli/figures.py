"""A run's figures on the terminal: the judged part beside the baselines, the folder, and what to try next."""

from __future__ import annotations

import json
import shlex
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mmsdk.cli.details import aligned, detail_lines
from mmsdk.cli.output import print_json
from mmsdk.cli.shell import width
from mmsdk.plugins import resolve
from mmsdk.quoted import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SHOWN = 5  # baselines on the terminal: those that are hardest to be ahead of; the report has all
PRINTED = ("baselines", "paired", "confidence")  # what is printed of a task beside its judged part
QUERY = 40  # characters of a text that is suggested as a query
GENERAL = 3  # commands of any run that are suggested after those of the recipe
SYNTHETIC = "The data is synthetic: made to show that everything runs. The figures say nothing about your data."


def print_run(app: Any, *, as_json: bool, own: Sequence[Sequence[str | Path]] = ()) -> None:
    """Print what a finished run is worth, where it lies, and commands to try.

    :param own: those of its recipe, as the words after ``mmsdk``.
    """
    metrics = json.loads((app.folder / "metrics.json").read_text(encoding="utf-8"))
    if as_json:
        notice = {"notice": app.application.notice} if app.application.notice else {}
        print_json({"run": str(app.folder), "metrics": metrics, "synthetic": app.document["synthetic"], **notice})
        return
    if app.application.notice:
        click.echo(click.wrap_text(app.application.notice, width()) + "\n")
    print_metrics(metrics, headlines(app.document))
    if app.document["synthetic"]:
        click.echo(click.wrap_text(SYNTHETIC, width()) + "\n")
    click.echo(f"Run:    {app.folder}")
    click.echo(f"Report: {app.folder / 'report.html'}\n")
    click.echo("Try next:")
    for words in (*own, *islice(next_commands(app), GENERAL)):
        click.echo(f"  {_typed(words)}")


def headlines(document: Mapping[str, Any]) -> dict[str, str]:
    """Return task -> the metric that decides."""
    found = {name: task["metric"] for name, task in document["tasks"].items()}
    found |= (document.get("align") or {}).get("pairs", {})
    ranking = document.get("ranking")
    return found if ranking is None else {**found, "*": ranking["metric"]}


def print_metrics(metrics: Mapping[str, Any], headline: Mapping[str, str], *, details: bool = False) -> None:
    """Print each task's judged part and its baselines by the metric that decides, then the other metrics.

    :param details: subsets of the inputs, slices and rules too, for which a run has its report.
    """
    seen: dict[str, Mapping[str, Any]] = {}
    for task, parts in metrics.items():
        part = next((name for name in ("test", "val", "train") if name in parts), None)
        if part is None:
            click.echo(f"{task}: no rows were left to score\n")
            continue
        metric = headline.get(task, headline.get("*", next(iter(parts[part]), "")))
        shown = parts if details else {name: parts.get(name) for name in (part, *PRINTED)}
        if twin := next((name for name, one in seen.items() if one == shown), ""):
            click.echo(f"{task}: the same figures as {twin}\n")
            continue
        seen[task] = shown
        click.echo(f"{task}: {metric} on {part} (95 % interval)")
        baselines = parts.get("baselines", {})
        hardest = _hardest(baselines, parts.get("paired", {}), metric)
        rows = {"this run": parts[part], **{name: baselines[name] for name in hardest}}
        for line in aligned({name: quoted(row.get(metric)) for name, row in rows.items()}):
            click.echo(line)
        if rest := len(baselines) - len(hardest):
            click.echo(f"  {rest} easier baseline{'s' * (rest > 1)} in the report")
        others = [f"{name} {one['value']:.3f}" for name, one in parts[part].items() if name != metric]
        if others:
            click.echo(click.wrap_text("; ".join(others), width(), "  ", "  "))
        for line in (ahead_line(parts.get("paired", {}), metric), *_promises(parts.get("confidence", {}))):
            if line:
                click.echo(click.wrap_text(line, width(), "  ", "  "))
        for line in detail_lines(parts, metric) if details else ():
            click.echo(line)
        click.echo()


def _hardest(baselines: Mapping[str, Any], paired: Mapping[str, Any], metric: str) -> list[str]:
    """Return the baselines to show, in their order: all of a few, else those that are hardest to be ahead of."""
    ahead = {name: one[metric]["value"] for name, one in paired.items() if metric in one and name in baselines}
    if len(baselines) <= SHOWN or len(ahead) < SHOWN:
        return list(baselines)
    kept = sorted(ahead, key=lambda name: ahead[name])[:SHOWN]
    return [name for name in baselines if name in kept]


def ahead_line(paired: Mapping[str, Any], metric: str) -> str:
    """Return a line about the paired difference to the best baseline, the one hardest to be ahead of."""
    found = {name: one[metric] for name, one in paired.items() if metric in one}
    if not found:
        return ""
    name = min(found, key=lambda one: found[one]["value"])
    word, by = resolve("mmsdk.evaluate.differences:sided")(found[name])
    sure = "beyond chance" if by["low"] is not None and by["low"] > 0 else "not told apart by these rows"
    return f"{word.lower()} the best baseline, {name}, by {quoted(by)}: {sure}"


def _promises(confidence: Mapping[str, Any]) -> Iterator[str]:
    """Yield what came of the promises: how often the sets hold the truth, and what was declined."""
    if sets := confidence.get("sets"):
        said = f"sets hold the truth {quoted(sets['coverage'])} of the time, {confidence['target']:g} was promised"
        size = f"their mean size is {sets['size']['value']:.3g}" if "size" in sets else "some have no bound"
        yield f"{said}; {size}"
    if answered := confidence.get("answered"):
        error = f", wrong in {quoted(answered['error'])} of them" if "error" in answered else ""
        yield f"answered {quoted(answered['share'])} of the rows{error}"
        if answered["share"]["value"] == 0:
            yield "every row is declined: give more rows to calibrate on, or decline less (confidence.abstain)"


def next_commands(app: Any) -> Iterator[Sequence[str | Path]]:
    """Yield commands that work on this run as they stand, the most telling first."""
    ids = app.index.some_ids(2)
    data = app.application.data
    if app.document.get("ranking") is not None:
        yield "recommend", app.folder, "--history", ",".join(ids)
    tasks = bool(app.document["tasks"])
    if tasks and data is not None and Path(data).is_file():
        yield "predict", app.folder, Path(data), "--out", "answers.csv", *_reading(app.pipeline.policy)
    if tasks and ids:
        yield "explain", app.folder, "--id", ids[0], *_reading(app.pipeline.policy)
    elif any(one["modality"] == "text" for one in app.document["inputs"].values()):
        yield "search", app.folder, "--text", _some_words(app, ids)
    if ids:
        yield "search", app.folder, "--id", ids[0]


def _some_words(app: Any, ids: Sequence[str]) -> str:
    """Return the first words of a text of the index, which are of its language and find something."""
    texts = [name for one in app.application.inputs.values() if one.kind == "text" for name in one.columns]
    row: Mapping[str, Any] = next(iter(app.index.rows(ids[:1])), {})
    words = next((told for name in texts if (told := " ".join(str(row.get(name) or "").split()))), "something warm")
    return words if len(words) <= QUERY else words[:QUERY].rpartition(" ")[0] or words[:QUERY]


def _reading(policy: Any) -> Iterator[str]:
    """Yield the options without which the table of the run is refused."""
    if policy.on_bad_row != "error":
        yield f"--on-bad-row={policy.on_bad_row}"
    if policy.allow_outside:
        yield "--allow-outside"
    if policy.allow_remote:
        yield "--allow-remote"


def _typed(words: Sequence[str | Path]) -> str:
    """Return a command as one would type it here."""
    return shlex.join(["mmsdk", *(_near(one) if isinstance(one, Path) else one for one in words)])


def _near(folder: Path) -> str:
    """Return a folder as one would type it here."""
    try:
        return str(folder.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(folder)
