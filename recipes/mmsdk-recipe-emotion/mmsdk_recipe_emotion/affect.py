"""Where a label lies between unpleasant and pleasant, calm and excited: a map from words to two numbers, cited.

Valence and arousal are not learned and not scored here: they are what raters said of the *words*, weighed by the
probabilities of the labels. Two sources, both rescaled to -1..1:

- Russell & Mehrabian (1977), "Evidence for a three-factor theory of emotions", Journal of Research in Personality 11,
  273-294, Table 4: mean pleasure and arousal of 151 terms.
- Warriner, Kuperman & Brysbaert (2013), "Norms of valence, arousal, and dominance for 13,915 English lemmas", Behavior
  Research Methods 45, 1191-1207: ``calm`` (6.89 and 1.67 on scales of 1 to 9).

``neutral`` is the middle by definition. A label nobody rated has no valence and no arousal; one in Chinese has the
rating of the English word that it is usually translated by, which Chinese raters may see otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmsdk import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

SOURCE = "Russell & Mehrabian (1977), Table 4; calm from Warriner et al. (2013); neutral is the middle by definition"
RATED: Mapping[str, tuple[float, float]] = {
    "angry": (-0.51, 0.59),
    "calm": (0.4725, -0.8325),
    "disgusted": (-0.60, 0.35),
    "fearful": (-0.64, 0.60),
    "happy": (0.81, 0.51),
    "neutral": (0.0, 0.0),
    "sad": (-0.63, -0.27),
    "surprised": (0.40, 0.67),
}
ALSO = {
    "anger": "angry",
    "disgust": "disgusted",
    "fear": "fearful",
    "happiness": "happy",
    "joy": "happy",
    "sadness": "sad",
    "surprise": "surprised",
    **dict.fromkeys(("生气", "愤怒"), "angry"),
    **dict.fromkeys(("厌恶", "恶心"), "disgusted"),
    **dict.fromkeys(("害怕", "恐惧"), "fearful"),
    **dict.fromkeys(("高兴", "快乐", "开心"), "happy"),
    **dict.fromkeys(("悲伤", "难过", "伤心"), "sad"),
    **dict.fromkeys(("惊讶", "吃惊"), "surprised"),
    **dict.fromkeys(("中性", "自然"), "neutral"),
    "平静": "calm",
}


def affect_map(labels: tuple[str, ...], own: Mapping[str, object] | None = None) -> dict[str, tuple[float, float]]:
    """Return label -> valence and arousal, each -1 to 1, of the labels that somebody rated.

    :param own: the user's own map, label -> ``[valence, arousal]``; it takes the place of the cited one.
    :raises ConfigError: an entry of it is not two numbers from -1 to 1.
    """
    if own is not None:
        return {label: _pair(label, own[label]) for label in labels if label in own}
    words = {label: label.strip().lower() for label in labels}
    known = {label: ALSO.get(word, word) for label, word in words.items()}
    return {label: RATED[word] for label, word in known.items() if word in RATED}


def weighed(
    probabilities: Mapping[str, float], places: Mapping[str, tuple[float, float]]
) -> tuple[float, float] | None:
    """Return valence and arousal of an answer: the mean of its labels' places, weighed by their probabilities.

    ``None`` where labels that nobody rated have more than half of the probability.
    """
    rated = {label: share for label, share in probabilities.items() if label in places}
    total = sum(rated.values())
    if total <= 0.5:
        return None
    valence = sum(share * places[label][0] for label, share in rated.items()) / total
    arousal = sum(share * places[label][1] for label, share in rated.items()) / total
    return valence, arousal


def _pair(label: str, value: object) -> tuple[float, float]:
    """Return an entry of a user's map."""
    pair = value if isinstance(value, list | tuple) else ()
    if len(pair) != 2 or not all(isinstance(one, int | float) and -1 <= one <= 1 for one in pair):
        raise ConfigError(f"affect map: {label} is {value!r}, expected [valence, arousal], each from -1 to 1")
    return float(pair[0]), float(pair[1])
