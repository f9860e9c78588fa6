"""The Hugging Face hub: what of it is on this machine, and fetching the rest; its errors in one sentence."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmsdk import EncoderError, models_home

if TYPE_CHECKING:
    from collections.abc import Iterator

HUB_ID = re.compile(r"(?P<repo>[\w.-]+(?:/[\w.-]+)?)(?:@(?P<revision>[\w./-]+))?")
FETCHED = ("*.json", "*.txt", "*.model", "*.safetensors")
OTHER_RUNTIMES = ("onnx", "openvino")  # folders of the same weights for others
IGNORED = (*(f"{folder}/*" for folder in OTHER_RUNTIMES), "open_clip*")  # LAION's models come twice in a repository


def is_offline() -> bool:
    """Return whether ``HF_HUB_OFFLINE`` is set."""
    return os.environ.get("HF_HUB_OFFLINE", "").strip().lower() in ("1", "true", "yes", "on")


def snapshot(
    repo: str, revision: str | None, *, folder: Path | None = None, trusted: bool = False, local: bool | None = None
) -> Path:
    """Return the hub's files of a model: in its cache, or in ``folder``.

    :param trusted: Python code, too.
    :param local: ask nothing of the network; by default as ``HF_HUB_OFFLINE`` says.
    :raises Exception: whatever the library raises; see :func:`reaching`.
    """
    from huggingface_hub import snapshot_download

    found: Any = snapshot_download(
        repo,
        revision=revision,
        local_dir=folder,
        local_files_only=is_offline() if local is None else local,
        allow_patterns=[*FETCHED, *(["*.py"] if trusted else [])],
        ignore_patterns=list(IGNORED),
    )
    return Path(found)


@contextlib.contextmanager
def reaching(name: str, repo: str, hint: str) -> Iterator[None]:
    """Turn what the library raises into one sentence.

    :param name: ``scheme:reference``, for messages.
    :param hint: what to do where the hub cannot be reached.
    """
    from huggingface_hub.errors import (
        GatedRepoError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        yield
    except GatedRepoError as error:
        raise EncoderError(
            f"{name}: accept its licence on https://huggingface.co/{repo}, then `hf auth login`"
        ) from error
    except RevisionNotFoundError as error:
        raise EncoderError(
            f"{name}: the hub's {repo} has no such revision; see its page for tags and commits"
        ) from error
    except RepositoryNotFoundError as error:
        raise EncoderError(f"{name}: the hub has no model {repo!r}, or it is private (then `hf auth login`)") from error
    except (LocalEntryNotFoundError, OfflineModeIsEnabled) as error:
        why = "HF_HUB_OFFLINE is set" if is_offline() else "the hub cannot be reached"
        raise EncoderError(f"{name}: {why} and its cache does not hold it; {hint}") from error
    except EncoderError:
        raise
    except Exception as error:  # the library lets those of its HTTP client through
        raise EncoderError(f"{name}: cannot be fetched ({first_line(error)}); {hint}") from error


def elsewhere(name: str, repo: str, files: str) -> str:
    """Return how to bring a model to a machine without a network.

    :param name: ``scheme:reference``, as ``mmsdk encoders pull`` takes it.
    :param files: what the model must have, in words.
    """
    folder = repo.replace("/", "--")
    return (
        f"on a machine with a network run `mmsdk encoders pull {name} --to {folder}` (or `hf download {repo} "
        f"--local-dir {folder}`) and copy that folder to {models_home() / folder}, where it is looked for first: it "
        f"must hold {files}. MMSDK_MODELS_DIR names another place for such folders, HF_ENDPOINT a mirror of the hub"
    )


@contextlib.contextmanager
def bars(*, quiet: bool) -> Iterator[None]:
    """Show the library's progress on a terminal only, and never when asked to be quiet."""
    from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    shown = not are_progress_bars_disabled()
    if shown and (quiet or not sys.stderr.isatty()):
        disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            enable_progress_bars()


def first_line(error: BaseException) -> str:
    """Return the first line of a library's message."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
