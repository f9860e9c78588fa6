"""What ``mmsdk.fit`` costs over a script written by hand: the first time, and again on unchanged rows.

    python benchmarks/fit_overhead.py [--quick] [--rows 2000] [--epochs 20] [--runs 5]

Made-up rows with a JPEG and a text each, 13 labels. Every run is a process of its own with one thread; CPU seconds of
the whole process, medians of interleaved runs. Text goes through the packaged MiniLM, pictures through
``colour-shape``, and where ``MMSDK_REAL`` names the folder of real data, in a second table, through MobileNetV2.

* *by hand*: opens the same encoders, embeds each row once in sorted batches, trains the same network with AdamW in the
  same batches for the same epochs in a bare loop, keeps the best on validation accuracy. No intervals, baselines,
  subsets, audit, index, report, no cache, no match term, no dropped inputs.
* *by hand, plain head*: the same with a head of a few torch layers (a projection an input, gates, one linear layer).
* *first fit*: ``mmsdk.fit`` with an empty cache and everything it does by default, early stopping off.
* *second fit*: the same again. It must call no encoder (counted), and cost at most 2 s beyond imports; what imports
  cost is measured in a process that imports the same modules and ends.
* *load*: ``mmsdk.load``, then single ``predict`` and ``search`` beside what they cannot do without: the two encoders on
  one row and the bare forward pass of the network.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from turns import cpu, in_turn, timed

if TYPE_CHECKING:
    from collections.abc import Callable

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"

ROOT = Path(__file__).resolve().parents[1]
COLOURS = (
    "red",
    "green",
    "blue",
    "yellow",
    "black",
    "white",
    "orange",
    "violet",
    "brown",
    "grey",
    "pink",
    "teal",
    "beige",
)
NOUNS = ("lamp", "chair", "table", "shelf", "rug", "sofa", "clock", "vase", "bed", "stool", "desk", "mirror")
WORDS = (
    "solid",
    "light",
    "modern",
    "classic",
    "small",
    "large",
    "soft",
    "durable",
    "handmade",
    "washable",
    "easy",
    "oak",
)
MOBILENET = "models/mobilenet-v2-1.0-224-tf2"
FIRST_RATIO, SECOND_SECONDS = 1.10, 2.0


def write_rows(folder: Path, rows: int) -> None:
    """Write ``rows.csv`` and its pictures: a coloured disc or square on noise, and a description."""
    import csv

    import numpy as np
    from PIL import Image, ImageColor, ImageDraw

    rng = np.random.default_rng(0)
    (folder / "photos").mkdir(parents=True)
    with (folder / "rows.csv").open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(["id", "photo", "title", "label", "split"])
        for row in range(rows):
            label, noun = int(rng.integers(len(COLOURS))), NOUNS[int(rng.integers(len(NOUNS)))]
            seen = label if rng.random() < 0.6 else int(rng.integers(len(COLOURS)))
            said = label if rng.random() < 0.6 else int(rng.integers(len(COLOURS)))
            picture = Image.fromarray(rng.integers(90, 190, (240, 320, 3), dtype=np.uint8))
            colour = ImageColor.getrgb(COLOURS[seen])
            draw, (x, y) = ImageDraw.Draw(picture), rng.integers(20, 120, 2).tolist()
            (draw.ellipse if row % 2 else draw.rectangle)((x, y, x + 110, y + 100), fill=colour)
            picture.save(folder / "photos" / f"{row}.jpg", quality=85)
            words = " ".join(rng.choice(WORDS, int(rng.integers(4, 14))))
            title = f"{noun} number {row}, {words}, comes in {COLOURS[said]}"
            part = "test" if row % 5 == 0 else "val" if row % 10 == 1 else "train"
            table.writerow([f"r{row}", f"photos/{row}.jpg", title, f"kind {label}", part])


def application(image: str, epochs: int) -> dict[str, Any]:
    """Return the application, its early stopping off."""
    return {
        "id": "id",
        "inputs": {
            "photo": {"column": "photo", "modality": "image", "encoder": image},
            "title": {"column": "title", "modality": "text", "encoder": "minilm"},
        },
        "tasks": {"label": {"column": "label", "type": "classification"}},
        "split": {"column": "split"},
        "training": {"epochs": epochs, "patience": epochs},
    }


def ours(folder: Path, image: str, epochs: int) -> dict[str, Any]:
    """Fit, counting what the encoders are given."""
    import mmsdk
    from mmsdk.embed import branch

    given = []
    encode = branch.encode_batch

    def counted(opened: Any, batch: Any, place: Any) -> Any:
        given.append(len(batch))
        return encode(opened, batch, place)

    branch.encode_batch = counted
    learned = time_learning()
    with tempfile.TemporaryDirectory() as out:
        app = mmsdk.fit(application(image, epochs), data=folder / "rows.csv", out=Path(out) / "run", quiet=True)
        metrics = json.loads((app.folder / "metrics.json").read_text("utf-8"))["label"]
        app.close()
    spent = cpu()
    (folder / "modules.json").write_text(json.dumps(list(sys.modules)), encoding="utf-8")
    return {
        "cpu": spent,
        "given": sum(given),
        "calls": len(given),
        "learned": sum(learned),
        "accuracy": metrics["test"]["accuracy"]["value"],
    }


def time_learning() -> list[float]:
    """Note the CPU seconds of each training in the list that is returned."""
    import torch._dynamo  # noqa: F401 - any optimiser of torch imports it, two seconds that are no training

    from mmsdk.app import fitting

    spent: list[float] = []
    train = fitting.fit_heads

    def watched(*given: Any, **named: Any) -> Any:
        started = cpu()
        result = train(*given, **named)
        spent.append(cpu() - started)
        return result

    fitting.fit_heads = watched
    return spent


def imports(folder: Path, image: str, epochs: int) -> dict[str, Any]:
    """Import what the last fit had imported by its end, and nothing else."""
    import contextlib
    import importlib
    import warnings

    warnings.simplefilter("ignore")
    for name in json.loads((folder / "modules.json").read_text("utf-8")):
        with contextlib.suppress(Exception):  # names that modules gave themselves or were given by hand
            importlib.import_module(name)
    return {"cpu": cpu()}


def load_latency(folder: Path, image: str, epochs: int) -> dict[str, Any]:
    """Load a run and answer single rows."""
    import mmsdk

    with tempfile.TemporaryDirectory() as out:
        run = Path(out) / "run"
        mmsdk.fit(application(image, epochs), data=folder / "rows.csv", out=run, quiet=True).close()
        started = cpu()
        app = mmsdk.load(run, quiet=True)
        loaded = cpu() - started
        works = single_calls(app, folder)
        started = cpu()
        for work in works.values():
            work()
        first = cpu() - started
        found = in_turn({name: lambda work=work: timed(work, times=10) for name, work in works.items()}, 7)
        app.close()
    return {"load": loaded, "first": first, "works": found}


def single_calls(app: Any, folder: Path) -> dict[str, Callable[[], Any]]:
    """Return what a loaded application is asked for one row, each beside what it cannot do without."""
    import numpy as np

    import mmsdk
    from mmsdk.model import infer

    row = {"photo": "photos/3.jpg", "title": "a small red lamp of solid oak"}
    encoders = {name: one.encoder for name, one in app.pipeline.encoders.items()}
    decode = mmsdk.open_modality("image").decode
    media = mmsdk.Media(name=str(folder / row["photo"]), path=folder / row["photo"])

    def encode_text() -> Any:
        return encoders["title"].encode([row["title"]], "text")

    def encode() -> dict[str, Any]:
        return {"photo": encoders["photo"].encode([decode(media)], "image"), "title": encode_text()}

    values = encode()
    present = {name: np.ones(1, bool) for name in values}
    vectors = app.embed([row], root=folder)
    return {
        "predict, photo + text": lambda: app.predict([row], root=folder),
        "  the encoders and the forward pass alone": lambda: infer(app.pipeline.net, encode(), present),
        "  the forward pass alone": lambda: infer(app.pipeline.net, values, present),
        "predict, text": lambda: app.predict([{"title": row["title"]}]),
        "  the text encoder alone": encode_text,
        "search, text, k 10": lambda: app.search({"title": row["title"]}, k=10),
        "search by id, k 10": lambda: app.search(id="r3", k=10),
        "index.search, vector, k 10": lambda: app.index.search(vectors, 10),
    }


def by_hand(folder: Path, image: str, epochs: int) -> dict[str, Any]:
    """Do the same in plain torch."""
    import hand

    return hand.learn(folder, image, epochs, application(image, epochs))


WORKERS = {"by hand": by_hand, "first fit": ours, "second fit": ours, "imports": imports, "load": load_latency}


def spawn(name: str, folder: Path, cache: Path, arguments: Any, image: str) -> dict[str, Any]:
    """Run one worker in a process of its own."""
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "MMSDK_CACHE_DIR": str(cache), "PYTHONPATH": paths}
    command = [sys.executable, __file__, "--worker", name, str(folder), image, "--epochs", str(arguments.epochs)]
    answer = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    if answer.returncode:
        raise SystemExit(f"{name}: exit {answer.returncode}\n{answer.stderr}")
    found: dict[str, Any] = json.loads(answer.stdout.strip().splitlines()[-1])
    return found


def compare(folder: Path, arguments: Any, image: str, rows: int) -> None:
    """Run the workers in turn and print their table."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in WORKERS if name != "load"}
    for run in range(arguments.runs):
        cache = folder / f"cache-{run}-{Path(image).name}"
        for name, runs in found.items():
            runs.append(spawn(name, folder, cache, arguments, image))
    found = {"by hand": [], "by hand, plain head": found.pop("by hand"), **found}
    found["by hand"] = [{**one, "cpu": one["same"]} for one in found["by hand, plain head"]]
    middle = {name: statistics.median(one["cpu"] for one in runs) for name, runs in found.items()}
    shown = image if ":" not in image else f"{image.partition(':')[0]}:{Path(image).name}"
    print(f"\n{rows:,} rows x {arguments.epochs} epochs, photo by {shown}, text by minilm; one thread, CPU seconds")
    print(f"{'':20s}{'median':>9}{'  fastest .. slowest':22}{'beyond imports':>16}{'encoded':>9}{'accuracy':>10}")
    for name, runs in found.items():
        spent = [one["cpu"] for one in runs]
        line = f"{name:20s}{middle[name]:9.2f}{f'  {min(spent):.2f} .. {max(spent):.2f}':22}"
        if name in ("first fit", "second fit"):
            line += f"{middle[name] - middle['imports']:16.2f}{runs[0]['given']:9,}{runs[0]['accuracy']:10.3f}"
        elif name == "by hand, plain head":
            line += f"{'':16}{2 * rows:9,}{runs[0]['accuracy']:10.3f}"
        print(line)
    ratio = middle["first fit"] / middle["by hand"]
    print(f"first fit / by hand: {ratio:.2f} x (at most {FIRST_RATIO} x) {_said(ratio <= FIRST_RATIO)}", end="; ")
    print(f"/ by hand, plain head: {middle['first fit'] / middle['by hand, plain head']:.2f} x")
    heads = [[runs["head"], runs["same"] - runs["cpu"] + runs["head"]] for runs in found["by hand, plain head"]]
    plain, same = (statistics.median(one[place] for one in heads) for place in (0, 1))
    learned = statistics.median(one["learned"] for one in found["second fit"])
    print(f"of this training: plain head {plain:.2f} s, same network bare {same:.2f} s, mmsdk {learned:.2f} s")
    calls, beyond = max(one["calls"] for one in found["second fit"]), middle["second fit"] - middle["imports"]
    good = calls == 0 and beyond <= SECOND_SECONDS
    print(f"second fit: {calls} encoder calls (none), {beyond:.2f} s beyond imports (at most 2 s) {_said(good)}")
    if arguments.latency:
        latency(spawn("load", folder, folder / f"cache-0-{Path(image).name}", arguments, image))


