"""What a check is, and what running one gives: small, named, each with one reason to fail."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from mmsdk.errors import MmsdkError, PluginError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from torch import Tensor

S = TypeVar("S")


class Skip(Exception):  # noqa: N818 - as in unittest: not an error
    """A check does not apply here; the text is the reason."""


class Unresolved(Exception):  # noqa: N818 - becomes a failure of one check, and a skip of the others
    """A target cannot be imported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One promise of one component. Call it; it raises ``AssertionError`` where the promise is broken.

    :param component: kind and name: ``"encoder tone"``.
    :param name: of the promise: ``"rows_are_independent"``.
    :param about: the promise in a sentence.
    """

    component: str
    name: str
    about: str
    run: Callable[[], None]

    @property
    def id(self) -> str:
        """Return ``encoder:tone:rows_are_independent``, by which an expected failure is named."""
        return ":".join([*self.component.split(" ", 1), self.name])

    def __call__(self) -> None:
        """Run it.

        :raises AssertionError: the promise is broken.
        :raises Skip: it does not apply.
        """
        self.run()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What came of a check: ``"passed"``, ``"failed"``, ``"skipped"``, or ``"expected"`` (to fail, and it did)."""

    component: str
    check: str
    status: Literal["passed", "failed", "skipped", "expected"]
    detail: str = ""

    @property
    def ok(self) -> bool:
        """Return whether nothing needs mending."""
        return self.status != "failed"


class NoCells(PluginError):  # noqa: N818 - as Unresolved
    """There is nothing to try a component on; a failure of one check, and a skip of the others."""


SAYS_NO_CELLS = ("check_has_examples", "check_answers_the_right_shape", "check_targets_have_the_right_shape")


def bind(component: str, subject: S, functions: Iterable[Callable[[S], None]]) -> Iterator[Check]:
    """Yield a check of ``subject`` for each function ``check_<name>(subject)``; its docstring is the promise."""
    for function in functions:
        about = (function.__doc__ or "").strip().splitlines()[0]
        name = function.__name__.removeprefix("check_")
        yield Check(component=component, name=name, about=about, run=_bound(function, subject))


def _bound(function: Callable[[S], None], subject: S) -> Callable[[], None]:
    """Return the function with its subject; a component that refuses to work here is skipped with its own words."""

    def run() -> None:
        try:
            function(subject)
        except NoCells as error:
            if function.__name__ in SAYS_NO_CELLS:
                raise
            raise Skip("there is nothing to try it on") from error
        except (PluginError, AssertionError):
            raise
        except Unresolved as error:
            if function.__name__ == "check_target_resolves":
                raise AssertionError(str(error)) from error
            raise Skip("its target does not resolve") from error
        except MmsdkError as error:
            raise Skip(f"refuses to work here: {error}") from error

    return run


def perform(check: Check, expected_failures: Mapping[str, str] | None = None) -> CheckResult:
    """Run a check and say what came of it; nothing is raised but Ctrl-C."""
    reason = (expected_failures or {}).get(check.id)
    try:
        check()
    except Skip as skip:
        return CheckResult(component=check.component, check=check.name, status="skipped", detail=str(skip))
    except Exception as error:
        status: Literal["failed", "expected"] = "failed" if reason is None else "expected"
        detail = reason or f"{check.about}\n{_told(error)}"
        return CheckResult(component=check.component, check=check.name, status=status, detail=detail)
    if reason is not None:
        detail = f"passes, though expected to fail ({reason}): take it off the expected failures"
        return CheckResult(component=check.component, check=check.name, status="failed", detail=detail)
    return CheckResult(component=check.component, check=check.name, status="passed")


def validate_expected(expected_failures: Mapping[str, str], checks: Iterable[Check]) -> None:
    """Refuse an expected failure without a reason, or of a check that does not exist.

    :raises PluginError: there is one.
    """
    known = [check.id for check in checks]
    for name, reason in expected_failures.items():
        if name not in known:
            raise PluginError(f"expected_failures: no check named {name!r}.{did_you_mean(name, known)}")
        if not reason.strip():
            raise PluginError(f"expected_failures[{name!r}]: says no reason. Write why it fails and cannot be mended")


def expect(condition: Any, message: str) -> None:
    """Raise ``AssertionError(message)`` unless the condition holds; unlike ``assert`` also under ``python -O``."""
    if not condition:
        raise AssertionError(message)


def expect_close(found: Tensor, expected: Tensor, what: str, *, tolerance: float = 1e-5) -> None:
    """Raise ``AssertionError`` where two tensors differ by more than a share of the largest value."""
    gap = (found - expected).abs().max().item()
    expect(gap <= tolerance * max(1.0, expected.abs().max().item()), f"{what}, by up to {gap:.3g}")


def _told(error: Exception) -> str:
    """Return an assertion's words, or another error with the last line of code that raised it."""
    if isinstance(error, AssertionError | MmsdkError):
        return str(error).strip()
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{place}"
