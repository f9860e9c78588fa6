"""What the names of columns say."""

from __future__ import annotations

import pytest

from mmsdk import column_says, column_words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("itemId", "item id"),
        ("item_id", "item id"),
        ("Item ID", "item id"),
        ("MRNNumber", "mrn number"),
        ("XRay", "x ray"),
        ("phone2", "phone 2"),
        ("SpO2(%)", "sp o 2"),
        ("Größe", "größe"),
        ("患者姓名", "患者姓名"),
        ("患者id", "患者 id"),
        ("ID患者", "id 患者"),
        ("T细胞", "t 细胞"),
        ("体温1", "体温 1"),
        ("--", ""),
    ],
)
def test_names_are_parted_into_words(name, words):
    assert column_words(name) == words.split()


@pytest.mark.parametrize(
    ("name", "said"),
    [("person_name", True), ("filename", False), ("患者姓名", True), ("姓名2", True), ("患者", False), ("NAME", True)],
)
def test_a_word_counts_whole_and_a_chinese_one_anywhere(name, said):
    assert column_says(name, {"name", "姓名"}) is said
