"""Commands of an unheard speaker out of a live stream, how long each takes, and what hours of idle talk set off.

    MMSDK_REAL=../shared python benchmarks/interact.py [--confirm 0.3] [--wake volume_up 9]

Real clips of ``voice_gesture_motion`` are streamed at their true rate (sound at 8,000 samples in chunks of 20 ms, the
fingertip at 30 steps a second, which is assumed: the set does not say) on a virtual clock: with noise, silences, a hand
that rests between commands, word and gesture in either order and overlapping, parcels that overtake one another (up to
30 ms) and parcels that are lost (2 %). The scored speaker, and the idle voices that are measured, are in no training
row and chose no threshold. The set's test rows are held back and never read.

Latency is from the end of the later of word and gesture in the clip (of a still hand: of the word) to the event: the
waiting of the runtime (silence that ends a word, jitter) on the virtual clock, and the computing measured on this
machine, in one thread that takes one parcel after the other. What counts is what the user sees first: with
``--confirm`` a whole command is provisional before it is final.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from idle import RATE, conversation, hands, still_hands, talk, wav
from prepare import motion, rows_of
from scipy import stats
from streams import FPS, LOST, NOISE, SHAKEN, Stream, commands_stream, play

import mmsdk

PROMISED = 2.0  # false activations an hour, at most
STREAM = {
    "inputs": {
        "voice": {"segment": "voice", "rate": RATE, "before": 0.25, "shortest": 0.15, "longest": 1.0},
        "motion": {"segment": "motion", "rate": FPS, "still": 0.5, "shortest": 0.2, "longest": 1.5},
    },
    "slots": {
        "action": {"needs": ["motion"], "idle": ["none"], "least": 0.5},
        "argument": {"needs": ["voice"], "idle": ["none"], "least": 0.5},
    },
}
APPLICATION = {
    "id": "id",
    "inputs": {
        "motion": {"column": "motion", "modality": "gesture", "encoder": "gesture-stats"},
        "voice": {"column": "voice", "modality": "audio", "encoder": "mel-stats"},
    },
    "tasks": {
        "action": {"column": "action", "type": "classification"},
        "argument": {"column": "argument", "type": "classification"},
    },
    "split": {"column": "part"},
    "confidence": {"source": "validation"},
    "training": {"imbalance": "none"},
    "stream": STREAM,
}


def table(real: Path, seed: int = 0) -> list[dict]:
    """Return rows to learn from: the commands as a stream would cut them, and pieces of idle talk and idle hands."""
    application = mmsdk.Application.model_validate(APPLICATION)
    draw = np.random.default_rng(seed)
    commands = [row for row in motion(real) if row["split"] == "train"]
    last = max(row["speaker"] for row in commands)
    rows = []
    for row in commands:
        part = "val" if row["speaker"] == last else "train"
        said = padded(wav(Path(row["voice"])) * 10 ** (draw.uniform(-8, 4) / 20), draw)
        rows.append(
            {
                "motion": moved(application, row),
                "voice": first(mmsdk.cut_recording(application, "voice", said), said),
                "action": row["action"],
                "argument": row["digit"],
                "part": part,
            }
        )
    talked = idle_pieces(application, "voice", real, draw)
    idled = [cell for _, _, cell in mmsdk.cut_recording(application, "motion", hands(3600, draw))]
    for number, cell in enumerate(talked):
        other = rows[int(draw.integers(len(commands)))] if number % 2 else {"motion": None, "action": None}
        rows.append({**other, "voice": cell, "argument": "none", "part": "val" if number % 5 == 0 else "train"})
    for number, cell in enumerate(idled[:600]):
        other = rows[int(draw.integers(len(commands)))] if number % 2 else {"voice": None, "argument": None}
        rows.append({**other, "motion": cell, "action": "none", "part": "val" if number % 5 == 0 else "train"})
    return [{"id": str(number), **row} for number, row in enumerate(rows)]


def idle_pieces(application, name, real, draw):
    """Return the pieces of idle talk to learn from, some hours of each source."""
    cells = []
    sources = talk(real, "learn")
    for utterances in [
        one for source in sources.values() for one in [source] * (4 if source is sources["ravdess"] else 8)
    ]:
        cells += [cell for _, _, cell in mmsdk.cut_recording(application, name, conversation(utterances, 1800, draw))]
    return cells


def padded(samples, draw):
    """Return a clip with noise under and around it."""
    quiet = np.zeros(RATE // 2, np.float32)
    whole = np.concatenate([quiet, samples, quiet])
    return (whole + draw.normal(0, NOISE, len(whole))).astype(np.float32)


def first(pieces, samples):
    """Return the longest piece of a clip; the whole clip where a stream would find none."""
    if not pieces:
        return wav_bytes(samples)
    return max(pieces, key=lambda one: one[1] - one[0])[2]


def wav_bytes(samples):
    from mmsdk.stream.answers import wav_of

    return wav_of(samples, RATE)


def moved(application, row):
    """Return a track as the stream would cut it: between two rests."""
    track = np.array(json.loads(row["motion"]))[:, None]
    whole = np.concatenate([np.repeat(track[:1], 12, 0), track, np.repeat(track[-1:], 12, 0)])
    pieces = mmsdk.cut_recording(application, "motion", whole.astype(np.float32))
    return max(pieces, key=lambda one: one[1] - one[0])[2] if pieces else row["motion"]


def scored(events, wanted):
    """Return which commands were answered rightly; of those answered, three waits ``(n, 3)``; and events too many.

    The waits, in seconds from the end of the later of word and gesture: of the runtime alone, with the computing by
    CPU time, and by wall clock.
    """
    finals = [one for one in events if one[0].kind == "final"]
    told = [one for one in events if one[0].kind in ("provisional", "final") and len(one[0].slots) == 2]
    right, waits, used = [], [], 0
    for number, want in enumerate(wanted):
        until = wanted[number + 1]["start"] if number + 1 < len(wanted) else np.inf
        own = [one for one in finals if want["start"] < one[0].t_emitted <= until]
        used += len(own[:1])
        truth = {"action": want["row"]["action"], "argument": want["row"]["digit"]}
        right.append(bool(own) and dict(own[0][0].slots) == truth)
        if own:
            event, wall, cpu = next(one for one in told if one[0].id == own[0][0].id)  # what the user sees first
            waits.append([event.t_emitted - want["end"], cpu - want["end"], wall - want["end"]])
    return np.array(right), np.array(waits).reshape(-1, 3), len(finals) - used


def false_activations(app, parts, hours, seed, settings=None, chunk=0.05, idle_hands=hands):
    """Return finals an hour of idle streams: source -> (finals, hours, counts)."""
    found = {}
    for number, (name, utterances) in enumerate(parts.items()):
        draw = np.random.default_rng([seed, number])
        count, counts = 0, Counter()
        for seconds in session_lengths(hours):
            session = mmsdk.open_session(app, settings, clock=mmsdk.VirtualClock())
            stream = Stream(conversation(utterances, seconds, draw), idle_hands(seconds, draw))
            events, _ = play(session, stream.parcels(draw, chunk=chunk))
            count += sum(one[0].kind == "final" for one in events)
            counts += session.counts
        found[name] = (count, hours, counts)
    return found


def session_lengths(hours: float) -> list[float]:
    """Return the seconds of sessions of an hour, and of what is left."""
    rest = round(hours % 1 * 3600)
    return [3600.0] * int(hours) + ([float(rest)] if rest else [])


def upper(count: int) -> float:
    """Return the upper end of the exact 95 % interval of a Poisson count, one-sided (Garwood 1936)."""
    return float(stats.chi2.ppf(0.95, 2 * (count + 1)) / 2)


def interval(right: np.ndarray) -> tuple[float, float]:
    """Return the exact 95 % interval of a share (Clopper and Pearson 1934)."""
    found = stats.binomtest(int(right.sum()), len(right)).proportion_ci(0.95, "exact")
    return float(found.low), float(found.high)


# -- a user's own commands -------------------------------------------------------------------------------------------


def own_commands(app, rows, folder, draw, count=10):
    """Return accuracy on clips that were not shown of a user's own commands, each taught by ten, and the seconds.

    Each command is one gesture with one word of the unheard speaker; the base run knows neither the speaker nor the
    names.
    """
    wanted = [("volume_up", "1"), ("volume_down", "2"), ("move", "3"), ("stop", "4"), ("volume_up", "7"), ("move", "9")]
    names = {pair: f"own {number}" for number, pair in enumerate(wanted)}
    application = app.application
    shown, asked = [], []
    for pair, name in names.items():
        own = [row for row in rows if (row["action"], row["digit"]) == pair]
        # the set has eight commands of a kind by this speaker: gesture and word are paired anew, from disjoint clips
        motions, words = (
            [row[key] for row in rows if row[column] == value]
            for key, column, value in (("motion", "action", pair[0]), ("voice", "digit", pair[1]))
        )
        assert own
        motions, words = (list(dict.fromkeys(clips)) for clips in (motions, words))
        for place in range(min(len(motions), len(words), 3 * count)):
            said = padded(wav(Path(words[place])), draw)
            row = {
                "motion": moved(application, {"motion": motions[place]}),
                "voice": first(mmsdk.cut_recording(application, "voice", said), said),
                "command": name,
            }
            (shown if place < count else asked).append(row)
    began, cpu = time.perf_counter(), time.process_time()
    taught = mmsdk.teach(app, shown, folder / "own", quiet=True, overwrite=True)
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    answers = taught.predict([{name: row[name] for name in ("motion", "voice")} for row in asked])
    right = np.array([one.outputs["command"].value == row["command"] for one, row in zip(answers, asked, strict=True)])
    taught.close()
    return right, len(names), wall, cpu


# -- a photo of a hand sign beside a spoken digit: both say the same --------------------------------------------------

SIGNS = {
    "id": "id",
    "inputs": {
        "sign": {"column": "sign", "modality": "image"},
        "word": {"column": "word", "modality": "audio", "encoder": "mel-stats"},
    },
    "tasks": {"digit": {"column": "digit", "type": "classification"}},
    "split": {"column": "part"},
    "confidence": {"source": "validation"},
    "stream": {
        "inputs": {
            "word": {**STREAM["inputs"]["voice"]},
            "sign": {"segment": "latest"},
        },
        "slots": {"digit": {"needs": ["word", "sign"], "least": 0.5}},
    },
}


def digits(real, folder, count):
    """Print how often a streamed digit of the unheard speaker is right, with and without the sign beside it."""
    home = real / "data" / "voice_gesture_digits"
    rows = [row for row in rows_of(home / "manifest.csv") if row["split"] != "test"]
    last = max(row["speaker"] for row in rows if row["split"] == "train")
    learned = [
        {
            "id": row["sample_id"],
            "sign": str(home / row["image"]),
            "word": str(home / row["audio"]),
            "digit": row["label"],
            "part": "val" if row["speaker"] == last else "train",
        }
        for row in rows
        if row["split"] == "train"
    ]
    app = mmsdk.fit(SIGNS, learned, folder / "signs", quiet=True, allow_outside=True)
    asked = [row for row in rows if row["split"] == "val"][:count]
    decode = mmsdk.open_modality("image").decode
    for shown in (True, False):
        draw = np.random.default_rng(4)
        right = []
        for row in asked:
            sound = padded(wav(home / row["audio"]), draw)
            session = mmsdk.open_session(app, clock=mmsdk.VirtualClock())
            parcels = Stream(sound, np.zeros((0, 1, 2))).parcels(draw)
            parcels = [(arrival, "word", data, t) for arrival, _, data, t in parcels]
            if shown:
                frame = decode(mmsdk.Media(name=row["image"], path=home / row["image"]))
                parcels += [(t + 0.01, "sign", frame, t) for t in np.arange(0, len(sound) / RATE, 0.2).tolist()]
            events, _ = play(session, sorted(parcels, key=lambda one: one[0]))
            for _ in range(80):
                session.clock.advance(session.clock.now() + 0.02)
                events += [(event, 0.0, 0.0) for event in session.tick()]
            finals = [one[0] for one in events if one[0].kind == "final"]
            right.append(bool(finals) and finals[0].slots["digit"] == row["label"])
        line(f"a spoken digit, unheard speaker, {'with' if shown else 'without'} a sign", np.array(right))
    app.close()


def line(name, right):
    """Print a share with its interval."""
    low, high = interval(right)
    print(f"{name:58s} {right.mean():.3f}  [{low:.3f}, {high:.3f}]  of {len(right)}", flush=True)


def thresholds(app, parts, hours, seed):
    """Return the lowest confidence of an argument that keeps the promise on the talk that chooses it.

    Beside hands that lie still, two false activations an hour at most, by the upper end of the interval.
    """
    for least in (0.5, 0.6, 0.7, 0.8, 0.9, 0.95):
        settings = {"slots": {"argument": {"least": least}}}
        found = false_activations(app, parts, hours, seed, settings, idle_hands=still_hands)
        print(
            f"  choosing: least {least}: "
            + ", ".join(f"{name} {count} in {h:.2f} h" for name, (count, h, _) in found.items())
        )
        if upper(sum(one[0] for one in found.values())) <= PROMISED * sum(one[1] for one in found.values()):
            return least
    return 0.98


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=2.0, help="of idle stream, of each source")
    parser.add_argument(
        "--choose",
        type=float,
        default=2.0,
        help="hours of other idle stream, of each source, that choose",
    )
    parser.add_argument("--commands", type=int, default=320)
    parser.add_argument("--least", type=float, default=None, help="the threshold, where it is chosen already")
    parser.add_argument("--confirm", type=float, default=0.0, help="the key stream.confirm")
    parser.add_argument("--wake", nargs=2, metavar=("ACTION", "ARGUMENT"), help="idle talk finds it asleep until this")
    parser.add_argument("--run", default=None, help="a run fitted before by this script; fitted here where left out")
    parser.add_argument("--skip", default="", help="parts to leave out, of: commands, idle, own, digits")
    arguments = parser.parse_args()
    real = Path(os.environ["MMSDK_REAL"]).resolve()
    draw = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        run = Path(arguments.run) if arguments.run else folder / "run"
        if not run.is_dir():
            mmsdk.fit(APPLICATION, table(real), run, quiet=True).close()
        app = mmsdk.load(run, quiet=True)
        rows = [row for row in motion(real) if row["split"] == "val"]
        least = arguments.least
        if least is None:
            least = thresholds(app, talk(real, "choose"), arguments.choose, seed=11)
        settings = {"slots": {"argument": {"least": least}}, "confirm": arguments.confirm}
        print(f"threshold of the argument, chosen on other idle talk: {least}")
        if "commands" not in arguments.skip:
            stream_of_commands(app, rows, arguments.commands, settings, draw)
        if "own" not in arguments.skip:
            right, count, wall, cpu = own_commands(app, rows, folder, draw)
            line(f"a user's own {count} commands, 10 examples each", right)
            print(f"  taught in {wall:.0f} s by the clock, {cpu:.0f} s of CPU")
        if "idle" not in arguments.skip:
            wake = {"wake": dict(zip(("action", "argument"), arguments.wake, strict=True))} if arguments.wake else {}
            idle_hours(app, talk(real, "measure"), arguments.hours, settings | wake)
        app.close()
        if "digits" not in arguments.skip:
            digits(real, folder, arguments.commands)


def stream_of_commands(app, rows, count, settings, draw):
    """Print accuracy and latency on a stream of commands."""
    chosen = [rows[place] for place in draw.permutation(len(rows))[:count]]
    for name, lost, shaken in (("clean", 0.0, 0.0), ("2 % lost, up to 30 ms of jitter", LOST, SHAKEN)):
        stream, wanted = commands_stream(chosen, np.random.default_rng(2))
        session = mmsdk.open_session(app, settings, clock=mmsdk.VirtualClock())
        events, busy = play(session, stream.parcels(np.random.default_rng(3), lost, shaken))
        right, waits, more = scored(events, wanted)
        line(f"joint accuracy, unheard speaker, {name}", right)
        seconds = len(stream.sound) / RATE
        for place, what in enumerate(("waiting alone", "with computing, CPU time", "with computing, wall clock")):
            p50, p95 = np.percentile(waits[:, place], [50, 95]) * 1e3
            print(f"  latency, {what:28s} p50 {p50:4.0f} ms, p95 {p95:4.0f} ms")
        print(
            f"  answered {len(waits)} of {len(wanted)}, events too many {more}, {seconds:.0f} s of stream in "
            f"{busy:.0f} s of CPU"
        )
        print(f"  {dict(session.counts)}")


def idle_hours(app, parts, hours, settings):
    """Print what idle streams set off, beside hands that lie still and beside hands that fidget, drift and reach."""
    for name, made in (("still hands", still_hands), ("idle hands", hands)):
        tell_idle(name, false_activations(app, parts, hours, 21, settings, idle_hands=made))


def tell_idle(hands_are, found):
    """Print what was set off, by the source of the talk and in all."""
    for name, (count, exposure, counts) in found.items():
        print(
            f"{hands_are}, {name:10s} {count} in {exposure:.2f} h; "
            f"{upper(count) / exposure:.2f} an hour at most (95 %); {dict(counts)}"
        )
    count, exposure = sum(one[0] for one in found.values()), sum(one[1] for one in found.values())
    print(
        f"{hands_are}, all: {count} false activations in {exposure:.2f} h: {count / exposure:.2f} an hour, "
        f"{upper(count) / exposure:.2f} at most (95 %)"
    )


if __name__ == "__main__":
    main()
