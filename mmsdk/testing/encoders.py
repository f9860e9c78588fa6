# ruff: noqa: D401 - the docstring of a check is the promise, shown when it is broken
"""What every encoder promises: its row is its sample's alone, the same tomorrow, in any process and any batch."""

from __future__ import annotations

import functools
import inspect
import json
import threading
from typing import TYPE_CHECKING, Any

from mmsdk.plugins import get_registry
from mmsdk.protocols import Sequence
from mmsdk.testing.checks import Skip, bind, expect
from mmsdk.testing.samples import ENOUGH, same, samples, small_samples
from mmsdk.testing.subject import Subject, check_import_is_offline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mmsdk.specs import EncoderSpec
    from mmsdk.testing.checks import Check
    from mmsdk.testing.probe import Probe

RELATIVE, ABSOLUTE = 1e-3, 1e-4
THREADS = 4


class EncoderSubject(Subject):
    """An encoder under test: opened once (a fitted one fitted to the samples), its samples at hand."""

    @functools.cached_property
    def _opened(self) -> dict[str, Any]:
        """Return the encoders already open."""
        return {}

    def new(self, modality: str) -> Any:
        """Return a new encoder, fitted where it has to be."""
        encoder = self.target()
        if self.spec.fitted:
            encoder.fit(self.samples(modality), modality)
        return encoder

    def opened(self, modality: str) -> Any:
        """Return one encoder for all checks; fitted ones one a modality."""
        key = modality if self.spec.fitted else ""
        if key not in self._opened:
            self._opened[key] = self.new(modality)
        return self._opened[key]

    def samples(self, modality: str) -> list[Any]:
        """Return the samples, enough of them."""
        found = samples(modality)
        expect(len(found) >= ENOUGH, f"{modality!r} has {len(found)} examples(), expected {ENOUGH} or more")
        return found

    def each(self) -> Iterator[tuple[str, Any, list[Any]]]:
        """Yield modality, encoder and samples."""
        for modality in self.spec.modalities:
            yield modality, self.opened(modality), self.samples(modality)

    def encode(self, encoder: Any, batch: list[Any], modality: str) -> list[Any]:
        """Return the answer as one float array a sample, whatever the kind of output."""
        answer = self.answer(encoder, list(batch), modality)
        return [row.values if isinstance(row, Sequence) else row for row in answer]

    def answer(self, encoder: Any, batch: list[Any], modality: str) -> Any:
        """Return the answer as it is, once it is an array, or a list of sequences."""
        import numpy as np

        answer = encoder.encode(batch, modality)
        kind = type(answer).__name__
        if self.spec.output == "sequence":
            good = isinstance(answer, list) and all(isinstance(one, Sequence) for one in answer)
            expect(good, f"{modality}: answered a {kind}, expected a list of mmsdk.Sequence")
        else:
            expect(isinstance(answer, np.ndarray), f"{modality}: answered a {kind}, expected a numpy array (n, dim)")
        return answer


def encoder_checks(spec: EncoderSpec, probe: Probe | None = None) -> Iterator[Check]:
    """Yield the checks of one encoder; ``spec.target`` must be importable, here and in another process.

    A name for a pretrained model (``reference``) is checked as a declaration: its weights are not fetched for this.
    """
    if spec.reference:
        declared = [check_spec_is_sane, check_reference_can_be_opened, check_reference_has_a_price]
        yield from bind(f"encoder {spec.name}", EncoderSubject(spec, probe), declared)
        return
    common = [
        check_spec_is_sane,
        check_target_resolves,
        check_import_is_offline,
        check_answers_the_right_shape,
        check_answers_sequences if spec.output == "sequence" else check_answers_float32,
        check_answers_are_finite,
        check_rows_are_independent,
        check_order_does_not_matter,
        check_is_deterministic,
        check_is_deterministic_across_processes,
        check_fingerprint_is_stable,
        check_samples_are_left_alone,
        check_small_samples_are_answered,
        check_works_in_other_threads,
    ]
    fitted = [check_state_round_trips, check_unseen_values_are_answered, check_fits_one_row] if spec.fitted else []
    yield from bind(f"encoder {spec.name}", EncoderSubject(spec, probe), [*common, *fitted])


