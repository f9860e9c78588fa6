"""The checks of a whole plugin: as a generator, as a list of results, and as a pytest parametrisation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmsdk.plugins import get_registry
from mmsdk.plugins.discovery import roots
from mmsdk.testing.aligners import aligner_checks
from mmsdk.testing.checks import Skip, perform, validate_expected
from mmsdk.testing.declarations import command_checks, health_check_checks, loader_checks, plugin_checks, preset_checks
from mmsdk.testing.encoders import encoder_checks
from mmsdk.testing.fusions import fusion_checks
from mmsdk.testing.indexes import index_checks
from mmsdk.testing.modalities import modality_checks
from mmsdk.testing.probe import Probe
from mmsdk.testing.recipes import recipe_checks
from mmsdk.testing.tasks import task_checks
from mmsdk.testing.trainables import trainable_checks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mmsdk.testing.checks import Check, CheckResult

CHECKS_OF: dict[str, Callable[..., Iterator[Check]]] = {
    "modality": modality_checks,
    "encoder": encoder_checks,
    "loader": loader_checks,
    "preset": preset_checks,
    "trainable": trainable_checks,
    "aligner": aligner_checks,
    "fusion": fusion_checks,
    "task": task_checks,
    "index": index_checks,
    "recipe": recipe_checks,
    "command": command_checks,
    "health_check": health_check_checks,
}


def checks_for(plugin: str) -> Iterator[Check]:
    """Yield every check of an installed plugin and its components; nothing runs until a check is called.

    :param plugin: its name in ``mmsdk plugins list``.
    :raises PluginError: no such plugin.
    """
    registry = get_registry()
    row = registry.row(plugin)
    entries = registry.of_plugin(plugin)
    probe = Probe([entry.spec for entry in entries], roots(plugin, row.distribution))
    yield from plugin_checks(row, probe)
    for entry in entries:
        yield from CHECKS_OF[entry.kind](entry.spec, probe)


def check_plugin(plugin: str, expected_failures: Mapping[str, str] | None = None) -> list[CheckResult]:
    """Run every check of an installed plugin, as ``mmsdk plugins check`` does.

    :param expected_failures: check id (``"encoder:tone:rows_are_independent"``) -> reason.
    :raises PluginError: no such plugin; an expected failure of an unknown check or without a reason.
    """
    checks = list(checks_for(plugin))
    validate_expected(expected_failures or {}, checks)
    return [perform(check, expected_failures) for check in checks]


def parametrize_with_checks(plugin: str, expected_failures: Mapping[str, str] | None = None) -> Any:
    """Return a pytest decorator that runs a test once for each check of a plugin.

    The whole test of a plugin is::

        from mmsdk.testing import parametrize_with_checks


        @parametrize_with_checks("tone")
        def test_conformance(check):
            check()

    :param expected_failures: check id -> the reason why it fails and cannot be mended; such a check must fail.
    :raises PluginError: no such plugin; an expected failure of an unknown check or without a reason.
    """
    import pytest

    expected = dict(expected_failures or {})
    checks = list(checks_for(plugin))
    validate_expected(expected, checks)

    def marks(check: Check) -> list[Any]:
        reason = expected.get(check.id)
        return [] if reason is None else [pytest.mark.xfail(reason=reason, strict=True)]

    return pytest.mark.parametrize(
        "check", [pytest.param(_Skipping(check), id=check.id, marks=marks(check)) for check in checks]
    )


class _Skipping:
    """A check whose ``Skip`` is pytest's own."""

    def __init__(self, check: Check) -> None:
        self.check = check

    def __call__(self) -> None:
        """Run it."""
        import pytest

        try:
            self.check()
        except Skip as skip:
            pytest.skip(str(skip))
