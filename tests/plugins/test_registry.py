"""Names, clashes, presets, subsets: what the registry answers."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest

from mmsdk.errors import PluginError
from mmsdk.plugins import KINDS, Registry, get_registry, report, reset_registry, resolve
from mmsdk.testing.fakes import installed, write_distribution

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENCODER = """
    from mmsdk import EncoderSpec, PresetSpec, hookimpl

    @hookimpl
    def mmsdk_encoders():
        yield EncoderSpec(
            name="voice", modalities=("audio",), dim={dim}, target="{module}:Voice", licence="MIT", summary="a voice"
        )

    @hookimpl
    def mmsdk_presets():
        yield PresetSpec(name="loud", encoders={presets})

    class Voice:
        dim = {dim}
"""


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Path]:
    """Two plugins that both declare the encoder ``voice`` and the preset ``loud``."""
    for name, dim, presets in (
        ("alto", 4, {"audio": ("voice",), "text": ("words",)}),
        ("bass", 8, {"audio": ("voice", "deep"), "image": ("pixels",)}),
    ):
        source = ENCODER.format(module=f"{name}_plugin", dim=dim, presets=presets)
        write_distribution(tmp_path, f"mmsdk-{name}", modules={f"{name}_plugin": source})
    with installed(tmp_path):
        yield tmp_path


def test_a_name_two_plugins_claim_never_wins_silently(two: Path) -> None:
    with pytest.raises(PluginError) as caught:
        get_registry().get("encoder", "voice")
    assert str(caught.value) == (
        "2 plugins declare an encoder named 'voice': alto (mmsdk-alto 0.1.0), bass (mmsdk-bass 0.1.0). "
        "Say which: alto/voice or bass/voice"
    )


@pytest.mark.parametrize(("name", "dim"), [("alto/voice", 4), ("bass/voice", 8)])
def test_plugin_slash_name_decides(two: Path, name: str, dim: int) -> None:
    entry = get_registry().get("encoder", name)
    assert entry.load().dim == dim
    assert entry.name == name


def test_an_unknown_plugin_slash_name_lists_the_full_names(two: Path) -> None:
    with pytest.raises(PluginError, match=r"no encoder named 'alto/voices'. Did you mean 'alto/voice'"):
        get_registry().get("encoder", "alto/voices")


def test_presets_of_one_name_merge_by_modality(two: Path) -> None:
    registry = get_registry()
    merged = registry.get("preset", "loud").spec
    assert dict(merged.encoders) == {
        "audio": ("alto/voice", "bass/voice", "deep"),
        "text": ("words",),
        "image": ("pixels",),
    }
    assert [entry.spec.name for entry in registry.entries("preset")].count("loud") == 1
    assert dict(registry.get("preset", "bass/loud").spec.encoders) == {"audio": ("voice", "deep"), "image": ("pixels",)}


@pytest.mark.parametrize(
    ("wanted", "names"), [("bass", ["mmsdk", "bass"]), ("bass, alto", ["mmsdk", "alto", "bass"]), ("", ["mmsdk"])]
)
def test_a_subset(two: Path, wanted: str, names: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMSDK_LOAD_PLUGINS", wanted)
    assert [row.name for row in get_registry().rows] == names


def test_a_subset_decides_a_clash(two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMSDK_LOAD_PLUGINS", "bass")
    assert get_registry().get("encoder", "voice").load().dim == 8


def test_a_subset_that_names_nothing_installed_is_a_row(two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMSDK_LOAD_PLUGINS", "bas")
    row = get_registry().row("bas")
    assert row.status == "broken"
    assert row.reason == "named by MMSDK_LOAD_PLUGINS. Did you mean 'bass'?"


def test_the_core_comes_through_the_same_hooks() -> None:
    registry = get_registry()
    core = registry.rows[0]
    assert (core.name, core.distribution, core.status) == ("mmsdk", "mmsdk", "ok")
    assert {"fusion", "task", "index", "command", "health_check"} <= set(core.provides)
    assert registry.get("fusion", "mmsdk/gated").spec == registry.get("fusion", "gated").spec


def test_unknown_kind_and_plugin() -> None:
    with pytest.raises(PluginError, match=r"no kind of component named 'encoders'. Did you mean 'encoder'"):
        get_registry().entries("encoders")
    with pytest.raises(PluginError, match=r"no plugin named 'mmsdkk'. Did you mean 'mmsdk'"):
        get_registry().row("mmsdkk")


def test_one_registry_for_all_threads() -> None:
    reset_registry()
    seen: list[Registry] = []
    threads = [threading.Thread(target=lambda: seen.append(get_registry())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8
    assert len({id(registry) for registry in seen}) == 1


def test_reset_looks_again(tmp_path: Path) -> None:
    before = get_registry()
    reset_registry()
    assert get_registry() is not before


def test_of_plugin_lists_what_it_wrote(two: Path) -> None:
    assert [(entry.kind, entry.spec.name) for entry in get_registry().of_plugin("alto")] == [
        ("encoder", "voice"),
        ("preset", "loud"),
    ]


@pytest.mark.parametrize(
    ("target", "expected"), [("json:dumps", json.dumps), ("json:JSONEncoder.encode", json.JSONEncoder.encode)]
)
def test_resolve(target: str, expected: object) -> None:
    assert resolve(target) is expected


def test_resolve_says_what_the_module_has() -> None:
    with pytest.raises(ImportError, match=r"json has no 'dump_it'. Did you mean 'dump'"):
        resolve("json:dump_it")


def test_text_fits_sixty_columns(two: Path) -> None:
    write_distribution(two, "mmsdk-bad", modules={"bad_plugin": f"raise RuntimeError('{'long reason ' * 20}')"})
    registry = get_registry()
    text = report.rows_as_text(registry.rows, 60) + "\n" + report.entries_as_text(registry.entries("encoder"), 60)
    assert max(map(len, text.splitlines())) <= 60
    assert "bad  BROKEN at load" in text
    assert "alto/voice\n  audio - 4 numbers - MIT\n  a voice\n  from alto (mmsdk-alto 0.1.0)" in text


def test_an_absent_extra_is_said_and_is_no_fault(tmp_path: Path) -> None:
    source = (
        "from mmsdk import EncoderSpec, hookimpl\n@hookimpl\ndef mmsdk_encoders():\n"
        "    yield EncoderSpec("
        "name='extra', modalities=('text',), dim=1, target='absent.model:M', requires=('absent.x',))"
    )
    write_distribution(tmp_path, "mmsdk-extra", modules={"extra_plugin": source})
    with installed(tmp_path):
        registry = get_registry()
        assert "cannot be used: absent.x is not installed" in report.entries_as_text(registry.entries("encoder"))
        registry.resolve_all()
        assert registry.row("extra").status == "ok"


def test_json_is_plain(two: Path) -> None:
    registry = get_registry()
    rows = json.loads(json.dumps(report.rows_as_json(registry.rows)))
    alto = next(row for row in rows["plugins"] if row["name"] == "alto")
    assert alto["provides"] == {"encoder": 1, "preset": 1}
    for kind in KINDS:
        document = json.loads(json.dumps(report.entries_as_json(kind, registry.entries(kind))))
        assert document["kind"] == kind


TAKES = """
    from mmsdk import CommandSpec, FusionSpec, hookimpl

    @hookimpl
    def mmsdk_fusions():
        yield FusionSpec(name="gated", target="taker_plugin:Gated")

    @hookimpl
    def mmsdk_commands():
        yield CommandSpec(name="fit", target="taker_plugin:fit", summary="another fit")
