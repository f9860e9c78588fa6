"""DICOM to pixels: windows, photometric interpretation, frames; nobody's name leaves the file."""

from __future__ import annotations

import io
import logging

import numpy as np
import pytest
from mmsdk_image.modality import Image

import mmsdk
from mmsdk import Media

pydicom = pytest.importorskip("pydicom")
NAME = "Doe^Jane"


def bundled(name):
    """Return a file that pydicom's wheel carries."""
    from pydicom.data import get_testdata_file

    path = get_testdata_file(name, download=False)
    with open(path, "rb") as stream:  # noqa: PTH123
        return stream.read()


def dicom(values, *, bits=16, kind="MONOCHROME2", frames=None, signed=False, **tags):
    """Return a file of our own, with a person's name in it."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    values = np.asarray(values)
    found = Dataset()
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    found.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    found.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    found.PatientName, found.PatientID = NAME, "id-4711"
    found.PhotometricInterpretation = kind
    found.Rows, found.Columns = values.shape[-2:] if kind != "RGB" else values.shape[:2]
    found.SamplesPerPixel = 3 if kind == "RGB" else 1
    if kind == "RGB":
        found.PlanarConfiguration = 0
    if frames:
        found.NumberOfFrames = frames
    found.BitsAllocated, found.BitsStored, found.HighBit = (8 if bits == 8 else 16), bits, bits - 1
    found.PixelRepresentation = int(signed)
    found.PixelData = values.astype(np.uint8 if bits == 8 else np.int16 if signed else np.uint16).tobytes()
    for name, value in tags.items():
        setattr(found, name, value)
    stream = io.BytesIO()
    found.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def decode(data, name="scan.dcm", **options):
    return Image(**options).decode(Media(name=name, data=data))


RAMP = np.arange(256, dtype=np.uint16).reshape(16, 16) * 16


def test_bundled_scans_become_pictures():
    for name, shape in (("CT_small.dcm", (128, 128)), ("MR_small.dcm", (64, 64)), ("JPEG2000.dcm", (1024, 256))):
        pixels = decode(bundled(name))
        assert pixels.dtype == np.uint8
        assert pixels.shape == (*shape, 3)
        assert pixels.std() > 5
        assert (pixels[..., 0] == pixels[..., 2]).all()


def test_colours():
    for name in ("SC_rgb_jpeg_dcmtk.dcm", "examples_rgb_color.dcm", "examples_palette.dcm", "SC_rgb_rle_16bit.dcm"):
        pixels = decode(bundled(name))
        assert pixels.shape[2] == 3
        assert (pixels[..., 0] != pixels[..., 2]).any(), name
    red = np.zeros((4, 5, 3), np.uint8)
    red[..., 0] = 200
    assert decode(dicom(red, bits=8, kind="RGB"))[0, 0].tolist() == [200, 0, 0]


def test_the_files_own_window_and_rescale_act():
    plain = dicom(RAMP, RescaleSlope=1, RescaleIntercept=-1024, WindowCenter=0, WindowWidth=512)
    pixels = decode(plain)[..., 0]
    values = RAMP.astype(int) - 1024
    assert (pixels[values < -256] == 0).all()
    assert (pixels[values > 256] == 255).all()
    middle = np.abs(values) < 240
    assert np.abs(pixels[middle] - (values[middle] / 512 + 0.5) * 255).max() < 2
    several = dicom(RAMP, RescaleSlope=1, RescaleIntercept=-1024, WindowCenter=[0, 900], WindowWidth=[512, 10])
    assert (decode(several)[..., 0] == pixels).all()


def test_windows_that_are_asked_for_act():
    scan = dicom(RAMP, RescaleSlope=1, RescaleIntercept=-1024)
    pictures = [decode(scan, window=one)[..., 0] for one in ("auto", "lung", "bone", "brain", [40, 400])]
    assert len({one.tobytes() for one in pictures}) == 5
    assert (pictures[3][RAMP < 1024 - 100] == 0).all()
    for option in ("lungs", [40], [40, 0], 5):
        with pytest.raises(mmsdk.EncoderError, match=r"decode.window is .*, expected auto, lung"):
            Image(window=option)


def test_monochrome1_is_turned_and_signed_values_are_signed():
    bright = decode(dicom(RAMP))[..., 0]
    dark = decode(dicom(RAMP, kind="MONOCHROME1"))[..., 0]
    assert np.abs(bright.astype(int) + dark - 255).max() <= 1
    signed = decode(dicom(RAMP.astype(np.int16) - 2000, signed=True))[..., 0]
    assert np.abs(signed.astype(int) - bright).max() <= 1


def test_frames():
    flat = [np.full((4, 4), grey, np.uint8) for grey in (10, 100, 250)]
    scan = dicom(np.stack(flat), bits=8, frames=3, WindowCenter=128, WindowWidth=256)
    found = {one: int(decode(scan, frame=one)[0, 0, 0]) for one in ("auto", "middle", 1, 3)}
    assert found["auto"] == found["middle"]
    assert found[1] < 20 < found["auto"] < 200 < found[3]
    with pytest.raises(ValueError, match="has 3 frames, where frame 4 was asked for"):
        decode(scan, frame=4)
    for option in (0, "last", 1.5):
        with pytest.raises(mmsdk.EncoderError, match=r"decode.frame is"):
            Image(frame=option)


def test_burnt_in_text_is_counted():
    modality = Image()
    for says in ("YES", "NO", "YES"):
        modality.decode(Media(name="a", data=dicom(RAMP, BurnedInAnnotation=says)))
    assert modality.report() == {"burnt_in_text": 2}
    assert Image().report() == {}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda data: _without_pixels(), "is a DICOM file without pixels"),
        (lambda data: data[: len(data) - 300], "damaged DICOM file"),
        (lambda data: data[:140], "DICOM"),
    ],
    ids=["no pixels", "torn", "header alone"],
)
def test_a_damaged_file_is_refused_without_a_name(change, reason, caplog, recwarn):
    with caplog.at_level(logging.DEBUG), pytest.raises(ValueError, match=reason) as caught:
        decode(change(dicom(RAMP)))
    told = f"{caught.value} {caplog.text} {[str(one.message) for one in recwarn]}"
    assert "Doe" not in told
    assert "4711" not in told


def _without_pixels():
    from pydicom import dcmread
    from pydicom.filebase import DicomBytesIO

    found = dcmread(DicomBytesIO(dicom(RAMP)))
    del found.PixelData
    stream = io.BytesIO()
    found.save_as(stream)
    return stream.getvalue()


def test_too_many_pixels_are_refused_before_they_are_decoded():
    class Small(Image):
        max_pixels = 100

    with pytest.raises(ValueError, match=r"is 16 x 16 pixels, where 100 are read"):
        Small().decode(Media(name="a", data=dicom(RAMP)))


def test_without_pydicom_one_sentence_says_what_to_install(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(ValueError, match=r"needs pydicom: pip install 'mmsdk-image\[medical\]'"):
        decode(dicom_bytes)


dicom_bytes = b"\0" * 128 + b"DICM" + b"\0" * 64


def test_a_sigmoid_and_an_exact_window_are_what_the_standard_says():
    values = RAMP.astype(float)
    sigmoid = decode(dicom(RAMP, WindowCenter=2000, WindowWidth=900, VOILUTFunction="SIGMOID"))[..., 0]
    assert np.abs(sigmoid - 255 / (1 + np.exp(-4 * (values - 2000) / 900))).max() <= 1
    exact = decode(dicom(RAMP, WindowCenter=2000, WindowWidth=900, VOILUTFunction="LINEAR_EXACT"))[..., 0]
    assert np.abs(exact - 255 * np.clip((values - 2000) / 900 + 0.5, 0, 1)).max() <= 1
    useless = decode(dicom(RAMP, WindowCenter=2000, WindowWidth=0))
    assert (useless == decode(dicom(RAMP))).all()


def table(values, first, bits=16):
    from pydicom.dataset import Dataset

    item = Dataset()
    item.LUTDescriptor = [len(values), first, bits]
    item.LUTData = np.asarray(values, np.uint16).tobytes()
    item["LUTData"].VR = "OW"
    return item


def test_tables_of_the_file_act():
    falling = np.linspace(65535, 0, 4096)
    shown = decode(dicom(RAMP, VOILUTSequence=[table(falling, 0)]))[..., 0]
    assert np.abs(shown - (255 - RAMP / 4095 * 255)).max() <= 1
    shifted = decode(dicom(RAMP, RescaleSlope=1, RescaleIntercept=1000, VOILUTSequence=[table(falling, 1000)]))
    assert (shifted[..., 0] == shown).all()
    measured = {"ModalityLUTSequence": [table(falling, 0)], "WindowCenter": 32768, "WindowWidth": 65536}
    assert np.abs(decode(dicom(RAMP, **measured))[..., 0].astype(int) - shown).max() <= 1


def test_padding_is_black_and_does_not_count():
    values = RAMP.copy()
    values[:8] = 60000
    shown = decode(dicom(values, PixelPaddingValue=60000))[..., 0]
    assert (shown[:8] == 0).all()
    assert shown[8:].max() == 255
    assert decode(dicom(values))[8:].max() < 30  # without the tag it outshines all
    inverted = decode(dicom(values, kind="MONOCHROME1", PixelPaddingValue=50000, PixelPaddingRangeLimit=61000))
    assert (inverted[:8] == 0).all()
    assert inverted[-1, -1, 0] == 0
    assert inverted[8, 0, 0] == 255


def test_frames_of_an_enhanced_scan_carry_their_own_rescale_and_window():
    from pydicom.dataset import Dataset

    def group(name, **tags):
        item, outer = Dataset(), Dataset()
        item.update(tags)
        setattr(outer, name, [item])
        return outer

    shared = group("PixelValueTransformationSequence", RescaleSlope=1, RescaleIntercept=-1024, RescaleType="HU")
    own = [group("FrameVOILUTSequence", WindowCenter=centre, WindowWidth=200) for centre in (0, 500)]
    scan = dicom(
        np.stack([RAMP, RAMP]),
        frames=2,
        SharedFunctionalGroupsSequence=[shared],
        PerFrameFunctionalGroupsSequence=own,
    )
    plain = {"RescaleSlope": 1, "RescaleIntercept": -1024, "WindowWidth": 200}
    for frame, centre in ((1, 0), (2, 500)):
        assert (decode(scan, frame=frame) == decode(dicom(RAMP, WindowCenter=centre, **plain))).all()
    assert (decode(scan, window="lung") == decode(dicom(RAMP, **plain), window="lung")).all()


def test_mosaic():
    flat = np.repeat(np.arange(20, dtype=np.uint8) * 10, 12).reshape(20, 3, 4)
    scan = dicom(flat, bits=8, frames=20, WindowCenter=128, WindowWidth=256)
    shown = decode(scan, frame="mosaic")
    assert shown.shape == (9, 12, 3)
    tiles = shown[::3, ::4, 0].ravel().astype(int)
    assert (np.diff(tiles) > 10).all()
    assert abs(tiles[4] - 100) <= 10  # the middle one in the middle
    two = decode(dicom(flat[:2], bits=8, frames=2, WindowCenter=128, WindowWidth=256), frame="mosaic")
    assert two.shape == (3, 8, 3)

    class Small(Image):
        max_pixels = 100

    with pytest.raises(ValueError, match="is 4 x 3 pixels and 9 frames of it, where 100 are read"):
        Small(frame="mosaic").decode(Media(name="a", data=scan))


def test_colours_by_plane_and_as_ybr():
    colours = np.random.default_rng(0).integers(0, 255, (4, 5, 3), np.uint8)
    planes = dicom(colours, bits=8, kind="RGB", PlanarConfiguration=1, PixelData=colours.transpose(2, 0, 1).tobytes())
    assert (decode(planes) == colours).all()
    grey = np.full((4, 5, 3), (90, 128, 128), np.uint8)
    ybr = dicom(grey, bits=8, kind="RGB", PhotometricInterpretation="YBR_FULL")
    assert np.abs(decode(ybr).astype(int) - 90).max() <= 1
    with pytest.raises(ValueError, match=r"has a colour model that is not read \(grey, RGB") as caught:
        decode(dicom(grey, bits=8, kind="RGB", PhotometricInterpretation="DOE JANE"))
    assert "DOE" not in str(caught.value)


def test_values_with_a_point():
    from pydicom import dcmread

    found = dcmread(io.BytesIO(dicom(RAMP, WindowCenter=0.5, WindowWidth=2)))
    del found.PixelData, found.BitsStored, found.PixelRepresentation
    found.BitsAllocated, found.FloatPixelData = 32, (RAMP / 4096).astype(np.float32).tobytes()
    stream = io.BytesIO()
    found.save_as(stream)
    shown = decode(stream.getvalue())[..., 0]
    assert np.abs(shown - np.clip(RAMP / 4096 + 0.5, 0, 1) * 255).max() <= 1


def test_every_bundled_file_becomes_a_picture_or_one_sentence():
    from pathlib import Path

    folder = Path(pydicom.__file__).parent / "data" / "test_files"
    read, reasons = set(), set()
    for path in sorted(folder.glob("*.dcm")):
        try:
            pixels = Image().decode(Media(name=path.name, path=path))
        except ValueError as error:
            reasons.add(str(error))
        else:
            assert pixels.dtype == np.uint8
            assert pixels.shape[2] == 3
            read.add(path.stem)
    assert {"image_dfl", "liver_1frame", "MR_small_RLE", "MR_small_bigendian", "MR_small_implicit"} <= read
    assert {"rtdose", "ExplVR_BigEnd", "SC_rgb_rle_32bit", "693_J2KI", "examples_ybr_color"} <= read
    assert "is a DICOM file without pixels" in reasons
    assert not {one for one in reasons if not one.startswith(("is a ", "is compressed as ", "is no picture"))}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (
            "JPEGLSNearLossless_16.dcm",
            r"is compressed as JPEG-LS Lossy .* nothing installed reads.*: pip .*jpeg",
        ),
        (
            "JPGExtended.dcm",
            r"is compressed as JPEG Extended .* reads, or is damaged: pip .*-libjpeg",
        ),
    ],
)
def test_a_compression_that_nothing_reads_says_what_does(name, reason):
    with pytest.raises(ValueError, match=reason):
        decode(bundled(name))


def renamed(syntax):
    """Return a file that says it is written in another way."""
    from pydicom.uid import ExplicitVRLittleEndian

    plain, other = ExplicitVRLittleEndian.encode() + b"\0", syntax.encode().ljust(20, b"\0")
    assert len(plain) == len(other)
    return dicom(RAMP).replace(plain, other)


def test_bombs_are_refused(monkeypatch):
    from mmsdk_image import dicom as module

    data = bundled("image_dfl.dcm")
    assert decode(data).shape == (512, 512, 3)
    monkeypatch.setattr(module, "MAX_BYTES", 100_000)
    with pytest.raises(ValueError, match="unpacks to more than 100,000 bytes"):
        decode(data)
    with pytest.raises(ValueError, match="is a damaged DICOM file"):
        decode(data[:400] + b"\xff" * 400)
    monkeypatch.setattr(module, "MAX_RLE", 100)
    with pytest.raises(ValueError, match=r"has a run-length coded frame of [\d,]+ bytes, where 100 are read"):
        decode(bundled("MR_small_RLE.dcm"))


def test_a_file_without_a_preamble_is_known_by_its_name():
    from pydicom import dcmread

    found = dcmread(io.BytesIO(dicom(RAMP)))
    stream = io.BytesIO()
    bare = pydicom.Dataset()
    bare.update(found)
    bare.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    bare.save_as(stream, implicit_vr=True, little_endian=True, enforce_file_format=False)
    assert stream.getvalue()[:2] == b"\x08\0"
    assert (decode(stream.getvalue(), "a.DCM") == decode(dicom(RAMP))).all()
    with pytest.raises(ValueError, match="is no picture that is read"):
        decode(stream.getvalue(), "a.png")
    with pytest.raises(ValueError, match="is no picture that is read"):
        decode(b"nothing of the kind", "a.dcm")
    assert (decode(dicom(RAMP), "a.jpg") == decode(dicom(RAMP))).all()


def test_kinds_that_often_have_text_are_counted_where_the_header_is_silent():
    modality = Image()
    secondary = "1.2.840.10008.5.1.4.1.1.7"
    for tags in ({"Modality": "US"}, {"SOPClassUID": secondary}, {"Modality": "CT"}):
        modality.decode(Media(name="a", data=dicom(RAMP, **tags)))
    modality.decode(Media(name="a", data=dicom(RAMP, Modality="US", BurnedInAnnotation="NO")))
    assert modality.report() == {"burnt_in_text_not_said": 2}


def test_a_large_scan_is_reduced_as_photos_are():
    assert decode(dicom(np.zeros((2100, 2048), np.uint16))).shape == (1050, 1024, 3)


def named_everywhere():
    """Yield files that hold a name where pixels are described, so that a library's error might quote it."""
    yield renamed("1.2.Doe.Jane.4711")
    yield renamed("1.2.840.10008.9.4711")
    for tag in ("PhotometricInterpretation", "VOILUTFunction", "BurnedInAnnotation", "Modality"):
        yield dicom(RAMP, WindowCenter=1, WindowWidth=9).replace(b"MONOCHROME2", b"DOE JANE 11")
        yield dicom(RAMP, WindowCenter=1, WindowWidth=9, **{tag: "DOE 4711"})
    whole = dicom(
        RAMP, NumberOfFrames="111111111", RescaleSlope="1", RescaleIntercept="22222222", SpecificCharacterSet=""
    )
    yield whole.replace(b"111111111", b"Doe^Jane ")
    yield whole.replace(b"22222222", b"Doe^Jane")
    yield whole.replace(b"Rows".ljust(4), b"Doe^")
    yield dicom(RAMP)[:-200]
    yield dicom(RAMP, SpecificCharacterSet="DOE_4711")
    yield dicom(RAMP, PixelData=b"Doe^Jane id-4711")
    data = dicom(RAMP)
    for place in range(132, len(data) - 512, 3):
        yield data[:place] + b"\xff\x7f" + data[place + 2 :]


def test_no_name_is_told_whatever_is_broken(caplog, recwarn, capfd):
    told = []
    with caplog.at_level(logging.DEBUG):
        for data in named_everywhere():
            modality = Image()
            try:
                modality.decode(Media(name="scan.dcm", data=data))
            except ValueError as error:
                told.append(str(error))
            told.append(str(modality.report()))
    assert len(set(told)) > 3
    told += [caplog.text, *(str(one.message) for one in recwarn), *capfd.readouterr()]
    assert not [one for one in told if "doe" in one.lower() or "4711" in one]
