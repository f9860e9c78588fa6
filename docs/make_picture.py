"""docs/images/report.png out of a run's report: ``python docs/make_picture.py runs/demo`` (needs chromium, Pillow)."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

WIDTH, HEIGHT = 1000, 1180
TARGET = Path(__file__).parent / "images" / "report.png"
EXAMPLES = "<h2>Examples</h2>"


def shoot(html: str, folder: Path) -> Image.Image:
    """Return a page as a browser shows it, without its left and right margins."""
    page, picture = folder / "page.html", folder / "page.png"
    page.write_text(html, encoding="utf-8")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]
    size = [f"--user-data-dir={folder}", f"--window-size={WIDTH},{HEIGHT}", f"--screenshot={picture}"]
    command = ["chromium", *flags, *size, page.as_uri()]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - the words are all ours
    return Image.open(picture).convert("RGB")


def main(run: Path) -> None:
    """Put the figures and the examples of a report beside each other."""
    html = (run / "report.html").read_text(encoding="utf-8")
    head, body = html[: html.index("<h2>")], html[html.index(EXAMPLES) :]
    whole = Image.new("RGB", (2 * WIDTH, HEIGHT), "white")
    for place, text in enumerate((html, head[: head.index("<body")] + "<body>" + body)):
        with tempfile.TemporaryDirectory() as folder:
            whole.paste(shoot(text, Path(folder)), (place * WIDTH, 0))
    small = whole.resize((2 * WIDTH * 7 // 10, HEIGHT * 7 // 10), Image.Resampling.LANCZOS)
    small.quantize(200).save(TARGET, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