"""


def test_the_names_of_the_core_stay_its_own(tmp_path: Path) -> None:
    write_distribution(tmp_path, "mmsdk-taker", modules={"taker_plugin": TAKES})
    with installed(tmp_path):
        registry = get_registry()
        assert registry.get("fusion", "gated").plugin.name == "mmsdk"
        assert registry.get("fusion", "taker/gated").plugin.name == "taker"
        assert registry.preferred("fusion", "gated", "taker") == "gated"
        row = registry.row("taker")
        assert (row.status, registry.row("mmsdk").reason) == ("ok", "")
        assert row.reason == (
            "fusion 'gated' is declared by mmsdk too: say taker/gated. "
            "command 'fit' is declared by mmsdk too: say taker/fit"
        )
        shown = report.entries_as_text(registry.entries("fusion"))
        assert "\ngated\n" in f"\n{shown}"
        assert "\ntaker/gated\n" in shown


def test_a_preset_means_the_encoders_of_its_own_plugin(two: Path) -> None:
    write_distribution(
        two,
        "mmsdk-soprano",
        modules={
            "soprano_plugin": """
                from mmsdk import EncoderSpec, hookimpl

                @hookimpl
                def mmsdk_encoders():
                    yield EncoderSpec(name="deep", modalities=("audio",), dim=2, target="soprano_plugin:Deep")
            """
        },
    )
    reset_registry()
    registry = get_registry()
    assert registry.get("preset", "loud").spec.encoders["audio"] == ("alto/voice", "bass/voice", "deep")
    assert registry.preferred("encoder", "voice", "bass") == "bass/voice"
    assert registry.preferred("encoder", "voice", "gone") == "voice"
    assert registry.preferred("encoder", "deep", "bass") == "deep"
