"""What a head beside the network does not read of an application: refused, or said in a note."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmsdk.app.joint import is_joint
from mmsdk.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mmsdk.app.draft import Draft
    from mmsdk.config import Application

APART = ("linear", "stacked", "boosting", "population")  # they answer without the network; a blend answers with it
FUSING = ("type", "dim", "members", "modality_dropout", "options")
NETWORK = ("learning_rate", "weight_decay", "dropout", "mixup", "unimodal", "balance", "match", "match_loss")
LOOP = ("epochs", "batch_size", "patience", "label_smoothing", "focal_gamma")  # a population reads them too
AS_WEIGHTS = {
    "linear": ("focal",),
    "stacked": ("focal",),
    "boosting": ("focal", "logit_adjustment"),
    "population": (),
}  # what a head takes as `imbalance: weights`


def check_taught(application: Application) -> None:
    """Refuse rules that are to teach a network which answers nothing.

    :raises ConfigError: ``training.rules`` is above 0, and neither the head nor an encoder learns by it.
    """
    head = application.head.type
    if head in APART and teaches_network_alone(application):
        raise ConfigError(
            f"training.rules: it teaches the network, which head {head} answers without; set it to 0 (rules hold for "
            "the answers all the same), or take head plain, ensemble or blend"
        )


def teaches_network_alone(application: Application) -> bool:
    """Return whether rules teach the network and nothing else; an encoder that is tuned learns by them too."""
    tuned = any(one.tune is not None and one.tune.mode != "frozen" for one in application.inputs.values())
    return application.training.rules > 0 and not tuned


def unread_line(draft: Draft) -> str:
    """Return a line about keys that are away from their defaults and that the answers do not depend on; maybe empty.

    Where an encoder was tuned, it learned by these keys, and the answers are made of its vectors.
    """
    head = draft.application.head.type
    found = [] if draft.adapters or head not in APART else list(_unread(draft.application, head))
    if not found:
        return ""
    return (
        f"head {head} does not read {', '.join(found)}: what they do reaches the fused vector (search, the index, "
        "novelty), and no answer"
    )


def _unread(application: Application, head: str) -> Iterator[str]:
    """Yield the keys that a head does not read."""
    training = application.training
    for name, task in application.tasks.items():
        yield from _set(task, f"tasks.{name}", ("weight",))
    if not is_joint(application):  # whose width is that of its encoders
        yield from _set(application.fusion, "fusion", FUSING)
    yield from _set(training, "training", NETWORK)
    if head != "population":
        yield from _set(training, "training", LOOP)
    if training.imbalance in AS_WEIGHTS[head]:
        yield f"training.imbalance: {training.imbalance} (taken as weights)"


def _set(section: Any, key: str, names: tuple[str, ...]) -> Iterator[str]:
    """Yield the keys of a block that are away from their defaults."""
    fields = type(section).model_fields
    for name in names:
        if getattr(section, name) != fields[name].get_default(call_default_factory=True):
            yield f"{key}.{name}"
