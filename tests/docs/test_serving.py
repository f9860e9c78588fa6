"""The page of back ends: each of its services answers requests, and a stranger's row reads no file of the server."""

from __future__ import annotations

import base64
import importlib.util
import json
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError

import pytest

import mmsdk

from .pages import blocks

if TYPE_CHECKING:
    from pathlib import Path

MADE, FASTAPI, PLAIN = (code for language, code in blocks("docs/serving.md") if language == "python")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which the run of the page was made."""
    with pytest.MonkeyPatch.context() as patch:
        here = tmp_path_factory.mktemp("serving")
        patch.chdir(here)
        patch.setenv("MMSDK_CACHE_DIR", str(here / "cache"))
        execute(MADE)
    return here


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    return folder


def execute(code: str) -> dict[str, Any]:
    """Run a block as the module of a service."""
    found: dict[str, Any] = {"__name__": "service"}
    exec(compile(code, "docs/serving.md", "exec"), found)
    return found


def asked(port: int, row: Any) -> tuple[int, Any]:
    """Post a row and return the status and the answer."""
    kind = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/predict", json.dumps(row).encode(), kind)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except HTTPError as refused:
        return refused.code, json.load(refused)


def test_the_service_without_a_framework_answers_and_refuses(here: Path) -> None:
    found = execute(PLAIN)
    found["Handler"].log_message = lambda *_: None
    server = ThreadingHTTPServer(("127.0.0.1", 0), found["Handler"])
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        rows = [{"title": f"a {kind} for the hall"} for kind in ("lamp", "vase") * 8]
        with ThreadPoolExecutor(8) as several:
            answers = list(several.map(lambda row: asked(server.server_port, row), rows))
        assert {status for status, _ in answers} == {200}
        assert [one["outputs"]["kind"]["value"] for _, one in answers] == ["lamp", "vase"] * 8
        photo = base64.b64encode((here / "photos/0.png").read_bytes()).decode()
        status, answer = asked(server.server_port, {"photo": f"data:image/png;base64,{photo}"})
        assert (status, answer["modalities_used"]) == (200, ["photo"])
        for row, said in (
            ({"photo": "photos/0.png"}, "does not exist"),
            ({"photo": "../photos/0.png"}, "lies outside"),
            ({"photo": "https://example.org/a.png"}, "is a remote address"),
            ({"titel": "a lamp"}, "Did you mean 'title'"),
        ):
            status, answer = asked(server.server_port, row)
            assert status == 422
            assert said in answer["error"]
    finally:
        server.shutdown()
        server.server_close()


def test_rows_added_by_another_application_of_the_folder_are_found(here: Path) -> None:
    with mmsdk.load("runs/shop", quiet=True) as one, mmsdk.load("runs/shop", quiet=True) as other:
        other.index.add([{"sku": "new", "title": "a green bowl"}])
        assert one.search({"title": "a green bowl"}, k=1)[0].id == "new"
        other.index.remove(["new"])
        assert one.search({"title": "a green bowl"}, k=1)[0].id != "new"


@pytest.mark.skipif(importlib.util.find_spec("fastapi") is None, reason="FastAPI is not installed")
def test_the_service_of_fastapi_answers_and_refuses(here: Path) -> None:
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(execute(FASTAPI)["service"], port=0, log_level="error"))
    running = threading.Thread(target=server.run, daemon=True)
    running.start()
    try:
        while running.is_alive() and not server.started:
            running.join(0.05)
        port = server.servers[0].sockets[0].getsockname()[1]
        status, answer = asked(port, {"title": "a lamp for the hall"})
        assert (status, answer["outputs"]["kind"]["value"]) == (200, "lamp")
        status, answer = asked(port, {"photo": "../photos/0.png"})
        assert status == 422
        assert "lies outside" in answer["error"]
        search = f"http://127.0.0.1:{port}/search?text=blue%20lamp&k=3&where=price%20%3C%2020"
        with urllib.request.urlopen(search, timeout=60) as hits:
            found = json.load(hits)
        assert len(found) == 3
        assert all(float(hit["row"]["price"]) < 20 for hit in found)
    finally:
        server.should_exit = True
        running.join(10)
