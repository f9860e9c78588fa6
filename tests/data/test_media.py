"""Cells that name files: what is opened, and what never is."""

from __future__ import annotations

import base64
import inspect
import os
import re

import fsspec
import pytest

import mmsdk
from mmsdk.cli.fit import fit as fit_command
from mmsdk.data import Policy, Resolver, resolve_media
from mmsdk.data.media import ALLOW_OUTSIDE, ALLOW_REMOTE, SKIP_BAD_ROWS


@pytest.fixture
def folder(tmp_path):
    """Return a data folder with a file, beside a secret one."""
    (tmp_path / "secret.txt").write_text("secret")
    data = tmp_path / "data"
    (data / "images").mkdir(parents=True)
    (data / "images" / "a.jpg").write_bytes(b"picture")
    return data


def reason(cell, folder, **allowed) -> str:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the reason is what the test looks at
        resolve_media(cell, root=folder, **allowed)
    return str(caught.value)


def test_a_relative_path_is_found_in_the_folder(folder):
    media = resolve_media("images/a.jpg", root=folder)
    assert media.path == folder / "images" / "a.jpg"
    assert media.name == "images/a.jpg"
    with media.open() as stream:
        assert stream.read() == b"picture"


@pytest.mark.parametrize("cell", ["images/../images/a.jpg", "./images//a.jpg"])
def test_dots_that_stay_inside_are_fine(folder, cell):
    assert resolve_media(cell, root=folder).path == folder / "images" / "a.jpg"


def test_an_absolute_path_inside_the_folder_is_fine(folder):
    assert resolve_media(str(folder / "images/a.jpg"), root=folder).path == folder / "images" / "a.jpg"
    assert resolve_media((folder / "images/a.jpg").as_uri(), root=folder).path == folder / "images" / "a.jpg"