def check_spec_is_sane(subject: EncoderSubject) -> None:
    """The spec names modalities that exist, and a dim unless fitting decides it."""
    spec = subject.spec
    expect(spec.modalities, "modalities is empty: name at least one")
    installed = {entry.spec.name for entry in get_registry().entries("modality")}
    for modality in spec.modalities:
        expect(
            modality in installed,
            f"modality {modality!r} is not installed. Installed: {', '.join(sorted(installed))}",
        )
    expect(spec.output in ("vector", "sequence"), f"output is {spec.output!r}, expected 'vector' or 'sequence'")
    expect(isinstance(spec.dim, int) and spec.dim >= 0, f"dim is {spec.dim!r}, expected a whole number")
    expect(spec.dim > 0 or spec.fitted, "dim is 0, which only a fitted encoder may say")


def check_reference_can_be_opened(subject: EncoderSubject) -> None:
    """The reference names an installed scheme that serves the modalities and takes the options."""
    spec = subject.spec
    scheme, _, reference = spec.reference.partition(":")
    loaders = {entry.spec.name: entry for entry in get_registry().entries("loader")}
    expect(scheme in loaders and reference, f"reference {spec.reference!r} begins with no installed scheme")
    loader: Any = loaders[scheme].spec
    unserved = [modality for modality in spec.modalities if modality not in loader.modalities]
    expect(not unserved, f"{scheme}: does not serve {', '.join(unserved)}")
    arguments = {"modality": spec.modalities[0], "device": "cpu", "trust_remote_code": False, **spec.options}
    try:
        inspect.signature(loaders[scheme].load()).bind(reference, **arguments)
    except TypeError as error:
        raise AssertionError(f"{scheme}: does not take the options {dict(spec.options)}: {error}") from None


def check_reference_has_a_price(subject: EncoderSubject) -> None:
    """The licence and the size of the model are said, since the bill shows them before anything is fetched."""
    expect(subject.spec.licence, "licence is empty: name that of the weights (SPDX)")
    expect(subject.spec.size > 0, "size is 0: say about how many bytes are fetched")


def check_target_resolves(subject: EncoderSubject) -> None:
    """The target imports and has the members of an encoder."""
    members = ("encode", "fit", "state", "load_state") if subject.spec.fitted else ("encode",)
    missing = [name for name in members if not callable(getattr(subject.target, name, None))]
    expect(not missing, f"{subject.spec.target} has no method {', '.join(missing)}")


def check_answers_the_right_shape(subject: EncoderSubject) -> None:
    """One row a sample, as long as ``dim`` says."""
    for modality, encoder, batch in subject.each():
        if subject.spec.dim:
            expect(encoder.dim == subject.spec.dim, f"dim is {encoder.dim}, the spec says {subject.spec.dim}")
        for count in (len(batch), 1):
            answer = subject.answer(encoder, batch[:count], modality)
            expect(len(answer) == count, f"{modality}: {count} samples got {len(answer)} rows")
            for row in subject.encode(encoder, batch[:count], modality):
                expect(row.shape[-1] == encoder.dim, f"{modality}: a row has shape {row.shape}, dim is {encoder.dim}")


def check_answers_float32(subject: EncoderSubject) -> None:
    """The answer is one float32 numpy array ``(n, dim)``."""
    import numpy as np

    for modality, encoder, batch in subject.each():
        answer = subject.answer(encoder, batch, modality)
        expect(answer.dtype == np.float32, f"{modality}: answered {answer.dtype}, expected float32")
        expect(answer.ndim == 2, f"{modality}: answered shape {answer.shape}, expected (n, dim)")


