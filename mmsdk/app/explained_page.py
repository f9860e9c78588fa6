"""The page of an explanation: the decoded inputs as pictures and texts beside what was found in them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmsdk.app.directory import write_text
from mmsdk.app.pictures import encoded, picture_data_uri
from mmsdk.embed.encoders import open_modality
from mmsdk.report import Picture, render_explanation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmsdk.app.application import App
    from mmsdk.app.explaining import Explained
    from mmsdk.explain import Neighbour

SIZE = 480  # pixels of a picture that evidence is drawn on
CAPTION = 60


def write_page(app: App, explained: Explained, out: str | Path) -> None:
    """Write the page of an explanation: one HTML file that needs no network."""
    write_text(Path(out), explanation_page(app, explained))


def explanation_page(app: App, explained: Explained) -> str:
    """Return the page of an explanation."""
    found = explained.explanation
    return render_explanation(
        found,
        title=app.document.get("title", "mmsdk run"),
        notice=app.application.notice or "",
        shown={name: _shown(app, name, sample) for name, sample in explained.samples.items()},
        neighbours=_pictures(app, found.neighbours),
        prototypes=_pictures(app, found.prototypes),
    )


def _shown(app: App, name: str, sample: Any) -> Picture:
    """Return an input's sample as a picture, or as text where it has none."""
    entry = (app.pipeline.in_use or app.application).inputs[name]
    component = open_modality(entry.modality, entry.decode).component
    image = encoded(component.thumbnail(sample, SIZE)) if hasattr(component, "thumbnail") else ""
    text = "" if image or hasattr(sample, "__array__") or hasattr(sample, "__dataclass_fields__") else str(sample)
    return Picture(title=name, caption=text, image=image)


def _pictures(app: App, rows: Sequence[Neighbour]) -> list[Picture]:
    """Return rows as cards."""
    texts = [name for entry in app.application.inputs.values() if entry.kind == "text" for name in entry.columns]
    return [
        Picture(
            title=one.id,
            caption=_caption([one.row.get(column) for column in texts]),
            image=picture_data_uri(app, one.row),
            note=f"{one.told}, cosine {one.similarity:.2f}",
        )
        for one in rows
    ]


def _caption(values: Sequence[Any]) -> str:
    """Return the first words of some texts."""
    text = " · ".join(str(value) for value in values if value)
    return text if len(text) <= CAPTION else text[: CAPTION - 1] + "…"
