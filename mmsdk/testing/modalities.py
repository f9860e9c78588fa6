# ruff: noqa: D401 - the docstring of a check is the promise, shown when it is broken
"""What every modality promises: cells to samples, nothing to None, garbage to a ValueError with a reason."""

from __future__ import annotations

import functools
import struct
import threading
from typing import TYPE_CHECKING, Any

from mmsdk.protocols import Media, Part
from mmsdk.testing.checks import NoCells, Skip, bind, expect
from mmsdk.testing.encoders import in_threads
from mmsdk.testing.samples import ENOUGH, KNOWN, same
from mmsdk.testing.subject import Subject, check_import_is_offline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mmsdk.specs import ModalitySpec
    from mmsdk.testing.checks import Check
    from mmsdk.testing.probe import Probe

GARBAGE_BYTES = (b"\x00\x01garbage" * 40, b"not what it says", b"\x89PNG\r\n\x1a\n", b"RIFF\xff\xff\xff\xffWAVE")
GARBAGE_CELLS: tuple[tuple[Any, ...], ...] = (
    (object(),),
    ({"a": 1},),
    (float("nan"),),
    ([],),
    (b"\xff\xfe",),
    ("\ud800",),
    (["x", None],),
)
THUMBNAIL = 32
PLACES = {"words": 2, "box": 4, "seconds": 2, "column": 2, "tag": 2}  # kind of a part -> numbers in its place


class ModalitySubject(Subject):
    """A modality under test, its example cells at hand."""

    @functools.cached_property
    def modality(self) -> Any:
        """Return the one object."""
        return self.target()

    def cells(self) -> list[Any]:
        """Return example cells: its own, or ours where we know it."""
        if hasattr(self.modality, "examples"):
            return list(self.modality.examples())
        ask = f"give {self.spec.target} a method examples() that returns {ENOUGH} or more different cells"
        if self.spec.name not in KNOWN:
            raise NoCells(f"there are no sample cells: {ask}")
        return KNOWN[self.spec.name]()


def modality_checks(spec: ModalitySpec, probe: Probe | None = None) -> Iterator[Check]:
    """Yield the checks of one modality."""
    functions = [
        check_spec_is_sane,
        check_target_resolves,
        check_import_is_offline,
        check_has_examples,
        check_examples_decode,
        check_nothing_is_none,
        check_garbage_is_a_value_error,
        check_decoding_is_deterministic,
        check_decoding_is_thread_safe,
        check_guess_is_a_share,
        check_thumbnail_is_a_picture,
        check_parts_can_be_taken_away,
    ]
    yield from bind(f"modality {spec.name}", ModalitySubject(spec, probe), functions)


def check_spec_is_sane(subject: ModalitySubject) -> None:
    """The spec says in words what a sample and a cell are; endings are ``.lower``, and only where cells are files."""
    spec = subject.spec
    expect(spec.sample, "sample is empty: say what the decoded sample is, with dtype, shape and unit")
    expect(spec.cells, "cells is empty: say which cells it takes")
    bad = [ending for ending in spec.extensions if not ending.startswith(".") or ending != ending.lower()]
    expect(not bad, f"extensions {bad} are not of the form '.jpg'")
    expect(spec.media or not spec.extensions, "has extensions, but media=False: its cells are no files")


def check_target_resolves(subject: ModalitySubject) -> None:
    """The target imports and is made without arguments."""
    expect(callable(getattr(subject.modality, "decode", None)), f"{subject.spec.target} has no method decode")


def check_has_examples(subject: ModalitySubject) -> None:
    """There are example cells, as many as checking encoders takes, and of the right kind."""
    found = subject.cells()
    expect(len(found) >= ENOUGH, f"examples() gives {len(found)} cells, expected {ENOUGH} or more")
    kind = Media if subject.spec.media else tuple
    wrong = [type(cell).__name__ for cell in found if not isinstance(cell, kind)]
    expect(not wrong, f"examples() gives {', '.join(wrong)}, expected {kind.__name__} since media={subject.spec.media}")


def check_examples_decode(subject: ModalitySubject) -> None:
    """Every example decodes to something."""
    for n, cell in enumerate(subject.cells()):
        expect(subject.modality.decode(cell) is not None, f"example {n} decodes to None")


def check_nothing_is_none(subject: ModalitySubject) -> None:
    """An empty cell is ``None``, a missing input; an empty file may be a ``ValueError`` instead."""
    if subject.spec.media:
        _decode_or_value_error(subject, Media(name="empty", data=b""), "an empty file", none_only=True)
        return
    width = len(subject.cells()[0])
    for empty in (None, ""):
        found = subject.modality.decode((empty,) * width)
        expect(found is None, f"the cell {(empty,) * width!r} decodes to {found!r}, expected None")