def check_answers_sequences(subject: EncoderSubject) -> None:
    """Each answer is a Sequence: float32 ``(t, dim)`` values at ascending float64 ``(t,)`` seconds."""
    import numpy as np

    for modality, encoder, batch in subject.each():
        for row in encoder.encode(batch, modality):
            expect(isinstance(row, Sequence), f"{modality}: answered {type(row).__name__}, expected mmsdk.Sequence")
            expect(row.values.dtype == np.float32, f"{modality}: values are {row.values.dtype}, expected float32")
            expect(row.times.dtype == np.float64, f"{modality}: times are {row.times.dtype}, expected float64")
            expect(
                row.values.ndim == 2 and row.times.shape == row.values.shape[:1],
                f"{modality}: values {row.values.shape} and times {row.times.shape}, expected (t, dim) and (t,)",
            )
            expect(bool((np.diff(row.times) > 0).all()), f"{modality}: times do not ascend")


def check_answers_are_finite(subject: EncoderSubject) -> None:
    """No NaN and no infinity."""
    for modality, encoder, batch in subject.each():
        _finite(subject.encode(encoder, batch, modality), modality)


def check_rows_are_independent(subject: EncoderSubject) -> None:
    """A sample gets the same row alone as in a batch: padding and batch statistics do not leak."""
    for modality, encoder, batch in subject.each():
        together = subject.encode(encoder, batch, modality)
        alone = [subject.encode(encoder, [sample], modality)[0] for sample in batch]
        _close(alone, together, f"{modality}: a sample alone and in a batch of {len(batch)}")


def check_order_does_not_matter(subject: EncoderSubject) -> None:
    """Row i is sample i's, in whatever order the batch comes."""
    for modality, encoder, batch in subject.each():
        forward = subject.encode(encoder, batch, modality)
        backward = subject.encode(encoder, batch[::-1], modality)[::-1]
        _close(backward, forward, f"{modality}: a batch and its reverse")


def check_is_deterministic(subject: EncoderSubject) -> None:
    """Two calls, and two encoders made alike, give the same."""
    for modality, encoder, batch in subject.each():
        first = subject.encode(encoder, batch, modality)
        _close(subject.encode(encoder, batch, modality), first, f"{modality}: two calls of one encoder")
        _close(subject.encode(subject.new(modality), batch, modality), first, f"{modality}: two encoders made alike")


def check_is_deterministic_across_processes(subject: EncoderSubject) -> None:
    """Another process gives the same: ``hash()`` of a text, for one, does not; what is cached must stay true."""
    import numpy as np

    there = _there(subject)
    for modality, encoder, batch in subject.each():
        rows = [np.asarray(row, dtype=np.float32) for row in there["values"][modality]]
        here = subject.encode(encoder, batch, modality)
        empty = [row.size == 0 == other.size for row, other in zip(rows, here, strict=True)]  # JSON knows no (0, dim)
        rows = [other if nothing else row for row, other, nothing in zip(rows, here, empty, strict=True)]
        _close(rows, here, f"{modality}: this process and a fresh one")


def check_fingerprint_is_stable(subject: EncoderSubject) -> None:
    """``fingerprint()``, where there is one, is a text and the same in every process."""
    encoder = subject.opened(subject.spec.modalities[0])
    if not hasattr(encoder, "fingerprint"):
        raise Skip("has no fingerprint(); distribution, version, target and options stand for it")
    here = encoder.fingerprint()
    expect(isinstance(here, str) and here, f"fingerprint() is {here!r}, expected a text")
    there = _there(subject)["fingerprint"]
    expect(here == there, f"fingerprint() is {here!r} here and {there!r} in a fresh process")


def check_samples_are_left_alone(subject: EncoderSubject) -> None:
    """Encoding does not change the samples; they are shared with other encoders."""
    import copy

    for modality, encoder, batch in subject.each():
        before = copy.deepcopy(batch)
        encoder.encode(batch, modality)
        expect(same(batch, before), f"{modality}: the samples are not what they were before encode()")


def check_small_samples_are_answered(subject: EncoderSubject) -> None:
    """One pixel, one letter, one number far out: a finite row, not an exception."""
    tried = False
    for modality, encoder, _ in subject.each():
        batch = small_samples(modality)
        if not batch:
            continue
        tried = True
        rows = subject.encode(encoder, batch, modality)
        expect(len(rows) == len(batch), f"{modality}: {len(batch)} small samples got {len(rows)} rows")
        _finite(rows, f"{modality}, small samples")
    if not tried:
        raise Skip("no small samples are known for its modalities")


