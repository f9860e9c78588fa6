"""What ``mmsdk doctor`` looks at; each check imports what it examines, when it runs."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from importlib import metadata
from typing import TYPE_CHECKING

from mmsdk.cli.text import megabytes
from mmsdk.files import atomic_write, cache_home
from mmsdk.plugins import get_registry
from mmsdk.specs import Health

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LIBRARIES = ("mmsdk", "torch", "numpy", "pyarrow", "safetensors", "pydantic", "pluggy")
LITTLE_SPACE = 1 << 30


def versions() -> Iterator[Health]:
    """Say which Python and which libraries run."""
    python = ".".join(map(str, sys.version_info[:3]))
    yield Health(name="python", status="ok", detail=f"{python} at {sys.executable}")
    installed = {name: _version(name) for name in LIBRARIES}
    missing = [name for name, version in installed.items() if not version]
    listed = ", ".join(f"{name} {version}" for name, version in installed.items() if version)
    yield Health(name="libraries", status="ok", detail=listed)
    if missing:
        yield Health(
            name="libraries",
            status="fault",
            detail=f"not installed: {', '.join(missing)}",
            hint=f"pip install {' '.join(missing)}",
        )


def device() -> Iterator[Health]:
    """Say what torch computes on and with how many threads."""
    import torch

    threads = (
        f"{torch.get_num_threads()} of {len(os.sched_getaffinity(0)) if sys.platform == 'linux' else os.cpu_count()}"
    )
    if torch.cuda.is_available():
        detail = f"CUDA: {torch.cuda.get_device_name(0)}, {torch.cuda.device_count()} in all; {threads} CPU threads"
    else:
        detail = f"CPU, {threads} threads"
    yield Health(name="device", status="ok", detail=detail)


def faiss() -> Iterator[Health]:
    """Say which FAISS is in use; CPU and GPU builds share one folder and break each other."""
    yield faiss_health([dist.name for dist in metadata.distributions() if dist.name])


def faiss_health(distributions: Iterable[str]) -> Health:
    """Return the health of a set of installed distributions as to FAISS."""
    found = sorted({name for name in distributions if name.lower().startswith(("faiss-cpu", "faiss-gpu"))})
    if len(found) > 1:
        return Health(
            name="faiss",
            status="fault",
            detail=f"{' and '.join(found)} are both installed; they share one folder and break each other",
            hint=f"pip uninstall -y {' '.join(found)}, then install one",
        )
    try:
        module = importlib.import_module("faiss")
    except ImportError as error:
        return Health(name="faiss", status="fault", detail=f"cannot be imported: {error}", hint="pip install faiss-cpu")
    gpus = module.get_num_gpus() if hasattr(module, "get_num_gpus") else 0
    name = found[0] if found else "faiss (not from PyPI)"
    return Health(name="faiss", status="ok", detail=f"{name} {module.__version__}, {gpus} GPUs in use")


def openmp() -> Iterator[Health]:
    """Say whether torch and FAISS, both imported, share one OpenMP runtime."""
    import faiss as _faiss  # noqa: F401 - loading it is the point
    import torch as _torch  # noqa: F401
    from threadpoolctl import threadpool_info

    yield openmp_health([pool["filepath"] for pool in threadpool_info() if pool["user_api"] == "openmp"])


def openmp_health(paths: Iterable[str]) -> Health:
    """Return the health of a set of loaded OpenMP runtimes."""
    runtimes = sorted({os.path.realpath(path) for path in paths})
    names = ", ".join("/".join(runtime.split("/")[-2:]) for runtime in runtimes)
    if len(runtimes) < 2:
        return Health(name="openmp", status="ok", detail=f"torch and FAISS share one runtime: {names or 'none loaded'}")
    on_mac = sys.platform == "darwin"
    return Health(
        name="openmp",
        status="fault" if on_mac else "warn",
        detail=f"torch and FAISS do not share one runtime, {len(runtimes)} are loaded: {names}",
        hint="use one FAISS thread (OMP_NUM_THREADS=1)" if on_mac else "harmless; both may use every core at once",
    )


def cache_folder() -> Iterator[Health]:
    """Say whether the cache folder can be written and has room."""
    folder = cache_home()
    try:
        with atomic_write(folder / ".doctor") as probe:
            probe.write_bytes(b"ok")
        (folder / ".doctor").unlink()
    except OSError as error:
        yield Health(
            name="cache",
            status="fault",
            detail=f"{folder} cannot be written: {error.strerror}",
            hint="set MMSDK_CACHE_DIR to a folder that can",
        )
        return
    free = shutil.disk_usage(folder).free
    yield Health(
        name="cache",
        status="ok" if free > LITTLE_SPACE else "warn",
        detail=f"{folder}, {megabytes(free)} free",
        hint="" if free > LITTLE_SPACE else "mmsdk cache prune",
    )


def plugins() -> Iterator[Health]:
    """Resolve every target; each broken plugin is a fault."""
    rows = get_registry().resolve_all()
    for row in rows:
        if row.status == "broken":
            yield Health(
                name=f"plugin {row.name}",
                status="fault",
                detail=f"broken at {row.stage}: {row.reason}",
                hint=f"{row.distribution} {row.version}".strip(),
            )
    working = [row.name for row in rows if row.status == "ok"]
    yield Health(name="plugins", status="ok", detail=f"{len(working)} of {len(rows)} work: {', '.join(working)}")


def _version(distribution: str) -> str:
    """Return the version of a distribution, empty when it is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""
