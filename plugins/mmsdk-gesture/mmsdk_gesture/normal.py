"""Landmarks brought to a common place, size and, where asked, turn and hand; and how they move from step to step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mmsdk import EncoderError

if TYPE_CHECKING:
    from mmsdk import Landmarks

SLOTS = 21  # points of a step that are told one by one
POSE = 3 * SLOTS
MOTION = 12
TINY = 1e-6
STILL = 1e-3  # of the extent: a step shorter than this has no direction


@dataclass(frozen=True, slots=True, kw_only=True)
class Normal:
    """How landmarks are normalised.

    Place and size always: a step's points are taken from the first of them (the wrist of a hand), in units of their
    mean distance from it over the whole sequence. A lone point is taken from where it began, in units of its extent.

    Turn and hand only where asked, of pose and motion alike; a lone point has neither.

    :param rotation: turn the whole sequence in the picture so that its points lie, in the mean, above the first.
    :param mirror: show a left hand as a right one: reflect where points 5 and 17 (the knuckles of forefinger and little
        finger of 21) lie the other way round.
    """

    rotation: bool = False
    mirror: bool = False

    def __post_init__(self) -> None:
        for name in ("rotation", "mirror"):
            if not isinstance(getattr(self, name), bool):
                raise EncoderError(f"option {name} is {getattr(self, name)!r}, expected true or false")

    def steps(self, sample: Landmarks) -> tuple[np.ndarray, np.ndarray]:
        """Return pose ``(t, 63)`` and motion ``(t, 12)`` float64 of every step, finite.

        Pose: x, y, z of 21 points; of more points every so many, where there are fewer, zeros. Motion: the place of
        the middle of all points (2), its step (2), speed, sine and cosine of the turn since the step before, all
        turning so far, the size of the figure, its step, the log of the extent of the path, the share of points seen.
        """
        points = _deep(sample.points)
        seen = ~np.isnan(points[:, :, 0])
        filled = self._turned(_filled(points, seen, sample.times))
        pose = _pose(filled)
        return pose.reshape(len(pose), POSE), _motion(filled, seen)

    def _turned(self, points: np.ndarray) -> np.ndarray:
        """Return points of a right hand, and upright, where that is asked for."""
        if self.mirror and _is_left(points):
            points = points * np.array([-1.0, 1.0, 1.0])
        return _upright(points) if self.rotation else points


def _pose(points: np.ndarray) -> np.ndarray:
    """Return ``(t, 21, 3)``: points from the first of them, in units of their mean distance from it."""
    relative = points - points[:, :1]
    size = np.linalg.norm(relative, axis=2).mean()
    relative = relative / size if size > TINY else np.zeros_like(relative)
    count = relative.shape[1]
    chosen = np.arange(count) if count <= SLOTS else np.linspace(0, count - 1, SLOTS).round().astype(int)
    pose = np.zeros((len(points), SLOTS, 3))
    pose[:, : len(chosen)] = relative[:, chosen]
    return pose


def _deep(points: np.ndarray) -> np.ndarray:
    """Return points with three coordinates; the third of flat ones is zero."""
    wide = points.astype(np.float64)
    if wide.shape[2] == 3:
        return wide
    return np.concatenate([wide, np.where(np.isnan(wide[:, :, :1]), np.nan, 0.0)], axis=2)


def _filled(points: np.ndarray, seen: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return points, gaps filled by time from the steps around; a point never seen lies in the middle of the others."""
    filled = points.copy()
    for point in range(points.shape[1]):
        known = np.flatnonzero(seen[:, point])
        if len(known) in (0, len(points)):
            continue
        for axis in range(3):
            filled[:, point, axis] = np.interp(times, times[known], points[known, point, axis])
    lost = ~seen.any(axis=0)
    if lost.any():
        filled[:, lost] = filled[:, ~lost].mean(axis=1, keepdims=True)
    return filled


def _motion(points: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return how the middle of all points moves, ``(t, 12)``."""
    middle = points[:, :, :2].mean(axis=1)
    size = np.linalg.norm(points[:, :, :2] - middle[:, None], axis=2).mean(axis=1)
    extent = float(np.linalg.norm(np.ptp(middle, axis=0)))
    unit = extent if extent > TINY else 1.0
    place = (middle - middle[0]) / unit
    step = np.diff(place, axis=0, prepend=place[:1])
    speed = np.linalg.norm(step, axis=1)
    turn = _turns(step, speed)
    mean = size.mean()
    figure = size / mean if mean > TINY else np.ones_like(size)
    whole = np.full(len(points), np.log10(extent + 1e-4))
    columns = [
        *place.T,
        *step.T,
        speed,
        np.sin(turn),
        np.where(turn == 0, 0.0, np.cos(turn)),
        np.cumsum(turn) / (2 * np.pi),
        figure,
        np.diff(figure, prepend=figure[:1]),
        whole,
        seen.mean(axis=1),
    ]
    return np.stack(columns, axis=1)


def _turns(step: np.ndarray, speed: np.ndarray) -> np.ndarray:
    """Return the change of heading of each step in radians, counter-clockwise; steps that hardly move do not turn."""
    heading = np.arctan2(step[:, 1], step[:, 0])
    turn = np.zeros(len(step))
    moving = np.flatnonzero(speed > STILL)
    if len(moving) > 1:
        change = np.diff(heading[moving])
        turn[moving[1:]] = (change + np.pi) % (2 * np.pi) - np.pi
    return turn


def _is_left(points: np.ndarray) -> bool:
    """Return whether 21 points are a left hand; other figures are none."""
    if points.shape[1] != 21:
        return False
    first, last = ((points[:, knuckle] - points[:, 0]).mean(0) for knuckle in (5, 17))
    return bool(first[0] * last[1] - first[1] * last[0] < 0)


def _upright(points: np.ndarray) -> np.ndarray:
    """Return points turned in the picture so that their mean lies above the first; one that has no up stays as is."""
    x, y = (points - points[:, :1])[:, :, :2].mean((0, 1))
    length = np.hypot(x, y)
    if length < TINY:
        return points
    cos, sin = -y / length, -x / length
    turned: np.ndarray = points @ np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
    return turned
