"""Every hook is documented by an example that runs, stands in docs/hooks.md, and is used by a plugin that works."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from mmsdk import hookspecs
from mmsdk.plugins import KINDS, get_registry
from mmsdk.plugins.document import example, main, page
from mmsdk.testing.fakes import installed, write_distribution

DOCS = Path(__file__).parent.parent / "docs" / "hooks.md"
HOOKS = [name for name, value in vars(hookspecs).items() if name.startswith("mmsdk_") and inspect.isfunction(value)]
KIND_OF = {hook: kind for kind, (hook, _) in KINDS.items()}


def test_every_hook_is_known_to_the_registry() -> None:
    assert len(HOOKS) >= 10
    assert sorted(HOOKS) == sorted(KIND_OF)


@pytest.mark.parametrize("hook", HOOKS)
def test_the_example_works_as_a_plugin(hook: str, tmp_path: Path) -> None:
    write_distribution(tmp_path, "mmsdk-example", modules={"example_plugin": example(hook)})
    with installed(tmp_path):
        row = get_registry().row("example")
        assert row.status == "ok", row.reason
        assert dict(row.provides) == {KIND_OF[hook]: 1}
        (entry,) = get_registry().of_plugin("example")
        assert type(entry.spec) is KINDS[KIND_OF[hook]][1]


@pytest.mark.parametrize("hook", HOOKS)
def test_the_example_stands_in_the_docs(hook: str) -> None:
    text = DOCS.read_text(encoding="utf-8")
    assert f"## {hook}\n" in text
    assert example(hook) in text


def test_the_page_is_generated(tmp_path: Path) -> None:
    assert DOCS.read_text(encoding="utf-8") == page(), "run: python -m mmsdk.plugins.document docs/hooks.md"
    assert main([str(tmp_path / "hooks.md")]) == 0
    assert (tmp_path / "hooks.md").read_text(encoding="utf-8") == page()


def test_the_page_names_every_field_of_every_spec() -> None:
    text = page()
    for _, spec in KINDS.values():
        own = set(spec.__annotations__) & set(spec.__dataclass_fields__)
        assert [field for field in own if f"`{field}" not in text] == []
