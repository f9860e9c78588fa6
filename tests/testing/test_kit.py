"""The kit as plugins use it: results, expected failures with reasons, the pytest decorator, samples."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mmsdk import Sound
from mmsdk.errors import ConfigError, PluginError
from mmsdk.testing import (
    Check,
    Skip,
    cells,
    check_plugin,
    checks_for,
    installed,
    parametrize_with_checks,
    perform,
    samples,
    write_distribution,
)
from mmsdk.testing.samples import KNOWN, png, wav

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def check(run: Callable[[], None]) -> Check:
    return Check(component="encoder tone", name="sings", about="It sings.", run=run)


def fails() -> None:
    raise AssertionError("no tone")


def sings_badly() -> None:
    [].pop()


def skips() -> None:
    raise Skip("no throat")


def test_what_a_check_gives() -> None:
    assert perform(check(lambda: None)).status == "passed"
    failed = perform(check(fails))
    assert (failed.status, failed.detail, failed.ok) == ("failed", "It sings.\nno tone", False)
    skipped = perform(check(skips))
    assert (skipped.status, skipped.detail, skipped.ok) == ("skipped", "no throat", True)


def test_an_exception_is_a_failure_with_its_place() -> None:
    result = perform(check(sings_badly))
    assert result.status == "failed"
    assert "IndexError: pop from empty list (" in result.detail
    assert "test_kit.py:" in result.detail


def test_an_expected_failure_must_fail() -> None:
    expected = {"encoder:tone:sings": "it is mute"}
    assert perform(check(fails), expected).status == "expected"
    assert perform(check(fails), expected).detail == "it is mute"
    passes = perform(check(lambda: None), expected)
    assert passes.status == "failed"
    assert "take it off" in passes.detail


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        ({"plugin:fake:plugin_is_light": "  "}, "says no reason"),
        ({"plugin:fake:plugin_is_lite": "why"}, "no check named.*Did you mean 'plugin:fake:plugin_is_light'"),
    ],
)
def test_an_expected_failure_needs_a_reason_and_a_check(expected: dict[str, str], said: str) -> None:
    with pytest.raises(PluginError, match=said):
        check_plugin("fake", expected)
    with pytest.raises(PluginError, match=said):
        parametrize_with_checks("fake", expected)


def test_a_whole_plugin() -> None:
    results = check_plugin("fake")
    assert [result for result in results if not result.ok] == []
    assert {result.component for result in results} == {
        "plugin fake",
        "modality text",
        "modality colour",
        "encoder plain",
        "encoder filed",
        "loader web",
        "preset builtin",
    }
    assert {result.check for result in results if result.component == "plugin fake"} == {
        "plugin_loads",
        "plugin_declares_something",
        "plugin_has_names_of_its_own",
        "plugin_is_light",
        "plugin_is_offline",
    }


def test_making_checks_imports_no_target() -> None:
    code = "import sys\nfrom mmsdk.testing import checks_for\nassert len(list(checks_for('mmsdk'))) > 50\n" \
        "print(sorted({'torch', 'numpy', 'faiss', 'pytest'} & set(sys.modules)))"  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("source", "name", "said"),
    [
        ("raise RuntimeError('no')", "plugin_loads", "broken at load: RuntimeError: no"),
        ("x = 1", "plugin_declares_something", "declares nothing"),
        ("import numpy", "plugin_is_light", "imports numpy"),
        (
            "import socket\ntry:\n    socket.create_connection(('localhost', 9))\nexcept OSError:\n    pass",
            "plugin_is_offline",
            "asked the network for ('localhost', 9)",
        ),
    ],
)
def test_a_bad_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, name: str, said: str) -> None:
    monkeypatch.setenv("MMSDK_LOAD_PLUGINS", "bad")
    write_distribution(tmp_path, "mmsdk-bad", modules={"bad_plugin": source})
    with installed(tmp_path):
        results = {result.check: result for result in check_plugin("bad")}
    assert results[name].status == "failed"
    assert said in results[name].detail


def test_a_component_that_refuses_is_skipped() -> None:
    from mmsdk.testing.checks import bind

    def check_runs(_: None) -> None:
        raise ConfigError("needs a GPU")

    (found,) = bind("index gpu", None, [_documented(check_runs)])
    assert perform(found).detail == "refuses to work here: needs a GPU"


def _documented(function: Callable[[None], None]) -> Callable[[None], None]:
    function.__doc__ = "It runs."
    return function


@parametrize_with_checks("mmsdk", {"plugin:mmsdk:plugin_loads": "only to see that a strict xfail is set"})
def test_the_decorator_gives_one_test_a_check(check: Check, request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("xfail"):
        raise AssertionError("as expected")
    assert callable(check)


def test_the_whole_test_of_a_plugin(tmp_path: Path) -> None:
    (tmp_path / "test_conformance.py").write_text(
        "from mmsdk.testing import parametrize_with_checks\n\n\n"
        "@parametrize_with_checks('fake')\ndef test_conformance(check):\n    check()\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", str(tmp_path)],
        capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    ran = sum(int(number) for number in re.findall(r"(\d+) (?:passed|skipped)", done.stdout))
    assert ran == len(list(checks_for("fake")))


@pytest.mark.parametrize("modality", sorted(KNOWN))
def test_samples_of_known_modalities(modality: str) -> None:
    found = samples(modality)
    assert len(found) >= 4
    assert len(cells(modality)) >= 4


def test_ready_made_samples_have_the_documented_form() -> None:
    for picture in samples("image"):
        assert picture.dtype == np.uint8
        assert picture.shape[2:] == (3,)
    assert all(one.samples.dtype == np.float32 and one.samples.ndim == 1 for one in samples("audio"))
    assert all(isinstance(one, Sound) and one.rate > 0 for one in samples("audio"))
    assert all(vector.dtype == np.float32 for vector in samples("vector"))
    assert all(isinstance(number, float) for number in samples("number"))


def test_samples_of_a_modality_of_ones_own() -> None:
    assert [sample.shape for sample in samples("colour")] == [(3,)] * 4
    with pytest.raises(PluginError, match="no sample cells of modality 'smell': give its class a method examples"):
        samples("smell")


def test_written_media_decode_in_real_libraries(tmp_path: Path) -> None:
    import wave

    picture = pytest.importorskip("PIL.Image")
    (tmp_path / "a.png").write_bytes(png(7, 5))
    with picture.open(tmp_path / "a.png") as opened:
        opened.load()
        assert (opened.size, opened.mode) == ((7, 5), "RGB")
    (tmp_path / "a.wav").write_bytes(wav(0.5, 440.0))
    with wave.open(str(tmp_path / "a.wav")) as sound:
        assert (sound.getnframes(), sound.getframerate()) == (8000, 16000)


ALONE = """
    from mmsdk import EncoderSpec, ModalitySpec, TaskSpec, hookimpl

    @hookimpl
    def mmsdk_modalities():
        yield ModalitySpec(name="smell", target="alone_plugin:Smell", sample="str", cells="a smell")

    @hookimpl
    def mmsdk_encoders():
        yield EncoderSpec(name="nose", modalities=("smell",), dim=1, target="alone_plugin:Nose")

    @hookimpl
    def mmsdk_tasks():
        yield TaskSpec(name="sniff", target="alone_plugin:Sniff")

    class Smell:
        def decode(self, cell):
            return cell[0]

    class Nose:
        dim = 1

        def encode(self, batch, modality):
            return None

    class Sniff:
        metric = "share"
        higher_is_better = True
