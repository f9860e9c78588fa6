"""What the recipe is for, what not, what it was tried on, and where it fails."""

from __future__ import annotations

from mmsdk import Card

CARD = Card(
    intended=(
        "To sort a list of cases for people who look at all of them, in an evaluation beside the usual way of working.",
        "To learn, on one's own cases, what a picture and a record say about urgency, and for whom they say less.",
    ),
    not_for=(
        "Diagnosis, treatment, or sending anybody away: it is not a medical device and has been tried on no patient.",
        "Cases of another hospital, device, age or illness than those it was made with, before it was scored on them.",
    ),
    data=(
        "Its sample is drawn and made up; nothing in it is like a real patient.",
        "It was tried on covid_cxr_record (160 pictures of 66 patients from publications): docs/bench/triage.txt.",
    ),
    limits=(
        "A picture tells hospital, device and view too. Look at the subgroups; view and site are no inputs.",
        "Floors come from NEWS2 and hold for adults. A reading that is missing or wrong fires nothing.",
        "Who somebody is gets recognised by column names and simple patterns; names in notes, in file names and burnt "
        "into pictures do not.",
        "With few cases no threshold keeps a small risk: then every case goes to a person, and the report says so.",
        "Calibration, sets and the chosen risk hold for new cases like the old ones; one new patient may be unlike.",
    ),
)
