"""docs/plugins.md from nothing to a checked plugin, in a fresh environment and really installed."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from .pages import blocks

LAUNCHER = "#!{python}\nfrom mmsdk.cli import main\nmain()\n"


@pytest.fixture
def fresh(tmp_path: Path) -> dict[str, str]:
    """Return the environment variables of a new virtual environment that sees what this one has installed."""
    home = tmp_path / "venv"
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    (site,) = home.glob("lib/python*/site-packages")
    (site / "outer.pth").write_text(
        f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n", encoding="utf-8"
    )
    launcher = home / "bin" / "mmsdk"
    launcher.write_text(LAUNCHER.format(python=python), encoding="utf-8")
    launcher.chmod(0o755)
    offline = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    path = os.pathsep.join([str(home / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, **offline, "PATH": path, "VIRTUAL_ENV": str(home)}


@pytest.mark.timeout(400)
def test_the_first_encoder_from_nothing(fresh: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    said = []
    for language, code in blocks("docs/plugins.md"):
        if language == "bash":
            command = ["bash", "-euo", "pipefail", "-c", code]
            done = subprocess.run(
                command, cwd=folder, env=fresh, capture_output=True, text=True, timeout=300, check=False
            )
            assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"
            said.append(done.stdout + done.stderr)
    whole = "\n".join(said)
    assert list((tmp_path / "venv").glob("lib/python*/site-packages/mmsdk_palette-0.1.0.dist-info/entry_points.txt"))
    assert "embedded photo by palette" in whole
    assert "palette: " in whole
    assert " 0 failed" in whole
    assert "palette" in (folder / "runs" / "palette" / "report.html").read_text(encoding="utf-8")


def test_the_encoder_has_eight_lines() -> None:
    code = next(code for language, code in blocks("docs/plugins.md") if "encoder.py <<'END'" in code)
    body = code.split("<<'END'\n")[1].split("\nEND")[0]
    assert len([line for line in body.splitlines() if line.strip()]) <= 8


def test_the_python_blocks_hold() -> None:
    found = [code for language, code in blocks("docs/plugins.md") if language == "python"]
    assert len(found) == 6
    names = {"__name__": "__main__"}  # a later block goes on where an earlier one ended
    for code in found:
        exec(compile(code, "docs/plugins.md", "exec"), names)
