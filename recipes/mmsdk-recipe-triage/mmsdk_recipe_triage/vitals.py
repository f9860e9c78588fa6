"""Floors for vital signs: a reading that NEWS2 scores 3 by itself makes a case urgent, whatever the model says.

Thresholds: Royal College of Physicians, National Early Warning Score (NEWS) 2, London 2017, chart 1: a score of 3 in
any single parameter asks for an urgent review. They are for adults (16 years or more, not pregnant), so that a rule
does not hold where the age is known and below.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from statistics import median
from typing import Any

from mmsdk import column_numbers, column_words

ADULT = 16
YEARS = (0, 130)  # between which the median of ages lies


@dataclass(frozen=True, slots=True, kw_only=True)
class Vital:
    """A vital sign.

    :param named: what the column's name, without separators, is or ends in.
    :param usual: between which the median of a column in the right unit lies.
    :param low: readings at or below score 3; ``None`` where none do. ``high``: at or above.
    """

    what: str
    named: re.Pattern[str]
    usual: tuple[float, float]
    low: float | None = None
    high: float | None = None


VITALS = (
    Vital(
        what="oxygen saturation",
        named=re.compile(
            r"spo2|sao2|po2saturation|o2sat(uration)?|oxygensat(uration)?|osat|血氧(饱和度)?|指脉氧(饱和度)?"
        ),
        usual=(70, 100),
        low=91,
    ),
    Vital(
        what="respiration rate",
        named=re.compile(r"rr|resprate|respir(ation|atory)rate|breathingrate|呼吸(频率|次数)?"),
        usual=(8, 40),
        low=8,
        high=25,
    ),
    Vital(
        what="systolic pressure",
        named=re.compile(r"sbp|systolic(bp|bloodpressure|pressure)?|bpsystolic|sysbp|收缩压|高压"),
        usual=(80, 200),
        low=90,
        high=220,
    ),
    Vital(
        what="pulse",
        named=re.compile(r"pulse|heartrate|hr|pulserate|心率|脉搏|脉率"),
        usual=(45, 150),
        low=40,
        high=131,
    ),
    Vital(
        what="temperature",
        named=re.compile(r"temp(erature)?c?|bodytemp(erature)?|体温|腋温|耳温"),
        usual=(34, 42),
        low=35.0,
    ),
)
AGE = re.compile(r"age(years)?|ageinyears|alter|(患者|病人)?年龄")
UNITS = frozenset(["次", "分", "分钟", "次分", "mm", "hg", "mmhg", "bpm", "度", "岁", "周岁"])  # 心率(次/分)


def floors(table: Any, task: str, label: str) -> list[dict[str, Any]]:
    """Return the rules of the application for the vital signs that the table holds, in the unit they are meant in.

    :param task: the task that they bound.
    :param label: the least urgent label that a case may then get.
    """
    age = column_of(table, AGE, YEARS)
    adult = f" and ({quoted(age)} is null or {quoted(age)} >= {ADULT})" if age else ""
    rules = []
    for vital in VITALS:
        column = column_of(table, vital.named, vital.usual)
        if column is None:
            continue
        bounds = (("low", "<=", vital.low), ("high", ">=", vital.high))
        rules += [
            {
                "name": f"NEWS2 {vital.what} {which}",
                "when": f"{quoted(column)} {sign} {bound:g}{adult}",
                "task": task,
                "at_least": label,
            }
            for which, sign, bound in bounds
            if bound is not None
        ]
    return rules


def unread_age(table: Any) -> str | None:
    """Return the column that is called an age where no years can be read of it, as of ``3月`` beside ``59岁``."""
    if column_of(table, AGE, YEARS) is not None:
        return None
    held = (
        name for name in _called(table, AGE) if any(str(cell).strip() for cell in table.cells(name) if cell is not None)
    )
    return next(held, None)


def column_of(table: Any, named: re.Pattern[str], usual: tuple[float, float]) -> str | None:
    """Return the first column of a name whose median lies where it does in the right unit."""
    for name in _called(table, named):
        readings = column_numbers(table.cells(name))
        if readings and usual[0] <= median(readings) <= usual[1]:
            return name
    return None


def _called(table: Any, named: re.Pattern[str]) -> list[str]:
    """Return the columns of a name, whatever unit it ends with."""
    bare = {str(name): "".join(word for word in column_words(name) if word not in UNITS) for name in table.names}
    return [name for name, words in bare.items() if named.fullmatch(words)]


def quoted(column: str) -> str:
    """Return a column as the language of ``when`` takes it."""
    return column if re.fullmatch(r"[^\W\d]\w*", column) else f"`{column}`"
