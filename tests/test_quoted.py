import pytest

from mmsdk.quoted import quoted

FIGURE = {"value": 0.77, "low": -0.7314, "high": 0.8061, "n": 40}


@pytest.mark.parametrize(
    ("form", "text"),
    [(".3f", "0.770 [-0.731, 0.806]"), ("+.3f", "+0.770 [-0.731, +0.806]"), (".3g", "0.77 [-0.731, 0.806]")],
)
def test_a_figure_stands_beside_its_interval(form, text):
    assert quoted(FIGURE, form) == text


@pytest.mark.parametrize("none", [None, float("nan")])
def test_a_figure_without_an_interval_stands_alone(none):
    assert quoted({**FIGURE, "low": none, "high": none}) == "0.770"


@pytest.mark.parametrize("figure", [None, {}])
def test_no_figure_is_a_dash(figure):
    assert quoted(figure) == "–"