def check_works_in_other_threads(subject: EncoderSubject) -> None:
    """An encoder opened in one thread answers the same in others, one call at a time, as the core calls it."""
    for modality, encoder, batch in subject.each():
        expected = subject.encode(encoder, batch, modality)
        encode = functools.partial(subject.encode, encoder, batch, modality)
        for answer in in_threads(encode, lock=threading.Lock()):
            _close(answer, expected, f"{modality}: the opening thread and another")


def check_state_round_trips(subject: EncoderSubject) -> None:
    """``state()`` goes through JSON into a new encoder, which then answers the same to the bit."""
    import numpy as np

    for modality, encoder, batch in subject.each():
        try:
            text = json.dumps(encoder.state(), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise AssertionError(f"{modality}: state() is not JSON: {error}") from None
        other = subject.target()
        other.load_state(json.loads(text))
        expect(other.dim == encoder.dim, f"{modality}: dim is {other.dim} after load_state(), was {encoder.dim}")
        for a, b in zip(encoder.encode(batch, modality), other.encode(batch, modality), strict=True):
            expect(np.array_equal(a, b), f"{modality}: a restored encoder answers differently")


def check_unseen_values_are_answered(subject: EncoderSubject) -> None:
    """Values that training never saw get a finite row."""
    for modality in subject.spec.modalities:
        batch = subject.samples(modality)
        encoder = subject.target()
        encoder.fit(batch[:2], modality)
        rows = subject.encode(encoder, batch, modality)
        expect(len(rows) == len(batch), f"{modality}: {len(batch)} samples got {len(rows)} rows")
        _finite(rows, f"{modality}, values never seen")


def check_fits_one_row(subject: EncoderSubject) -> None:
    """A single training row, or the same value in all, is enough: no division by a spread of zero."""
    for modality in subject.spec.modalities:
        batch = subject.samples(modality)
        for training in (batch[:1], batch[:1] * 5):
            encoder = subject.target()
            encoder.fit(training, modality)
            _finite(subject.encode(encoder, batch, modality), f"{modality}, fitted to {len(training)} equal rows")


def in_threads(call: Callable[[], Any], lock: threading.Lock | None = None) -> list[Any]:
    """Return what ``call`` answers in several threads at once, or one at a time where a lock is given.

    :raises AssertionError: a thread raised.
    """
    answers: list[Any] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            if lock is None:
                answers.append(call())
                return
            with lock:
                answers.append(call())
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expect(not errors, f"in another thread: {errors[0]!r}" if errors else "")
    return answers


def _there(subject: EncoderSubject) -> dict[str, Any]:
    """Return what a fresh process got."""
    _ = [subject.samples(modality) for modality in subject.spec.modalities]  # a missing extra, or no samples, skips
    found = subject.probe.encoder(subject.spec.target)
    expect("error" not in found, f"in a fresh process without network: {found.get('error')}")
    return found


def _finite(rows: list[Any], where: str) -> None:
    """Raise where a row holds NaN or infinity."""
    import numpy as np

    bad = [n for n, row in enumerate(rows) if not np.isfinite(row).all()]
    expect(not bad, f"{where}: rows {bad} hold NaN or infinity")


def _close(rows: list[Any], expected: list[Any], what: str) -> None:
    """Raise where two answers differ by more than floating point may."""
    import numpy as np

    expect(len(rows) == len(expected), f"{what}: {len(rows)} and {len(expected)} rows")
    for n, (row, other) in enumerate(zip(rows, expected, strict=True)):
        expect(row.shape == other.shape, f"{what}: row {n} has shapes {row.shape} and {other.shape}")
        room = ABSOLUTE * max(float(np.abs(other).max(initial=0.0)), 1e-6)
        gap = np.abs(row - other)
        expect(
            bool((gap <= room + RELATIVE * np.abs(other)).all()),
            f"{what}: row {n} differs by up to {float(gap.max(initial=0.0)):.3g}",
        )
