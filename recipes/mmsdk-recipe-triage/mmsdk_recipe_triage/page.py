"""The page of a worklist: one HTML file without a network, a card a case, the notice on top."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmsdk_recipe_triage.worklist import Case

STYLE = """
:root { --ink: #1c2128; --soft: #5a6472; --paper: #fff; --card: #f4f6f8; --line: #d8dee4; --hot: #c0241b;
  --warm: #b35900; --cool: #2b6a4d; --for: #1f8f4d; --against: #c2410c; }
@media (prefers-color-scheme: dark) { :root { --ink: #e3e7ec; --soft: #9aa5b1; --paper: #14181d; --card: #1e242b;
  --line: #333c46; --hot: #ff7b72; --warm: #f0a35a; --cool: #7fd1a5; --for: #4cc27d; --against: #f0884a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 64rem; padding: 1.2rem 1rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; margin: .5rem 0; }
.banner { background: var(--card); border-left: 4px solid var(--hot); padding: .6rem .9rem; margin: 0 0 1rem;
  font-weight: 650; position: sticky; top: 0; z-index: 2; }
.soft { color: var(--soft); font-size: .88rem; }
article { display: grid; grid-template-columns: minmax(7rem, 12rem) 1fr; gap: 1rem; border-top: 1px solid var(--line);
  padding: 1rem 0; }
@media (max-width: 560px) { article { grid-template-columns: 1fr; } .photo { max-width: 14rem; } }
h2 { font-size: 1.1rem; margin: 0 0 .3rem; display: flex; flex-wrap: wrap; gap: .5rem; align-items: baseline; }
.level { border-radius: .3rem; padding: 0 .5rem; border: 1.5px solid currentColor; }
.l2 { color: var(--hot); } .l1 { color: var(--warm); } .l0 { color: var(--cool); }
.person { background: var(--warm); color: var(--paper); border-radius: .3rem; padding: 0 .5rem; font-size: .9rem; }
p { margin: .25rem 0; } .rule { color: var(--hot); font-weight: 600; }
.photo { position: relative; line-height: 0; align-self: start; background: #000; border-radius: .3rem; }
.photo img { width: 100%; border-radius: .3rem; filter: grayscale(1); }
.photo i { position: absolute; } .none { color: var(--soft); background: var(--card); padding: 2rem .5rem;
  text-align: center; border-radius: .3rem; align-self: start; }
.bars { display: grid; grid-template-columns: minmax(5rem, auto) 1fr 3.2rem; gap: .15rem .6rem; font-size: .85rem;
  align-items: center; max-width: 30rem; }
.track { height: .7rem; background: var(--card); border-radius: .2rem; position: relative; overflow: hidden; }
.track i { position: absolute; top: 0; bottom: 0; left: 0; background: var(--soft); }
.track i.f { left: 50%; background: var(--for); } .track i.a { left: auto; right: 50%; background: var(--against); }
"""
OVERLAY = "On a picture, green lies where the picture speaks for the label, orange where against it."
DENSEST = 60


def render(cases: Sequence[Case], *, title: str, notice: str, order: Sequence[str], sorted_by: str) -> str:
    """Return the page as a complete document.

    :param order: the labels, least urgent first; empty where nobody said one.
    """
    people = sum(case.to_a_person for case in cases)
    floors = sum(bool(case.fired) for case in cases)
    facts = f"{len(cases):,} cases, {people:,} for a person to judge, rules fired on {floors:,}. {sorted_by}"
    facts += f" {known_cases(cases)}" if any(case.known for case in cases) else ""
    facts += f" {OVERLAY}" if any(case.heat for case in cases) else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><title>{escape(title)}</title><style>{STYLE}</style></head>'
        f'<body><p class="banner">{escape(notice)}</p><h1>{escape(title)}</h1><p class="soft">{escape(facts)}</p>'
        f"{''.join(_card(case, order) for case in cases)}</body></html>"
    )


def percent(share: float) -> str:
    """Return a share in whole per cent; what is not certain is neither 100 % nor 0 %."""
    if 0.995 <= share < 1:
        return "> 99%"
    return "< 1%" if 0 < share < 0.005 else f"{share:.0%}"


def known_cases(cases: Sequence[Case]) -> str:
    """Return a sentence about the cases that the run was made with."""
    count = sum(case.known for case in cases)
    return f"The run was made with {count:,} of them: of new cases it is less sure, and errs more."


def _card(case: Case, order: Sequence[str]) -> str:
    """Return one case."""
    place = list(order).index(case.level) if case.level in order else 0
    tone = 2 if place and place == len(order) - 1 else min(place, 1)
    badge = f'<span class="level l{tone}">{escape(case.answer or "no answer")}</span>'
    person = '<span class="person">to a person</span>' if case.to_a_person else ""
    return (
        f"<article>{_picture(case)}<div><h2>{escape(case.id)} {badge} {person}</h2>"
        f"{''.join(_lines(case))}{_chances(case, order)}{_shares(case)}</div></article>"
    )


def _lines(case: Case) -> list[str]:
    """Return what is said of a case in words."""
    lines = [f'<p class="rule">Rule: {escape(name)}</p>' for name in case.fired]
    lines += [f'<p class="rule">Not judged, its reading is no number: {escape(name)}</p>' for name in case.unjudged]
    possible = ", ".join(map(escape, case.possible))
    sure = "" if case.confidence is None else f"confidence {percent(case.confidence)}; "
    lines.append(f"<p>{escape(sure)}possible: {possible or 'not said'}</p>")
    if case.to_a_person:
        lines.append(f'<p class="soft">Sorted as {escape(case.level)}, the most urgent label that is possible.</p>')
    if case.known:
        lines.append('<p class="soft">The run was made with this case.</p>')
    if case.missing:
        lines.append(f'<p class="soft">Not given: {escape(", ".join(case.missing))}</p>')
    if case.novelty is not None and case.novelty > 0.95:
        lines.append(f'<p class="rule">Unlike the cases it was made with (novelty {case.novelty:.2f})</p>')
    if case.nearest:
        like = "; ".join(f"{escape(one)}: {escape(label)} ({cosine:.2f})" for one, label, cosine in case.nearest)
        lines.append(f'<p class="soft">Most alike in training: {like}</p>')
    return lines


def _picture(case: Case) -> str:
    """Return the picture with what speaks for the label (green) or against it (orange) laid over it."""
    if not case.picture:
        return f'<div class="none">{"picture not given" if case.explained else "not shown: beyond --evidence"}</div>'
    most = max((abs(one[4]) for one in case.heat), default=0.0)
    boxes = "".join(
        f'<i style="left:{100 * left:.1f}%;top:{100 * top:.1f}%;width:{100 * width:.1f}%;height:{100 * height:.1f}%;'
        f"background:color-mix(in srgb,var(--{'for' if value > 0 else 'against'}) "
        f'{DENSEST * abs(value) / most:.0f}%,transparent)"></i>'
        for left, top, width, height, value in case.heat
        if most
    )
    alt = f"picture of {case.id}; patches that speak for {case.explained} in green"
    return f'<div class="photo"><img src="{case.picture}" alt="{escape(alt)}">{boxes}</div>'


def _chances(case: Case, order: Sequence[str]) -> str:
    """Return the probability of each label as bars, the most urgent first."""
    ranked = [label for label in reversed(order) if label in case.probabilities] or list(case.probabilities)
    rows = "".join(
        f'<span>{escape(label)}</span><span class="track">'
        f'<i style="width:{100 * case.probabilities[label]:.0f}%"></i></span>'
        f"<span>{escape(percent(case.probabilities[label]))}</span>"
        for label in ranked
    )
    return f'<div class="bars">{rows}</div>'


def _shares(case: Case) -> str:
    """Return what each input adds to the label."""
    if not case.shares:
        return ""
    most = max(abs(value) for value in case.shares.values()) or 1.0
    rows = "".join(
        f'<span>{escape(name)}</span><span class="track"><i class="{"f" if value >= 0 else "a"}" '
        f'style="width:{50 * abs(value) / most:.0f}%"></i></span><span>{value:+.2f}</span>'
        for name, value in sorted(case.shares.items(), key=lambda one: -abs(one[1]))
    )
    return f'<p class="soft">What each input adds to “{escape(case.explained)}”</p><div class="bars">{rows}</div>'
