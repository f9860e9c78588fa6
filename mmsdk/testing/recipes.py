# ruff: noqa: D401 - the docstring of a check is the promise, shown when it is broken
"""What every recipe promises of its sample: the same each time, inside its folder, in JSON's values."""

from __future__ import annotations

import contextlib
import functools
import json
import shutil
import tempfile
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmsdk.app.recipe_settings import value_of
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
    from collections.abc import Iterator, Mapping, Sequence

    from mmsdk.specs import RecipeSpec, Setting
    from mmsdk.testing.checks import Check
    from mmsdk.testing.probe import Probe


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A sample as a recipe drew it.

    :param application: what ``sample`` returned.
    :param files: name -> hash of each file.
    :param said: the application in JSON's values, the folder's name taken out.
    :param stray: what lay in the working directory afterwards, which was empty.
    """

    application: Mapping[str, Any]
    files: Mapping[str, str]
    said: Any
    stray: Sequence[str]


class RecipeSubject(Subject):
    """A recipe under test; each sample is drawn once, and the first is billed and fitted where it lies."""

    @functools.cached_property
    def home(self) -> Path:
        """Return a folder that goes with the subject."""
        home = Path(tempfile.mkdtemp(prefix="mmsdk-recipe-")).resolve()
        weakref.finalize(self, shutil.rmtree, home, ignore_errors=True)
        return home

    @functools.cached_property
    def fitted(self) -> Fitted:
        """Return the run of the sample."""
        return fit_sample(self.target(), self.home, lambda: self.sample(0).application)

    @functools.lru_cache(maxsize=4)  # noqa: B019 - a subject lives as long as its checks
    def sample(self, seed: int, again: int = 0) -> Drawn:
        """Return a sample; its files are kept in ``home / "sample-0-0"`` alone, which others need."""
        folder = self.home / f"sample-{seed}-{again}"
        shutil.rmtree(folder, ignore_errors=True)  # what is left of one that broke off
        folder.mkdir()
        try:
            return _draw(self.target(), folder, seed)
        finally:
            if seed or again:
                shutil.rmtree(folder)


def _draw(recipe: Any, root: Path, seed: int) -> Drawn:
    """Let a recipe write its sample into a folder, while it works in an empty one."""
    with tempfile.TemporaryDirectory() as empty, contextlib.chdir(empty):
        application = recipe.sample(root, seed)
        stray = sorted(entry.name for entry in Path(empty).iterdir())
    files = {str(file.relative_to(root)): hash_file(file) for file in root.rglob("*") if file.is_file()}
    text = json.dumps(dict(application), default=_path, sort_keys=True)
    said = json.loads(text.replace(json.dumps(str(root))[1:-1], "FOLDER"))
    return Drawn(application=application, files=files, said=said, stray=stray)


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
    """The spec says which data it takes, and what each of its settings does; a default is of the setting's kind."""
    expect(subject.spec.takes, "takes is empty: say which data it takes")
    silent = [name for name, setting in subject.spec.settings.items() if not setting.what]
    expect(not silent, f"settings {', '.join(silent)} say nothing of what they do")
    for name, setting in subject.spec.settings.items():
        expect(
            _is_of_its_kind(setting), f"the default of {name} is {setting.default!r}, and its kind is {setting.kind}"
        )


def check_target_resolves(subject: RecipeSubject) -> None:
    """The target has the members of a recipe and is made without arguments."""
    missing = missing_methods(subject.target, RECIPE_METHODS)
    expect(not missing, f"{subject.spec.target} has no method {', '.join(missing)}")
    subject.target()


def check_sample_is_an_application(subject: RecipeSubject) -> None:
    """``sample`` writes files and returns an application with inputs, and tasks or interactions."""
    application = subject.sample(0).said
    expect(subject.sample(0).files, "sample() writes no file")
    expect(application.get("data"), "the application of the sample names no data")
    expect(application.get("inputs"), "the application of the sample has no inputs")
    expect(
        application.get("tasks") or application.get("interactions"),
        "the application of the sample has neither tasks nor interactions",
    )


def check_sample_is_deterministic(subject: RecipeSubject) -> None:
    """The same seed gives the same files, byte for byte, and the same application."""
    one, other = subject.sample(0), subject.sample(0, again=1)
    names = one.files.keys() | other.files.keys()
    differ = sorted(name for name in names if one.files.get(name) != other.files.get(name))
    expect(not differ, f"drawn twice with one seed, {len(differ)} files differ: {', '.join(differ[:3])}")
    expect(one.said == other.said, "drawn twice with one seed, the applications differ")


def check_seed_matters(subject: RecipeSubject) -> None:
    """Another seed gives another sample."""
    expect(subject.sample(0).files != subject.sample(1).files, "seeds 0 and 1 give the same files")


def check_sample_stays_in_its_folder(subject: RecipeSubject) -> None:
    """``sample`` writes nothing into the working directory."""
    stray = subject.sample(0).stray
    expect(not stray, f"sample() writes {', '.join(stray)} into the working directory")


def _is_of_its_kind(setting: Setting) -> bool:
    """Return whether the default of a setting is what a recipe would get if somebody said it."""
    try:
        return setting.default is None or value_of(setting, setting.default) == setting.default
    except ValueError:
        return False


def _path(value: Any) -> str:
    """Return a path as text; anything else is not JSON.

    :raises TypeError: it is not.
    """
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
