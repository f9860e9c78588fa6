"""The application file: what is read, and the sentence for each mistake."""

from __future__ import annotations

import pytest

from mmsdk.config import Application, dump_yaml, load_application, parse_set, read_yaml
from mmsdk.errors import ConfigError

SHOP = """\
data: products.csv
id: sku
inputs:
  photo: {column: image, modality: image, encoder: siglip2-base}
  title: {column: [title, description], modality: text}
interactions: {file: orders.csv, user: customer, item: sku, time: ordered_at, weight: quantity}
tasks:
  category: {column: category, type: classification}
split: {group: product_line, validation: 0.1, test: 0.2, seed: 0}
fusion: {type: gated, dim: 128}
"""


@pytest.fixture
def app_file(tmp_path):
    path = tmp_path / "app.yaml"
    path.write_text(SHOP, encoding="utf-8")
    return path


def error_of(source, overrides=None) -> str:
    with pytest.raises(ConfigError) as caught:
        load_application(source, overrides)
    return str(caught.value)


def written(tmp_path, text) -> str:
    path = tmp_path / "app.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_product_page_example_is_read(app_file, tmp_path):
    app = load_application(app_file)
    assert app.inputs["title"].columns == ("title", "description")
    assert app.fusion.dim == 128
    assert app.data == str(tmp_path / "products.csv")
    assert app.interactions is not None
    assert app.interactions.file == str(tmp_path / "orders.csv")


def test_a_file_on_the_command_line_is_seen_from_the_working_directory(app_file, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    app = load_application(app_file, parse_set(["data=a.csv", "interactions.file=b.csv"]))
    assert app.data == str(elsewhere / "a.csv")
    assert app.interactions is not None
    assert app.interactions.file == str(elsewhere / "b.csv")


def test_an_address_stays_as_it_is(app_file):
    assert load_application(app_file, {"data": "s3://bucket/a.csv"}).data == "s3://bucket/a.csv"


def test_an_encoder_folder_is_made_absolute_only_where_it_exists(tmp_path):
    (tmp_path / "net.onnx").write_bytes(b"x")
    path = written(tmp_path, "inputs: {a: {column: a, modality: image, encoder: 'onnx:net.onnx#out'}}")
    assert load_application(path).inputs["a"].encoder == f"onnx:{tmp_path}/net.onnx#out"
    path = written(tmp_path, "inputs: {a: {column: a, modality: image, encoder: 'transformers:org/name@main'}}")
    assert load_application(path).inputs["a"].encoder == "transformers:org/name@main"


def test_dumping_and_reading_gives_the_same(app_file):
    app = load_application(app_file)
    assert load_application(read_yaml(dump_yaml(app), "dump")) == app


def test_an_application_is_taken_as_it_is_and_overridden(app_file):
    app = load_application(app_file)
    assert isinstance(app, Application)
    assert load_application(app) == app
    assert load_application(app, {"fusion.dim": 8}).fusion.dim == 8


def test_yaml_is_1_2(tmp_path):
    path = written(tmp_path, "inputs: {a: {column: no, modality: text}}\ntraining: {learning_rate: 1e-4}\n")
    app = load_application(path)
    assert app.inputs["a"].column == "no"
    assert app.training.learning_rate == 1e-4


def test_a_date_stays_text(tmp_path):
    assert load_application(written(tmp_path, "inputs: {a: {column: 2024-01-31, modality: text}}")).inputs[
        "a"
    ].columns == ("2024-01-31",)


def test_every_mistake_is_named_with_file_line_and_key(tmp_path):
    path = written(
        tmp_path,
        "inputs:\n  photo: {colum: image, modality: 5}\n  title:\n    column: [a, 3]\n    modality: text\n"
        "trainin: {}\ntraining: {epochs: 0, amp: 3, learning_rate: .nan}\nprecision: fp8\nsplit: {test: '0.2'}\n",
    )
    message = error_of(path)
    for line in (
        f"{path}:2: inputs.photo: no key named 'colum'. Did you mean 'column'? Known: column, decode, encoder",
        f"{path}:2: inputs.photo: needs the key 'column'",
        f"{path}:2: inputs.photo.modality: should be a valid string, not 5; put it in quotes",
        f"{path}:4: inputs.title.column: should be a column name or a list of column names, not ['a', 3]",
        f"{path}:6: no key named 'trainin'. Did you mean 'training'?",
        f"{path}:7: training.epochs: should be greater than or equal to 1, not 0",
        f"{path}:7: training.amp: should be a valid boolean, not 3",
        f"{path}:7: training.learning_rate: should be a finite number, not nan",
        f"{path}:8: precision: should be 'fp16' or 'fp32', not 'fp8'",
        f"{path}:9: split.test: should be a valid number, not '0.2'",
    ):
        assert line in message


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "but it is empty"),
        ("- a\n- b\n", "but it holds a list"),
        ("inputs: [1", "not YAML"),
        ("inputs: {}\ninputs: {}\n", "app.yaml:2: not YAML"),
        ("inputs: !!python/object/apply:os.system [ls]", "not YAML"),
        ("inputs: {a: &a {b: *a}}", "inputs.a"),
        ("inputs: {a.b: {column: a, modality: text}}", "is no name"),
        ("inputs: {}", "needs at least one entry"),
        ("id: a", "needs the key 'inputs'"),
        ("inputs: 3", "should be a block of keys, not 3"),
        ("inputs: {a: {column: [], modality: text}}", "list of column names"),
        ("inputs: {a: {column: [b, b], modality: text}}", "names a column twice"),
        ("inputs: {a: {column: b, modality: text}}\nsplit: {time: t, group: g}", "should name `time` alone"),
        ("inputs: {a: {column: b, modality: text}}\nsplit: {validation: 0.5, test: 0.5}", "leaves no rows to train on"),
        ("inputs: {a: {column: y, modality: text}}\ntasks: {t: {column: y, type: x}}", "the answer of task 't'"),
        (
            "inputs: {a: {column: a, modality: text}}\ntasks: {t: {column: y, type: x}}\nconfidence: {by: y}",
            "reads column 'y' for confidence.by, which is the answer of task 't'",
        ),
        ("inputs: {a: {column: 'y*', modality: text}}\ntasks: {t: {column: y1, type: x}}", "the answer of task 't'"),
        (
            "inputs: {a: {column: a, modality: text}}\ntasks: {t: {column: y, type: x}, t_set: {column: z, type: x}}",
            "gives column 't_set' of a table of answers both to task 't' and to task 't_set': name the task otherwise",
        ),
        (
            "inputs: {a: {column: a, modality: text}}\ntasks: {id: {column: y, type: x}}",
            "gives column 'id' of a table of answers both to the ids and to task 'id'",
        ),
        (
            "id: t_rules\ninputs: {a: {column: a, modality: text}}\ntasks: {t: {column: y, type: x}}",
            "gives column 't_rules' of a table of answers both to the ids and to task 't'",
        ),
    ],
)
def test_a_file_that_makes_no_sense(tmp_path, text, sentence):
    assert sentence in error_of(written(tmp_path, text))