def check_garbage_is_a_value_error(subject: ModalitySubject) -> None:
    """What cannot be used raises ``ValueError`` with a reason, and nothing else, whatever the cell holds."""
    if not subject.spec.media:
        for cell in GARBAGE_CELLS:
            _decode_or_value_error(subject, cell, f"the cell {cell!r}")
        return
    for data in GARBAGE_BYTES:
        _decode_or_value_error(subject, Media(name="garbage", data=data), f"a file of {data[:12]!r}...", none_only=True)
    for cell in subject.cells():
        with cell.open() as stream:
            whole = stream.read()
        for length in (len(whole) // 2, 16):
            _decode_or_value_error(subject, Media(name="torn", data=whole[:length]), "a file torn in the middle")


def check_decoding_is_deterministic(subject: ModalitySubject) -> None:
    """The same cell gives the same sample, and a new one, which its reader may keep."""
    for n, cell in enumerate(subject.cells()):
        expect(
            same(subject.modality.decode(cell), subject.modality.decode(cell)),
            f"example {n} decodes differently the second time",
        )


def check_decoding_is_thread_safe(subject: ModalitySubject) -> None:
    """Several threads decode at once with one object; the core overlaps decoding with encoding."""
    cells = subject.cells() * 4
    alone = [subject.modality.decode(cell) for cell in cells]
    barrier = threading.Barrier(4, timeout=30)

    def decode_all() -> list[Any]:
        barrier.wait()
        return [subject.modality.decode(cell) for cell in cells]

    for answer in in_threads(decode_all):
        expect(
            all(same(a, b) for a, b in zip(answer, alone, strict=True)),
            "threads that decode at once get each other's samples",
        )


def check_guess_is_a_share(subject: ModalitySubject) -> None:
    """``guess``, where there is one, answers 0 to 1 for columns of any kind."""
    if not hasattr(subject.modality, "guess"):
        raise Skip("has no guess(); `mmsdk inspect` never proposes it by content")
    own = [cell.name if isinstance(cell, Media) else cell[0] for cell in subject.cells()]
    for column in (own, ["a", "b"], ["1", "2.5"], [1, 2.5, True], [[1.0, 2.0], [3.0]], ["2024-01-01"]):
        found = subject.modality.guess(column)
        expect(0 <= found <= 1, f"guess({column[:2]!r}...) is {found!r}, expected 0 to 1")


def check_thumbnail_is_a_picture(subject: ModalitySubject) -> None:
    """``thumbnail``, where there is one, gives a PNG or JPEG no larger than asked."""
    if not hasattr(subject.modality, "thumbnail"):
        raise Skip("has no thumbnail(); the report shows the text of its cells")
    for cell in subject.cells():
        data = subject.modality.thumbnail(subject.modality.decode(cell), THUMBNAIL)
        is_png, is_jpeg = data[:8] == b"\x89PNG\r\n\x1a\n", data[:3] == b"\xff\xd8\xff"
        expect(is_png or is_jpeg, f"thumbnail() begins with {bytes(data[:8])!r}, expected a PNG or JPEG")
        if is_png:
            width, height = struct.unpack(">II", data[16:24])
            expect(max(width, height) <= THUMBNAIL, f"thumbnail() is {width} x {height}, asked for {THUMBNAIL}")


def check_parts_can_be_taken_away(subject: ModalitySubject) -> None:
    """``parts`` and ``without``, where there are both: parts with names and places, and new samples without them."""
    have = [callable(getattr(subject.modality, name, None)) for name in ("parts", "without")]
    if not any(have):
        raise Skip("has no parts(); `mmsdk explain` says what the input is worth, not what in it")
    expect(all(have), "has only one of parts() and without(): mmsdk explain needs both")
    others = [subject.modality.decode(cell) for cell in subject.cells()]
    changed = 0
    for n, cell in enumerate(subject.cells()):
        sample = subject.modality.decode(cell)
        parts = list(subject.modality.parts(sample))
        for part in parts:
            _check_part(part, f"example {n}")
            left = subject.modality.without(sample, [part], others)
            expect(left is None or type(left) is type(sample), f"example {n}: without() gives a {type(left).__name__}")
            changed += left is None or not same(left, sample)
        subject.modality.without(sample, parts, ())
        expect(same(subject.modality.without(sample, [], others), sample), f"example {n}: without no part it changes")
        expect(same(sample, subject.modality.decode(cell)), f"example {n}: without() changes the sample it is given")
    expect(changed, "taking a part away never changes a sample")


def _check_part(part: Any, where: str) -> None:
    """Refuse a part that nobody could draw."""
    expect(isinstance(part, Part), f"{where}: parts() gives a {type(part).__name__}, expected mmsdk.Part")
    expect(part.name.strip(), f"{where}: a part has no name")
    expect(part.kind in PLACES, f"{where}: a part is of kind {part.kind!r}, expected one of {', '.join(PLACES)}")
    size = PLACES[part.kind]
    expect(len(part.place) == size, f"{where}: place {part.place} of kind {part.kind}, expected {size} numbers")
    starts, ends = part.place[: size // 2], part.place[size // 2 :]
    rising = all(0 <= start < end for start, end in zip(starts, ends, strict=True))
    expect(rising, f"{where}: place {part.place} does not rise from 0 or more")
    expect(part.kind != "box" or max(ends) <= 1 + 1e-9, f"{where}: box {part.place} is not in shares of the picture")


def _decode_or_value_error(subject: ModalitySubject, cell: Any, what: str, *, none_only: bool = False) -> None:
    """Raise where decoding raises anything but a ValueError with a reason; with ``none_only``, where it succeeds."""
    try:
        found = subject.modality.decode(cell)
    except ValueError as error:
        expect(str(error).strip(), f"{what} raises a ValueError that gives no reason")
        return
    except Exception as error:
        raise AssertionError(f"{what} raises {type(error).__name__}: {error}; expected ValueError") from error
    expect(found is None or not none_only, f"{what} decodes to {type(found).__name__}, expected ValueError or None")
