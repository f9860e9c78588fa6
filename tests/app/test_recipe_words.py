"""What a recipe may say of itself: files, switches, unread columns, a banner, a card; and where each is shown."""

from __future__ import annotations

import json
import shlex

import pytest
from shop_data import rows, write_csv

import mmsdk
from mmsdk.app.recipe_settings import value_of
from mmsdk.app.recipes import plan_recipe
from mmsdk.cli.shell import run
from mmsdk.data import inspect_table, sources
from mmsdk.plugins import get_registry
from mmsdk.specs import Setting
from mmsdk.testing import installed, write_distribution

SOURCE = """
    import csv
    from pathlib import Path

    from mmsdk import Card, RecipeSpec, Setting, guess_application, hookimpl, read_table

    BANNER = "Under evaluation <b>only</b>."


    @hookimpl
    def mmsdk_recipes():
        yield RecipeSpec(
            name="prices",
            target="prices_plugin:Prices",
            takes="things with a price",
            settings={
                "target": Setting(kind="column", what="column to guess"),
                "notes": Setting(kind="file", what="a file of notes"),
                "book": Setting(kind="file", inline=True, what="a file of lines"),
                "epochs": Setting(kind="whole number", least=1, on_sample="training.epochs", what="passes"),
                "names": Setting(kind="list", what="columns of people"),
                "speed": Setting(kind="number", above=0, default=5, what="how fast"),
                "rest": Setting(kind="number", least=0, what="how long"),
                "doubt": Setting(kind="share", default=0.1, what="how unsure"),
                "loud": Setting(kind="true or false", default=False, what="whether to shout"),
                "way": Setting(kind="choice", choices=("up", "down"), what="where to"),
                "word": Setting(what="a word"),
            },
        )


    class Prices:
        def sample(self, folder, seed):
            path = folder / "things.csv"
            with path.open("w", newline="", encoding="utf-8") as stream:
                writer = csv.writer(stream)
                writer.writerow(["id", "price", "dear"])
                prices = [(n * 37 + seed) % 90 for n in range(40)]
                writer.writerows([n, price, "yes" if price > 45 else "no"] for n, price in enumerate(prices))
            return self._whole(path, "id", {"price": {"column": "price", "modality": "number"}}, "dear")

        def application(self, data, settings):
            found = guess_application(read_table(data), tasks=False)
            inputs = {name: one for name, one in found["inputs"].items() if one["modality"] in ("number", "date")}
            whole = self._whole(data, found["id"], inputs, settings["target"])
            Prices.given = settings
            return {**whole, "privacy": {"drop": settings["names"]} if "names" in settings else None}

        def _whole(self, data, id, inputs, target):
            return {
                "data": str(data),
                "id": id,
                "inputs": inputs,
                "tasks": {"dear": {"column": target, "type": "classification"}},
                "training": {"epochs": 1},
                "fusion": {"dim": 8},
                "notice": BANNER,
                "confidence": {"calibration": "none", "sets": "none", "source": "validation"},
            }

        def unread(self, data, settings):
            return {"title": "words are not prices"}

        def card(self, app):
            return Card(
                intended=("Guess what is dear.",),
                not_for=("Judging <i>people</i>.",),
                data=("Forty made-up things.",),
                limits=(f"Knows {len(app.tasks)} answer.",),
            )

        def next_commands(self, app):
            yield "cache", "info", "--json"
            yield "predict", app.folder, Path(app.application.data), "--out", "two words.csv"

        def sections(self, app):
            yield "From the recipe", f"<p>{app.application.notice == BANNER}</p>"
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    write_distribution(folder, "mmsdk-prices", modules={"prices_plugin": SOURCE}, version="3.2.1")
    with installed(folder):
        yield folder


@pytest.fixture(scope="module")
def things(tmp_path_factory):
    folder = tmp_path_factory.mktemp("things")
    write_csv(folder / "things.csv", [{**row, "owner": f"Ann {n}"} for n, row in enumerate(rows())])
    return folder


@pytest.fixture(scope="module")
def fitted(site, things, tmp_path_factory):
    """Return the folder of one run, and what was said on stderr and stdout."""
    out = tmp_path_factory.mktemp("run") / "prices"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mmsdk.app.fitting.RESAMPLES", 5)
        patch.setenv("MMSDK_CACHE_DIR", str(out.parent / "cache"))
        words = ["recipe", "prices", "--data", str(things / "things.csv"), "--out", str(out)]
        words += ["--set", "target=kind", "--set", "names=[owner]", "--set", "evaluation.slices=[material]"]
        assert run(words) == 0
    return out


def told(folder, name):
    return (folder / name).read_text(encoding="utf-8")


def test_the_banner_stands_on_every_page(fitted):
    app = mmsdk.load(fitted, quiet=True)
    try:
        from mmsdk.app.explained_page import explanation_page

        explained = app.explainer.explain(None, id="000", evidence=False)
        pages = [told(fitted, "report.html"), told(fitted, "card.md"), explanation_page(app, explained)]
    finally:
        app.close()
    for page in pages:
        assert "Under evaluation &lt;b" in page
        assert page.count("Under evaluation") == 1


def test_a_column_may_be_named_by_a_number(site, tmp_path):
    write_csv(tmp_path / "t.csv", [{"2026": row["kind"], **row} for row in rows()])
    planned = plan_recipe("prices", data=str(tmp_path / "t.csv"), settings={"target": 2026})
    assert planned.application.tasks["dear"].column == "2026"


def test_the_banner_is_printed_with_the_figures(site, tmp_path, capsys):
    assert run(["recipe", "prices", "--out", str(tmp_path / "run")]) == 0
    assert capsys.readouterr().out.startswith("Under evaluation <b>only</b>.\n")
    assert run(["recipe", "prices", "--out", str(tmp_path / "run"), "--overwrite", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["notice"] == "Under evaluation <b>only</b>."


def test_what_to_try_next_is_the_recipes_own_and_works_as_printed(site, things, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "things.csv").write_bytes((things / "things.csv").read_bytes())
    words = ["recipe", "prices", "--data", "things.csv", "--set", "target=kind", "--on-bad-row", "skip", "--out", "a b"]
    assert run([*words, "--quiet"]) == 0
    lines = [line.strip() for line in capsys.readouterr().out.partition("Try next:")[2].strip().splitlines()]
    assert lines[:2] == ["mmsdk cache info --json", "mmsdk predict 'a b' things.csv --out 'two words.csv'"]
    assert lines[2] == "mmsdk predict 'a b' things.csv --out answers.csv --on-bad-row=skip"
    assert len(lines) == 5
    for line in lines:
        assert run(shlex.split(line)[1:]) == 0, line
    assert (tmp_path / "two words.csv").is_file()


@pytest.mark.parametrize(
    ("answer", "said"),
    [("raise RuntimeError('no idea')", "RuntimeError: no idea"), ("yield 'predict'", "expected words and paths")],
)
def test_commands_that_fail_are_a_note_and_the_run_is_kept(tmp_path, capsys, monkeypatch, answer, said):
    source = SOURCE.replace('yield "cache", "info", "--json"', answer)
    source = source.replace("prices_plugin", "mute_plugin").replace('name="prices"', 'name="mute"')
    write_distribution(tmp_path, "mmsdk-mute", modules={"mute_plugin": source})
    with installed(tmp_path):
        assert run(["recipe", "mute", "--out", str(tmp_path / "run")]) == 0
        out, err = capsys.readouterr()
        assert said in err
        assert "mmsdk explain" in out
        monkeypatch.setenv("MMSDK_STRICT_PLUGINS", "1")
        assert run(["recipe", "mute", "--out", str(tmp_path / "strict")]) != 0


@pytest.mark.parametrize("page", ["report.html", "card.md"])
def test_the_card_is_on_both_pages(fitted, page):
    text = told(fitted, page)
    headings = ("Intended use", "Not for", "Data it was made for", "Limits")
    places = [text.index(one) for one in headings]
    assert places == sorted(places)
    for sentence in ("Guess what is dear.", "Judging &lt;i", "Forty made-up things.", "Knows 1 answer."):
        assert sentence in text
    assert "The figures hold for rows drawn like the scored ones" in text  # limits of any run are said besides
    assert "Ranking, sorting and searching" not in text  # the recipe's own use takes the place of the general one


def test_the_card_says_who_made_the_run_and_at_what_cost(fitted):
    text = told(fitted, "card.md")
    for words in ("mmsdk-prices 3.2.1", "torch 2", "seed: 0", "Made with `", "energy of the processor"):
        assert words in text
    assert "prices (mmsdk-prices 3.2.1)" in told(fitted, "report.html")
    recipe = json.loads(told(fitted, "run.json"))["recipe"]
    assert recipe == {"name": "prices", "plugin": "mmsdk-prices", "version": "3.2.1"}


def test_the_card_has_the_scores_of_subgroups(fitted):
    text = told(fitted, "card.md").partition("Subgroups, weakest first")[2]
    assert {f"material = {one}" in text for one in ("oak", "glass", "wool")} == {True}
    assert "not judged: too few rows in it or beside it" in text


def test_what_became_of_each_column_is_said_before_anything_is_fitted(site, things, capsys):
    words = ["recipe", "prices", "--dry-run", "--data", str(things / "things.csv")]
    assert run([*words, "--set", "target=kind", "--set", "names=[owner]"]) == 0
    said = capsys.readouterr().err
    assert "columns of things.csv, as prices reads them:" in said
    assert "  sku: id\n" in said
    assert "  price: input price (number)\n" in said
    assert "  kind: answer dear (classification)\n" in said
    left = said.partition("not learned from; kept in the index and in hits: ")[2]
    assert "title (words are not prices)" in left  # the recipe's own reason
    assert "image (" in left  # that of mmsdk inspect
    assert "description (gives 'kind' away)" in left  # also where it rests on the answer
    assert "  not read: owner (privacy: taken out)\n" in left


def test_and_in_the_report(fitted):
    text = told(fitted, "report.html").partition("How the columns were read")[2]
    assert "<td>title</td><td>not learned from; kept in the index and in hits</td><td>words are not prices</td>" in text
    assert "<td>price</td><td>input price (number)</td><td></td>" in text
    assert "| owner | not read | privacy: taken out" in told(fitted, "card.md")


def test_files_are_seen_from_where_they_are_named(site, things, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert given(things, notes="a.txt")["notes"] == str(tmp_path / "a.txt")
    assert given(things, notes="s3://b")["notes"] == "s3://b"
    (things / "recipe.yaml").write_text("notes: a.txt\nbook: [{line: 1}]\nspeed: 7\nrest: 2\n", encoding="utf-8")
    found = given(things, speed=8, rest=None)
    (things / "recipe.yaml").unlink()
    assert (found["notes"], found["book"]) == (str(things / "a.txt"), [{"line": 1}])
    assert found["speed"] == 8
    assert "rest" not in found  # an empty one on the command line takes back what the file says


def given(things, **settings):
    """Return what the recipe was given."""
    plan_recipe("prices", data=str(things / "things.csv"), settings={"target": "kind", **settings})
    return get_registry().get("recipe", "prices").load().given


KINDS = [
    ("target", "kind", "kind"),
    ("names", "owner", ["owner"]),
    ("names", ["owner", 1, 0.5], ["owner", "1", "0.5"]),
    ("names", [], []),
    ("epochs", 7, 7),
    ("speed", 0.5, 0.5),
    ("rest", 0, 0),
    ("doubt", 0.02, 0.02),
    ("loud", True, True),
    ("way", "down", "down"),
    ("word", "ja", "ja"),
    ("word", 3, "3"),
    ("book", [], []),
]


@pytest.mark.parametrize(("key", "value", "expected"), KINDS)
def test_a_setting_comes_as_its_kind(site, things, key, value, expected):
    assert given(things, **{key: value})[key] == expected


def test_a_default_comes_where_nothing_is_said_and_no_key_where_there_is_none(site, things):
    left = {"target": "kind", "speed": 5, "doubt": 0.1, "loud": False}
    assert given(things) == left
    assert given(things, **dict.fromkeys(["notes", "names", "way", "speed", "loud"])) == left  # --set notes=


WRONG = [
    ("target", ["a"], "the name of a column"),
    ("target", True, "the name of a column"),
    ("target", 1.5, "the name of a column"),
    ("notes", 5, "the name of a file"),
    ("notes", ["a.txt"], "the name of a file"),
    ("book", 5, "the name of a file, or the list that it would hold"),
    ("epochs", 0, "a whole number, 1 or more"),
    ("epochs", 1.5, "a whole number, 1 or more"),
    ("epochs", "many", "a whole number, 1 or more"),
    ("names", {"a": "b"}, "a word, or several as [ONE, TWO]"),
    ("names", [["a"]], "a word, or several as [ONE, TWO]"),
    ("speed", 0, "a number, above 0"),
    ("speed", True, "a number, above 0"),
    ("speed", float("inf"), "a number, above 0"),
    ("rest", -1, "a number, 0 or more"),
    ("rest", [25], "a number, 0 or more"),
    ("doubt", 1, "a share between 0 and 1, such as 0.05"),
    ("doubt", "low", "a share between 0 and 1, such as 0.05"),
    ("loud", "yes", "true or false"),
    ("loud", 1, "true or false"),
    ("way", "left", "one of up, down"),
    ("way", ["up"], "one of up, down"),
    ("word", True, "text"),
    ("word", ["x"], "text"),
]


@pytest.mark.parametrize(("key", "value", "expected"), WRONG)
def test_a_setting_of_another_kind_is_one_sentence(site, things, key, value, expected):
    with pytest.raises(mmsdk.ConfigError) as refused:
        given(things, **{key: value})
    assert str(refused.value) == f"recipe prices: {key} is {value!r}, expected {expected}"


def test_the_sample_is_checked_too(site):
    with pytest.raises(mmsdk.ConfigError, match="epochs is 'many', expected a whole number, 1 or more"):
        plan_recipe("prices", data=None, settings={"epochs": "many"})


def test_every_kind_and_bound_is_in_the_tests_above(site):
    from mmsdk.specs import SETTING_KINDS

    settings = get_registry().get("recipe", "prices").spec.settings
    assert {one.kind for one in settings.values()} == set(SETTING_KINDS)
    for tried in (KINDS, WRONG):
        assert {settings[key].kind for key, _, _ in tried} == set(SETTING_KINDS)


def test_help_and_list_show_each_setting_with_its_kind_and_default(site, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "60")
    assert run(["recipe", "prices", "--help"]) == 0
    said = capsys.readouterr().out
    for line in (
        "target=COLUMN",
        "'names=[A, B]'",
        "speed=NUMBER (default 5)",
        "loud=true|false (default false)",
        "way=up|down",
    ):
        assert f"  --set {line}\n" in said
    assert "  --set doubt=SHARE (default 0.1)\n      how unsure\n" in said
    assert max(map(len, said.splitlines())) <= 60
    assert said.index("--data PATH") < said.index("--out PATH") < said.index("--quiet")
    assert run(["recipe", "list", "--json"]) == 0
    (found,) = (one for one in json.loads(capsys.readouterr().out) if one["name"] == "prices")
    assert found["settings"]["speed"]["default"] == 5
    assert found["settings"]["way"] | {"choices": ["up", "down"], "kind": "choice"} == found["settings"]["way"]


def test_a_recipe_that_two_plugins_declare_is_listed_with_each(site, tmp_path, capsys):
    write_distribution(
        tmp_path, "mmsdk-rival", modules={"rival_plugin": SOURCE.replace("prices_plugin", "rival_plugin")}
    )
    with installed(tmp_path):
        assert run(["recipe", "list"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert {"prices/prices", "rival/prices", "recommend"} <= set(lines)
        assert "prices" not in lines
        assert run(["recipe", "list", "--json"]) == 0
        assert "rival/prices" in {one["name"] for one in json.loads(capsys.readouterr().out)}
        assert run(["recipe", "rival/prices", "--help"]) == 0


@pytest.mark.parametrize("words", [["recipe", "wear"], ["wear"]])
def test_a_name_that_a_broken_plugin_may_hold_says_so(tmp_path, capsys, words):
    write_distribution(tmp_path, "mmsdk-probe", modules={"probe_plugin": "raise RuntimeError('no')"})
    with installed(tmp_path):
        assert run(words) == 2
    err = capsys.readouterr().err
    assert "Broken plugins: probe (see `mmsdk plugins list`). See `mmsdk" in err


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("'how many'", "setting 'size' of the recipe 'prices' is 'how many', expected a mmsdk.Setting"),
        ("Setting(kind='int', what='how many')", "kind 'int' of a setting is none of text, number, "),
        ("Setting(kind='choice', what='which')", "a setting has choices where its kind is 'choice'"),
        ("Setting(choices=('a', 'b'), what='which')", "a setting has choices where its kind is 'choice'"),
    ],
)
def test_a_setting_that_cannot_be_read_is_a_broken_plugin(tmp_path, setting, said):
    source = SOURCE.replace('Setting(what="a word")', setting).replace('"word":', '"size":')
    write_distribution(tmp_path, "mmsdk-odd", modules={"odd_plugin": source})
    with installed(tmp_path):
        row = get_registry().row("odd")
    assert (row.status, row.stage) == ("broken", "hook")
    assert said in row.reason


@pytest.mark.parametrize("value", [5, True, [], [1], None, [["price"]]])
def test_an_input_that_names_no_column_is_one_sentence(site, things, value):
    with pytest.raises(mmsdk.ConfigError, match=r"--set inputs.x: expected a column or a list of columns, not"):
        plan_recipe("prices", data=str(things / "things.csv"), settings={"target": "kind", "inputs.x": value})
    with pytest.raises(mmsdk.ConfigError, match="ignore"):
        plan_recipe("prices", data=str(things / "things.csv"), settings={"target": "kind", "ignore": [["price"]]})


def test_a_switch_acts_on_the_sample_and_no_other_setting_does(site):
    assert plan_recipe("prices", data=None, settings={"epochs": 7}).application.training.epochs == 7
    with pytest.raises(mmsdk.ConfigError, match="--set target: needs your own table"):
        plan_recipe("prices", data=None, settings={"target": "kind"})


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("raise RuntimeError('no words')", "RuntimeError: no words"),
        ("return Card(intended='A sentence.')", "expected a tuple of sentences"),
        ("return {'intended': ()}", "expected a mmsdk.Card"),
    ],
)
def test_a_card_that_fails_says_so_and_the_run_is_kept(tmp_path, capsys, monkeypatch, answer, said):
    source = SOURCE.replace("return Card(\n", f"{answer}\n            Card(\n")
    source = source.replace("prices_plugin", "bad_plugin").replace('name="prices"', 'name="bad"')
    write_distribution(tmp_path, "mmsdk-bad", modules={"bad_plugin": source})
    with installed(tmp_path):
        assert run(["recipe", "bad", "--out", str(tmp_path / "run")]) == 0
        said_first = "recipe 'bad' (mmsdk-bad 0.1.0) could not write its card: "
        err = capsys.readouterr().err
        assert said_first in err
        assert said in err
        assert said in told(tmp_path / "run", "card.md")
        monkeypatch.setenv("MMSDK_STRICT_PLUGINS", "1")
        assert run(["recipe", "bad", "--out", str(tmp_path / "strict")]) != 0
        assert not (tmp_path / "strict").exists()


CARELESS = """
    from mmsdk import RecipeSpec, hookimpl

    @hookimpl
    def mmsdk_recipes():
        for name in ("silent", "needy", "lazy"):
            yield RecipeSpec(name=name, target="careless_plugin:" + name.title(), takes="nothing")

    class Lazy:
        def sample(self, folder, seed):
            return "an application"

        def application(self, data, settings):
            pass

        def sections(self, app):
            return ()

    class Needy(Lazy):
        def __init__(self, needed):
            pass

    class Silent(Lazy):
        sections = None
