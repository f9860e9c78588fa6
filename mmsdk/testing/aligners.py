# ruff: noqa: D401 - the docstring of a check is the promise, shown when it is broken
"""What every aligner promises: one map an input, learned from rows with two inputs, the same each time."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from mmsdk.testing import networks
from mmsdk.testing.checks import Skip, bind, expect
from mmsdk.testing.subject import Subject, check_import_is_offline

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np

    from mmsdk import SpaceMap
    from mmsdk.specs import AlignerSpec
    from mmsdk.testing.checks import Check
    from mmsdk.testing.probe import Probe

    Views = tuple[dict[str, np.ndarray], np.ndarray]

DIM, MEANINGS = 8, 4
TAUGHT, FRESH = 120, 60
INPUTS = ("photo", "title")
MORE = (*INPUTS, "sound")


class AlignerSubject(Subject):
    """An aligner under test, with rows whose inputs say the same in words of their own."""

    def new(self, inputs: tuple[str, ...] = INPUTS) -> Any:
        """Return a new aligner with its defaults."""
        return self.target(inputs, seed=0)

    def rows(
        self, count: int = TAUGHT, seed: int = 1, *, whole: bool = False, inputs: tuple[str, ...] = INPUTS
    ) -> Views:
        """Return vectors and a mask with rows of every kind: whole, partial, with one input, with none."""
        import numpy as np

        told = np.random.default_rng(0)
        ways = [told.normal(size=(MEANINGS, DIM)) for _ in inputs]
        random = np.random.default_rng(seed)
        meaning = random.normal(size=(count, MEANINGS))
        vectors = {
            name: (meaning @ way + 0.05 * random.normal(size=(count, DIM)) + 1.0).astype(np.float32)
            for name, way in zip(inputs, ways, strict=True)
        }
        present = np.ones((count, len(inputs)), dtype=bool)
        if not whole:
            present[:40] = random.random((40, len(inputs))) < 0.7
            present[40] = False
        return vectors, present

    @functools.cached_property
    def learned(self) -> dict[str, SpaceMap]:
        """Return the maps of the usual rows."""
        return self.fitted(self.rows())

    def fitted(self, views: Views) -> dict[str, SpaceMap]:
        """Return the maps that a new aligner learns of some rows."""
        found: dict[str, SpaceMap] = self.new(tuple(views[0])).fit(*views)
        return found


def aligner_checks(spec: AlignerSpec, probe: Probe | None = None) -> Iterator[Check]:
    """Yield the checks of one aligner."""
    functions = [
        check_target_resolves,
        check_import_is_offline,
        check_maps_every_input,
        check_answers_one_space,
        check_partners_find_each_other,
        check_is_deterministic,
        check_absent_values_do_not_matter,
        check_lone_rows_do_not_teach,
        check_constant_inputs_are_finite,
        check_few_rows_are_finite,
        check_arrays_are_left_alone,
        check_generators_are_left_alone,
        check_unknown_options_are_refused,
    ]
    yield from bind(f"aligner {spec.name}", AlignerSubject(spec, probe), functions)


def check_target_resolves(subject: AlignerSubject) -> None:
    """The target is a subclass of ``mmsdk.Aligner``, made as ``target(inputs, seed=...)``."""
    import mmsdk

    subject.expect_subclass(mmsdk.Aligner)
    subject.new()


def check_maps_every_input(subject: AlignerSubject) -> None:
    """``fit`` returns a ``mmsdk.SpaceMap`` for each input, as long as its vectors."""
    import mmsdk

    maps = subject.learned
    expect(list(maps) == list(INPUTS), f"maps of {list(maps)}, expected {list(INPUTS)} in this order")
    for name, one in maps.items():
        expect(isinstance(one, mmsdk.SpaceMap), f"the map of {name} is {type(one).__name__}, expected mmsdk.SpaceMap")
        expect(one.dims[0] == DIM, f"the map of {name} takes {one.dims[0]} dims, and its vectors have {DIM}")


def check_answers_one_space(subject: AlignerSubject) -> None:
    """The maps of a paired aligner answer vectors of one length, of two inputs and of more."""
    _only_paired(subject)
    maps = subject.fitted(subject.rows(inputs=MORE))
    expect(list(maps) == list(MORE), f"maps of {list(maps)}, expected {list(MORE)} in this order")
    dims = {name: one.dims[1] for name, one in maps.items()}
    expect(len(set(dims.values())) == 1, f"the maps answer different lengths: {dims}")


def check_partners_find_each_other(subject: AlignerSubject) -> None:
    """A paired aligner brings the inputs of a row it never saw together."""
    import numpy as np

    from mmsdk.index.vectors import unit_rows

    _only_paired(subject)
    maps = subject.learned
    vectors, _ = subject.rows(FRESH, seed=2, whole=True)
    first, second = (unit_rows(maps[name](vectors[name])) for name in INPUTS)
    found = float((np.argmax(first @ second.T, axis=1) == np.arange(FRESH)).mean())
    expect(found > 0.3, f"of {FRESH} fresh rows {found:.0%} find their partner first; by chance {1 / FRESH:.0%} do")


def check_is_deterministic(subject: AlignerSubject) -> None:
    """The same rows and seed give the same maps, to the bit."""
    _expect_same(subject.learned, subject.fitted(subject.rows()), "two fits of one seed differ")


def check_absent_values_do_not_matter(subject: AlignerSubject) -> None:
    """Whatever lies in the place of an absent input, the maps are the same."""
    import numpy as np

    vectors, present = subject.rows()
    filled = {
        name: np.where(present[:, [n]], values, np.float32(1e3)) for n, (name, values) in enumerate(vectors.items())
    }
    _expect_same(
        subject.learned,
        subject.fitted((filled, present)),
        "values in the place of an absent input change the maps",
    )


def check_lone_rows_do_not_teach(subject: AlignerSubject) -> None:
    """A row with one input teaches nothing: there is nobody to align it with."""
    import numpy as np

    vectors, present = subject.rows()
    lone = (present.sum(1) == 1)[:, None]
    moved = {name: np.where(lone, 50 * values, values).astype(np.float32) for name, values in vectors.items()}
    _expect_same(subject.learned, subject.fitted((moved, present)), "rows with one input change the maps")


def check_constant_inputs_are_finite(subject: AlignerSubject) -> None:
    """A coordinate, or a whole input, that never changes gives finite maps."""
    vectors, present = subject.rows()
    vectors["photo"][:, 0] = 3.0
    vectors["title"][:] = 1.0
    _expect_finite(subject.fitted((vectors, present)), vectors, "an input that never changes")


def check_few_rows_are_finite(subject: AlignerSubject) -> None:
    """Fewer rows than dims give finite maps."""
    vectors, present = subject.rows(3, seed=3, whole=True)
    _expect_finite(subject.fitted((vectors, present)), vectors, "three rows")


def check_arrays_are_left_alone(subject: AlignerSubject) -> None:
    """``fit`` changes neither the vectors nor the mask that it is given."""
    import numpy as np

    vectors, present = subject.rows()
    kept = {name: values.copy() for name, values in vectors.items()}, present.copy()
    subject.fitted((vectors, present))
    same = np.array_equal(kept[1], present) and all(np.array_equal(kept[0][name], vectors[name]) for name in vectors)
    expect(same, "after fit the arrays that it was given are not what they were")


def check_generators_are_left_alone(subject: AlignerSubject) -> None:
    """The global generators of numpy and torch are as they were."""
    import numpy as np
    import torch

    def states() -> bytes:
        state: Any = np.random.get_state(legacy=True)
        return bytes(torch.random.get_rng_state().numpy()) + np.asarray(state[1]).tobytes() + str(state[2]).encode()

    before = states()
    subject.fitted(subject.rows())
    expect(states() == before, "fit draws from, or seeds, a global generator: use one of its own")


def check_unknown_options_are_refused(subject: AlignerSubject) -> None:
    """An option that it does not know is an error, never ignored."""
    networks.expect_refused(functools.partial(subject.target, INPUTS))


def _only_paired(subject: AlignerSubject) -> None:
    """Skip an aligner that does not learn from pairs."""
    if not subject.spec.paired:
        raise Skip("reads each input by itself (paired=False)")


def _expect_same(found: Mapping[str, SpaceMap], expected: Mapping[str, SpaceMap], what: str) -> None:
    """Expect equal maps."""
    import numpy as np

    for name, one in expected.items():
        arrays = found[name].arrays()
        for part, array in one.arrays().items():
            gap = float(np.abs(array - arrays[part]).max()) if array.shape == arrays[part].shape else float("inf")
            expect(gap == 0, f"{what}: {name}, {part}, by up to {gap:.3g}")


def _expect_finite(maps: Mapping[str, SpaceMap], vectors: Mapping[str, np.ndarray], what: str) -> None:
    """Expect finite answers."""
    import numpy as np

    bad = [name for name, one in maps.items() if not np.isfinite(one(vectors[name])).all()]
    expect(not bad, f"{what} leads to NaN or infinity: {', '.join(bad)}")
