# ruff: noqa: D401 - the docstring of a check is the promise, shown when it is broken
"""What every recipe promises of its sample: the same each time, inside its folder, in JSON's values."""

from __future__ import annotations

import functools
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmsdk.files import hash_file
from mmsdk.plugins import missing_methods
from mmsdk.protocols import RECIPE_METHODS
from mmsdk.testing.checks import bind, expect
from mmsdk.testing.recipe_runs import (
    Fitted,
    check_answers_from_the_saved_run_alone,
    check_card_says_what_it_is_for,
    check_dry_run_is_billed,
    check_report_holds_its_sections,
    check_sample_can_be_fitted,
    fit_sample,
)
from mmsdk.testing.subject import Subject, check_import_is_offline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mmsdk.specs import RecipeSpec
    from mmsdk.testing.checks import Check
    from mmsdk.testing.probe import Probe


class RecipeSubject(Subject):
    """A recipe under test; each sample is drawn once, and fitted once."""

    @functools.cached_property
    def fitted(self) -> Fitted:
        """Return the run of the sample."""
        return fit_sample(self.target(), self)

    @functools.lru_cache(maxsize=4)  # noqa: B019 - a subject lives as long as its checks
    def sample(self, seed: int, again: int = 0) -> tuple[dict[str, str], Any]:
        """Return the hashes of a sample's files by name, and its application with the folder's name taken out."""
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder).resolve()
            application = self.target().sample(root, seed)
            files = {str(file.relative_to(root)): hash_file(file) for file in root.rglob("*") if file.is_file()}
            text = json.dumps(dict(application), default=_path, sort_keys=True)
            return files, json.loads(text.replace(json.dumps(str(root))[1:-1], "FOLDER"))


def recipe_checks(spec: RecipeSpec, probe: Probe | None = None) -> Iterator[Check]:
    """Yield the checks of one recipe."""
    functions = [
        check_spec_is_sane,
        check_target_resolves,
        check_import_is_offline,
        check_sample_is_an_application,
        check_sample_is_deterministic,
        check_seed_matters,
        check_sample_stays_in_its_folder,
        check_dry_run_is_billed,
        check_sample_can_be_fitted,
        check_card_says_what_it_is_for,
        check_report_holds_its_sections,
        check_answers_from_the_saved_run_alone,
    ]
    yield from bind(f"recipe {spec.name}", RecipeSubject(spec, probe), functions)


def check_spec_is_sane(subject: RecipeSubject) -> None:
    """The spec says which data it takes, and what each of its settings does."""
    expect(subject.spec.takes, "takes is empty: say which data it takes")
    silent = [name for name, words in subject.spec.settings.items() if not words]
    expect(not silent, f"settings {', '.join(silent)} say nothing of what they do")


def check_target_resolves(subject: RecipeSubject) -> None:
    """The target has the members of a recipe and is made without arguments."""
    missing = missing_methods(subject.target, RECIPE_METHODS)
    expect(not missing, f"{subject.spec.target} has no method {', '.join(missing)}")
    subject.target()


def check_sample_is_an_application(subject: RecipeSubject) -> None:
    """``sample`` writes files and returns an application with inputs, and tasks or interactions."""
    files, application = subject.sample(0)
    expect(files, "sample() writes no file")
    expect(application.get("data"), "the application of the sample names no data")
    expect(application.get("inputs"), "the application of the sample has no inputs")
    expect(
        application.get("tasks") or application.get("interactions"),
        "the application of the sample has neither tasks nor interactions",
    )


def check_sample_is_deterministic(subject: RecipeSubject) -> None:
    """The same seed gives the same files, byte for byte, and the same application."""
    (files, application), (others, other) = subject.sample(0), subject.sample(0, again=1)
    differ = sorted(name for name in files.keys() | others.keys() if files.get(name) != others.get(name))
    expect(not differ, f"drawn twice with one seed, {len(differ)} files differ: {', '.join(differ[:3])}")
    expect(application == other, "drawn twice with one seed, the applications differ")


def check_seed_matters(subject: RecipeSubject) -> None:
    """Another seed gives another sample."""
    expect(subject.sample(0)[0] != subject.sample(1)[0], "seeds 0 and 1 give the same files")


def check_sample_stays_in_its_folder(subject: RecipeSubject) -> None:
    """``sample`` writes nothing into the working directory."""
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as empty, tempfile.TemporaryDirectory() as folder:
        os.chdir(empty)
        try:
            subject.target().sample(Path(folder), 0)
            stray = sorted(entry.name for entry in Path(empty).iterdir())
        finally:
            os.chdir(here)
    expect(not stray, f"sample() writes {', '.join(stray)} into the working directory")


def _path(value: Any) -> str:
    """Return a path as text; anything else is not JSON.

    :raises TypeError: it is not.
    """
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
