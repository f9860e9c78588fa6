"""Photos and texts of 2,187 products brought into one space: who finds whom, and what a text's photos say of it.

    MMSDK_REAL=../shared python benchmarks/alignment.py [--seed 0]

``ikea_products``: MobileNetV2 (1280 numbers) and MiniLM (384; name, colour and description, without the words that the
label was made from), both frozen and of no common space. Each aligner learns on the 1,498 training rows, chooses its
strength or stops by the 252 validation rows, and is judged on the 437 test rows: recall at 1, 5 and 10 (mean of text to
photo and photo to text, by cosine, among all 437), linear CKA without bias, the modality gap, each by
``mmsdk.evaluate.alignment`` with 95 % bootstrap intervals over groups of colour variants. ``category``: the balanced
accuracy of a vote of the ten training photos nearest to a test row's text, which is never told a label of a text;
beside it the same vote of the ten nearest training texts, which needs no alignment. Defaults were chosen on a fifth of
the training rows, whole groups, before the test rows were looked at.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np
from sklearn.metrics import balanced_accuracy_score

from mmsdk.align.retrieval import unit
from mmsdk.app.aligning import align_inputs
from mmsdk.app.fitting import open_pipeline, prepare
from mmsdk.config import load_application
from mmsdk.data import Policy
from mmsdk.evaluate.alignment import Judging, score_alignment

ALIGNERS = {
    "none": None,
    "whitening": {"type": "whitening"},
    "procrustes": {"type": "procrustes", "target": "words"},
    "ridge, to words": {"type": "ridge", "target": "words"},
    "ridge, to photo": {"type": "ridge", "target": "photo"},
    "cca": {"type": "cca"},
    "cca, power 0": {"type": "cca", "options": {"power": 0}},
    **{
        f"contrastive, {loss}": {"type": "contrastive", "options": {"loss": loss}}
        for loss in ("infonce", "sigmoid", "consistency", "triplet")
    },
    "contrastive, 2 layers": {"type": "contrastive", "options": {"layers": 2}},
}
NEAREST = 10


def application(real: Path, align: dict | None, seed: int) -> dict:
    """Return the application."""
    photo = f"transformers:{real / 'models' / 'mobilenet-v2-1.0-224-tf2'}"
    return {
        "data": str(real / "data" / "ikea_products" / "manifest.csv"),
        "id": "item_id",
        "inputs": {
            "photo": {"column": "image", "modality": "image", "encoder": photo},
            "words": {"column": ["name", "color", "description"], "modality": "text", "encoder": "minilm"},
        },
        "split": {"column": "split"},
        "tasks": {"label": {"column": "label", "type": "classification"}},
        "training": {"seed": seed},
        **({} if align is None else {"align": align}),
    }


def voted(asked: np.ndarray, offered: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the label that most of the ten nearest have; of equals that of the nearer ones."""
    scores = unit(asked) @ unit(offered).T
    nearest = np.argsort(-scores, axis=1, kind="stable")[:, :NEAREST]
    found = []
    for row, places in enumerate(nearest):
        votes: dict[str, float] = {}
        for place in places:
            votes[labels[place]] = votes.get(labels[place], 0.0) + 1 + 1e-3 * float(scores[row, place])
        found.append(max(votes, key=votes.__getitem__))
    return np.array(found)


def figure(metrics: dict, name: str) -> str:
    """Return ``.163 [.13, .19]``."""
    if name not in metrics:
        return "–".ljust(17)
    one = metrics[name]
    return f"{one['value']:.3f} [{one['low']:.2f}, {one['high']:.2f}]"


def main() -> None:
    """Print a row an aligner."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    real = Path(os.environ["MMSDK_REAL"]).resolve()
    columns = ("recall@1", "recall@5", "recall@10", "cka", "modality_gap")
    print(f"{'aligner':22s} {'  '.join(name.ljust(17) for name in columns)}  category  CPU s  chosen")
    for name, align in ALIGNERS.items():
        described = load_application(application(real, align, arguments.seed))
        pipeline = open_pipeline(described, "cpu", Policy(), quiet=True)
        draft = prepare(pipeline, described.data)
        before, split = draft.embeddings, draft.samples.split
        groups = np.asarray(draft.samples.table.cells("group"), dtype=object)
        labels = np.asarray(draft.samples.table.cells("label"), dtype=object).astype(str)
        started = time.process_time()
        align_inputs(draft)
        took = time.process_time() - started
        judging = Judging(groups=groups, parts=("test",))
        after = draft.embeddings
        metrics = score_alignment(before, after, ["photo", "words"], split, judging=judging)["align photo+words"][
            "test"
        ]
        train, test = split == "train", split == "test"
        photo, words = after.values["photo"], after.values["words"]
        category = "–"
        if photo.shape[1] == words.shape[1]:
            answers = voted(words[test], photo[train], labels[train])
            category = f"{balanced_accuracy_score(labels[test], answers):.3f}"
        chosen = draft.alignment.chosen if draft.alignment is not None else {}
        figures = "  ".join(figure(metrics, one) for one in columns)
        print(f"{name:22s} {figures}  {category:8s}  {took:5.1f}  {chosen or ''}", flush=True)
        if align is None:
            answers = voted(words[test], words[train], labels[train])
            own = balanced_accuracy_score(labels[test], answers)
        pipeline.close()
    chance = 1 / int(test.sum())
    print(f"by chance recall@1 is {chance:.4f}, category {1 / len(set(labels)):.3f}; by the nearest texts: {own:.3f}")


if __name__ == "__main__":
    main()
