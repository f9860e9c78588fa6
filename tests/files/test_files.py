"""Files are whole or absent; hashes and the cache folder are where the contract says."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest

from mmsdk.errors import ConfigError
from mmsdk.files import atomic_folder, atomic_write, cache_home, check_output, hash_file


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_atomic_write_replaces_and_keeps_the_ending(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "numbers.npz"
    for text in ("one", "two"):
        with atomic_write(target) as partial:
            assert partial.suffix == ".npz"
            assert partial.parent == target.parent
            partial.write_text(text)
    assert target.read_text() == "two"
    assert names(target.parent) == ["numbers.npz"]


def test_atomic_write_failure_keeps_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    target.write_text("old")
    with pytest.raises(KeyboardInterrupt), atomic_write(target) as partial:  # noqa: PT012 - what fails is the block
        partial.write_text("half")
        raise KeyboardInterrupt
    assert target.read_text() == "old"
    assert names(tmp_path) == ["a.json"]


def test_atomic_write_forgotten_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "a.json"):
        pass


@pytest.mark.skipif(os.name == "nt", reason="no such devices")
def test_atomic_write_to_a_device_writes_through() -> None:
    with atomic_write("/dev/null") as partial:
        assert partial == Path("/dev/null")


def test_atomic_folder_replaces_whole(tmp_path: Path) -> None:
    target = tmp_path / "run"
    for name in ("first", "second"):
        with atomic_folder(target) as partial:
            (partial / "sub").mkdir()
            (partial / "sub" / name).write_text(name)
    assert names(tmp_path) == ["run"]
    assert names(target / "sub") == ["second"]


def test_atomic_folder_failure_removes_it_and_keeps_the_old(tmp_path: Path) -> None:
    target = tmp_path / "run"
    target.mkdir()
    (target / "old").write_text("old")
    with pytest.raises(ValueError, match="no"), atomic_folder(target) as partial:  # noqa: PT012 - what fails is the block
        (partial / "new").write_text("new")
        raise ValueError("no")
    assert names(tmp_path) == ["run"]
    assert names(target) == ["old"]


def test_atomic_folder_resumes_where_it_was_left(tmp_path: Path) -> None:
    target = tmp_path / "run"
    with pytest.raises(ValueError, match="no"), atomic_folder(target, resume=True) as partial:  # noqa: PT012 - what fails is the block
        (partial / "checkpoint").write_text("3")
        raise ValueError("no")
    assert names(tmp_path) == ["run.partial"]
    with atomic_folder(target, resume=True) as partial:
        assert (partial / "checkpoint").read_text() == "3"
    assert names(tmp_path) == ["run"]


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
def test_kill_leaves_the_old_file_whole(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    target.write_text("old")
    code = (
        "import os, signal, sys\nfrom mmsdk.files import atomic_write\n"
        "with atomic_write(sys.argv[1]) as p:\n    p.write_text('half')\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(target)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert target.read_text() == "old"


def test_hash_file_is_blake2b_256(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"abc" * 100_000)
    assert hash_file(file) == hashlib.blake2b(b"abc" * 100_000, digest_size=32).hexdigest()


def test_cache_home_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMSDK_CACHE_DIR", str(tmp_path / "here"))
    assert cache_home() == tmp_path / "here"
    monkeypatch.delenv("MMSDK_CACHE_DIR")
    assert cache_home() == platformdirs.user_cache_path("mmsdk", appauthor=False)


def test_what_is_to_be_written_is_refused_before_any_work(tmp_path: Path) -> None:
    table, other = tmp_path / "table.csv", tmp_path / "other.csv"
    table.write_text("id\n1\n")
    endings = (".csv", ".json")
    assert check_output(str(other), endings, table, tmp_path / "gone.csv") == other
    assert check_output(table, endings) == table
    for name in ("out.pdf", "out"):
        with pytest.raises(ConfigError, match=r"cannot write .*; expected \.csv, \.json"):
            check_output(tmp_path / name, endings)
    other.symlink_to(table)
    for name in (table, tmp_path / "." / "table.csv", other):
        with pytest.raises(ConfigError, match="would be lost"):
            check_output(name, endings, tmp_path / "gone.csv", table)
