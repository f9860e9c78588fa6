"""The page of one explanation: shares, words, patches, spans and columns drawn, neighbours beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmsdk.report.page import environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmsdk.explain import Evidence, Explanation, Piece
    from mmsdk.report.contents import Picture

MOST_BARS = 24
DENSEST = 70  # per cent of the colour over a picture or a word


def render_explanation(
    found: Explanation,
    *,
    title: str,
    notice: str = "",
    shown: Mapping[str, Picture],
    neighbours: Sequence[Picture],
    prototypes: Sequence[Picture],
) -> str:
    """Return the page as a complete HTML document that needs no network.

    :param shown: input -> its sample as a picture (``image``) or in words (``caption``).
    :param neighbours: those of the explanation as cards, in their order; likewise ``prototypes``.
    """
    shares = sorted(found.shares, key=lambda one: -abs(one.value))
    return (
        environment()
        .get_template("explanation.html.j2")
        .render(
            title=title,
            notice=notice,
            found=found,
            asked=found.label if found.label is not None else number(found.score),
            shares=[{**bar(one.input, one.value, _most(shares)), "about": one.modality} for one in shares],
            evidence=[evidence_view(one, shown.get(one.input)) for one in found.evidence],
            plain=[shown[one.input] for one in shares if one.input not in {each.input for each in found.evidence}],
            neighbours=neighbours,
            prototypes=prototypes,
            attention=[
                {"name": one.name, "bars": [bar(name, value, 1.0) for name, value in one.weights.items()]}
                for one in found.attention
            ],
            runners_up=[one for one in found.output.get("probabilities", {}).items() if one[0] != found.label][:2],
            number=number,
            unit="" if found.unit == "number" else f" ({found.unit})",
        )
    )


def evidence_view(one: Evidence, picture: Picture | None) -> dict[str, Any]:
    """Return what the page draws of one input's evidence."""
    kind = one.pieces[0].kind if one.pieces else ""
    most = _most(one.pieces)
    view: dict[str, Any] = {
        "one": one,
        "kind": kind,
        "picture": picture,
        "words": [],
        "boxes": [],
        "lanes": [],
        "bars": [],
    }
    if kind == "words":
        view["words"] = list(_words(one, most))
    elif kind == "box":
        view["boxes"] = [_box(piece, most) for piece in one.pieces]
    elif kind == "seconds":
        view["lanes"] = _lanes(one, most)
    else:
        ranked = sorted(one.pieces, key=lambda piece: -abs(piece.value))[:MOST_BARS]
        view["bars"] = [bar(piece.name, piece.value, most) for piece in ranked]
        view["left_out"] = len(one.pieces) - len(ranked)
    return view


def bar(name: str, value: float, most: float) -> dict[str, Any]:
    """Return a bar to the right where something speaks for the answer, to the left where against."""
    size = 50 * abs(value) / most if most else 0.0
    return {"name": name, "about": "", "value": number(value, signed=True), "size": f"{size:.1f}", "for": value >= 0}


def number(value: float, *, signed: bool = False) -> str:
    """Return a number in three figures, small ones too."""
    text = f"{value:.3f}" if abs(value) >= 0.01 or value == 0 else f"{value:.2g}"
    text = f"{value:.4g}" if abs(value) >= 1000 else text
    return f"+{text}" if signed and value > 0 else text


def _words(one: Evidence, most: float) -> Any:
    """Yield the text in order: what stands between the pieces, and the pieces with their colour."""
    last = 0
    for piece in one.pieces:
        start, end = (int(place) for place in piece.place)
        yield {"text": one.text[last:start], "colour": ""}
        yield {"text": one.text[start:end], **_colour(piece, most)}
        last = end
    yield {"text": one.text[last:], "colour": ""}


def _box(piece: Piece, most: float) -> dict[str, Any]:
    """Return a patch in per cent of the picture."""
    left, top, right, bottom = (100 * place for place in piece.place)
    place = {"left": left, "top": top, "width": right - left, "height": bottom - top}
    return {name: f"{value:.2f}" for name, value in place.items()} | _colour(piece, most)


def _lanes(one: Evidence, most: float) -> list[dict[str, Any]]:
    """Return the spans of each track, their places in per cent of the whole."""
    whole = one.seconds or 1.0
    found: dict[str, list[dict[str, Any]]] = {}
    for piece in one.pieces:
        start, end = piece.place
        place = {
            "left": f"{100 * start / whole:.2f}",
            "width": f"{100 * (end - start) / whole:.2f}",
            "size": f"{50 * abs(piece.value) / most if most else 0:.1f}",
        }
        found.setdefault(piece.lane, []).append(place | _colour(piece, most))
    return [{"name": name, "spans": spans} for name, spans in found.items()]


def _colour(piece: Piece, most: float) -> dict[str, Any]:
    """Return the colour of a piece, as dense as what it is worth, and what it says when pointed at."""
    dense = DENSEST * abs(piece.value) / most if most else 0.0
    return {
        "colour": "for" if piece.value >= 0 else "against",
        "dense": f"{dense:.0f}",
        "said": f"{piece.name}: {number(piece.value, signed=True)}",
    }


def _most(pieces: Sequence[Any]) -> float:
    """Return the largest size of a value."""
    return max((abs(one.value) for one in pieces), default=0.0)
