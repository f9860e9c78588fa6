"""Columns of the LOINC codes that vital signs and common laboratory values have, and what a reading is turned into."""

from __future__ import annotations

import re

COLUMNS = {
    "8867-4": "pulse",
    "9279-1": "respiration_rate",
    "8310-5": "temperature",
    "8480-6": "systolic",
    "8462-4": "diastolic",
    "2708-6": "spo2",
    "59408-5": "spo2",
    "8302-2": "height",
    "29463-7": "weight",
    "39156-5": "bmi",
    "6690-2": "leukocytes",
    "751-8": "neutrophils",
    "731-0": "lymphocytes",
    "718-7": "hemoglobin",
    "777-3": "platelets",
    "1988-5": "crp",
    "2160-0": "creatinine",
    "2345-7": "glucose",
    "2524-7": "lactate",
    "33959-8": "procalcitonin",
}
SYSTEM = "http://loinc.org"
FAHRENHEIT = ("[degF]", "degF", "°F", "F")


def column_of(code: str, system: str, text: str) -> str:
    """Return the column of an observation's code: known codes by name, others by code or by their own words."""
    if system == SYSTEM:
        return COLUMNS.get(code, f"loinc_{code}")
    return re.sub(r"\W+", "_", (text or code).strip().lower()).strip("_")[:60]


def in_usual_unit(column: str, value: float, unit: str) -> float:
    """Return a reading in the unit that its column is in: temperatures in degrees Celsius."""
    return round((value - 32) / 1.8, 2) if column == "temperature" and unit in FAHRENHEIT else value
