"""The published JSON Schema of metrics.json and of every command's ``--json`` that carries metrics."""

from __future__ import annotations

from typing import Any

SCHEMA_ID = "https://mmsdk.dev/schema/metrics-1.json"


CURVE = {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}
BINS = {
    "type": "array",
    "items": {
        "type": "object",
        "description": "a bin of confidence: how sure, and how often right (value) with a 95 % interval",
        "properties": {
            **{name: {"type": "number"} for name in ("confidence", "value", "low", "high")},
            "n": {"type": "integer"},
        },
        "required": ["confidence", "value", "low", "high", "n"],
        "additionalProperties": False,
    },
}
CONFIDENCE = {
    "type": "object",
    "description": "how sure answers may claim to be, on the test rows",
    "properties": {
        "method": {"type": "string", "description": "what calibrated"},
        "source": {"enum": ["validation", "folds"]},
        "rows": {"type": "integer", "description": "calibration rows that have every input"},
        "units": {"type": "integer", "description": "groups of them, or rows where they have none"},
        "scored": {"type": "integer", "description": "groups, or rows, that these figures are of"},
        "notes": {"type": "array", "items": {"type": "string"}},
        "raw": {"$ref": "#/$defs/metrics", "description": "before calibration"},
        "reliability": {"type": "object", "properties": {"raw": BINS, "calibrated": BINS}},
        "risk": {
            "type": "object",
            "properties": {"aurc": {"$ref": "#/$defs/metric"}, "curve": CURVE},
            "additionalProperties": False,
        },
        "target": {"type": "number", "description": "the coverage that the sets promise"},
        "sets": {"$ref": "#/$defs/metrics"},
        "subsets": {"$ref": "#/$defs/named"},
        "groups": {"$ref": "#/$defs/named"},
        "answered": {"$ref": "#/$defs/metrics"},
        "error_asked": {"type": "number", "description": "how often the answers given may err"},
        "novelty": {"$ref": "#/$defs/metrics"},
    },
    "required": ["method", "source", "rows", "units", "scored", "notes"],
    "additionalProperties": False,
}
METRIC: dict[str, Any] = {
    "type": "object",
    "description": "a metric with its 95 % bootstrap interval, null of one row; n rows (or users, for ranking)",
    "properties": {
        "value": {"type": "number"},
        "low": {"type": ["number", "null"]},
        "high": {"type": ["number", "null"]},
        "n": {"type": "integer", "minimum": 0},
    },
    "required": ["value", "low", "high", "n"],
    "additionalProperties": False,
}
METRICS = {
    "type": "object",
    "description": "metric name -> metric",
    "additionalProperties": {"$ref": "#/$defs/metric"},
}
NAMED = {"type": "object", "description": "name -> metrics", "additionalProperties": {"$ref": "#/$defs/metrics"}}
TASK: dict[str, Any] = {
    "type": "object",
    "properties": {
        "train": {"$ref": "#/$defs/metrics"},
        "val": {"$ref": "#/$defs/metrics"},
        "test": {"$ref": "#/$defs/metrics"},
        "baselines": {"$ref": "#/$defs/named"},
        "subsets": {"$ref": "#/$defs/named"},
        "paired": {"$ref": "#/$defs/named"},
        "choice": {"$ref": "#/$defs/named"},
        "added": {
            "type": "object",
            "description": "input -> the subset it was added to -> gain (positive: it helps) of the metric",
            "additionalProperties": {"$ref": "#/$defs/named"},
        },
        "rules": {"$ref": "#/$defs/rules"},
        "shares": {"$ref": "#/$defs/metrics"},
        "confidence": CONFIDENCE,
        "worse": {
            "type": "object",
            "description": "input -> subsets that it makes worse when added, beyond noise over all of them",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
        "by_history": {
            "description": "of a recommender: the same users, of whom 0, 1, 2, 3 items or all are known",
            "$ref": "#/$defs/named",
        },
    },
    "additionalProperties": False,
}
COUNTS = {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}}
RULES = {
    "type": "object",
    "description": "the judged part with and without the rules; how many answers they changed; how often each fired, "
    "changed an answer, was broken by the label, and could not be judged since text stood for a number",
    "properties": {
        "with": {"$ref": "#/$defs/metrics"},
        "without": {"$ref": "#/$defs/metrics"},
        "gain": {"$ref": "#/$defs/metrics"},
        "answers": COUNTS,
        "fired": COUNTS,
        "changed": COUNTS,
        "broken": COUNTS,
        "unjudged": COUNTS,
    },
    "additionalProperties": False,
}


def metrics_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of ``{task: {part: {metric: {value, low, high, n}}}}``.

    Beside the parts a task may hold ``baselines`` and ``subsets`` (name -> metrics, of the judged part: ``test`` where
    there is one, else ``val``), ``paired``: the differences to named baselines on the same resamples, and ``added`` and
    ``worse``: what each input adds to each subset without it.
    """
    task = {**TASK, "properties": {**TASK["properties"], **_studies()}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "mmsdk metrics",
        "type": "object",
        "additionalProperties": {"$ref": "#/$defs/task"},
        "$defs": {"metric": METRIC, "metrics": METRICS, "named": NAMED, "rules": RULES, "task": task},
    }


def _studies() -> dict[str, Any]:
    """Return the schema of what the ``evaluation`` block asks for."""
    whole = {"type": "object"}
    point = {
        "type": "object",
        "description": "a score at a number of rows, or at a level of damage",
        "required": ["value", "low", "high", "n"],
    }
    curve = {
        "type": "object",
        "properties": {
            "points": {"type": "array", "items": point},
            "relative": {"type": "number", "description": "mean score under the curve"},
            "effective": {"type": "number", "description": "mean change from the undamaged input"},
        },
        "required": ["points", "relative", "effective"],
    }
    slice_ = {
        "type": "object",
        "description": "the task's own metric on some of the judged rows; gap: ahead of all the other rows",
        "properties": {
            "column": {"type": "string"},
            "value": {"type": "string"},
            "n": {"type": "integer"},
            "score": {"$ref": "#/$defs/metric"},
            "gap": {"anyOf": [{"$ref": "#/$defs/metric"}, {"type": "null"}]},
            "p": {"type": ["number", "null"], "description": "corrected by Holm over the judged slices"},
            "judged": {"type": "boolean", "description": "false below 30 rows"},
            "worse": {"type": "boolean"},
        },
        "required": ["column", "value", "n", "score", "gap", "p", "judged", "worse"],
    }
    return {
        "slices": {"type": "array", "items": slice_},
        "learning_curve": {"type": "object", "required": ["points", "more", "gain", "sentence"]},
        "robustness": {
            "type": "object",
            "description": "input -> kind of damage (noise, missing) -> curve",
            "additionalProperties": {**whole, "additionalProperties": curve},
        },
        "label_noise": {"type": "object", "required": ["checked", "found", "rows"]},
    }
