"""DICOM and NIfTI to pixels: windows, photometric interpretation, frames; nobody's name leaves the file."""

from __future__ import annotations

import gzip
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


class TestNifti:
    """Volumes, packed and not."""

    @pytest.fixture
    def volume(self):
        """Return a volume whose values say where they stand, as bytes."""
        nibabel = pytest.importorskip("nibabel")
        values = np.zeros((6, 8, 10), np.int16)
        values += 100 * np.arange(10, dtype=np.int16)
        values[:, :4] += 50
        return nibabel.Nifti1Image(values, np.eye(4)).to_bytes()

    def test_slices(self, volume):
        assert decode(volume, "v.nii").shape == (8, 6, 3)
        assert decode(volume, "v.nii", axis=0).shape == (10, 8, 3)
        assert decode(volume, "v.nii", axis=1).shape == (10, 6, 3)
        assert (decode(gzip.compress(volume), "v.nii.gz") == decode(volume, "v.nii")).all()
        shown = [decode(volume, "v.nii", frame=one, window=[500, 1000])[0, 0, 0] for one in (1, "middle", 10)]
        assert shown[0] < shown[1] < shown[2]
        assert decode(volume, "v.nii", frame=1)[-1, 0, 0] > decode(volume, "v.nii", frame=1)[0, 0, 0]

    def test_what_cannot_be_read_is_refused(self, volume, monkeypatch):
        from mmsdk_image import nifti

        with pytest.raises(ValueError, match="has 10 slices, where slice 11 was asked for"):
            decode(volume, "v.nii", frame=11)
        with pytest.raises(ValueError, match="is a damaged NIfTI file: its values are not there"):
            decode(volume[:500], "v.nii")
        with pytest.raises(ValueError, match=r"it is cut off|damaged"):
            decode(gzip.compress(volume)[:-20], "v.nii.gz")
        monkeypatch.setattr(nifti, "MAX_BYTES", 200)
        with pytest.raises(ValueError, match="unpacks to more than 200 bytes"):
            decode(gzip.compress(volume), "v.nii.gz")
        with pytest.raises(mmsdk.EncoderError, match=r"decode.axis is 3, expected 0, 1 or 2"):
            Image(axis=3)

    def test_without_nibabel_one_sentence_says_what_to_install(self, volume, monkeypatch):
        import sys

        monkeypatch.setitem(sys.modules, "nibabel", None)
        with pytest.raises(ValueError, match=r"needs nibabel: pip install 'mmsdk-image\[nifti\]'"):
            decode(volume, "v.nii")


def test_frames_of_an_animation():
    from PIL import Image as Pillow

    stream = io.BytesIO()
    colours = [Pillow.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    colours[0].save(stream, "GIF", save_all=True, append_images=colours[1:])
    shown = [decode(stream.getvalue(), frame=one)[4, 4].argmax() for one in ("auto", 1, "middle", 3)]
    assert shown == [0, 0, 1, 2]
    with pytest.raises(ValueError, match="has 3 frames, where frame 9"):
        decode(stream.getvalue(), frame=9)
    still = io.BytesIO()
    colours[0].save(still, "PNG")
    assert decode(still.getvalue(), frame="middle").shape == (8, 8, 3)
