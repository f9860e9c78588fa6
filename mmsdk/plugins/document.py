"""docs/hooks.md out of the docstrings of the hooks: ``python -m mmsdk.plugins.document docs/hooks.md``."""

from __future__ import annotations

import inspect
import sys
import textwrap
from pathlib import Path

from mmsdk import hookspecs
from mmsdk.plugins.targets import KINDS

_HEAD = """# Hooks

<!-- Written by `python -m mmsdk.plugins.document docs/hooks.md` from mmsdk/hookspecs.py. Do not edit by hand. -->

A plugin is a distribution with an entry point in the group `mmsdk`. The object it names, usually a module, holds
functions marked with `@hookimpl`. Each takes nothing and yields frozen specs: strings and numbers, nothing heavy. What
stands behind a `target` (`"module:attr"`) is imported when it is first used.

```toml
[project.entry-points.mmsdk]
tone = "mmsdk_tone"
```

What can go wrong shows in `mmsdk plugins list`, with its reason, and breaks nothing else:

| stage | what failed |
|---|---|
| load | the import, or the plugin needs another version of the core |
| register | a misspelled hook, a missing `@hookimpl`, two plugins of one name |
| hook | a hook raised, or yielded something that is no such spec |
| resolve | a target cannot be imported (found on first use, and by `mmsdk plugins check NAME`) |

`MMSDK_STRICT_PLUGINS=1` raises the failure instead. `MMSDK_LOAD_PLUGINS=tone,text` loads the core and these alone. Two
components of one name are both refused by their bare name; `plugin/name` says which. The core's own names stay the
core's. Presets of one name are merged, and mean the encoders of their own plugins. A hook of a later core may be marked
`@hookimpl(optionalhook=True)`.
"""


def page() -> str:
    """Return the whole page."""
    return "\n".join([_HEAD, *(section(hook) for hook, _ in KINDS.values())])


def section(hook: str) -> str:
    """Return one hook's section: what it is for, its spec, its example."""
    text = inspect.getdoc(getattr(hookspecs, hook)) or ""
    words = text.partition("Example::")[0].strip()
    spec = next(spec for name, spec in KINDS.values() if name == hook)
    about = textwrap.dedent(inspect.getdoc(spec) or "").strip()
    return f"## {hook}\n\n{words}\n\n```python\n{example(hook)}\n```\n\n{_spec_text(spec.__name__, about)}\n"


def example(hook: str) -> str:
    """Return the example of a hook's docstring as source."""
    text = inspect.getdoc(getattr(hookspecs, hook)) or ""
    return textwrap.dedent(text.partition("Example::")[2]).strip()


def _spec_text(name: str, about: str) -> str:
    """Return a spec's docstring as Markdown: its sentence, then a list of its fields."""
    body, *fields = about.split(":param ")
    lines = [f"`{name}`: {_markdown(body)}"]
    if fields:
        lines.append("")
    lines += [f"- `{field.partition(':')[0]}`: {_markdown(field.partition(':')[2])}" for field in fields]
    return "\n".join(lines)


def _markdown(text: str) -> str:
    """Return reStructuredText in one line of Markdown."""
    flat = " ".join(text.split()).replace("``", "`")
    for role in (":class:", ":meth:", ":func:"):
        flat = flat.replace(role, "")
    return flat


def main(arguments: list[str]) -> int:
    """Write the page to the file named, or to stdout."""
    if arguments:
        Path(arguments[0]).write_text(page(), encoding="utf-8")
    else:
        sys.stdout.write(page())
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
