"""``python -m mmsdk.config [DOCS]``: write the JSON Schema and the reference page anew."""

from __future__ import annotations

import sys
from pathlib import Path

from mmsdk.config.writing import reference_page, schema_text

if __name__ == "__main__":
    Path(__file__).with_name("application.schema.json").write_text(schema_text(), encoding="utf-8")
    docs = Path(sys.argv[1] if len(sys.argv) > 1 else "docs")
    docs.mkdir(parents=True, exist_ok=True)
    (docs / "application.schema.json").write_text(schema_text(), encoding="utf-8")
    (docs / "application.md").write_text(reference_page(), encoding="utf-8")
