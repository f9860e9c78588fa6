"""The command line: one command a file, each imported when its name is typed."""

from __future__ import annotations

from mmsdk.cli.shell import main

__all__ = ["main"]