def latency(found: dict[str, Any]) -> None:
    """Print what single calls cost."""
    load, first = found["load"] * 1e3, found["first"] * 1e3
    print(
        f"load {load:.0f} ms (in the process that fitted); the first call of each line below, together {first:.0f} ms"
    )
    base = statistics.median(found["works"]["  the encoders and the forward pass alone"])
    text = statistics.median(found["works"]["  the text encoder alone"])
    for name, spent in found["works"].items():
        middle = statistics.median(spent)
        of = base if "photo" in name or "forward pass" in name else text if "text" in name else 0.0
        ratio = f"{middle / of:8.2f} x" if of else ""
        print(f"{name:44s}{middle * 1e3:8.2f} ms  ({min(spent) * 1e3:.2f} .. {max(spent) * 1e3:.2f}){ratio}")


def _said(good: bool) -> str:
    """Return the verdict."""
    return "ok" if good else "MISSED"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one run of each; 300 rows through MobileNetV2")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--real-rows", type=int, help="rows through MobileNetV2, slow; 0 leaves it out")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--runs", type=int)
    parser.add_argument("--no-latency", dest="latency", action="store_false")
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        name, folder, image = arguments.worker
        print(json.dumps(WORKERS[name](Path(folder), image, arguments.epochs)))
        return
    arguments.runs = arguments.runs or (1 if arguments.quick else 5)
    real = os.environ.get("MMSDK_REAL")
    real_rows = (300 if arguments.quick else 1000) if arguments.real_rows is None else arguments.real_rows
    cases = [("colour-shape", arguments.rows)] if arguments.rows else []
    if real:
        cases += [(f"transformers:{Path(real).resolve() / MOBILENET}", real_rows)] if real_rows else []
    for image, rows in cases:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            write_rows(folder, rows)
            compare(folder, arguments, image, rows)
    if not real:
        print("\nMobileNetV2: skipped, MMSDK_REAL names no folder with its weights")


if __name__ == "__main__":
    main()
