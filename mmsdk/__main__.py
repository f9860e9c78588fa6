"""``python -m mmsdk`` is the command line."""

from __future__ import annotations

from mmsdk.cli import main

if __name__ == "__main__":
    main()