"""


def test_without_examples_one_check_fails_and_the_others_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMSDK_LOAD_PLUGINS", "alone")
    write_distribution(tmp_path, "mmsdk-alone", modules={"alone_plugin": ALONE})
    with installed(tmp_path):
        results = check_plugin("alone")
    asked = {(one.component, one.check): one.detail for one in results if "examples()" in one.detail}
    assert set(asked) == {
        ("modality smell", "has_examples"),
        ("encoder nose", "answers_the_right_shape"),
        ("task sniff", "targets_have_the_right_shape"),
    }
    told = {one.detail.partition("\n")[2]: one.check for one in results if one.status == "failed"}
    assert set(told.values()) == {*(check for _, check in asked), "target_resolves"}
    assert any(reason.startswith("alone_plugin:Sniff has no method prepare, encode") for reason in told)


def test_an_answer_of_another_kind_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMSDK_LOAD_PLUGINS", "alone,fake")
    source = ALONE.replace('("smell",)', '("text",)')
    write_distribution(tmp_path, "mmsdk-alone", modules={"alone_plugin": source})
    with installed(tmp_path):
        details = [one.detail for one in check_plugin("alone") if one.component == "encoder nose"]
    assert sum("text: answered a NoneType, expected a numpy array (n, dim)" in one for one in details) > 5
    assert not any("TypeError" in one and "fresh process" not in one for one in details)


def test_a_name_that_others_have_is_a_failed_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMSDK_LOAD_PLUGINS", "alone,other")
    write_distribution(tmp_path, "mmsdk-alone", modules={"alone_plugin": ALONE})
    write_distribution(tmp_path, "mmsdk-other", modules={"other_plugin": ALONE.replace("alone_", "other_")})
    with installed(tmp_path):
        (failed,) = [one for one in check_plugin("alone") if one.check == "plugin_has_names_of_its_own"]
    assert failed.status == "failed"
    assert failed.detail.endswith(
        "declared by others too: modality 'smell' (other (mmsdk-other 0.1.0)); encoder "
        "'nose' (other (mmsdk-other 0.1.0)); task type 'sniff' (other (mmsdk-other 0.1.0))"
    )
