# ruff: noqa: D401 - the docstring of a check is the promise, shown when it is broken
"""What every recipe promises of its run: it is billed, fitted, described, and answers when its sample is gone."""

from __future__ import annotations

import contextlib
import gc
import html
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmsdk.errors import MmsdkError
from mmsdk.testing.checks import Skip, expect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mmsdk.data import Table
    from mmsdk.testing.recipes import RecipeSubject

QUICK: Mapping[str, Any] = {"training.epochs": 2}
FETCHES = re.compile(r"""(?:src\s*=\s*["']?|url\(\s*["']?|@import\s+["']?)(?:https?:)?//""")


@dataclass(slots=True, kw_only=True)
class Fitted:
    """The run of a recipe's sample.

    :param run: the run directory.
    :param sections: what ``sections`` yielded.
    :param error: why the sample cannot be fitted, empty where it can.
    """

    run: Path
    sections: list[Any] = field(default_factory=list)
    error: str = ""


def fit_sample(recipe: Any, home: Path, drawn: Callable[[], Mapping[str, Any]]) -> Fitted:
    """Fit the sample of a recipe, quickly, into ``home / "run"``.

    :param drawn: returns its application.
    """
    fitted = Fitted(run=home / "run")
    try:
        _fit(recipe, drawn(), fitted)
    except MmsdkError as error:
        fitted.error = str(error)
    gc.collect()  # encoders that are still open would answer for what they cannot open again
    return fitted


def _fit(recipe: Any, application: Mapping[str, Any], fitted: Fitted) -> None:
    """Fit an application, with what the recipe says of the run."""
    import mmsdk
    from mmsdk.app.draft import Origin

    quick = dict(QUICK)
    if application.get("interactions"):
        quick["interactions.refit"] = False
    if application.get("tasks") and not application.get("confidence"):
        quick["confidence.source"] = "validation"

    def sections(app: Any) -> Iterator[tuple[str, str]]:
        fitted.sections.extend(recipe.sections(app))
        yield from fitted.sections

    origin = Origin(title="conformance", synthetic=True, sections=sections, card=getattr(recipe, "card", None))
    app = mmsdk.fit(application, out=fitted.run, overrides=quick, device="cpu", quiet=True, origin=origin)
    app.close()


def check_dry_run_is_billed(subject: RecipeSubject) -> None:
    """The application of the sample can be planned and billed, and asks for nothing to be fetched."""
    from mmsdk.app.bill import make_bill
    from mmsdk.config import load_application

    with _refusals("the sample cannot be planned"):
        bill = make_bill(load_application(subject.sample(0).application), device="cpu")
    expect(bill.rows, "the bill of the sample counts no rows")
    fetched = [name for name, one in bill.inputs.items() if one.fetch != 0]
    expect(not fetched, f"the sample fetches weights for {', '.join(fetched)}: it must run offline")


def check_sample_can_be_fitted(subject: RecipeSubject) -> None:
    """The sample becomes a whole run: figures, a report, a card."""
    fitted = subject.fitted
    expect(not fitted.error, f"the sample cannot be fitted: {fitted.error}")
    metrics = json.loads((fitted.run / "metrics.json").read_text(encoding="utf-8"))
    expect(any(metrics.values()), "the run of the sample has no figures")


def check_card_says_what_it_is_for(subject: RecipeSubject) -> None:
    """``card(app)`` says what the recipe is for, on which data it was tried, and where it fails."""
    run = _whole(subject).run
    card = json.loads((run / "run.json").read_text(encoding="utf-8"))["card"]
    expect(card is not None, "there is no method card(app): return a mmsdk.Card")
    for name, what in (("intended", "what it is for"), ("data", "which data"), ("limits", "where it fails")):
        expect(card[name] and all(card[name]), f"Card.{name} is empty: say {what}")
    failed = [one for one in card["limits"] if "could not write its card: " in one]
    expect(not failed, "".join(failed))
    page = (run / "card.md").read_text(encoding="utf-8")
    expect("## Intended use" in page, "card.md has no intended use")


def check_report_holds_its_sections(subject: RecipeSubject) -> None:
    """Each section is a title and HTML that needs no network, and stands in the report."""
    fitted = _whole(subject)
    page = (fitted.run / "report.html").read_text(encoding="utf-8")
    failed = re.search(r"could not write its sections: ([^<]*)", page)
    expect(failed is None, html.unescape(failed[1]) if failed else "")
    for title, body in fitted.sections:
        expect(html.escape(title) in page, f"the section {title!r} does not stand in report.html")
        expect(not FETCHES.search(body), f"the section {title!r} fetches something from the network")


def check_answers_from_the_saved_run_alone(subject: RecipeSubject) -> None:
    """Loaded where its sample no longer lies, the run answers a row, and the row less any one of its inputs."""
    import mmsdk

    run = _whole(subject).run
    with (
        _moved(subject.home / "sample-0-0") as (sample, moved),
        _refusals("the saved run does not answer"),
        contextlib.closing(mmsdk.load(run, quiet=True)) as app,
    ):
        table = mmsdk.read_table(moved / Path(str(app.application.data)).relative_to(sample))
        rows = list(_rows(app, table))
        answers = app.predict(rows, root=table.root)
        expect(len(answers) == len(rows), f"{len(rows)} rows got {len(answers)} answers")
        for name, answer in zip(["", *app.application.inputs], answers, strict=True):
            expect(name not in answer.modalities_used, f"the answer rests on {name}, which the row does not have")
            expect(answer.outputs.keys() == app.application.tasks.keys(), "a task is not answered")
        if app.application.interactions is not None:
            expect(app.recommend(app.index.some_ids(1), k=3), "the saved run recommends nothing")


def _rows(app: Any, table: Table) -> Iterator[dict[str, Any]]:
    """Yield the fullest row of the sample by column, then the same less each input."""
    columns = [[one for one in table.names if entry.reads(one)] for entry in app.application.inputs.values()]
    known = [one for names in columns for one in names]
    whole = max(table.records(), key=lambda row: sum(row.get(one) is not None for one in known))
    yield {one: whole[one] for one in known}
    for names in columns:
        yield {one: None if one in names else whole[one] for one in known}


def _whole(subject: RecipeSubject) -> Fitted:
    """Return the fitted sample.

    :raises Skip: it could not be fitted, which is a failure of another check.
    """
    if subject.fitted.error:
        raise Skip("its sample cannot be fitted")
    return subject.fitted


@contextlib.contextmanager
def _moved(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Move a folder away for a while; yields where it lay, and where it lies."""
    away = folder.with_name("moved")
    folder.rename(away)
    try:
        yield folder, away
    finally:
        away.rename(folder)


@contextlib.contextmanager
def _refusals(what: str) -> Iterator[None]:
    """Make of a refusal a broken promise: a sample that the recipe makes itself is nobody else's mistake."""
    try:
        yield
    except MmsdkError as error:
        raise AssertionError(f"{what}: {error}") from error
