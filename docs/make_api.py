"""docs/api.md out of the docstrings of the public names: ``python docs/make_api.py``."""

from __future__ import annotations

import inspect
import re
import textwrap
from pathlib import Path
from typing import Any

import mmsdk
import mmsdk.testing
from mmsdk import protocols

PAGE = Path(__file__).parent / "api.md"
HEAD = """# Python API

<!-- Written by `python docs/make_api.py` from the docstrings. Do not edit by hand. -->

Every public name of `mmsdk` and of `mmsdk.testing`; nothing below them is public. Each is imported
when it is first used.
"""
PROTOCOLS = ("Modality", "Encoder", "FittedEncoder", "Task", "VectorIndex", "Recipe")
CONTRACTS = """# What stands behind a target

The methods of a component that a plugin declares (`mmsdk.protocols`). A plain class that has them will do; nothing need
be imported or inherited. A fusion, an aligner and a trainable are subclasses: `mmsdk.Fusion`, `mmsdk.Aligner`,
`mmsdk.Trainable`, above.
"""


def page() -> str:
    """Return the whole page."""
    parts = [HEAD, *(section(name, getattr(mmsdk, name)) for name in mmsdk.__all__)]
    parts.append("# mmsdk.testing\n\n" + markdown(inspect.getdoc(mmsdk.testing) or "") + "\n")
    parts += [section(name, getattr(mmsdk.testing, name)) for name in mmsdk.testing.__all__]
    parts.append(CONTRACTS)
    parts += [section(name, getattr(protocols, name)) for name in PROTOCOLS]
    return "\n".join(parts)


def section(name: str, value: Any) -> str:
    """Return what one name is: its call, its docstring, its public methods."""
    if not callable(value) or not (value.__doc__ or "").strip():
        what = "The version of the core." if name == "__version__" else type(value).__name__
        return f"## {name}\n\n{what}\n"
    lines = [f"## {name}", "", *entry(name, value)]
    if inspect.isclass(value) and not issubclass(value, Exception):
        for method, member in public_members(value):
            lines += ["", f"### {name}.{method}", "", *entry(method, member)]
    return "\n".join(lines) + "\n"


def entry(name: str, value: Any) -> list[str]:
    """Return the call in code and the docstring in Markdown."""
    text = markdown(inspect.getdoc(value) or "")
    bare_error = inspect.isclass(value) and issubclass(value, Exception) and "__init__" not in vars(value)
    if isinstance(value, property) or bare_error or getattr(value, "_is_protocol", False):
        return [text]
    return ["```text", f"{name}{signature(value)}", "```", "", text]


def signature(value: Any) -> str:
    """Return a call's parameters without their types, which the docstring tells in words."""
    try:
        found = inspect.signature(value)
    except (TypeError, ValueError):
        return "(...)"
    bare = [
        one.replace(annotation=inspect.Parameter.empty, default=shown(one.default))
        for one in found.parameters.values()
        if one.name != "self"
    ]
    return str(found.replace(parameters=bare, return_annotation=inspect.Signature.empty))


class Shown(str):
    """A default as it is to be read."""

    def __repr__(self) -> str:
        """Return the text without quotes."""
        return str(self)


def shown(default: Any) -> Any:
    """Return a default without an address in memory."""
    plain = default is inspect.Parameter.empty or isinstance(default, (str, int, float, bool, tuple, type(None)))
    return default if plain else Shown("...")


def public_members(value: type) -> list[tuple[str, Any]]:
    """Return the methods and properties that a class itself defines and documents, in order."""
    home = "mmsdk."
    found = [(name, one) for name, one in vars(value).items() if not name.startswith("_")]
    kept = [(name, getattr(value, name)) for name, one in found if inspect.isroutine(one) or isinstance(one, property)]
    return [(name, one) for name, one in kept if (getattr(one, "__module__", home) or home).startswith(home)]


def markdown(text: str) -> str:
    """Return a docstring as Markdown: fields as a list, literal blocks fenced."""
    text = re.sub(r":(?:class|meth|func|data):`~?([^`]*)`", r"`\1`", text).replace("``", "`")
    text = re.sub(
        r"^:param ([^:]+):",
        lambda m: "- " + ", ".join(f"`{one.strip()}`" for one in m[1].split(",")) + ":",
        text,
        flags=re.M,
    )
    text = re.sub(r"^:(returns|yields):", r"- \1:", text, flags=re.M)
    text = re.sub(r"^:raises ([^:]+):", r"- raises `\1`:", text, flags=re.M)
    text = re.sub(r"; - (`\w+`:)", r"\n- \1", text.replace("; :param ", "\n- "))
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith("- ") and lines and lines[-1].strip() and not lines[-1].startswith(("- ", "  ")):
            lines.append("")
        lines.append(line)
    return fenced("\n".join(lines))


def fenced(text: str) -> str:
    """Return text whose ``::`` blocks are fenced code."""

    def block(match: re.Match[str]) -> str:
        code = textwrap.dedent(match[2]).strip("\n").rstrip()  # cleandoc gives the first line a margin of its own
        return f"{match[1]}:\n\n```python\n{code}\n```\n"

    return re.sub(r"(?m)([^\n:]*)::\n\n((?:(?: {4}.*)?\n)*(?: {4}.*)?)", block, text)


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
