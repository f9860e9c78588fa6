"""Numbers, categories, dates, tags, tables and vectors for mmsdk: modalities, and encoders fitted on training rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmsdk import EncoderSpec, ModalitySpec, PresetSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable


@hookimpl
def mmsdk_modalities() -> Iterable[ModalitySpec]:
    """Declare ``number``, ``category``, ``date``, ``vector``, ``tags`` and ``table``."""
    yield ModalitySpec(
        name="number",
        target="mmsdk_table.modalities:Number",
        summary="one finite number",
        sample="float, finite",
        cells="1234.5, -3, 1e6, true, false; 12%, 36.5℃, ￥12, 12 kg where all of the column is so; no NaN",
        default_encoder="quantile",
    )
    yield ModalitySpec(
        name="category",
        target="mmsdk_table.modalities:Category",
        summary="one of a limited set of values",
        sample="str, stripped, at most 1,000 characters",
        cells="a word, a code, a whole number, true or false; one value a cell",
        default_encoder="onehot",
    )
    yield ModalitySpec(
        name="date",
        target="mmsdk_table.modalities:Date",
        summary="a day or a moment, as the clock on the wall said it",
        sample="datetime.datetime without a time zone",
        cells="ISO 8601: 2024-01-31, 2024-01-31T10:00, 2024-01-31 10:00:00+08:00 (the zone is dropped)",
        default_encoder="calendar",
    )
    yield ModalitySpec(
        name="vector",
        target="mmsdk_table.modalities:Vector",
        summary="a vector that was computed elsewhere; every row has the same length",
        sample="float32 (d,), finite",
        cells="a list, '[0.1, 0.2]', '0.1 0.2', or several columns of numbers",
        default_encoder="standard",
    )
    yield ModalitySpec(
        name="tags",
        target="mmsdk_table.tags:Tags",
        summary="several values of a limited set in one cell",
        sample="tuple of different str, each stripped and at most 1,000 characters",
        cells="a list, a JSON list, or a text such as red|round, oak; several columns are put together",
        default_encoder="multihot",
        options={"separator": "what stands between two values of a text; left out, any of | , ; and those of Chinese"},
    )
    yield ModalitySpec(
        name="table",
        target="mmsdk_table.table:Rows",
        summary="several columns of numbers, categories, dates and booleans as one input, each of which may be empty",
        sample="tuple of str, float, bool, datetime or None, one a column",
        cells="one value a column, as number, category and date take them; empty columns are told apart from the rest",
        default_encoder="columns",
    )


@hookimpl
def mmsdk_encoders() -> Iterable[EncoderSpec]:
    """Declare the encoders; those that learn, learn from the training rows alone."""
    yield EncoderSpec(
        name="quantile",
        target="mmsdk_table.quantile:Quantile",
        summary="scaled value and piecewise-linear quantile bins",
        modalities=("number",),
        dim=0,
        fitted=True,
    )
    yield EncoderSpec(
        name="onehot",
        target="mmsdk_table.onehot:OneHot",
        summary="one column a value, the commonest 256; the rest share one",
        modalities=("category",),
        dim=0,
        fitted=True,
    )
    yield EncoderSpec(
        name="calendar",
        target="mmsdk_table.calendar:Calendar",
        summary="season, weekday and hour as circles, and time as a line",
        modalities=("date",),
        dim=7,
        fitted=True,
    )
    yield EncoderSpec(
        name="standard",
        target="mmsdk_table.standard:Standard",
        summary="the vector itself, centred and scaled",
        modalities=("vector",),
        dim=0,
        fitted=True,
    )

    yield EncoderSpec(
        name="quantiles",
        target="mmsdk_table.quantiles:Quantiles",
        summary="each element as its scaled value and piecewise-linear quantile bins",
        modalities=("vector",),
        dim=0,
        fitted=True,
    )
    yield EncoderSpec(
        name="series",
        target="mmsdk_table.series:Series",
        summary="a measurement in time: level, course, rhythm, length; vectors may differ in length",
        modalities=("vector",),
        dim=246,
    )
    yield EncoderSpec(
        name="multihot",
        target="mmsdk_table.multihot:MultiHot",
        summary="one column a value, the commonest 256, of which a row may have several; the rest share one",
        modalities=("tags",),
        dim=0,
        fitted=True,
    )
    yield EncoderSpec(
        name="columns",
        target="mmsdk_table.columns:Columns",
        summary="each column as its kind is encoded, and whether it was empty",
        modalities=("table",),
        dim=0,
        fitted=True,
    )


@hookimpl
def mmsdk_presets() -> Iterable[PresetSpec]:
    """Offer one a modality to the builtin preset."""
    yield PresetSpec(
        name="builtin",
        encoders={
            "number": ("quantile",),
            "category": ("onehot",),
            "date": ("calendar",),
            "vector": ("standard",),
            "tags": ("multihot",),
            "table": ("columns",),
        },
    )
