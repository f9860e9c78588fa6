"""The kit is itself tested: for every check there is a component that breaks exactly its promise, and fails it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from mmsdk.specs import (
    AlignerSpec,
    CommandSpec,
    EncoderSpec,
    FusionSpec,
    HealthCheckSpec,
    IndexSpec,
    LoaderSpec,
    ModalitySpec,
    PresetSpec,
    RecipeSpec,
    Setting,
    TaskSpec,
    TrainableSpec,
)
from mmsdk.testing import perform
from mmsdk.testing.kit import CHECKS_OF
from mmsdk.testing.probe import Probe

BIG = {"size": Setting(kind="number", default="big", what="how many")}
FAR = 4  # which of the encoders below is a name for a model
GOOD: dict[str, list[Any]] = {
    "encoder": [
        EncoderSpec(name="plain", modalities=("text",), dim=4, target="fake_encoders:Good"),
        EncoderSpec(name="moves", modalities=("text",), dim=4, target="fake_encoders:Moves", output="sequence"),
        EncoderSpec(name="fitted", modalities=("text",), dim=0, target="fake_encoders:Fitted", fitted=True),
        EncoderSpec(name="own", modalities=("colour",), dim=3, target="fake_encoders:ColourGood"),
        EncoderSpec(
            name="far", modalities=("text",), dim=4, reference="web:a/b", options={"a": 1}, licence="MIT", size=10
        ),
    ],
    "modality": [
        ModalitySpec(name="text", target="fake_modalities:Words", sample="str", cells="words"),
        ModalitySpec(name="colour", target="fake_modalities:Colour", sample="float32 (3,)", cells="#rrggbb"),
        ModalitySpec(
            name="blob", target="fake_modalities:Blob", sample="bytes", cells="a file", media=True, extensions=(".b",)
        ),
    ],
    "fusion": [
        FusionSpec(name="mean", target="fake_fusions:Good"),
        FusionSpec(name="steps", target="fake_fusions:GoodSteps"),
    ],
    "aligner": [AlignerSpec(name="ridge", target="fake_aligners:Good")],
    "trainable": [
        TrainableSpec(name="mean", target="fake_trainables:Good"),
        TrainableSpec(name="each", target="fake_trainables:GoodSteps"),
    ],
    "task": [TaskSpec(name="positive", target="fake_tasks:Good")],
    "index": [
        IndexSpec(name="all", target="fake_indexes:Good"),
        IndexSpec(name="growing", target="fake_indexes:NoRemove", removable=False),
    ],
    "recipe": [
        RecipeSpec(
            name="prices", target="fake_recipes:Good", takes="prices", settings={"size": Setting(what="how many")}
        )
    ],
    "loader": [
        LoaderSpec(name="web", modalities=("text",), target="fake_small:load", example="web:model"),
        LoaderSpec(
            name="hub",
            modalities=("text",),
            target="fake_small:load",
            example="hub:model",
            pull="fake_small:pull",
            locate="fake_small:locate",
        ),
    ],
    "preset": [PresetSpec(name="builtin", encoders={"text": ("nobody", "plain")})],
    "command": [CommandSpec(name="greet", target="fake_small:greet", summary="Say hello.")],
    "health_check": [HealthCheckSpec(name="pulse", target="fake_small:healthy")],
}


def bad(kind: str, check: str, target: str = "", said: str = "", *, base: int = 0, **changes: Any) -> Any:
    """Return one case: the good spec number ``base`` of a kind, with another target or other fields."""
    if target:
        changes["target"] = target
    return pytest.param(
        kind, check, dataclasses.replace(GOOD[kind][base], **changes), said, id=f"{kind}-{check}-{target}"
    )


ABSENT = "nowhere_at_all:Thing"
OFFLINE = "asked the network for"
BAD = [
    bad("encoder", "spec_is_sane", said="modality 'smell' is not installed", modalities=("smell",)),
    bad("encoder", "spec_is_sane", said="only a fitted encoder", dim=0),
    bad("encoder", "target_resolves", ABSENT, "No module named 'nowhere_at_all'"),
    bad("encoder", "target_resolves", "fake_encoders:NoEncode", "has no method encode"),
    bad("encoder", "import_is_offline", "fake_network:encoder", OFFLINE),
    bad("encoder", "answers_the_right_shape", "fake_encoders:OtherDim", "dim is 5, the spec says 4"),
    bad("encoder", "answers_the_right_shape", "fake_encoders:DropsRows", "6 samples got 5 rows"),
    bad("encoder", "answers_float32", "fake_encoders:Float64", "answered float64"),
    bad("encoder", "answers_float32", "fake_encoders:AsList", "answered a list"),
    bad("encoder", "answers_sequences", "fake_encoders:Good", "answered ndarray", base=1),
    bad("encoder", "answers_sequences", "fake_encoders:BackwardTimes", "times do not ascend", base=1),
    bad("encoder", "answers_are_finite", "fake_encoders:NotANumber", "rows [0] hold NaN"),
    bad("encoder", "rows_are_independent", "fake_encoders:BatchStatistics", "alone and in a batch"),
    bad("encoder", "order_does_not_matter", "fake_encoders:Position", "a batch and its reverse"),
    bad("encoder", "is_deterministic", "fake_encoders:Random", "two calls of one encoder"),
    bad("encoder", "is_deterministic", "fake_encoders:RandomWeights", "two encoders made alike"),
    bad("encoder", "is_deterministic_across_processes", "fake_encoders:SaltedHash", "this process and a fresh one"),
    bad("encoder", "fingerprint_is_stable", "fake_encoders:ProcessFingerprint", "in a fresh process"),
    bad("encoder", "fingerprint_is_stable", "fake_encoders:NumberFingerprint", "fingerprint() is 1, expected a text"),
    bad("encoder", "samples_are_left_alone", "fake_encoders:ColourMutates", "not what they were", base=3),
    bad("encoder", "small_samples_are_answered", "fake_encoders:NoShortTexts", "IndexError: too short"),
    bad("encoder", "works_in_other_threads", "fake_encoders:OneThread", "in another thread: AttributeError"),
    bad("encoder", "state_round_trips", "fake_encoders:ForgetsState", "a restored encoder answers", base=2),
    bad("encoder", "state_round_trips", "fake_encoders:ArrayState", "state() is not JSON", base=2),
    bad("encoder", "unseen_values_are_answered", "fake_encoders:OnlySeen", "is not in list", base=2),
    bad("encoder", "fits_one_row", "fake_encoders:Spread", "hold NaN or infinity", base=2),
    bad("encoder", "reference_can_be_opened", said="begins with no installed scheme", base=FAR, reference="wob:a/b"),
    bad("encoder", "reference_can_be_opened", said="web: does not serve colour", base=FAR, modalities=("colour",)),
    bad("encoder", "reference_can_be_opened", said="does not take the options", base=FAR, options={"b": 1}),
    bad("encoder", "reference_has_a_price", said="licence is empty", base=FAR, licence=""),
    bad("encoder", "reference_has_a_price", said="size is 0", base=FAR, size=0),
    bad("modality", "spec_is_sane", said="cells is empty", cells=""),
    bad("modality", "spec_is_sane", said="not of the form '.jpg'", base=2, extensions=("JPG",)),
    bad("modality", "target_resolves", ABSENT, "No module named"),
    bad("modality", "target_resolves", "fake_modalities:NoDecode", "has no method decode"),
    bad("modality", "import_is_offline", "fake_network:modality", OFFLINE),
    bad("modality", "has_examples", "fake_modalities:NoExamples", "method examples()", base=1),
    bad("modality", "has_examples", said="expected Media since media=True", base=1, media=True),
    bad("modality", "examples_decode", "fake_modalities:DecodesToNone", "example 4 decodes to None", base=1),
    bad("modality", "nothing_is_none", "fake_modalities:EmptyIsBlack", "expected None", base=1),
    bad("modality", "garbage_is_a_value_error", "fake_modalities:Crashes", "raises TypeError", base=1),
    bad("modality", "garbage_is_a_value_error", "fake_modalities:BlobTakesAll", "expected ValueError or None", base=2),
    bad("modality", "garbage_is_a_value_error", "fake_modalities:BlobWithoutReason", "gives no reason", base=2),
    bad("modality", "decoding_is_deterministic", "fake_modalities:Random", "differently the second time", base=1),
    bad("modality", "decoding_is_thread_safe", "fake_modalities:Shared", "each other's samples", base=1),
    bad("modality", "guess_is_a_share", "fake_modalities:WildGuess", "expected 0 to 1", base=1),
    bad("modality", "thumbnail_is_a_picture", "fake_modalities:TextThumbnail", "expected a PNG or JPEG", base=2),
    bad("modality", "thumbnail_is_a_picture", "fake_modalities:HugeThumbnail", "64 x 64, asked for 32", base=2),
    bad("modality", "parts_can_be_taken_away", "fake_modalities:OnlyParts", "needs both", base=1),
    bad("modality", "parts_can_be_taken_away", "fake_modalities:BoxedParts", "not in shares of the picture", base=1),
    bad("modality", "parts_can_be_taken_away", "fake_modalities:SpoilsTheSample", "changes the sample", base=1),
    bad("modality", "parts_can_be_taken_away", "fake_modalities:TakesNothingAway", "never changes a sample", base=1),
    bad("aligner", "target_resolves", "fake_aligners:NoAligner", "no subclass of mmsdk.Aligner"),
    bad("aligner", "import_is_offline", "fake_network:aligner", OFFLINE),
    bad("aligner", "maps_every_input", "fake_aligners:SkipsOne", "maps of ['title'], expected"),
    bad("aligner", "maps_every_input", "fake_aligners:Functions", "is ufunc, expected mmsdk.SpaceMap"),
    bad("aligner", "answers_one_space", "fake_aligners:Wide", "different lengths"),
    bad("aligner", "partners_find_each_other", "fake_aligners:Strangers", "find their partner first"),
    bad("aligner", "is_deterministic", "fake_aligners:Unseeded", "two fits of one seed differ"),
    bad("aligner", "absent_values_do_not_matter", "fake_aligners:ReadsAbsent", "values in the place of an absent"),
    bad("aligner", "lone_rows_do_not_teach", "fake_aligners:LearnsFromLone", "rows with one input change"),
    bad("aligner", "constant_inputs_are_finite", "fake_aligners:Divides", "leads to NaN or infinity: photo, title"),
    bad("aligner", "few_rows_are_finite", "fake_aligners:NeedsMany", "three rows leads to NaN"),
    bad("aligner", "arrays_are_left_alone", "fake_aligners:Centres", "are not what they were"),
    bad("aligner", "generators_are_left_alone", "fake_aligners:Seeds", "a global generator"),
    bad("aligner", "unknown_options_are_refused", "fake_aligners:TakesAnything", "does not know, and ignores"),
    bad("trainable", "target_resolves", "fake_trainables:NoTrainable", "no subclass of mmsdk.Trainable"),
    bad("trainable", "import_is_offline", "fake_network:trainable", OFFLINE),
    bad("trainable", "answers_the_right_shape", "fake_trainables:Wide", "become (1, 16), expected (1, 8)"),
    bad("trainable", "is_deterministic", "fake_trainables:Noisy", "two calls in eval mode differ"),
    bad("trainable", "rows_are_independent", "fake_trainables:BatchMean", "alone and in a batch differs"),
    bad("trainable", "rows_are_independent", "fake_trainables:TrainsOnTheBatch", "alone and in a batch differs"),
    bad("trainable", "padding_does_not_matter", "fake_trainables:CountsPadding", "nine more steps"),
    bad("trainable", "absent_steps_do_not_matter", "fake_trainables:IgnoresMask", "values in the place of an absent"),
    bad("trainable", "absent_steps_do_not_matter", "fake_trainables:ReadsEveryTime", "times in the place of an absent"),
    bad("trainable", "present_steps_matter", "fake_trainables:FirstOnly", "step 1 is present, and changing it"),
    bad("trainable", "presence_matters", "fake_trainables:SkipsLast", "without its last step"),
    bad("trainable", "no_step_is_finite", "fake_trainables:DividesByNothing", "answered by NaN"),
    bad("trainable", "gradient_flows", "fake_trainables:Detached", "some present step gets no gradient"),
    bad("trainable", "gradient_flows", "fake_trainables:Idle", "never.weight"),
    bad("trainable", "absent_steps_get_no_gradient", "fake_trainables:IgnoresMask", "a gradient reaches the place"),
    bad("trainable", "weights_round_trip", "fake_trainables:Unsaved", "restored from its state_dict"),
    bad("trainable", "unknown_options_are_refused", "fake_trainables:TakesAnything", "and ignores it"),
    bad("trainable", "each_step_is_answered", "fake_trainables:OneStep", "steps become (5, 8)", base=1),
    bad("fusion", "target_resolves", "fake_fusions:NoFusion", "no subclass of mmsdk.Fusion"),
    bad("fusion", "import_is_offline", "fake_network:fusion", OFFLINE),
    bad("fusion", "answers_the_right_shape", "fake_fusions:Wide", "become (1, 16), expected (1, 8)"),
    bad("fusion", "is_deterministic", "fake_fusions:Noisy", "two calls in eval mode differ"),
    bad("fusion", "rows_are_independent", "fake_fusions:BatchMean", "alone and in a batch differs"),
    bad("fusion", "absent_values_do_not_matter", "fake_fusions:IgnoresMask", "in the place of an absent input"),
    bad("fusion", "present_values_matter", "fake_fusions:FirstOnly", "input 1 is present, and changing it"),
    bad("fusion", "presence_matters", "fake_fusions:Blind", "without input 1 the answer is the same"),
    bad("fusion", "nothing_present_is_finite", "fake_fusions:DividesByNothing", "answered by NaN"),
    bad("fusion", "gradient_flows", "fake_fusions:Detached", "some present token gets no gradient"),
    bad("fusion", "gradient_flows", "fake_fusions:Idle", "never.weight"),
    bad("fusion", "absent_inputs_get_no_gradient", "fake_fusions:IgnoresMask", "a gradient reaches the place"),
    bad("fusion", "weights_round_trip", "fake_fusions:Unsaved", "restored from its state_dict"),
    bad("fusion", "unknown_options_are_refused", "fake_fusions:TakesAnything", "and ignores it"),
    bad("fusion", "readings_are_numbers", "fake_fusions:Unreadable", "readings() says 'strength': nan"),
    bad("fusion", "steps_become_one_vector", "fake_fusions:WideSteps", "steps become (6, 16), expected (6, 8)", base=1),
    bad("fusion", "step_rows_are_independent", "fake_fusions:BatchSteps", "alone and in a batch differs", base=1),
    bad("fusion", "step_padding_does_not_matter", "fake_fusions:CountsPadding", "nine more steps", base=1),
    bad("fusion", "absent_steps_do_not_matter", "fake_fusions:ReadsNothing", "in the place of an absent step", base=1),
    bad("fusion", "present_steps_matter", "fake_fusions:FirstStep", "step 1 of input 0 is present", base=1),
    bad("fusion", "steps_get_their_gradient", "fake_fusions:DetachedSteps", "no gradient", base=1),
    bad("task", "target_resolves", "fake_tasks:NoMetric", "names no metric"),
    bad("task", "import_is_offline", "fake_network:task", OFFLINE),
    bad("task", "targets_have_the_right_shape", "fake_tasks:FlatMask", "the mask is int64"),
    bad("task", "unlabelled_rows_are_masked", "fake_tasks:NanTargets", "would reach the loss"),
    bad("task", "only_unlabelled_rows", "fake_tasks:NeedsLabels", "ZeroDivisionError"),
    bad("task", "unusable_cells_are_problems", "fake_tasks:Raises", "TypeError"),
    bad("task", "head_and_loss_fit", "fake_tasks:MeanLoss", "expected one a row"),
    bad("task", "loss_has_a_gradient", "fake_tasks:WrongWay", "the gradient of the loss is zero"),
    bad("task", "class_weights_fit", "fake_tasks:NegativeWeights", "expected above zero"),
    bad("task", "outputs_fit", "fake_tasks:Overconfident", "confidence is 2.0"),
    bad("task", "scores_take_rows", "fake_tasks:OtherScore", "'rmse' is not among its scores: mae"),
    bad("task", "scores_take_rows", "fake_tasks:NanScore", "its metric, is NaN of all rows"),
    bad("task", "baseline_fits", "fake_tasks:WideBaseline", "baseline(4) is (4, 3)"),
    bad("task", "state_round_trips", "fake_tasks:ForgetsState", "the baseline differs"),
    bad("task", "state_round_trips", "fake_tasks:ArrayState", "state() is not JSON"),
    bad("index", "target_resolves", "fake_indexes:NoSave", "has no method save"),
    bad("index", "target_resolves", "fake_indexes:NoRemove", "has no method remove"),
    bad("index", "import_is_offline", "fake_network:index", OFFLINE),
    bad("index", "answers_the_right_shape", "fake_indexes:Int32", "keys are int32"),
    bad("index", "best_come_first", "fake_indexes:Worst", "scores do not descend"),
    bad("index", "finds_the_nearest", "fake_indexes:Furthest", "recall of the 10 nearest is 0.00"),
    bad("index", "fewer_than_k", "fake_indexes:EmptyFirst", "do not end in -1"),
    bad("index", "few_vectors", "fake_indexes:Hungry", "needs 256 vectors"),
    bad("index", "only_allowed_keys", "fake_indexes:IgnoresAllowed", "that are not allowed"),
    bad("index", "fewer_than_k", "fake_indexes:NoPadding", "keys are (1, 3), expected (1, 5)"),
    bad("index", "removed_keys_are_gone", "fake_indexes:KeepsAll", "removed keys come back"),
    bad("index", "file_round_trips", "fake_indexes:LosesKeys", "keys differ after load(mmap=False)"),
    bad("index", "searches_in_threads", "fake_indexes:SharedQuery", "get other answers"),
    bad("recipe", "spec_is_sane", said="takes is empty", takes=""),
    bad("recipe", "spec_is_sane", said="settings size say nothing", settings={"size": Setting(what="")}),
    bad("recipe", "spec_is_sane", said="the default of size is 'big', and its kind is number", settings=BIG),
    bad("recipe", "target_resolves", "fake_recipes:NoSections", "has no method sections"),
    bad("recipe", "import_is_offline", "fake_network:recipe", OFFLINE),
    bad("recipe", "sample_is_an_application", "fake_recipes:NoTasks", "neither tasks nor interactions"),
    bad("recipe", "sample_is_deterministic", "fake_recipes:Unseeded", "1 files differ: items.csv"),
    bad("recipe", "seed_matters", "fake_recipes:OneSeed", "seeds 0 and 1 give the same files"),
    bad("recipe", "sample_stays_in_its_folder", "fake_recipes:Stray", "into the working directory"),
    bad("recipe", "dry_run_is_billed", "fake_recipes:UnknownEncoder", "cannot be planned: no encoder named 'nobody'"),
    bad("recipe", "sample_can_be_fitted", "fake_recipes:OneLabel", "the sample cannot be fitted"),
    bad("recipe", "card_says_what_it_is_for", "fake_recipes:NoCard", "there is no method card(app)"),
    bad("recipe", "card_says_what_it_is_for", "fake_recipes:NoLimits", "Card.limits is empty"),
    bad("recipe", "card_says_what_it_is_for", "fake_recipes:WrongCard", "Card.intended is empty"),
    bad("recipe", "report_holds_its_sections", "fake_recipes:BareSections", "expected (title, HTML)"),
    bad("recipe", "report_holds_its_sections", "fake_recipes:FailingSections", "AttributeError: "),
    bad("recipe", "report_holds_its_sections", "fake_recipes:FarSections", "from the network"),
    bad("recipe", "answers_from_the_saved_run_alone", "fake_recipes:ReadsItsSample", "FileNotFoundError"),
    bad("loader", "loader_spec_is_sane", said="does not begin with 'web:'", example="model"),
    bad("loader", "target_resolves", "fake_small:number", "cannot be called"),
    bad("loader", "loader_takes_its_keywords", "fake_small:load_without_device", "does not take them"),
    bad("loader", "loader_fetches_and_locates", said="too many positional", base=1, pull="fake_small:healthy"),
    bad("loader", "loader_fetches_and_locates", said="has no 'nothing'", base=1, locate="fake_small:nothing"),
    bad("loader", "import_is_offline", "fake_network:loader", OFFLINE),
    bad(
        "preset", "preset_names_encoders", said="none of nobody is an installed encoder", encoders={"text": ("nobody",)}
    ),
    bad("preset", "preset_names_encoders", said="modality 'smell' is not installed", encoders={"smell": ("plain",)}),
    bad("command", "target_resolves", "fake_small:number", "cannot be called"),
    bad("command", "command_has_help", "fake_small:healthy", "expected click.Command"),
    bad("command", "command_has_help", "fake_small:silent", "the command has no help", name="silent"),
    bad("command", "command_has_help", said="named 'greet', the spec says 'hello'", name="hello"),
    bad("command", "import_is_offline", "fake_network:command", OFFLINE),
    bad("health_check", "target_resolves", "fake_small:number", "cannot be called"),
    bad("health_check", "health_yields_rows", "fake_small:sick", "status is 'bad'"),
    bad("health_check", "import_is_offline", "fake_network:health", OFFLINE),
]


@pytest.fixture(scope="module")
def probe() -> Probe:
    """One fresh process for all specs, good and bad, so that the tests start one and not a hundred."""
    importable = [case.values[2] for case in BAD if case.values[2].target != ABSENT]
    return Probe([spec for specs in GOOD.values() for spec in specs] + importable)


@pytest.mark.parametrize(("kind", "check", "spec", "said"), BAD)
def test_a_bad_component_fails_its_check(kind: str, check: str, spec: Any, said: str, probe: Probe) -> None:
    (found,) = [one for one in CHECKS_OF[kind](spec, probe) if one.name == check]
    result = perform(found)
    assert result.status == "failed", result.detail
    assert said in result.detail
    assert result.detail.startswith(found.about)


SPECS = [pytest.param(kind, spec, id=f"{kind}-{spec.name}") for kind, specs in GOOD.items() for spec in specs]


@pytest.mark.parametrize(("kind", "spec"), SPECS)
def test_a_good_component_passes_all(kind: str, spec: Any, probe: Probe) -> None:
    results = [perform(check) for check in CHECKS_OF[kind](spec, probe)]
    assert [(result.check, result.detail) for result in results if result.status == "failed"] == []
    assert any(result.status == "passed" for result in results)


def test_every_check_has_a_fake_that_fails_it() -> None:
    known = {(kind, check.name) for kind, specs in GOOD.items() for spec in specs for check in CHECKS_OF[kind](spec)}
    assert known == {tuple(case.values[:2]) for case in BAD}


def test_an_unresolved_target_fails_one_check_and_skips_the_others(probe: Probe) -> None:
    spec = dataclasses.replace(GOOD["task"][0], target=ABSENT)
    results = [perform(check) for check in CHECKS_OF["task"](spec, probe)]
    assert [result.check for result in results if result.status == "failed"] == ["target_resolves"]
    assert {result.detail for result in results if result.status == "skipped"} == {"its target does not resolve"}


def test_a_task_that_learns_from_interactions_is_skipped(probe: Probe) -> None:
    spec = dataclasses.replace(GOOD["task"][0], target="fake_tasks:FromInteractions")
    results = [perform(check) for check in CHECKS_OF["task"](spec, probe) if check.name != "import_is_offline"]
    assert {(r.status, r.detail) for r in results} == {("skipped", "learns from interactions, not from a column")}


def test_a_missing_extra_skips(probe: Probe) -> None:
    spec = dataclasses.replace(GOOD["encoder"][0], requires=("no_such_extra",))
    results = [perform(check) for check in CHECKS_OF["encoder"](spec, probe)]
    skipped = [result for result in results if result.status == "skipped"]
    assert {result.detail for result in skipped} == {"needs no_such_extra, which is not installed"}
    assert len(skipped) == len(results) - 1
