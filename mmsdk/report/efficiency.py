"""What the run cost: a section of the page, and a line for its top and for the card."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

UNREADABLE = "not readable on this machine"


def cost_line(cost: Mapping[str, Any]) -> str:
    """Return ``3.2 s to fit, 0.02 ms a row to answer, 512 MB``."""
    parts = [f"{sum(cost['seconds'].values()):.1f} s to fit"]
    if cost["answer_ms"]["among_many"] is not None:
        parts.append(f"{cost['answer_ms']['among_many']:.3f} ms a row to answer")
    if cost["peak_memory_mb"] is not None:
        parts.append(f"{cost['peak_memory_mb']:,.0f} MB")
    return ", ".join(parts)


def cost_rows(run: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what was measured and its value, in words; nothing where the run does not say what it cost."""
    cost = run.get("efficiency")
    if cost:
        yield from _rows(cost)


def cost_sections(run: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the section about the cost, where the run says what it cost."""
    rows = "".join(f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>" for name, value in cost_rows(run))
    if rows:
        yield "What it cost", f'<table class="words">{rows}</table>'


def _rows(cost: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what was measured, each with its unit."""
    for name, seconds in cost["seconds"].items():
        yield f"{name}, seconds", f"{seconds:.2f}"
    for name, value in cost["encode_ms"].items():
        yield f"encode {name}, ms a row that the cache did not hold", f"{value:.2f}"
    yield "answer a row alone, ms (from vectors)", _number(cost["answer_ms"]["alone"], ".2f")
    yield "answer a row among many, ms (from vectors)", _number(cost["answer_ms"]["among_many"], ".3f")
    yield "most memory of the process, MB", _number(cost["peak_memory_mb"], ",.0f")
    if cost["gpu_memory_mb"] is not None:
        yield "most memory of the GPU, MB", _number(cost["gpu_memory_mb"], ",.0f")
    yield "energy of the processor until here, joules", _number(cost["joules"]["cpu"], ",.0f")
    if cost["gpu_memory_mb"] is not None:
        yield "energy of the GPU until here, joules", _number(cost["joules"]["gpu"], ",.0f")


def _number(value: float | None, form: str) -> str:
    """Return a number, or that there is none."""
    return UNREADABLE if value is None else f"{value:{form}}"
