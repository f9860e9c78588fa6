"""The recipe's sections of the report: what its labels mean, how to read a video, and what must not be done with it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from mmsdk import Card
from mmsdk_recipe_emotion.affect import SOURCE, affect_map

if TYPE_CHECKING:
    from collections.abc import Iterator

NOTICE = (
    "Labels of expressions, not feelings. In the EU, systems that infer emotions of people at work or in education are "
    "prohibited (Regulation (EU) 2024/1689, Article 5(1)(f)), save for medical or safety reasons. "
    "标签说的是表情，不是感受。在欧盟，禁止在工作场所和教育中推断人的情绪"
    "（(EU) 2024/1689 号条例第 5(1)(f) 条），医疗或安全目的除外。"
)
CARD = Card(
    intended=(
        "To tag expressions in recordings whose people have agreed to it: to find moments in footage, to edit, to "
        "search, to study.",
        "To be read by a person beside the video, as a hint where to look.",
    ),
    not_for=(
        "Inferring emotions of people at the workplace or in education: prohibited in the EU by Article 5(1)(f) of "
        "Regulation (EU) 2024/1689, except for medical or safety reasons.",
        "Deciding on a person: hiring, policing, borders, credit, insurance, health, truthfulness.",
        "Reading people who have not been told: elsewhere in the EU those exposed to emotion recognition must be "
        "informed (Article 50(3)), and faces and voices are personal data.",
    ),
    data=(
        "Made for clips that carry one label each. Public sets are mostly acted: somebody was asked to look angry.",
        "People of other ages, skin tones, cultures and languages than those in the table are not covered by its "
        "figures; score them apart (evaluation.slices).",
    ),
    limits=(
        "A face and a voice show an expression; what somebody feels cannot be read from it reliably (Barrett "
        "et al. 2019).",
        "Valence and arousal come from the labels by a table of rated words. They are not measured and not scored.",
        "Detectors miss faces that are dark, small, turned, masked or veiled more often; a missed face is a missing "
        "input and says so, but who is missed more often is described less well.",
        "With several faces in view nobody knows whose voice it is: the voice is then a line of its own.",
    ),
)


def sections(app: Any) -> Iterator[tuple[str, str]]:
    """Yield the sections."""
    yield "What a label is", f"<p>{escape(NOTICE)}</p>" + _places(app)
    command = f"mmsdk emotion {app.folder.name} VIDEO --out timeline"
    yield (
        "Reading a video",
        f"<p><code>{escape(command)}</code> reads a video file, a folder of them or a stream (<code>-</code>) and "
        "writes <code>timeline.html</code>, which one scrubs beside the video, <code>timeline.csv</code>, "
        "<code>timeline.vtt</code> and <code>timeline.json</code>.</p>" + _within(app),
    )


def _within(app: Any) -> str:
    """Return what it means that a run measures people against themselves; nothing of other runs."""
    own = [name for name, entry in app.application.inputs.items() if entry.within is not None]
    if not own:
        return ""
    return (
        f"<p>{escape(', '.join(own))}: each clip was taken relative to the other clips of the same person that were "
        "given with it, so that the scores above are those of people of whom several clips are given together; a clip "
        "alone is answered less well. In a video each person is measured against their own windows (the timeline says "
        "against how many), and whoever shows one expression throughout looks more neutral than they are.</p>"
    )


def _places(app: Any) -> str:
    """Return the labels and where their words lie, as a table."""
    labels = tuple(app.tasks["emotion"].state()["labels"])
    places = affect_map(labels)
    rows = "".join(
        f"<tr><td>{escape(label)}</td>"
        + "".join(f"<td>{one:+.2f}</td>" for one in places.get(label, ()))
        + ("" if label in places else '<td colspan="2">not rated</td>')
        + "</tr>"
        for label in labels
    )
    return (
        "<table><thead><tr><th>label</th><th>valence</th><th>arousal</th></tr></thead>"
        f"<tbody>{rows}</tbody></table><p class='soft'>Ratings of the words, from {escape(SOURCE)}. Not learned, not "
        "scored.</p>"
    )
