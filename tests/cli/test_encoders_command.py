"""``mmsdk encoders`` and the bill of ``--dry-run``, as a user types and reads them."""

from __future__ import annotations

import json

import pytest
from far_plugin import far
from shop_data import rows, write_csv

from mmsdk.cli.shell import run
from mmsdk.config import read_yaml, write_yaml
from mmsdk.files import models_home

__all__ = ["far"]
pytestmark = pytest.mark.usefixtures("far")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The working directory, with two tables and an application file of the first."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "60")
    write_csv(tmp_path / "items.csv", rows())
    write_csv(tmp_path / "few.csv", rows(12))
    inputs = {
        "price": {"column": "price", "modality": "number"},
        "title": {"column": "title", "modality": "text", "encoder": "far-words"},
        "other": {"column": "description", "modality": "text", "encoder": "far:some/model-with-a-very-long-name"},
    }
    (tmp_path / "app.yaml").write_text(write_yaml({"data": "items.csv", "inputs": inputs}), encoding="utf-8")
    return tmp_path


def typed(capsys, *words, code=0):
    """Run a command and return stdout and stderr."""
    capsys.readouterr()
    found = run([str(one) for one in words])
    said = capsys.readouterr()
    assert found == code, said.err
    return said.out, said.err


def too_long(text, width=60):
    """Return the lines that could be shorter and are wider than the terminal."""
    return [line for line in text.splitlines() if len(line) > width and len(line.lstrip("# ").split()) > 1]


def test_the_list_is_a_table_where_there_is_room(here, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    lines = typed(capsys, "encoders", "list")[0].splitlines()
    assert lines[0].split() == ["encoder", "modalities", "dim", "licence", "size", "weights"]
    (line,) = [line for line in lines if line.startswith("far-words")]
    assert line.split() == ["far-words", "text,", "image", "3", "MIT", "1.0", "MB", "to", "fetch"]
    assert max(map(len, lines)) <= 100
    (line,) = [line for line in lines if line.startswith("quantile ")]
    assert line.split() == ["quantile", "number", "learned", "built", "in"]
    (line,) = [line for line in lines if line.startswith("lacking")]
    assert "lacks no_" in line


def test_the_list_on_a_narrow_terminal(here, capsys):
    out, _ = typed(capsys, "encoders", "list")
    assert "far-words\n  text, image; 3 numbers; MIT; 1.0 MB; to fetch\n" in out
    assert "quantile\n  number; numbers as learned; built in\n" in out
    assert too_long(out) == []


def test_the_list_as_json(here, capsys):
    found = {one["name"]: one for one in json.loads(typed(capsys, "encoders", "list", "--json")[0])["encoders"]}
    assert found["far-words"]["modalities"] == ["text", "image"]
    assert found["far-words"]["size"] == 1_000_000
    assert found["far-words"]["state"] == "to fetch"
    assert found["far-words"]["folder"] is None


def test_pull(here, capsys):
    out, err = typed(capsys, "encoders", "pull", "far-words", "--to", "words")
    assert out.splitlines() == [
        "org/words at abc123",
        "2 files, 17 B; MIT",
        f"in {here / 'words'}",
        f"as an encoder: far:{here / 'words'}",
    ]
    assert err == "fetching the model of far-words\n"
    out, err = typed(capsys, "encoders", "pull", "far-words", "--quiet")
    assert out.splitlines()[-1] == f"in {models_home() / 'far-words'}"
    assert err == ""
    assert "far-words\n  text, image; 3 numbers; MIT; 1.0 MB; here\n" in typed(capsys, "encoders", "list")[0]


def test_pull_as_json(here, capsys):
    found = json.loads(typed(capsys, "encoders", "pull", "far:any/model", "--json")[0])
    assert found["folder"] == str(models_home() / "any--model")
    assert found["licence"] == "as the hub says"
    assert found["bytes"] == sum(one["size"] for one in found["files"].values())


def test_pull_of_nothing(here, capsys):
    assert "has no model to fetch" in typed(capsys, "encoders", "pull", "quantile", code=2)[1]
    assert "Did you mean 'far-words'?" in typed(capsys, "encoders", "pull", "farwords", code=2)[1]
    assert "holds no pulled model" in typed(capsys, "encoders", "pull", "far-words", "--to", ".", code=2)[1]


def test_the_bill_is_a_comment_below_the_application(here, capsys):
    out, err = typed(capsys, "fit", "app.yaml", "--dry-run", "--data", "few.csv", "--seed", "5")
    assert err == ""
    application = read_yaml(out, "plan")
    assert application["data"] == str(here / "few.csv")
    assert application["split"]["seed"] == application["training"]["seed"] == 5
    bill = out[out.index("# encoders") :]
    assert all(line.startswith("# ") for line in bill.splitlines())
    assert too_long(bill) == []
    for part in (
        "#   title: far-words\n#     plugin mmsdk-far 0.1.0; licence MIT\n",
        "#     model far:org/words@v1, revision v1\n",
        "#     3 numbers a row; to fetch: about 1.0 MB\n#     embedding 12 rows: unknown until fetched\n",
        "#     plugin mmsdk-far 0.1.0; licence unknown\n",
        "its newest\n#       revision\n#     length of a row unknown until fetched; to fetch: the\n",
        "nothing to fetch\n#     embedding 12 rows: about ",
        " (12 tried)\n#   title",
        "# in all, for 12 rows on cpu\n",
        "#   to fetch: 1.0 MB, and other: unknown until fetched (MIT,\n#     licence unknown)\n",
        ", and title, other: unknown until\n#     fetched\n#   peak memory: about ",
        "#   disk, for the cache: 1.3 kB, and other: unknown until\n#     fetched\n",
    ):
        assert part in bill
    assert bill.splitlines()[-1] == "# nothing was fetched, fitted or kept"


def test_a_plan_that_cannot_be_fitted_ends_as_the_fit_would(here, capsys):
    gone = "inputs.title.encoder=far:/no/such/folder"
    plan = ("fit", "app.yaml", "--dry-run", "--data", "few.csv", "--set", gone)
    out, err = typed(capsys, *plan, code=2)
    assert "length of a row unknown; nothing to fetch" in " ".join(out.split())
    assert "title: unknown until fetched" not in " ".join(out.split())
    assert out.splitlines()[-1] == "# nothing was fetched, fitted or kept", "the plan is printed all the same"
    assert "this cannot be fitted: title: far:/no/such/folder is not here" in " ".join(err.split())
    found = json.loads(typed(capsys, *plan, "--json", code=2)[0])
    assert found["bill"]["refused"] == {"title": "far:/no/such/folder is not here"}


def test_the_bill_without_a_table(here, capsys):
    application = read_yaml((here / "app.yaml").read_text(encoding="utf-8"), "app")
    del application["data"]
    (here / "app.yaml").write_text(write_yaml(application), encoding="utf-8")
    out, _ = typed(capsys, "fit", "app.yaml", "--dry-run")
    assert "# in all\n" in out
    assert "#   time, memory and disk: name the table with --data\n" in out
    found = json.loads(typed(capsys, "fit", "app.yaml", "--dry-run", "--json")[0])
    assert found["bill"]["rows"] is None
    assert found["bill"]["fetch"] == 1_000_000
    assert found["bill"]["unknown"]["fetch"] == ["other"]
    assert found["encoders"]["title"]["reason"] == "no table is named"
