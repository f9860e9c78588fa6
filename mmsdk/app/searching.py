"""``search.trials``: fusion, sizes and rates by Optuna, judged on rows a trial did not learn from; survives a kill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.app.choosing import Trials, is_open
from mmsdk.app.joint import is_joint
from mmsdk.app.members import with_room
from mmsdk.app.unread import APART
from mmsdk.errors import ConfigError
from mmsdk.evaluate.out_of_fold import mean_score
from mmsdk.progress import note, progress

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mmsdk.app.choosing import Learn
    from mmsdk.app.draft import Draft
    from mmsdk.config import Application

JOURNAL = "search.journal"
FUSIONS = ("gated", "mixed", "concat", "lowrank", "transformer")
DIMS = (64, 128, 256, 512)
MEMBERS = (1, 2, 4, 8)
RATES: dict[str, tuple[float, float, bool]] = {  # key -> low, high, whether log-uniform
    "training.learning_rate": (3e-4, 1e-2, True),
    "training.weight_decay": (1e-3, 1.0, True),
    "training.dropout": (0.1, 0.7, False),
    "fusion.modality_dropout": (0.0, 0.5, False),
}


def check_search(application: Application) -> None:
    """Refuse a search that has nothing to judge by, or that contradicts another choice.

    :raises ConfigError: the search cannot be made, or Optuna is not installed.
    """
    if not application.search.trials:
        return
    if not application.tasks:
        raise ConfigError("search.trials needs a task whose labels say what is better; add one, or leave search out")
    if is_open(application):
        raise ConfigError("search.trials and auto both choose: name the type of fusion and head, or leave search out")
    if is_joint(application):
        raise ConfigError(f"search.trials: fusion {application.fusion.type} learns nothing; leave search out")
    if application.head.type in APART:
        raise ConfigError(
            f"search.trials: it tries fusions and settings of the network, which head {application.head.type} answers "
            "without, so that all trials would answer alike; leave search out, or take head plain, ensemble or blend"
        )
    _optuna()


def search(draft: Draft, folder: Path, learn: Learn) -> None:
    """Put the best settings that so many trials found into the draft's application.

    The first trial is the application as it is written, so that a search never ends below it on the rows that judge.
    Trials are drawn by TPE (Bergstra et al. 2011), each from a seed of its own; where folds judge, one that is below
    the median of those before after some folds is given up. Every trial stands in a journal as soon as it is done: a
    search that is interrupted goes on, and ends as if it had not been.

    :param folder: where the journal and the checkpoints lie.
    """
    application, wanted = draft.application, draft.application.search.trials
    if not wanted:
        return
    trials, optuna = Trials(draft, folder, learn), _optuna()
    study = _study(optuna, folder, application)
    with progress(wanted, "searching", draft.pipeline.quiet, unit="trial") as bar:
        while (number := _done(study, optuna)) < wanted:
            study.sampler = optuna.samplers.TPESampler(seed=application.training.seed + number, n_startup_trials=5)
            _try(study, trials, application, optuna)
            bar.update(1)
    best = study.best_trial
    draft.searched = {"trials": wanted, "judged_by": trials.judged_by, "score": best.value, "found": dict(best.params)}
    draft.application = draft.pipeline.application = changed(application, best.params)
    found = ", ".join(
        f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}" for key, value in best.params.items()
    )
    note(f"search: {best.value:.3f} by {trials.judged_by} with {found}", draft.pipeline.quiet)


def changed(application: Application, found: Mapping[str, Any]) -> Application:
    """Return the application with dotted settings in their places, no more members than fit, and nothing to search."""
    blocks: dict[str, dict[str, Any]] = {"search": {"trials": 0}}
    for key, value in found.items():
        block, _, name = key.partition(".")
        blocks.setdefault(block, {})[name] = value
    if found.get("fusion.type", application.fusion.type) != application.fusion.type:
        blocks["fusion"]["options"] = {}  # they belong to the type that was named
    updates = {block: getattr(application, block).model_copy(update=one) for block, one in blocks.items()}
    return with_room(application.model_copy(update=updates), quiet=True)


def _study(optuna: Any, folder: Path, application: Application) -> Any:
    """Return the study of the folder, begun with the application as it is; one of other settings is begun anew."""
    folder.mkdir(parents=True, exist_ok=True)
    storages = optuna.storages
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage=storages.JournalStorage(storages.journal.JournalFileBackend(str(folder / JOURNAL))),
        study_name=application.model_copy(update={"search": None}).model_dump_json(),
        direction="maximize",
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=3),
    )
    for left in study.trials:
        if left.state == optuna.trial.TrialState.RUNNING:  # killed in it
            study.tell(left.number, state=optuna.trial.TrialState.FAIL)
    waits = any(one.state == optuna.trial.TrialState.WAITING for one in study.trials)
    if not waits and not _done(study, optuna):
        study.enqueue_trial(_written(application))
    return study


def _done(study: Any, optuna: Any) -> int:
    """Return how many trials were judged; one that was killed was not, and is drawn again."""
    judged = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
    return sum(one.state in judged for one in study.trials)


def _written(application: Application) -> dict[str, Any]:
    """Return what the application itself says of everything that is searched."""
    keys = ("fusion.type", "fusion.dim", "fusion.members", *RATES)
    parts = (key.partition(".") for key in keys)
    return {f"{block}.{name}": getattr(getattr(application, block), name) for block, _, name in parts}


def _try(study: Any, trials: Trials, application: Application, optuna: Any) -> None:
    """Do one trial."""
    trial, own = study.ask(), _written(application)

    def one_of(key: str, offered: tuple[Any, ...]) -> Any:
        return trial.suggest_categorical(key, sorted({*offered, own[key]}))

    found = {
        "fusion.type": one_of("fusion.type", FUSIONS),
        "fusion.dim": one_of("fusion.dim", DIMS),
        "fusion.members": one_of("fusion.members", MEMBERS),
    }
    for key, (low, high, log) in RATES.items():
        found[key] = trial.suggest_float(key, min(low, own[key]), max(high, own[key]), log=log and own[key] > 0)
    training = application.training.model_copy(update={"refit": False, "tensorboard": False})
    drawn = changed(application.model_copy(update={"training": training, "interactions": None}), found)
    logits: dict[str, np.ndarray] = {}
    judged: list[np.ndarray] = []
    score = float("nan")
    for number, (split, asked) in enumerate(trials.splits):
        for task, one in trials.answers(drawn, split, asked, f"trial-{trial.number}-{number}").items():
            logits.setdefault(task, np.zeros((len(split), one.shape[1]), np.float32))[asked] = one
        judged.append(asked)
        score = mean_score(trials.targets, np.sort(np.concatenate(judged)), logits)
        trial.report(score, number)
        if number + 1 < len(trials.splits) and trial.should_prune():
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            return
    study.tell(trial, score)


def _optuna() -> Any:
    """Return the library, or say what to install."""
    try:
        import optuna
        import optuna.storages.journal
    except ImportError as error:
        raise ConfigError(
            "search.trials is above 0, and Optuna is not installed: pip install 'mmsdk[search]', or leave search out"
        ) from error
    return optuna
