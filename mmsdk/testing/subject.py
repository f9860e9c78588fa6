# ruff: noqa: D401 - the docstring of a check is the promise, shown when it is broken
"""What every check is about: a spec, its target imported once, and a fresh process that imports it too."""

from __future__ import annotations

import functools
from typing import Any

from mmsdk.plugins import missing_modules, resolve
from mmsdk.testing.checks import Skip, Unresolved, expect
from mmsdk.testing.probe import Probe


class Subject:
    """A component under test.

    :param spec: as declared; its target must be importable, here and in another process.
    :param probe: the fresh process that has the target among its own; default: one of its own.
    """

    def __init__(self, spec: Any, probe: Probe | None = None) -> None:
        self.spec = spec
        self.probe = probe or Probe([spec])

    @functools.cached_property
    def target(self) -> Any:
        """Return what stands behind the spec.

        :raises Skip: an optional extra of it is not installed.
        :raises Unresolved: it cannot be imported.
        """
        if missing := missing_modules(self.spec):
            raise Skip(f"needs {', '.join(missing)}, which is not installed")
        try:
            return resolve(self.spec.target)
        except Exception as error:
            raise Unresolved(f"{self.spec.target}: {type(error).__name__}: {error}") from error

    def expect_subclass(self, base: type) -> None:
        """Expect the target to be a subclass of a public base."""
        known = isinstance(self.target, type) and issubclass(self.target, base)
        expect(known, f"{self.spec.target} is no subclass of mmsdk.{base.__name__}")


def check_import_is_offline(subject: Subject) -> None:
    """Importing the target asks nothing of the network, and works without."""
    _ = subject.target
    target = subject.spec.target
    found = subject.probe.target(target)
    expect(not found["network"], f"importing {target} asked the network for {', '.join(found['network'])}")
    expect(not found["error"], f"importing {target} in a fresh process without network failed: {found['error']}")
