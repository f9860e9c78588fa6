"""The maker of strangers' tables: names, files and cells are changed as it says, and the same each time."""

from __future__ import annotations

import hashlib

import pytest

from mmsdk import DataError, read_table
from mmsdk.testing import make_stranger
from mmsdk.testing.samples import png

ROWS = 100


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ours")
    (folder / "photos").mkdir()
    lines = ["sku,photo,title,price"]
    for n in range(ROWS):
        (folder / "photos" / f"{n}.png").write_bytes(png(8, 8, seed=n))
        lines.append(f"00{n},photos/{n}.png,thing {n},{n}.5")
    (folder / "items.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "items.csv"


def stranger(table, out, **changes):
    return make_stranger(table, out, **{"media": ["photo"], "keep": ["sku"], **changes})


def digest(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "parquet"])
def test_every_format_says_the_same(table, tmp_path, ending):
    made = stranger(table, tmp_path / ending / f"theirs.{ending}")
    found = read_table(made.path)
    assert found.names == tuple(made.columns.values())
    assert set(found.names).isdisjoint({"sku", "photo", "title", "price"})
    assert found.cells(made.columns["sku"]) == [f"00{n}" for n in range(ROWS)]
    assert [sum(cell is None for cell in found.cells(made.columns[name])) for name in ("photo", "title")] == [20, 20]
    assert made.emptied == 60


def test_files_are_broken_in_three_ways(table, tmp_path):
    made = stranger(table, tmp_path / "a" / "theirs.csv", broken=0.06)
    cells = [cell for cell in read_table(made.path).cells(made.columns["photo"]) if cell]
    assert len(made.broken) == round(0.06 * 80)
    assert set(made.broken) < set(cells)
    kinds = set()
    for cell in cells:
        content = (made.path.parent / cell).read_bytes()
        whole = content in {png(8, 8, seed=n) for n in range(ROWS)}
        assert whole == (cell not in made.broken)
        if not whole:
            kinds.add("empty" if not content else "cut" if content.startswith(b"\x89PNG") else "text")
    assert kinds == {"empty", "cut", "text"}


def test_one_file_at_the_least_is_broken_and_none_where_asked(table, tmp_path):
    assert len(stranger(table, tmp_path / "a" / "t.csv", broken=0.001).broken) == 1
    made = stranger(table, tmp_path / "b" / "t.csv", broken=0, empty=0)
    assert made.broken == ()
    assert made.emptied == 0


def test_a_seed_gives_the_same_bytes_and_another_others(table, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        stranger(table, tmp_path / name / "t.csv", seed=seed)
    assert digest(tmp_path / "a") == digest(tmp_path / "b")
    assert digest(tmp_path / "a") != digest(tmp_path / "c")


def test_a_wide_table_gets_a_name_a_column(tmp_path):
    (tmp_path / "wide.csv").write_text(
        ",".join(f"c{n}" for n in range(45)) + "\n" + ",".join("1" * 45) + "\n", encoding="utf-8"
    )
    made = make_stranger(tmp_path / "wide.csv", tmp_path / "out" / "wide.tsv")
    assert len(set(made.columns.values())) == 45


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"media": ["foto"]}, "no such column"),
        ({"keep": ["id"]}, "no such column"),
        ({"media": ["title"]}, "no such file"),
    ],
)
def test_what_is_not_there_is_an_error(table, tmp_path, changes, said):
    with pytest.raises(DataError, match=said):
        stranger(table, tmp_path / "t.csv", **changes)


def test_an_ending_nobody_writes(table, tmp_path):
    with pytest.raises(DataError, match=r"expected an ending of \.csv"):
        stranger(table, tmp_path / "t.xlsx")
