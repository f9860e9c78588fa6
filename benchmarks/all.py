"""Every benchmark of this folder in turn, quick by default, and docs/benchmarks.md from what they printed.

    python benchmarks/all.py [--full] [--only NAME ...]      runs them; with --full they are kept in docs/bench/*.txt
    python benchmarks/all.py --docs                          runs nothing: docs/benchmarks.md from docs/bench/*.txt

What needs real data or weights is skipped, and said, where ``MMSDK_REAL`` is not set.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent
KEPT = HERE.parent / "docs" / "bench"
PAGE = HERE.parent / "docs" / "benchmarks.md"
NOT_INSTALLED = 2
VERSIONS = ("torch", "numpy", "faiss-cpu", "transformers", "scikit-learn", "pyarrow")


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """One script.

    :param says: what its table shows, a sentence of the page.
    :param quick: arguments of the quick run; ``full`` of the one that the page shows.
    :param real: it needs ``MMSDK_REAL``.
    :param peers: it stands beside what no part of mmsdk needs, and exits 2 where that is not installed.
    """

    name: str
    title: str
    says: str
    quick: tuple[str, ...] = ()
    full: tuple[str, ...] = ()
    real: bool = False
    peers: bool = False

    def command(self, *, full: bool) -> str:
        """Return the command as one types it."""
        before = "MMSDK_REAL=../shared " if self.real else ""
        return before + " ".join(["python", f"benchmarks/{self.name}.py", *(self.full if full else self.quick)])


ALL = (
    Benchmark(
        name="recommend_ikea",
        title="Recommending furniture for a room",
        says="The command it prints, on real rooms. Half of the items asked for were in no training room. Intervals "
        "are over users; the difference to a baseline is taken on the same resampled users.",
        real=True,
    ),
    Benchmark(
        name="recommend_baskets",
        title="Completing a till basket",
        says="One item of each test basket is asked for, given the others, of 169 kinds of goods. No user, no time, "
        "and hardly any content: what co-occurrence alone can do, and whether content gets in its way.",
        real=True,
    ),
    Benchmark(
        name="recommend_peers",
        title="The recommender beside Cornac's models",
        says="The same pairs, users and metrics as above; settings of every model are chosen on training pairs alone. "
        "No peer is ahead. Most cannot score what no training room shows; `among known` leaves that out for all, and "
        "there mmsdk is not ahead of EASE beyond chance. VBPR, which is given the vectors of photo and texts, can "
        "rank new items and finds fewer of them; likely 2,660 pairs are few for its map of each user, where mmsdk "
        "learns a weight an input.",
        quick=("--only", "EASE", "BPR"),
        real=True,
        peers=True,
    ),
    Benchmark(
        name="interact",
        title="Commands out of a live stream",
        says="Real clips streamed at their true rate to a session, by a speaker that nobody learned from; what hours "
        "of idle talk and idle hands set off, with the upper end of the exact Poisson interval.",
        quick=("--commands", "20", "--choose", "0.17", "--hours", "0.17"),
        real=True,
    ),
    Benchmark(
        name="voices",
        title="Words cut out of noise, music and other talk",
        says="The same spoken words streamed in noise, told by their level alone or by a detector (`vad`), of a "
        "speaker that chose no setting; and what music alone sets off.",
        quick=("--words", "10", "--commands", "10", "--minutes", "1", "--learn", "100"),
        real=True,
    ),
    Benchmark(
        name="evaluation",
        title="Whether the evaluation can be trusted",
        says="Planted wrong labels against what is listed; what a learning curve promised against what more rows "
        "brought; what slices and readings add to a default fit.",
        quick=("--seeds", "1", "--rows", "600"),
        full=("--rows", "900", "--seeds", "2"),
    ),
    Benchmark(
        name="ikea_category",
        title="The category of a product from photo and text",
        says="Balanced accuracy on the table's own test rows, beside linear models on the same vectors.",
        quick=("--seeds", "1"),
        real=True,
    ),
    Benchmark(
        name="peers_tables",
        title="The category again, beside AutoGluon",
        says="AutoGluon-Tabular on the same rows and columns: texts alone, which it reads as n-grams and mmsdk by "
        "MiniLM, and texts with the vectors of the photo that mmsdk sees. mmsdk is ahead beyond chance in both. Its "
        "clock ran on a machine that was busy throughout: compare CPU seconds. With the photo 7 of its 11 models were "
        "done when the limit came. It was given neither MiniLM's vectors nor its stacking presets, which may help it.",
        quick=("--only", "texts", "--seconds", "60", "--seeds", "1", "--presets", "medium_quality"),
        real=True,
        peers=True,
    ),
    Benchmark(
        name="fusion",
        title="Fusions, heads and `auto`",
        says="On six real sets, beside a logistic regression of the best single input and of all inputs side by side, "
        "and a perceptron. `ahead` is the paired difference to the best of those three. On `bench`, whose training "
        "rows are answers of models that had learned from them, nothing here is ahead of the regression beyond chance "
        "(nor of the published late fusion, .867), and on `covid` nothing of the image alone. With what the other set "
        "of actors has of the same clips, and faces and sounds taken relative to their actor (`bench-more-within`), "
        "`mixed` with `blend` is ahead of the regression on the same vectors; that one was the last of five variants "
        "of the inputs to be looked at on these folds, and it needs an actor's clips together.",
        quick=("--sets", "digits", "--models", "gated", "gated, blend head", "--seeds", "1"),
        real=True,
    ),
    Benchmark(
        name="tables",
        title="Tables of numbers alone",
        says="Heads and `auto` on sets that come with scikit-learn, beside the models that one would take first, on "
        "the same folds. `ahead` is against the better of the two.",
        quick=("--sets", "crossed", "--folds", "3"),
    ),
    Benchmark(
        name="alignment",
        title="Photos and texts in one space",
        says="Who finds whom among products of the test split after each way of aligning, and what a text's nearest "
        "photos say of its category; learned on training rows alone.",
        real=True,
    ),
    Benchmark(
        name="joint",
        title="Joint training",
        says="Each way of weighing classes, rows and terms against the default: paired differences over grouped folds "
        "of the training and validation rows.",
        quick=("--sets", "ikea", "--folds", "2", "--settings", "uncertainty"),
        real=True,
    ),
    Benchmark(
        name="confidence",
        title="Do the promises of sets and calibration hold?",
        says="The share of scored rows whose set holds the truth, at three levels and from every subset of the inputs, "
        "with its interval; and the calibration error before and after.",
        quick=("--only", "digits"),
        real=True,
    ),
    Benchmark(
        name="missing",
        title="What a missing input costs",
        says="A model that loses an input at test, beside one that was trained without it; the paired difference.",
        quick=("--sets", "digits"),
        full=("--sets", "ikea"),
        real=True,
    ),
    Benchmark(
        name="explain",
        title="Do explanations explain?",
        says="What the score falls by without the parts that were named first, and without as many drawn at random, "
        "paired by row; the rank correlation with explanations under shuffled weights; and what explaining costs.",
        quick=("--sets", "ravdess", "--rows", "10"),
        real=True,
    ),
    Benchmark(
        name="worth",
        title="Is multimodal worth it? What asking costs",
        says="The whole table of `mmsdk worth` on vectors that are there, and about what the same would take by "
        "scikit-learn, subset by subset. The aim is 60 s on two cores.",
        quick=("--rows", "1000", "--threads", "1"),
        full=("--threads", "1"),
    ),
    Benchmark(
        name="modalities",
        title="What each modality costs",
        says="Seconds of one thread for 1,000 rows, decoding and encoding told apart.",
        quick=("--rows", "16"),
    ),
    Benchmark(
        name="voice_gesture_digits",
        title="A digit shown and spoken",
        says="Test accuracy; the speaker who is scored was heard by no training row.",
        quick=("--seeds", "1"),
        real=True,
    ),
    Benchmark(
        name="voice_gesture_motion",
        title="A command gestured and spoken",
        says="Joint accuracy of forty commands on the validation speaker, whom no training row heard.",
        quick=("--seeds", "1"),
        real=True,
    ),
    Benchmark(
        name="emotion",
        title="Emotions of unseen actors from face and voice: the recipe",
        says="Actor-grouped folds, every choice made inside; what faces and sound together gain over the better one, "
        "and how fast a stream is answered.",
        quick=("--only", "speed"),
        real=True,
    ),
    Benchmark(
        name="fusion_cost",
        title="What each fusion costs",
        says="An epoch of the whole network beside the default's, on vectors and on sequences.",
        quick=("--rows", "200", "--runs", "1", "--steps", "8"),
    ),
    Benchmark(
        name="embedding",
        title="Embedding over a bare forward loop",
        says="Ours gets texts, photos and sounds; the bare loop gets tensors prepared beforehand. A ratio "
        "under 1 is what preparing costs: beside it stand photos that need no resizing.",
        quick=("--rows", "16", "--runs", "2", "--only", "texts,pictures,sounds"),
        real=True,
    ),
    Benchmark(
        name="video",
        title="Decoding videos",
        says="Over a bare loop of PyAV, and the peak memory of long files.",
        quick=("--seconds", "20", "--hours", "1", "--runs", "2"),
    ),
    Benchmark(
        name="onnx_backend",
        title="ONNX as a backend of encoders",
        says="Milliseconds a row by torch and by onnxruntime, and how far the vectors differ.",
        real=True,
    ),
    Benchmark(
        name="fit_overhead",
        title="What `mmsdk.fit` costs",
        says="Over a script written by hand that embeds once with the same encoders and trains the same head; again on "
        "unchanged rows; and single calls of a loaded run. With `MMSDK_REAL` also through MobileNetV2, on few rows: "
        "what does not grow with them (imports, intervals, baselines, report) then weighs more. MISSED means what it "
        "says.",
        quick=("--quick",),
    ),
    Benchmark(
        name="head",
        title="Training the head",
        says="Our loop, which masks, weighs, schedules, validates and keeps the best, beside bare ones.",
        quick=("--runs", "1"),
    ),
    Benchmark(
        name="population",
        title="A population of heads in one batched pass",
        says="64 heads against one, and what one row costs each type of head.",
        quick=("--rows", "800", "--epochs", "4", "--runs", "1"),
        full=("--epochs", "10", "--runs", "2"),
    ),
    Benchmark(
        name="index",
        title="The index over raw FAISS",
        says="What search adds, that opening is quick, and that adding costs by the rows added.",
        quick=("--quick",),
    ),
    Benchmark(
        name="embed_memory",
        title="Memory of embedding",
        says="The peak does not grow with the rows.",
        quick=("--rows", "5000", "20000"),
    ),
    Benchmark(
        name="cache_backends",
        title="Where the embedding cache keeps its vectors",
        says="Why it is an append-only file with a SQLite index: the fastest to write, the smallest, and it needs no "
        "size in advance. LMDB reads faster; embedding is read once a run.",
        quick=("--rows", "20000"),
    ),
    Benchmark(
        name="triage",
        title="Triage: intensive care from a chest picture and the record",
        says="The triage recipe on covid_cxr_record, 66 patients: fusion beside each input alone, error against the "
        "share of cases answered, and what coverage and risk came to. Intervals are over patients.",
        quick=("--folds", "3", "--repeats", "1", "--part", "compare"),
        real=True,
    ),
)


def run(benchmark: Benchmark, *, full: bool) -> tuple[int, str]:
    """Run a benchmark, showing what it prints; return its exit code and the text."""
    paths = os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, str(HERE / f"{benchmark.name}.py"), *(benchmark.full if full else benchmark.quick)]
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    return process.returncode, "".join(lines)


def run_all(chosen: list[Benchmark], *, full: bool) -> int:
    """Run benchmarks in turn; return how many failed."""
    failed = 0
    for benchmark in chosen:
        print(f"\n== {benchmark.title}\n$ {benchmark.command(full=full)}", flush=True)
        if not (HERE / f"{benchmark.name}.py").is_file():
            print(f"skipped: benchmarks/{benchmark.name}.py is not there")
            continue
        if benchmark.real and not os.environ.get("MMSDK_REAL"):
            print("skipped: MMSDK_REAL names no folder of real data and weights")
            continue
        started = time.perf_counter()
        code, text = run(benchmark, full=full)
        print(f"({time.perf_counter() - started:.0f} s)")
        failed += code != 0 and not (benchmark.peers and code == NOT_INSTALLED)
        if full and code == 0:
            KEPT.mkdir(parents=True, exist_ok=True)
            (KEPT / f"{benchmark.name}.txt").write_text(
                f"$ {benchmark.command(full=True)}\n{shown(text)}", encoding="utf-8"
            )
            (KEPT / "machine.txt").write_text(machine() + "\n", encoding="utf-8")
    return failed


def shown(text: str) -> str:
    """Return output with the paths of this machine as a reader would type them."""
    real = os.environ.get("MMSDK_REAL", "").rstrip("/")
    text = text.replace(str(Path(real).resolve()), "../shared").replace(real, "../shared") if real else text
    return re.sub(r"/tmp/tmp[^/\s]+", "/tmp/bench", text)


def machine() -> str:
    """Describe this machine and what the figures depend on."""
    found = next(
        (line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor() or platform.machine(),
    )
    memory = next(
        (int(line.split()[1]) / 2**20 for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0.0
    )
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = ", ".join(f"{name} {version(name)}" for name in VERSIONS)
    return (
        f"{found}, {cores} cores, {memory:.0f} GiB, no GPU, {platform.system()} {platform.machine()}; "
        f"Python {platform.python_version()}, {versions}"
    )


def _lines(path: str) -> list[str]:
    """Return the lines of a file of the system, none where there is no such file."""
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def page() -> str:
    """Return docs/benchmarks.md."""
    described = (KEPT / "machine.txt").read_text("utf-8").strip() if (KEPT / "machine.txt").is_file() else machine()
    parts = [
        "# Benchmarks",
        "",
        "<!-- Made by `python benchmarks/all.py --docs` from docs/bench/*.txt; do not edit. -->",
        "",
        "Each table is what the command above it printed. `make bench` runs all of them quickly (smaller sizes, single "
        "runs); `python benchmarks/all.py --full` runs what stands here and keeps it.",
        "",
        f"Machine: {described}. One thread.",
        "",
        "How to read them. Ratios decide: both sides ran in turn on the same machine, which had other work to do. CPU "
        "seconds and milliseconds change from machine to machine, and by a third from hour to hour on this one; "
        "the fastest and the slowest run stand beside each median. Accuracy, recall and their intervals come out the "
        "same again on the same machine, versions and number of threads; elsewhere the last digits may differ "
        "([determinism](determinism.md)). Nothing here has run on a GPU.",
    ]
    for benchmark in ALL:
        kept = KEPT / f"{benchmark.name}.txt"
        text = kept.read_text("utf-8").strip() if kept.is_file() else ""
        parts += ["", f"## {benchmark.title}", "", benchmark.says, ""]
        if not text:
            parts += [f"Not measured yet: `{benchmark.command(full=True)}`."]
            continue
        head = "" if text.startswith("$ ") else f"$ {benchmark.command(full=True)}\n"
        parts += ["```text", head + text, "```"]
    return "\n".join(parts) + "\n"


def main() -> int:
    """Run, or write the page; return 1 where a benchmark failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="as in docs/benchmarks.md, kept in docs/bench; an hour")
    parser.add_argument("--only", nargs="+", choices=[one.name for one in ALL], help="these alone")
    parser.add_argument("--docs", action="store_true", help="write docs/benchmarks.md from docs/bench, run nothing")
    arguments = parser.parse_args()
    if arguments.docs:
        PAGE.write_text(page(), encoding="utf-8")
        print(PAGE)
        return 0
    chosen = [one for one in ALL if not arguments.only or one.name in arguments.only]
    return 1 if run_all(chosen, full=arguments.full) else 0


if __name__ == "__main__":
    sys.exit(main())
