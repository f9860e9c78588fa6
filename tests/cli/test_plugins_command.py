"""``mmsdk plugins``: text and JSON, broken plugins, conformance."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from mmsdk.cli.shell import run
from mmsdk.plugins import KINDS
from mmsdk.testing.fakes import installed, write_distribution

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SOURCE = """
    from mmsdk import Health, HealthCheckSpec, hookimpl

    @hookimpl
    def mmsdk_health_checks():
        yield HealthCheckSpec(name="pulse", target="pulse_plugin:{target}", summary="it beats")

    def check():
        yield Health(name="pulse", status="{status}", detail="60 a minute", hint="breathe")

    def raises():
        raise RuntimeError("no pulse")

    def wrong():
        yield "fine"
"""


def pulse(folder: Path, target: str = "check", status: str = "ok") -> None:
    source = SOURCE.format(target=target, status=status)
    write_distribution(folder, "mmsdk-pulse", modules={"pulse_plugin": source})


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    pulse(tmp_path)
    with installed(tmp_path):
        yield tmp_path


def test_list_shows_broken_plugins_and_exits_0(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_distribution(site, "mmsdk-bad", modules={"bad_plugin": "raise RuntimeError('no')"})
    assert run(["plugins", "list"]) == 0
    shown = capsys.readouterr().out
    assert "bad  BROKEN at load\n  mmsdk-bad 0.1.0\n  RuntimeError: no" in shown
    assert "pulse\n  mmsdk-pulse 0.1.0\n  1 health check" in shown


def test_list_json_is_one_document(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plugins", "list", "--json"]) == 0
    shown = capsys.readouterr()
    rows = {row["name"]: row for row in json.loads(shown.out)["plugins"]}
    assert rows["pulse"]["provides"] == {"health_check": 1}
    assert rows["pulse"]["status"] == "ok"
    assert shown.err == ""


@pytest.mark.parametrize("kind", KINDS)
def test_list_a_kind(site: Path, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plugins", "list", "--kind", kind]) == 0
    assert capsys.readouterr().out.strip()
    assert run(["plugins", "list", "--kind", kind, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == kind


def test_check_passes(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plugins", "check", "pulse"]) == 0
    assert capsys.readouterr().out == "pulse: 8 passed, 0 failed\n"


def test_check_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pulse(tmp_path, target="ghost")
    with installed(tmp_path):
        assert run(["plugins", "check", "pulse"]) == 1
    shown = capsys.readouterr().out
    assert "failed: health_check pulse target_resolves" in shown
    assert "pulse_plugin has no 'ghost'" in shown
    assert "pulse: 5 passed, 1 failed, 2 skipped" in shown


def test_check_json(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plugins", "check", "pulse", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is True
    assert {"component", "check", "status", "detail"} == set(document["checks"][0])


def test_check_of_a_plugin_nobody_has(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plugins", "check", "nobody"]) == 2
    assert "no plugin named 'nobody'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("target", "status", "said"),
    [
        ("check", "fault", "fault pulse: 60 a minute\n      breathe"),
        ("raises", "ok", "fault pulse: the check failed: RuntimeError('no pulse')"),
        ("wrong", "ok", "expected Health rows, got str"),
        ("ghost", "ok", "broken at resolve: 'pulse_plugin:ghost'"),
    ],
)
def test_doctor_exits_1_on_a_fault(
    tmp_path: Path, target: str, status: str, said: str,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("COLUMNS", "100")
    pulse(tmp_path, target, status)
    with installed(tmp_path):
        assert run(["doctor"]) == 1
    assert said in capsys.readouterr().out


def test_doctor_json_and_a_broken_plugin(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_distribution(site, "mmsdk-bad", modules={"bad_plugin": "raise RuntimeError('no')"})
    assert run(["doctor", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    rows = {row["name"]: row for row in document["checks"]}
    assert document["ok"] is False
    assert rows["pulse"]["status"] == "ok"
    assert rows["plugin bad"]["status"] == "fault"
    assert "RuntimeError: no" in rows["plugin bad"]["detail"]
    assert {"python", "libraries", "device", "faiss", "openmp", "cache"} <= set(rows)


def test_what_has_one_reason_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = """
        from mmsdk import EncoderSpec, hookimpl

        @hookimpl
        def mmsdk_encoders():
            yield EncoderSpec(name="dumb", modalities=("text",), dim=4, target="dumb_plugin:Dumb")

        class Dumb:
            dim = 4

            def encode(self, batch, modality):
                raise RuntimeError("no voice")
    """
    write_distribution(tmp_path, "mmsdk-dumb", modules={"dumb_plugin": source})
    with installed(tmp_path):
        assert run(["plugins", "check", "dumb"]) == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert "failed: encoder dumb answers_the_right_shape, answers_float32, answers_are_finite" in shown
    assert shown.count("RuntimeError: no voice (") == 1


def test_new_where_no_folder_can_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert run(["plugins", "new", "shop", "--kind", "encoder", "--to", str(tmp_path / "file" / "deep")]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"Error: the folder {tmp_path / 'file' / 'deep'} cannot be made: ")
    assert said.endswith("choose another place to write\n")


def test_what_a_plugin_prints_is_no_part_of_the_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = SOURCE.format(target="check", status="ok").replace(
        "    def check():", "    def check():\n        print('HI')"
    )
    write_distribution(tmp_path, "mmsdk-pulse", modules={"pulse_plugin": "    print('HELLO')\n" + source})
    with installed(tmp_path):
        run(["doctor", "--json"])
        out, err = capsys.readouterr()
        assert json.loads(out)["checks"]
        assert {"HELLO", "HI"} <= set(err.split())
        run(["doctor"])
    assert "HI" in capsys.readouterr().out.split(), "without --json it prints where it likes"