"""


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("silent", None, "has no method sections: 'careless_plugin:Silent'"),
        (
            "needy",
            None,
            "cannot be made without arguments: 'careless_plugin:Needy', missing a required argument: 'needed'",
        ),
        ("lazy", None, "answers a str in sample(), expected an application, as of an application file"),
        ("lazy", "t.csv", "answers nothing in application(), expected an application, as of an application file"),
    ],
)
def test_a_careless_recipe_is_one_sentence(tmp_path, monkeypatch, name, data, said):
    monkeypatch.setenv("MMSDK_CACHE_DIR", str(tmp_path / "cache"))
    write_distribution(tmp_path / "site", "mmsdk-careless", modules={"careless_plugin": CARELESS})
    with installed(tmp_path / "site"), pytest.raises(mmsdk.PluginError) as caught:
        plan_recipe(name, data=data, settings={})
    start = f"the recipe {name!r} of plugin careless (mmsdk-careless 0.1.0) "
    assert str(caught.value) == f"{start}{said}. See `mmsdk plugins check careless`"


@pytest.fixture
def reads(monkeypatch):
    """Return the names of the files that are read, one a reading."""
    found = []
    read = sources._from_file
    monkeypatch.setattr("mmsdk.data.sources._from_file", lambda path: [found.append(path.name), read(path)][1])
    return found


def test_a_plan_and_its_fit_read_each_file_once(things, tmp_path, monkeypatch, reads):
    shoppers = [{"who": f"P{n % 9}", "sku": f"{n * 7 % 30:03d}"} for n in range(200)]
    write_csv(tmp_path / "orders.csv", shoppers)
    write_csv(tmp_path / "things.csv", rows())
    monkeypatch.chdir(tmp_path)
    words = ["recipe", "recommend", "--data", "things.csv", "--set", "interactions=orders.csv", "--set", "user=who"]
    words += ["--set", "ignore=[image]", "--set", "inputs.more=price", "--set", "training.epochs=1"]
    assert run([*words, "--dry-run", "--quiet"]) == 0
    assert reads == ["things.csv", "orders.csv"]
    reads.clear()
    monkeypatch.setattr("mmsdk.app.fitting.learn", lambda draft, folder: 1 / 0)
    assert run([*words, "--out", "run", "--quiet"]) == 70
    assert reads == ["things.csv", "orders.csv"]


def test_a_plan_inspects_its_table_once_for_each_answer(site, things, monkeypatch):
    looks = []
    monkeypatch.setattr(
        "mmsdk.app.recipes.inspect_table", lambda table, **how: looks.append(how) or inspect_table(table, **how)
    )
    plan_recipe("prices", data=str(things / "things.csv"), settings={"target": "kind"})
    assert looks == [{"tasks": False, "target": "kind"}]


def test_a_text_may_be_a_number_as_a_label_is():
    assert value_of(Setting(kind="text", what="a word"), 1.5) == "1.5"
    assert value_of(Setting(kind="text", what="a word"), 7) == "7"
