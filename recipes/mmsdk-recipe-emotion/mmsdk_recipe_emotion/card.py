"""What the recipe is for, what it must not be used for, where it fails, and the sentence that stands on every page."""

from __future__ import annotations

from mmsdk import Card

NOTICE = (
    "Labels of expressions, not feelings. In the EU, systems that infer emotions of people at work or in education are "
    "prohibited (Regulation (EU) 2024/1689, Article 5(1)(f)), save for medical or safety reasons. "
    "标签说的是表情，不是感受。在欧盟，禁止在工作场所和教育中推断人的情绪"
    "（(EU) 2024/1689 号条例第 5(1)(f) 条），医疗或安全目的除外。"
)
CARD = Card(
    intended=(
        "To tag expressions in recordings whose people have agreed to it: to find moments in footage, to edit, to "
        "search, to study.",
        "To be read by a person beside the video, as a hint where to look.",
    ),
    not_for=(
        "Inferring emotions of people at the workplace or in education: prohibited in the EU by Article 5(1)(f) of "
        "Regulation (EU) 2024/1689, except for medical or safety reasons.",
        "Deciding on a person: hiring, policing, borders, credit, insurance, health, truthfulness.",
        "Reading people who have not been told: elsewhere in the EU those exposed to emotion recognition must be "
        "informed (Article 50(3)), and faces and voices are personal data.",
    ),
    data=(
        "Made for clips that carry one label each. Public sets are mostly acted: somebody was asked to look angry.",
        "People of other ages, skin tones, cultures and languages than those in the table are not covered by its "
        "figures; score them apart (evaluation.slices).",
    ),
    limits=(
        "A face and a voice show an expression; what somebody feels cannot be read from it reliably (Barrett "
        "et al. 2019).",
        "Valence and arousal come from the labels by a table of rated words. They are not measured and not scored.",
        "Detectors miss faces that are dark, small, turned, masked or veiled more often; a missed face is a missing "
        "input and says so, but who is missed more often is described less well.",
        "With several faces in view nobody knows whose voice it is: the voice is then a line of its own.",
    ),
)
