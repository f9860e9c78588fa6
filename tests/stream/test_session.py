"""Live data to events, on a virtual clock: pairing, waiting, rejecting, barge-in, waking, and every key."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import mmsdk
from mmsdk.config import load_application

from .listening import RATE, TONES, Stage, answer


def summary(events):
    return [(event.kind, dict(event.slots)) for event in events]


def command(action, argument):
    return {"action": action, "argument": argument}


def test_a_word_and_a_stroke_are_one_command():
    stage = Stage(3).say("two", 1.0).move("left", 1.1).play()
    first, last = stage.events
    assert (first.kind, first.slots, first.modalities_used) == ("provisional", {"argument": "two"}, ("voice",))
    assert (last.kind, last.slots, last.modalities_used) == ("final", command("left", "two"), ("voice", "motion"))
    assert first.id == last.id
    assert last.text == "left two"
    assert last.confidence == 0.8
    assert last.outputs["argument"].confidence == 0.9
    assert last.t_start == pytest.approx(1.0, abs=0.03)
    assert last.t_end == pytest.approx(1.5, abs=0.05)
    assert 0.09 < last.t_emitted - last.t_end < 0.15


def test_an_event_holds_what_it_was_understood_from():
    stage = Stage(3).say("two", 1.0).move("left", 1.1).play()
    first, last = stage.events
    assert list(first.samples) == ["voice"]
    voice, motion = last.samples["voice"], last.samples["motion"]
    assert isinstance(voice, mmsdk.Sound)
    assert voice.rate == RATE
    assert voice.seconds == pytest.approx(0.34, abs=0.03)
    assert isinstance(motion, mmsdk.Landmarks)
    assert len(motion.points) == len(motion.times) > 5
    assert "samples" not in last.as_json()
    assert "array" not in repr(last)
    assert last == stage.events[1]  # arrays are not compared


def test_the_order_does_not_matter_and_commands_follow_each_other():
    stage = Stage(8).move("right", 1.0).say("one", 1.6).say("three", 4.0).move("up", 4.1).play()
    assert [event.slots for event in stage.told("final")] == [command("right", "one"), command("up", "three")]
    assert len({event.id for event in stage.told("final")}) == 2


def test_the_same_stream_gives_the_same_events():
    runs = [Stage(4).say("two", 1.0).move("left", 1.1).play().events for _ in range(2)]
    assert [event.as_json() for event in runs[0]] == [event.as_json() for event in runs[1]]


def test_idle_talk_and_idle_hands_do_nothing():
    stage = Stage(8).say("hum", 1.0).move("left", 3.0).say("hum", 5.0).move("up", 5.1).play().wait(2)
    assert stage.told("final") == []
    assert stage.session.counts["rejected"] == 2


def test_half_a_command_is_told_and_then_cancelled():
    stage = Stage(4).say("two", 1.0).play()
    first, last = stage.events
    assert (first.kind, last.kind, last.reason) == ("provisional", "cancelled", "incomplete")
    assert 2.2 < last.t_emitted < 2.5  # a word that ends at 1.3, and one second of waiting


def test_a_new_word_interrupts_a_command_that_waits():
    stage = Stage(5, wait=2.0).say("two", 1.0).say("three", 1.8).move("left", 1.9).play()
    assert summary(stage.events) == [
        ("provisional", {"argument": "two"}),
        ("cancelled", {"argument": "two"}),
        ("provisional", {"argument": "three"}),
        ("final", command("left", "three")),
    ]
    assert stage.events[1].reason == "barge-in"


def test_what_says_nothing_interrupts_nothing():
    stage = Stage(5, wait=2.0).say("two", 1.0).say("hum", 1.5, 0.2).move("left", 1.6).play()
    assert [event.slots for event in stage.told("final")] == [command("left", "two")]


def test_an_answer_is_ready_when_the_piece_ends():
    stage = Stage(3).say("two", 1.0).play()
    (asked,) = [row for row in stage.ears.asked if "voice" in row]
    assert stage.told("provisional")
    assert asked  # once: at the pause, and not again at the end


class TestArrival:
    """Jitter, drops, and data that is too late."""

    def test_overtaken_data_is_put_in_order(self):
        stage = Stage(3).say("two", 1.0).move("left", 1.1)
        parcels = stage.parcels()
        draw = np.random.default_rng(3)
        shaken = sorted(((a + draw.uniform(0, 0.03), *rest) for a, *rest in parcels), key=lambda one: one[0])
        assert [one[3] for one in shaken] != [one[3] for one in parcels]
        stage.play(shaken)
        assert [event.slots for event in stage.told("final")] == [command("left", "two")]
        assert stage.session.counts["late"] == 0

    def test_without_jitter_nothing_is_waited_for(self):
        stage = Stage(3, jitter=0.0).say("two", 1.0)
        parcels = stage.parcels()
        place = next(n for n, one in enumerate(parcels) if one[1] == "voice" and one[3] > 1.1)
        late = (parcels[place][0] + 0.03, *parcels[place][1:])
        stage.play(sorted([*parcels[:place], *parcels[place + 1 :], late], key=lambda one: one[0]))
        assert stage.session.counts["late"] == 1
        assert stage.session.counts["lost"] == 1

    def test_lost_data_is_borne(self):
        stage = Stage(3).say("two", 1.0).move("left", 1.1)
        draw = np.random.default_rng(5)
        stage.play([one for one in stage.parcels() if draw.random() > 0.1])
        assert [event.slots for event in stage.told("final")] == [command("left", "two")]
        assert stage.session.counts["lost"] > 3

    def test_data_that_is_too_late_is_dropped_and_counted(self):
        for late, dropped in ((0.5, 0), (0.1, 30)):
            stage = Stage(1, late=late)
            stage.play([(a + 0.3, *rest) for a, *rest in stage.parcels()], inputs=("motion",))
            assert stage.session.counts["late"] == dropped

    def test_a_long_hole_ends_a_piece(self):
        stage = (
            Stage(4, missing=0.3)
            .say("two", 1.0, 0.9)
            .play([one for one in Stage(4).say("two", 1.0, 0.9).parcels() if not 1.4 < one[0] < 2.5])
        )
        assert stage.told("provisional")[0].t_end < 1.45

    def test_a_modality_that_stops_is_not_waited_for(self):
        stage = Stage(3).say("two", 1.0)
        stage.play(inputs=("voice",))
        (first, last) = stage.events
        assert last.reason == "incomplete"
        assert last.t_emitted - first.t_emitted < 0.1  # the camera never said anything

    def test_memory_does_not_grow(self):
        stage = Stage(1, inputs={"voice": {"buffer": 2.0}, "motion": {"buffer": 2.0}})
        for second in range(40):
            shifted = [(a + second, name, data, t + second) for a, name, data, t in stage.parcels()]
            stage.play(shifted)
        tracks = stage.session.tracks
        assert tracks["voice"]._ring.read(-1, 99).size == 2 * RATE
        assert len(tracks["motion"]._steps) == 120

    @pytest.mark.parametrize(
        ("name", "data", "t", "message"),
        [
            ("voice", np.zeros((2, 2, 2)), 0, r"float64 \(2, 2, 2\), expected samples"),
            ("voice", np.array([np.nan], np.float32), 0, "NaN or infinite"),
            ("voice", np.array([1, 2]), 0, "int64"),
            ("voice", np.zeros(RATE * 11, np.float32), 0, "11.0 s of sound at once"),
            ("voice", np.zeros(80, np.float32), float("nan"), "with the time nan"),
            ("voice", np.zeros(80, np.float32), 99, "99.0 s ahead of the session's clock"),
            ("motion", "a word", 0, "expected points"),
            ("motion", np.zeros((3, 4)), 0, "expected points"),
            ("motion", np.full((3, 2), np.inf), 0, "infinite points"),
            ("voise", np.zeros(80), 0, "Did you mean 'voice'"),
        ],
    )
    def test_what_is_no_data_is_one_sentence(self, name, data, t, message):
        with pytest.raises(mmsdk.DataError, match=message):
            Stage(1).session.push(name, data, t)

    def test_another_number_of_points_is_refused(self):
        session = Stage(1).session
        session.push_landmarks(np.zeros((21, 2)), 0)
        with pytest.raises(mmsdk.DataError, match=r"\(5, 2\) points, and \(21, 2\) before"):
            session.push_landmarks(np.zeros((5, 2)), 0.03)

    def test_int16_and_stereo_are_sound_too(self):
        stage = Stage(3).say("two", 1.0)
        whole = [
            (a, n, np.stack([(d * 32767).astype(np.int16)] * 2, axis=1), t)
            for a, n, d, t in stage.parcels()
            if n == "voice"
        ]
        assert stage.play(whole).told("provisional")[0].slots == {"argument": "two"}

    def test_without_a_time_it_is_now(self):
        stage = Stage(3).say("two", 1.0)
        for arrival, name, data, _ in stage.parcels():
            if name == "voice":
                stage.clock.advance(arrival)
                stage.session.push_audio(data)
        assert stage.told("provisional")[0].t_end == pytest.approx(1.3, abs=0.03)


class TestKeys:
    """Every key of the stream block acts."""

    def test_hang(self):
        waits = {}
        for hang in (0.1, 0.3):
            (event,) = Stage(3, inputs={"voice": {"hang": hang}}, wait=9.0).say("two", 1.0).play().events
            waits[hang] = event.t_emitted - event.t_end
        assert 0.15 < waits[0.3] - waits[0.1] < 0.25

    def test_before(self):
        """A word in the midst of talk is no command."""
        talk = Stage(4, inputs={"voice": {"before": 0.4}}).say("hum", 1.0).say("two", 1.5).move("left", 1.6).play()
        assert talk.told("final") == []
        assert talk.session.counts["joined"] == 1
        other = Stage(4, inputs={"voice": {"before": 0.0}}).say("hum", 1.0).say("two", 1.5).move("left", 1.6).play()
        assert len(other.told("final")) == 1

    def test_before_of_a_motion(self):
        for before, count in ((0.0, 1), (1.0, 0)):
            stage = Stage(4, inputs={"motion": {"before": before}}).move("up", 1.0).say("two", 2.1).move("left", 2.1)
            assert len(stage.play().told("final")) == count

    def test_shortest_and_longest(self):
        for own, key in (({"shortest": 0.5}, "short"), ({"longest": 0.2}, "long"), ({}, "")):
            stage = Stage(3, inputs={"voice": own}).say("two", 1.0).play()
            assert len(stage.told("provisional")) == (not key)
            assert not key or stage.session.counts[key] == 1

    def test_above(self):
        assert Stage(3, inputs={"voice": {"above": 60.0}}).say("two", 1.0).play().events == []
        assert Stage(3, inputs={"motion": {"above": 2.0}}).move("up", 1.0).play().events == []
        assert Stage(3).move("up", 1.0).play().events != []

    def test_still(self):
        """A hand that rests beside a word is an answer only where that is said."""
        for still, expected in ((0.0, []), (0.5, [command("stop", "two")])):
            stage = Stage(4, inputs={"motion": {"still": still}}).say("two", 1.0).play().wait(2)
            assert [event.slots for event in stage.told("final")] == expected
        moving = Stage(4, inputs={"motion": {"still": 0.5}}).say("two", 1.0).move("left", 1.2).play()
        assert [event.slots for event in moving.told("final")] == [command("left", "two")]

    def test_moved_within(self):
        """A hand that has lain still for long is idle; one that has moved of late is not."""
        for moved_within, moves, count in ((10.0, None, 1), (2.0, None, 0), (2.0, 2.5, 1)):
            stage = Stage(8, inputs={"motion": {"still": 0.5, "moved_within": moved_within}})
            stage = stage if moves is None else stage.move("left", moves)
            stage = stage.say("two", 4.5).play().wait(2)
            assert [event.slots for event in stage.told("final")] == [command("stop", "two")] * count

    def test_gap(self):
        for gap, count in ((0.2, 0), (0.9, 1)):
            stage = Stage(4, gap=gap).say("two", 1.0).move("left", 1.8).play().wait(2)
            assert len(stage.told("final")) == count

    def test_wait(self):
        ends = {wait: Stage(5, wait=wait).say("two", 1.0).play().events[-1].t_emitted for wait in (0.5, 2.0)}
        assert ends[2.0] - ends[0.5] == pytest.approx(1.5, abs=0.05)

    def test_confirm(self):
        """The beginning of a sentence is no command, where silence must stay."""
        slots = {"argument": {"needs": ["voice"], "idle": ["none"]}}
        for confirm, kinds in ((0.0, ["final"]), (0.3, ["provisional", "cancelled"])):
            stage = Stage(4, slots=slots, confirm=confirm, inputs={"voice": {"before": 0.25}}).say("two", 1.0)
            assert [one.kind for one in stage.say("hum", 1.48, 0.8).play().events] == kinds
        stage = Stage(4, slots=slots, confirm=0.3).say("two", 1.0).play()
        first, last = stage.events
        assert (first.kind, last.kind, last.id) == ("provisional", "final", first.id)
        assert first.t_emitted - first.t_end < 0.15
        assert 0.29 < last.t_emitted - last.t_end < 0.35

    def test_repeat(self):
        for repeat, count in ((0.0, 2), (2.0, 1)):
            stage = Stage(5, repeat=repeat).say("two", 1.0).move("left", 1.0).say("one", 2.0).move("up", 2.0).play()
            assert len(stage.told("final")) == count
            assert stage.session.counts["repeated"] == 2 - count
            assert [one.reason for one in stage.told("cancelled")] == ["repeated"] * (2 - count)

    def test_sure(self):
        """Where both inputs say the same, a sure one does not wait for the other."""
        slots = {"argument": {"needs": ["voice", "motion"], "idle": ["none"]}}
        ends = {}
        for sure in (0.85, 1.0):
            stage = Stage(4, slots=slots, sure=sure).say("two", 1.0).play()
            (event,) = stage.told("final")
            ends[sure] = event.t_emitted
        assert ends[0.85] < 1.5
        assert ends[1.0] > 2.2

    def test_slots(self):
        """A task without a slot is no part of a command."""
        stage = Stage(3, slots={"argument": {"needs": ["voice"], "idle": ["none"]}}).say("two", 1.0).play()
        assert [event.slots for event in stage.told("final")] == [{"argument": "two"}]

    def test_needs(self):
        """Without needs, any input answers a slot: the model is asked as it is."""
        for needs, count in (([], 1), (["motion"], 0)):
            slots = {"argument": {"idle": ["none"], "needs": needs}}
            assert len(Stage(4, slots=slots, sure=0.5).say("two", 1.0).play().told("final")) == count

    def test_idle(self):
        for idle, count in (("none", 0), ("nothing", 1)):
            slots = {"argument": {"needs": ["voice"], "idle": idle}}
            assert len(Stage(3, slots=slots).say("hum", 1.0).play().told("final")) == count

    def test_least(self):
        for least, count in ((0.95, 0), (0.5, 1)):
            slots = {"argument": {"needs": ["voice"], "least": least}}
            assert len(Stage(3, slots=slots).say("two", 1.0).play().told("final")) == count

    def test_novelty(self, monkeypatch):
        for novelty, count in ((0.9, 0), (1.0, 1)):
            stage = Stage(3, slots={"argument": {"needs": ["voice"], "novelty": novelty}}).say("two", 1.0)
            strange = mmsdk.Prediction(
                outputs={"argument": answer("two", 0.9, novelty=0.95)}, modalities_used=("voice",)
            )
            stage.ears._one = lambda row, strange=strange: strange
            assert len(stage.play().told("final")) == count

    def test_abstaining_is_no_answer(self):
        stage = Stage(3, slots={"argument": {"needs": ["voice"]}}).say("two", 1.0)
        declined = mmsdk.Output(value=None, probabilities={}, confidence=0.9, abstained=True)
        stage.ears._one = lambda row: mmsdk.Prediction(outputs={"argument": declined}, modalities_used=("voice",))
        assert stage.play().events == []

    def test_commands(self):
        """Names, labels, slots and texts; the first that fits wins, and none is an event of its own."""
        commands = [
            {
                "name": "turn",
                "when": {"action": ["left", "right"]},
                "slots": ["argument"],
                "say": "turn {action} to {argument}",
            },
            {"name": "halt", "when": {"action": "up"}},
        ]
        stage = Stage(9, commands=commands).say("two", 1.0).move("left", 1.1).move("up", 4.0).say("one", 6.9).play()
        first, second = stage.told("final")
        assert (first.command, first.text) == ("turn", "turn left to two")
        assert (second.command, second.text, second.slots) == ("halt", "halt", {"action": "up"})
        assert second.t_emitted < 4.6  # it needs no word, and waits for none

    def test_wake_and_awake(self):
        stage = Stage(20, wake={"argument": "three"}, awake=4.0)
        stage.say("two", 1.0).move("left", 1.0)  # asleep
        stage.say("three", 3.0).say("two", 5.0).move("left", 5.0)  # woken, and asked
        stage.say("one", 12.0).move("left", 12.0).play()  # asleep again
        kinds = [event.kind for event in stage.told("woke", "final", "slept")]
        assert kinds == ["woke", "final", "slept"]
        assert stage.told("slept")[0].t_emitted - stage.told("final")[0].t_emitted == pytest.approx(4.0, abs=0.05)
        assert stage.session.awake is False
        assert stage.session.counts["asleep"] >= 2

    def test_running(self):
        """A command that is being carried out is cancelled by the next one, unless it is done."""
        for running, done, cancelled in ((0.0, False, 0), (5.0, False, 1), (5.0, True, 0)):
            stage = Stage(6, running=running)
            stage.say("two", 1.0).move("left", 1.0).say("one", 3.0).move("up", 3.0)
            parcels = stage.parcels()
            stage.play([one for one in parcels if one[0] < 2])
            if done:
                stage.session.done(stage.told("final")[0].id)
            stage.play([one for one in parcels if one[0] >= 2])
            found = [event for event in stage.told("cancelled") if event.reason == "barge-in"]
            assert len(found) == cancelled
            assert len(stage.told("final")) == 2
            if cancelled:
                assert found[0].id == stage.told("final")[0].id

    def test_latest(self):
        """A frame begins no event, and is seen beside one while it is fresh."""
        for missing, seen in ((0.5, False), (3.0, True)):
            stage = Stage(3, inputs={"frame": {"segment": "latest"}}, missing=missing).say("two", 1.0)
            stage.session.push_frame(b"picture", 0.0)
            stage.play(inputs=("voice",))
            assert [row.get("frame") for row in stage.ears.asked] == ([b"picture"] if seen else [None])

    def test_rate_of_a_voice(self):
        stage = Stage(3, inputs={"voice": {"rate": 2 * RATE}}).say("two", 1.0)
        stage.play([(a, n, np.repeat(d, 2), t) for a, n, d, t in stage.parcels() if n == "voice"])
        assert stage.told("provisional")[0].slots == {"argument": "two"}

    def test_buffer(self):
        """A piece longer than what is kept is cut to it."""
        spans = {}
        for buffer in (0.2, 10.0):
            stage = Stage(3, inputs={"voice": {"buffer": buffer}}).say("two", 1.0, 0.6).play()
            spans[buffer] = len(stage.ears.asked[0]["voice"].samples)
        assert spans[0.2] < spans[10.0] / 2


def test_cancel_takes_back_what_was_told():
    stage = Stage(3, running=9.0).say("two", 1.0)
    stage.play([one for one in stage.parcels() if one[0] < 1.6])
    (event,) = stage.session.cancel()
    assert (event.kind, event.reason) == ("cancelled", "asked")
    assert stage.session.cancel() == []


def test_threads_may_push_at_once():
    stage = (
        Stage(6, late=99.0, missing=99.0, wait=99.0).say("two", 1.0).move("left", 1.1).say("one", 4.0).move("up", 4.1)
    )
    stage.clock.advance(6.0)

    def feed(name):
        for _, own, data, t in stage.parcels():
            if own == name:
                stage.session.push(name, data, t)

    threads = [threading.Thread(target=feed, args=(name,)) for name in ("voice", "motion")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stage.session.counts["late"] == 0
    assert {word for row in stage.ears.asked for word in row} == {"voice", "motion"}


def test_the_names_of_a_stream_are_checked():
    base = {
        "inputs": {"voice": {"column": "voice", "modality": "audio"}},
        "tasks": {"word": {"column": "word", "type": "classification"}},
    }
    stream = {"inputs": {"voice": {"segment": "voice"}}}
    assert load_application({**base, "stream": stream}).stream.inputs["voice"].hang == 0.1
    for wrong, message in (
        ({"inputs": {"voise": {"segment": "voice"}}}, "no input named 'voise'. Did you mean 'voice'"),
        ({**stream, "slots": {"wort": {}}}, "no task named 'wort'"),
        ({**stream, "slots": {"word": {"needs": ["hand"]}}}, "no input named 'hand'"),
        ({**stream, "wake": {"wort": "go"}}, "no task named 'wort'"),
        ({**stream, "commands": [{"name": "go", "when": {"wort": "x"}}]}, "no task named 'wort'"),
        ({**stream, "commands": [{"name": "go", "when": {"word": "x"}, "say": "go {wort}"}]}, "no task named 'wort'"),
        ({**stream, "commands": [{"name": "go"}]}, "should name a task in `when` or in `slots`"),
        ({**stream, "hang": 1.0}, "no key named 'hang'"),
        ({"inputs": {"voice": {"segment": "words"}}}, "voice"),
    ):
        with pytest.raises(mmsdk.ConfigError, match=message):
            load_application({**base, "stream": wrong})


def test_every_tone_is_told_apart():
    """Without this, the stage would prove nothing."""
    for word in TONES:
        events = Stage(3).say(word, 1.0).play().told("provisional")
        assert [event.slots for event in events] == ([] if word == "hum" else [{"argument": word}])
