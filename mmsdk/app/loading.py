"""``mmsdk.load``: a run directory back into an application, or a sentence why not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mmsdk.app.aligning import restore_maps
from mmsdk.app.application import App
from mmsdk.app.device import device_of
from mmsdk.app.encoders import open_encoders
from mmsdk.app.heads import read_boosters
from mmsdk.app.joint import query_encoders, with_queries
from mmsdk.app.origins import require_modalities, require_plugins, with_components
from mmsdk.app.pipeline import Pipeline
from mmsdk.app.tuning import restore_tuned
from mmsdk.confidence import restored
from mmsdk.config import Application, load_application
from mmsdk.data import Policy
from mmsdk.embed.within import Usual
from mmsdk.errors import EncoderError
from mmsdk.heads import restore_head
from mmsdk.model import Run, load_net_arrays, load_run, offered_options, open_task
from mmsdk.plugins import get_registry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmsdk.confidence import Confidence
    from mmsdk.embed import OpenEncoder
    from mmsdk.model import JointNet
    from mmsdk.tasks.ranking import Ranker


def load(
    folder: str | Path,
    *,
    device: str = "auto",
    on_bad_row: Literal["error", "skip"] = "error",
    allow_outside: bool = False,
    allow_remote: bool = False,
    quiet: bool = False,
) -> App:
    """Load a run directory.

    :param folder: what :func:`mmsdk.fit` or a recipe wrote; it may have been moved.
    :param device: where encoders and network run; ``auto`` takes CUDA where there is one.
    :param on_bad_row, allow_outside, allow_remote, quiet: as of :func:`mmsdk.fit`, for the rows that it is asked.
    :raises RunError: no run lies there, it is damaged, or of another schema version.
    :raises PluginError: a plugin that the run was made with is not installed here.
    :raises EncoderError: an encoder or a modality here is not the one that the run was made with.
    """
    folder = Path(folder)
    run = load_run(folder)
    require_plugins(folder, run.document.get("plugins", {}), quiet=quiet)
    application = with_components(load_application(run.document["application"]), run.document.get("components", {}))
    require_modalities(folder, application, run.document["inputs"])
    place = device_of(device)
    encoders = open_encoders(_named(application, run.document["inputs"]), place)
    restore_tuned(encoders, run)
    _restore(encoders, run.document["inputs"], folder)
    policy = Policy(on_bad_row=on_bad_row, allow_outside=allow_outside, allow_remote=allow_remote)
    pipeline = Pipeline(
        application=application, encoders=encoders, device=place, policy=policy, quiet=quiet, auto=device == "auto"
    )
    pipeline.columns = run.document["data"]["columns"]
    pipeline.numbers = run.document["data"].get("numbers", {})  # of runs that did not note it, each table is guessed
    pipeline.listed = run.document["data"].get("listed")
    pipeline.units = run.document["data"].get("units", {})
    pipeline.usual = {
        name: Usual(**run.part(f"within.{name}")) for name, entry in application.inputs.items() if entry.within
    }
    tasks = _tasks(application, run.document["tasks"])
    pipeline.open_rules(tasks)
    queries = query_encoders(application, encoders, place)
    if queries:
        pipeline.encoders = {**encoders, **queries}
        pipeline.in_use = with_queries(application, queries)
    pipeline.maps = restore_maps(run)
    pipeline.net = pipeline.build_net(tasks, pipeline.dims()).to(pipeline.head_device)
    _attach(pipeline.net, run, folder)
    load_net_arrays(pipeline.net, run.part("net"))
    pipeline.net.eval()
    return App(folder, run.document, pipeline, tasks, _ranker(run), _confidence(run))


def _named(application: Application, inputs: Mapping[str, Any]) -> Application:
    """Return the application with the encoders that the run took, whatever is installed or preferred by now."""
    entries = {
        name: entry.model_copy(update={"encoder": _own_name(inputs[name])})
        for name, entry in application.inputs.items()
    }
    return application.model_copy(update={"inputs": entries})


def _own_name(made_with: Mapping[str, Any]) -> str:
    """Return the name of an encoder, with its plugin where another one declares the same name by now."""
    plugin = made_with["origin"].split(" ")[0]
    return get_registry().preferred("encoder", made_with["encoder"], plugin)


def _restore(encoders: Mapping[str, OpenEncoder], inputs: Mapping[str, Any], folder: Path) -> None:
    """Give fitted encoders what they learned, and refuse an encoder that is not the one of the run."""
    for name, encoder in encoders.items():
        if encoder.fingerprint != inputs[name]["fingerprint"]:
            raise EncoderError(
                f"{folder}: input {name!r} was embedded by {inputs[name]['encoder']!r} of {inputs[name]['origin']}, "
                f"and {encoder.name!r} of {encoder.origin} is installed here, whose weights or version differ; "
                "install the one it was made with, or fit again"
            )
        if encoder.fitted:
            encoder.load_state(inputs[name]["state"])


def _tasks(application: Application, states: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tasks with their label sets."""
    tasks = {}
    for name, entry in application.tasks.items():
        tasks[name] = open_task(get_registry().get("task", entry.type), offered_options(application.training, entry))
        tasks[name].load_state(states[name]["state"])
    return tasks


def _attach(net: JointNet, run: Run, folder: Path) -> None:
    """Put the heads beside the network in their places, where the run has any."""
    heads = {
        name: restore_head(
            document, run.part(f"net.beside.{place}"), read_boosters(folder, place, document.get("boosters", 0))
        )
        for place, (name, document) in enumerate(run.document.get("heads", {}).items())
    }
    net.attach({name: head.to(net.device) for name, head in heads.items()})


def _confidence(run: Run) -> Confidence | None:
    """Return what was calibrated, where the run was."""
    document = run.document.get("confidence")
    return None if document is None else restored(document, run.part("confidence"))


def _ranker(run: Run) -> Ranker | None:
    """Return the ranker, where the run has one."""
    ranking = run.document.get("ranking")
    if ranking is None:
        return None
    from mmsdk.tasks.ranking import Ranker

    return Ranker.load(run.part("ranker"), ranking["state"])
