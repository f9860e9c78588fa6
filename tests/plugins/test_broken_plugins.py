"""Every way in which a plugin can be broken: a row with its stage and reason, and everything else works."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mmsdk.errors import PluginError
from mmsdk.plugins import get_registry
from mmsdk.testing.fakes import installed, write_distribution

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GOOD = """
    from mmsdk import EncoderSpec, hookimpl

    @hookimpl
    def mmsdk_encoders():
        yield EncoderSpec(name="tone", modalities=("audio",), dim=64, target="good_tone:Tone")

    class Tone:
        dim = 64
"""

HOOK = """
    from mmsdk import EncoderSpec, FusionSpec, LoaderSpec, PresetSpec, hookimpl

    @hookimpl
    def mmsdk_encoders():
        {body}
"""


def hook(body: str) -> str:
    return HOOK.format(body=body)


BROKEN: dict[str, tuple[str, str, str]] = {
    "import": ("raise RuntimeError('no licence file')", "load", "RuntimeError: no licence file"),
    "missing-module": ("import no_such_module_anywhere", "load", "No module named 'no_such_module_anywhere'"),
    "syntax": ("def broken(:", "load", "SyntaxError"),
    "exit": ("import sys\nsys.exit(3)", "load", "SystemExit: 3"),
    "misspelled": (
        "from mmsdk import hookimpl\n@hookimpl\ndef mmsdk_encoder():\n    yield 1",
        "register",
        "no hook named 'mmsdk_encoder'. Did you mean 'mmsdk_encoders'?",
    ),
    "misspelled-unmarked": (
        "def mmsdk_encodes():\n    yield 1",
        "register",
        "no hook named 'mmsdk_encodes'. Did you mean 'mmsdk_encoders'?",
    ),
    "misspelled-prefix": (
        "from mmsdk import hookimpl\n@hookimpl\ndef mmdsk_encoders():\n    yield 1",
        "register",
        "no hook named 'mmdsk_encoders'. Did you mean 'mmsdk_encoders'?",
    ),
    "unmarked": ("def mmsdk_encoders():\n    yield 1", "register", "mmsdk_encoders is not marked as a hook"),
    "arguments": (
        "from mmsdk import hookimpl\n@hookimpl\ndef mmsdk_encoders(config):\n    yield 1",
        "register",
        "a hook takes no arguments",
    ),
    "wrapper": (
        "from mmsdk import hookimpl\n@hookimpl(wrapper=True)\ndef mmsdk_encoders():\n    return (yield)",
        "register",
        "mmsdk_encoders is a hook wrapper",
    ),
    "raises": (hook("raise OSError('disk on fire')"), "hook", "OSError: disk on fire"),
    "raises-late": (
        hook("yield EncoderSpec(name='early', modalities=('text',), dim=1, target='a:B'); raise OSError('late')"),
        "hook",
        "OSError: late",
    ),
    "wrong-type": (hook("yield 'tone'"), "hook", "mmsdk_encoders yielded str 'tone', expected EncoderSpec"),
    "wrong-spec": (hook("yield FusionSpec(name='a', target='a:B')"), "hook", "expected EncoderSpec"),
    "nothing": (hook("return None"), "hook", "mmsdk_encoders returned NoneType, expected specs"),
    "single": (
        hook("return EncoderSpec(name='a', modalities=('text',), dim=1, target='a:B')"),
        "hook",
        "returned EncoderSpec, expected specs: use yield",
    ),
    "bad-name": (
        hook("yield EncoderSpec(name='My Encoder', modalities=('text',), dim=1, target='a:B')"),
        "hook",
        "named 'My Encoder': a name is lower case",
    ),
    "bad-target": (
        hook("yield EncoderSpec(name='a', modalities=('text',), dim=1, target='a.B')"),
        "hook",
        "target 'a.B' is not of the form 'module:attr'",
    ),
    "bad-pull": (
        hook("yield LoaderSpec(name='a', modalities=('text',), target='a:B', example='a:b', pull='a.pull')").replace(
            "mmsdk_encoders", "mmsdk_encoder_loaders"
        ),
        "hook",
        "pull 'a.pull' is not of the form 'module:attr'",
    ),
    "bare-string": (
        hook("yield EncoderSpec(name='a', modalities='text', dim=1, target='a:B')"),
        "hook",
        "modalities is 'text', expected a tuple of strings",
    ),
    "missing-field": (hook("yield EncoderSpec(name='a')"), "hook", "TypeError"),
    "twice": (
        hook("for _ in range(2):\n            yield EncoderSpec(name='a', modalities=('text',), dim=1, target='a:B')"),
        "hook",
        "yielded 'a' twice",
    ),
    "bad-preset": (
        "from mmsdk import PresetSpec, hookimpl\n@hookimpl\ndef mmsdk_presets():\n"
        "    yield PresetSpec(name='p', encoders={'text': 'minilm'})",
        "hook",
        "encoders['text'] is 'minilm', expected a tuple of strings",
    ),
}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    """A folder with one good plugin, installed."""
    write_distribution(tmp_path, "mmsdk-tone", modules={"good_tone": GOOD})
    with installed(tmp_path):
        yield tmp_path


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_plugin_is_a_row_and_the_rest_works(site: Path, case: str) -> None:
    source, stage, reason = BROKEN[case]
    write_distribution(site, "mmsdk-bad", modules={"bad_plugin": source})
    registry = get_registry()
    row = registry.row("bad")
    assert (row.status, row.stage) == ("broken", stage)
    assert reason in row.reason
    assert "\n" not in row.reason
    assert (row.distribution, row.version) == ("mmsdk-bad", "0.1.0")
    assert registry.row("tone").status == "ok"
    assert registry.get("encoder", "tone").load().dim == 64
    assert [entry.spec.name for entry in registry.entries("encoder") if entry.plugin.name == "bad"] == []


@pytest.mark.parametrize("case", ["import", "misspelled", "raises", "wrong-type"])
def test_strict_raises_what_the_plugin_raised(site: Path, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source, _, reason = BROKEN[case]
    write_distribution(site, "mmsdk-bad", modules={"bad_plugin": source})
    monkeypatch.setenv("MMSDK_STRICT_PLUGINS", "1")
    expected = {"import": RuntimeError, "raises": OSError}.get(case, PluginError)
    with pytest.raises(expected) as caught:
        get_registry()
    assert str(caught.value).split(": ")[-1] in reason or reason in str(caught.value)


@pytest.mark.parametrize(
    ("need", "status"),
    [
        ("mmsdk>=99", "broken"),
        ("mmsdk<0.0.1", "broken"),
        ("MMSDK (>=99)", "broken"),
        ("mmsdk>=0.0.1", "ok"),
        ("mmsdk", "ok"),
        ("mmsdk-other>=99", "ok"),
        ("mmsdk>=99; python_version<'3'", "ok"),
        ("mmsdk>=99; extra == 'next'", "ok"),
    ],
)
def test_a_plugin_for_another_core_is_broken(site: Path, need: str, status: str) -> None:
    write_distribution(site, "mmsdk-late", modules={"late": "loaded = True"}, requires=[need])
    row = get_registry().row("late")
    assert row.status == status
    if status == "broken":
        assert row.stage == "load"
        assert row.reason.startswith("needs mmsdk")
        assert "pip install -U mmsdk mmsdk-late" in row.reason


def test_a_missing_target_shows_when_it_is_resolved(site: Path) -> None:
    body = "yield EncoderSpec(name='ghost', modalities=('text',), dim=1, target='good_tone:Ghost')"
    write_distribution(site, "mmsdk-bad", modules={"bad_plugin": hook(body)})
    registry = get_registry()
    assert registry.row("bad").status == "ok"
    with pytest.raises(
        PluginError, match=r"encoder 'ghost' of plugin bad \(mmsdk-bad 0.1.0\).*good_tone has no 'Ghost'"
    ):
        registry.get("encoder", "ghost").load()
    row = registry.row("bad")
    assert (row.status, row.stage) == ("broken", "resolve")
    assert "good_tone:Ghost" in row.reason
    assert registry.row("tone").status == "ok"


def test_resolve_all_finds_a_missing_module(site: Path) -> None:
    body = "yield EncoderSpec(name='ghost', modalities=('text',), dim=1, target='nowhere.at_all:Ghost')"
    write_distribution(site, "mmsdk-bad", modules={"bad_plugin": hook(body)})
    rows = {row.name: row for row in get_registry().resolve_all()}
    assert rows["bad"].stage == "resolve"
    assert "ModuleNotFoundError: No module named 'nowhere'" in rows["bad"].reason
    assert rows["tone"].status == "ok"


def test_strict_raises_at_resolve(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = "yield EncoderSpec(name='ghost', modalities=('text',), dim=1, target='nowhere.at_all:Ghost')"
    write_distribution(site, "mmsdk-bad", modules={"bad_plugin": hook(body)})
    entry = get_registry().get("encoder", "ghost")
    monkeypatch.setenv("MMSDK_STRICT_PLUGINS", "1")
    with pytest.raises(ModuleNotFoundError):
        entry.load()


def test_two_distributions_with_one_plugin_name(site: Path) -> None:
    write_distribution(site, "tone-again", modules={"again": "x = 1"}, entry_points={"tone": "again"})
    rows = [row for row in get_registry().rows if row.name == "tone"]
    assert [(row.distribution, row.status) for row in rows] == [("mmsdk-tone", "ok"), ("tone-again", "broken")]
    assert rows[1].reason.startswith("mmsdk-tone has a plugin named 'tone' too. Uninstall one of them")


def test_one_object_under_two_names(site: Path) -> None:
    write_distribution(site, "mmsdk-echo", modules={"echo": "x = 1"}, entry_points={"echo": "good_tone"})
    rows = {row.name: row for row in get_registry().rows}
    assert rows["echo"].status == "ok"
    assert "already registered" in rows["tone"].reason


def test_a_hook_of_a_later_core_may_be_optional(site: Path) -> None:
    source = "from mmsdk import hookimpl\n@hookimpl(optionalhook=True)\ndef mmsdk_holograms():\n    yield 1"
    write_distribution(site, "mmsdk-next", modules={"later": source})
    assert get_registry().row("next").status == "ok"


def test_a_missing_name_says_who_is_broken(site: Path) -> None:
    write_distribution(site, "mmsdk-bad", modules={"bad_plugin": "raise RuntimeError"})
    with pytest.raises(PluginError, match=r"no encoder named 'lost'\..*Broken plugins: bad"):
        get_registry().get("encoder", "lost")


def test_a_target_that_ends_the_process_is_broken_and_ends_nothing(tmp_path: Path) -> None:
    source = """
        from mmsdk import EncoderSpec, hookimpl

        @hookimpl
        def mmsdk_encoders():
            yield EncoderSpec(name="quits", modalities=("text",), dim=1, target="quits_script:Quits")
    """
    modules = {"quits_plugin": source, "quits_script": "import sys\nsys.exit(3)"}
    write_distribution(tmp_path, "mmsdk-quits", modules=modules, entry_points={"quits": "quits_plugin"})
    with installed(tmp_path):
        get_registry().resolve_all()
        row = get_registry().row("quits")
        assert (row.status, row.stage) == ("broken", "resolve")
        assert row.reason.endswith("ImportError: quits_script calls sys.exit(3) when it is imported")
