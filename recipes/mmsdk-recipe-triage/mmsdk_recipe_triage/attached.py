"""Pictures of bundles: attachments, what they name inside the bundle or the folder, and DICOM files of a study.

Only pictures are kept, under names that say nothing; of a DICOM file what pixels need, nobody's name or number. What is
not kept is counted with the reason.
"""

from __future__ import annotations

import hashlib
import io
import logging
import warnings
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mmsdk import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

MOST_BYTES = 64 << 20
ENDINGS = {"image/png": ".png", "image/jpeg": ".jpg", "application/dicom": ".dcm"}
PIXELS, SAID = (0x0028, 0x5200, 0x7FE0), (0x00080016, 0x00080060)  # groups; the kind of picture and its modality


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where the pictures of one bundle are looked for and where they are written, and what was not read.

    :param beside: the folder of the bundle. ``root``: the folder that no file may lie outside of.
    :param scans: the UID of an instance -> its file, of those that are named ``UID.dcm``.
    :param folder: where ``files/`` lies.
    :param held: ``Binary/ID`` or full address -> bytes, of the bundle itself.
    :param unread: what was not read -> how many.
    """

    beside: Path
    root: Path
    scans: Mapping[str, Path]
    folder: Path
    held: Mapping[str, bytes] = field(default_factory=dict)
    unread: Counter[str] = field(default_factory=Counter)

    def miss(self, what: str) -> None:
        """Count something that was not read."""
        self.unread[what] += 1


def scans_of(data: Path) -> dict[str, Path]:
    """Return the UID of each DICOM file of a folder that is named by it (``1.2.840.1.dcm``)."""
    return {file.stem: file for file in data.rglob("*.dcm")} if data.is_dir() else {}


def picture_of(form: Any, kind: str, places: Places) -> str | None:
    """Keep the picture of an attachment, and return its name in the folder; ``None`` where it holds none.

    :param kind: of the resource, for the count.
    :raises DataError: it names a file that lies outside the folder, is not there, or is too large.
    """
    written = str(form.contentType or "").split(";")[0].strip().lower()
    ending = ENDINGS.get(written)
    if ending is None:
        places.miss(f"{kind}: attachments that are no PNG, JPEG or DICOM")
        return None
    content = _content(form, places)
    if content is None:
        places.miss(f"{kind}: attachments that lie elsewhere; nothing is fetched")
        return None
    return _kept(content, ending, kind, places)


def pictures_of_study(study: Any, places: Places) -> Iterator[str]:
    """Keep the pictures of a study, whose files are named by the UIDs of its instances, and yield their names.

    :raises DataError: a file is too large.
    """
    named = [one.uid for series in study.series or () for one in series.instance or ()]
    files = [places.scans[uid] for uid in named if uid in places.scans]
    if not files:
        places.miss("ImagingStudy: pictures not in the folder (looked for as UID.dcm)")
    for file in files:
        name = _kept(_bytes_of(file, places.root, "an ImagingStudy"), ".dcm", "ImagingStudy", places)
        if name is not None:
            yield name


def _kept(content: bytes, ending: str, kind: str, places: Places) -> str | None:
    """Write a picture and return its name."""
    if ending == ".dcm":
        bare = _without_names(content)
        if bare is None:
            places.miss(f"{kind}: damaged DICOM files")
            return None
        content = bare
    name = f"files/{hashlib.blake2b(content, digest_size=12).hexdigest()}{ending}"
    (places.folder / name).write_bytes(content)
    return name


def _without_names(content: bytes) -> bytes | None:
    """Return a DICOM file of pixels and how they are meant; nothing of who, when and where. ``None``: it is damaged."""
    import pydicom

    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)  # its warnings quote values
    written = io.BytesIO()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = pydicom.dcmread(io.BytesIO(content), force=True)
            for element in list(found):
                if element.tag.group not in PIXELS and element.tag not in SAID:
                    del found[element.tag]
            for name in ("MediaStorageSOPInstanceUID", "SourceApplicationEntityTitle", "PrivateInformation"):
                found.file_meta.pop(name, None)
            found.save_as(written, enforce_file_format=False)
    except Exception:  # whatever a hostile file makes of the parser, it is no picture
        return None
    return written.getvalue() if "Rows" in found else None


def _content(form: Any, places: Places) -> bytes | None:
    """Return the bytes of an attachment: its own, of the bundle, or of a file in the folder; nothing is fetched."""
    if form.data:
        content: bytes = form.data  # decoded by the model
        return content
    address = str(form.url or "")
    if address in places.held:
        return places.held[address]
    if not address or ":" in address:
        return None
    return _bytes_of(places.beside / address, places.root, "an attachment")


def _bytes_of(file: Path, root: Path, what: str) -> bytes:
    """Return a file inside the folder.

    :raises DataError: it lies outside, is not there, or is too large.
    """
    path = file.resolve()
    if not path.is_relative_to(root.resolve()):
        raise DataError(f"{what} names a file outside the folder of the bundles; put it inside")
    if not path.is_file() or path.stat().st_size > MOST_BYTES:
        raise DataError(f"{what} names a file that is not there, or larger than {MOST_BYTES >> 20} MiB")
    return path.read_bytes()
