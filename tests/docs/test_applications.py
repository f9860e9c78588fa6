"""The documented applications: the very files of docs/applications are fitted on small made-up data, and answer."""

from __future__ import annotations

import contextlib
import json
import shutil

import pytest

import mmsdk
from mmsdk.config import load_application

from .application_data import SAYS, drawn, write_calls, write_pictures, write_posts
from .pages import ROOT, blocks, text

FOLDER = ROOT / "docs" / "applications"
MAKERS = {"sentiment": write_posts, "service-calls": write_calls, "cross-modal-search": write_pictures}
QUICK = {"confidence.source": "validation"}  # five heads fewer; what they are for is tested elsewhere


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """Return what fits an application of the docs once, on its own small data, and loads it."""
    runs = {}
    with pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as stack:
        patch.setattr("mmsdk.app.fitting.RESAMPLES", 100)
        patch.setenv("MMSDK_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))

        def of(name):
            if name not in runs:
                folder = tmp_path_factory.mktemp(name)
                MAKERS[name](folder)
                shutil.copy(FOLDER / f"{name}.yaml", folder / "app.yaml")
                app = mmsdk.fit(folder / "app.yaml", out=folder / "run", overrides=QUICK, quiet=True)
                runs[name] = stack.enter_context(contextlib.closing(app))
            return runs[name]

        yield of


def figures(app):
    return json.loads((app.folder / "metrics.json").read_text(encoding="utf-8"))


def gain(app, task):
    """Return how far the lower end of the figure is ahead of the answer that looks at nothing."""
    found = figures(app)[task]
    metric = "balanced_accuracy"
    return found["test"][metric]["low"] - found["baselines"]["majority"][metric]["value"]


def test_words_or_a_picture_alone_tell_the_sentiment(fitted):
    app = fitted("sentiment")
    root = app.folder.parent
    assert gain(app, "sentiment") > 0.2
    rows = [{"text": words} for mood in SAYS for words in SAYS[mood][:1]]
    rows += [{"picture": f"pictures/{number}.jpg"} for number in range(3)]
    answers = app.predict(rows, root=root)
    assert [one.outputs["sentiment"].value for one in answers] == list(SAYS) * 2
    assert [one.modalities_used for one in answers] == [("text",)] * 3 + [("picture",)] * 3
    assert {one["column"] for one in figures(app)["sentiment"]["slices"]} >= {"language", "input text"}
    assert "author 1" not in (app.folder / "report.html").read_text(encoding="utf-8")


def test_a_voice_alone_tells_the_mood_and_a_long_wait_is_sent_on(fitted):
    app = fitted("service-calls")
    root = app.folder.parent
    assert gain(app, "mood") > 0.2
    rows = [
        {"voice": "recordings/0.wav", "waited": "2"},
        {"voice": "recordings/1.wav", "waited": "2"},
        {"voice": "recordings/0.wav", "waited": "45"},
    ]
    calm, annoyed, late = app.predict(rows, root=root)
    assert [one.outputs["mood"].value for one in (calm, annoyed)] == ["calm", "annoyed"]
    assert late.outputs["escalate"].value == "yes"
    assert calm.outputs["escalate"].rules == ()
    hit = app.search(id="C000", k=1)[0]
    assert "phone" not in hit.row
    assert isinstance(hit.row["caller"], int)


def test_words_find_pictures_that_nobody_described(fitted):
    app = fitted("cross-modal-search")
    root = app.folder.parent
    found = figures(app)["align photo+caption"]["val"]["recall@10"]["value"]
    assert found > 0.5
    app.index.add(root / "new.csv")
    new = [f"{one}-" for one in ("red", "green", "blue", "yellow")]
    for start in new:
        hits = app.search({"caption": f"a {start[:-1]} circle"}, k=40)
        undescribed = [hit.id for hit in hits if not hit.row["caption"]]
        assert undescribed
        assert all(one.startswith(start) for one in undescribed[:2]), (start, undescribed)
    path = root / "asked.png"
    drawn("green", "square", seed=999).save(path)
    assert all(hit.id.startswith("green-") for hit in app.search({"photo": str(path)}, k=3, root=root))


@pytest.mark.parametrize("name", MAKERS)
def test_the_page_shows_the_file_it_ships(name):
    whole = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    for page in (f"docs/applications/{name}.md", f"docs/applications/{name}.zh-CN.md"):
        assert next(code for language, code in blocks(page) if language == "yaml") == whole
        assert f"({name}.yaml)" in text(page)
    assert blocks(f"docs/applications/{name}.md") == blocks(f"docs/applications/{name}.zh-CN.md")
    assert f"(applications/{name}.md)" in text("docs/README.md")


@pytest.mark.parametrize("name", MAKERS)
def test_every_key_of_the_file_is_one_of_the_application(name):
    assert load_application(FOLDER / f"{name}.yaml").inputs