def test_a_file_that_cannot_be_read(tmp_path):
    assert "no such file" in error_of(tmp_path / "absent.yaml")
    assert "a folder" in error_of(tmp_path)
    (tmp_path / "app.yaml").write_bytes(b"data: \xff\xfe")
    assert "not UTF-8 text" in error_of(tmp_path / "app.yaml")
    (tmp_path / "app.yaml").write_bytes(b"x" * (2 << 20))
    assert "larger than" in error_of(tmp_path / "app.yaml")


def test_a_dict_names_the_key_without_a_line():
    assert error_of({"inputs": {"a": {"column": "b"}}}) == "application: inputs.a: needs the key 'modality'"


def test_it_is_frozen(app_file):
    with pytest.raises(ValueError, match="frozen"):
        load_application(app_file).preset = "small"


@pytest.mark.parametrize(("old", "new"), [(True, "weights"), (False, "none")])
def test_class_weights_is_read_as_imbalance_and_said(app_file, old, new):
    with pytest.warns(FutureWarning, match=f"write training.imbalance: {new}"):
        app = load_application(app_file, {"training.class_weights": old})
    assert app.training.imbalance == new
    assert load_application(app.model_dump()).training.imbalance == new


@pytest.mark.parametrize("changed", [{"training.imbalance": "focal"}, {"training.class_weights": "yes"}])
def test_class_weights_beside_imbalance_is_refused(app_file, changed):
    words = error_of(app_file, {"training.class_weights": True} | changed)
    assert "names class_weights, which is now imbalance" in words


@pytest.mark.parametrize(
    "told", [{"focal_gamma": 2.0}, {"focal_gamma": 1.0}, {"imbalance": "none", "focal_gamma": 1.0}]
)
def test_a_gamma_that_nothing_would_read_is_refused(app_file, told):
    words = error_of(app_file, {f"training.{key}": value for key, value in told.items()})
    assert "names focal_gamma, which acts with imbalance: focal only, and imbalance is" in words
    app = load_application(app_file, {"training.focal_gamma": 1.0, "training.imbalance": "focal"})
    assert load_application(app.model_dump()).training.focal_gamma == 1.0
    whole = load_application(app_file).model_dump()  # every default is written out, as a run keeps it
    assert load_application(whole).training.focal_gamma == 2.0


def test_unimodal_is_a_number_or_one_an_input(app_file):
    assert load_application(app_file, {"training.unimodal": 1}).training.unimodal == 1.0
    assert load_application(app_file, {"training.unimodal": {"photo": 0.3}}).training.unimodal == {"photo": 0.3}
    assert "there is none of this name: the inputs are photo, title" in error_of(
        app_file, {"training.unimodal": {"phot": 0.3}}
    )
    for wrong in (-0.1, True, "much", {"photo": -1}):
        assert "should be a number of 0 or more, or one for each input" in error_of(
            app_file, {"training.unimodal": wrong}
        )