def test_without_a_folder_paths_start_from_the_working_directory(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert resolve_media("images/a.jpg").path == folder / "images" / "a.jpg"


@pytest.mark.parametrize(
    "cell",
    ["../secret.txt", "images/../../secret.txt", "../../../../../../etc/passwd", "/etc/passwd", "file:///etc/passwd"],
)
def test_no_path_leaves_the_folder(folder, cell):
    assert "lies outside the data folder" in reason(cell, folder)


def test_a_sibling_whose_name_begins_alike_is_outside(folder):
    sibling = folder.with_name("data2")
    sibling.mkdir()
    (sibling / "a.jpg").write_bytes(b"x")
    assert "lies outside" in reason("../data2/a.jpg", folder)


def test_no_link_leads_out_of_the_folder(folder):
    (folder / "link.txt").symlink_to(folder.parent / "secret.txt")
    (folder / "up").symlink_to(folder.parent)
    assert "lies outside" in reason("link.txt", folder)
    assert "lies outside" in reason("up/secret.txt", folder)


def test_links_inside_the_folder_are_followed_and_loops_are_not(folder):
    (folder / "link.jpg").symlink_to("images/a.jpg")
    assert resolve_media("link.jpg", root=folder).path == folder / "images" / "a.jpg"
    (folder / "loop").symlink_to("loop")
    assert reason("loop", folder).startswith(("cannot be read", "does not exist"))


def test_a_folder_that_is_itself_a_link_is_where_it_leads(folder):
    linked = folder.with_name("linked")
    linked.symlink_to(folder)
    assert resolve_media("images/a.jpg", root=linked).path == folder / "images" / "a.jpg"


def test_outside_is_allowed_when_said(folder):
    assert resolve_media("../secret.txt", root=folder, allow_outside=True).path == folder.parent / "secret.txt"
    assert resolve_media("file:///etc/passwd", root=folder, allow_outside=True).path is not None


def test_what_is_no_usable_file(folder):
    (folder / "empty.jpg").touch()
    os.mkfifo(folder / "pipe")
    assert reason("absent.jpg", folder) == "does not exist"
    assert "'/', not '\\'" in reason("images\\a.jpg", folder)
    assert reason("images/a.jpg/x", folder) == "does not exist"
    assert reason("images", folder) == "is a folder, expected a file"
    assert reason(".", folder) == "is a folder, expected a file"
    assert reason("empty.jpg", folder) == "is an empty file"
    assert "no regular file" in reason("pipe", folder)
    assert "NUL" in reason("a\0.jpg", folder)
    assert "cannot be read" in reason("x" * 1_000_000, folder)
    assert reason(3, folder).startswith("is no path but int; give the path or the bytes of a file")


def test_control_characters_in_a_name_are_only_characters(folder):
    (folder / "a\x07\n.jpg").write_bytes(b"x")
    assert resolve_media("a\x07\n.jpg", root=folder).path is not None
    assert reason("b\x07\n.jpg", folder) == "does not exist"


def test_a_file_over_the_limit_is_refused(folder):
    assert reason("images/a.jpg", folder, max_bytes=6) == "is larger than the limit: 7 of 6 bytes"
    assert resolve_media("images/a.jpg", root=folder, max_bytes=7).path is not None


def test_data_urls(folder):
    encoded = base64.b64encode(b"picture").decode()
    assert resolve_media(f"data:image/jpeg;base64,{encoded}", root=folder).data == b"picture"
    assert resolve_media("data:,a%20b", root=folder).data == b"a b"
    assert "without its comma" in reason("data:image/jpeg;base64", folder)
    assert "base64 is broken" in reason("data:image/jpeg;base64,@@@", folder)
    assert "larger than the limit" in reason(f"data:image/jpeg;base64,{encoded}", folder, max_bytes=3)
    assert "larger than the limit" in reason("data:," + "x" * 100, folder, max_bytes=3)
    assert reason("data:,", folder) == "is empty"
    assert len(resolve_media("data:," + "x" * 500, root=folder).name) == 60


def test_bytes_and_the_pictures_of_hugging_face(folder):
    assert resolve_media(b"picture", root=folder).data == b"picture"
    assert resolve_media({"bytes": b"picture", "path": "a.jpg"}, root=folder).name == "a.jpg"
    assert resolve_media({"bytes": None, "path": "images/a.jpg"}, root=folder).path == folder / "images" / "a.jpg"
    assert reason(b"", folder) == "is empty"


def test_remote_addresses_need_leave_and_a_protocol_that_opens_no_local_file(folder):
    fsspec.filesystem("memory").pipe("/box/a.jpg", b"picture")
    assert "allow it with --allow-remote (in Python allow_remote=True of load, fit" in reason(
        "memory://box/a.jpg", folder
    )
    assert resolve_media("memory://box/a.jpg", root=folder, allow_remote=True).data == b"picture"
    assert "cannot be fetched" in reason("memory://box/absent.jpg", folder, allow_remote=True)
    assert "larger than the limit" in reason("memory://box/a.jpg", folder, allow_remote=True, max_bytes=3)
    for cell in ("local:///etc/passwd", "simplecache::file:///etc/passwd", "zip://a::memory://x", "dir:///etc/passwd"):
        assert reason(cell, folder, allow_remote=True, max_bytes=10**6)
    assert "another machine" in reason("file://server/share/a.jpg", folder)


def test_checking_does_not_fetch(folder):
    resolver = Resolver(folder, Policy(allow_remote=True))
    assert resolver.resolve("memory://box/not-there.jpg", fetch=False).data is None


@pytest.mark.parametrize("way", [ALLOW_OUTSIDE, ALLOW_REMOTE, SKIP_BAD_ROWS])
def test_what_an_error_names_is_there_on_the_command_line_and_in_python(way):
    flag, parameter, taken_by = re.fullmatch(r"(--[a-z-]+).* \(in Python (\w+)=\S+ of (.*)\)", way).groups()
    assert flag in {option for one in fit_command.params for option in one.opts}
    public = {name: value for name in mmsdk.__all__ if inspect.isfunction(value := getattr(mmsdk, name))}
    have_it = {name for name, one in public.items() if parameter in inspect.signature(one).parameters}
    assert set(re.split(", | and ", taken_by)) == have_it - {"inspect", "resolve_media"}  # which skip no row
