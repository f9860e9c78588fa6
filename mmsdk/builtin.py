"""The core's own components, declared through the public hooks; strings only, nothing is imported here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmsdk.hookspecs import hookimpl
from mmsdk.specs import AlignerSpec, CommandSpec, FusionSpec, HealthCheckSpec, IndexSpec, TaskSpec, TrainableSpec

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def mmsdk_trainables() -> Iterator[TrainableSpec]:
    """Declare the core's trainable encoders of sequences."""
    yield TrainableSpec(
        name="steps",
        target="mmsdk.trainable.each:EachStep",
        summary="each step by itself, for fusions that read sequences",
    )
    yield TrainableSpec(
        name="tcn",
        target="mmsdk.trainable.tcn:Tcn",
        summary="dilated convolutions over the steps, then mean and maximum",
    )
    yield TrainableSpec(
        name="transformer",
        target="mmsdk.trainable.transformer:Transformer",
        summary="attention over the steps and their times",
    )


@hookimpl
def mmsdk_aligners() -> Iterator[AlignerSpec]:
    """Declare the core's aligners."""
    yield AlignerSpec(
        name="ridge", target="mmsdk.align.ridge:RidgeAligner", summary="least squares of each input onto the target"
    )
    yield AlignerSpec(
        name="procrustes", target="mmsdk.align.procrustes:ProcrustesAligner", summary="each input turned to the target"
    )
    yield AlignerSpec(
        name="cca",
        target="mmsdk.align.cca:CanonicalAligner",
        summary="canonical correlations, regularised, of two inputs or more",
    )
    yield AlignerSpec(
        name="contrastive",
        target="mmsdk.align.contrastive:ContrastiveAligner",
        summary="learned projections: partners near, strangers apart",
    )
    yield AlignerSpec(
        name="whitening",
        target="mmsdk.align.whitening:WhiteningAligner",
        paired=False,
        summary="each input whitened by itself",
    )
    yield AlignerSpec(
        name="coral",
        target="mmsdk.align.whitening:CoralAligner",
        paired=False,
        summary="the target's covariance for inputs of one length",
    )


@hookimpl
def mmsdk_fusions() -> Iterator[FusionSpec]:
    """Declare the core's fusions."""
    yield FusionSpec(
        name="gated",
        target="mmsdk.fusion.gated:GatedFusion",
        summary="a learned gate for each input, over those present",
    )
    yield FusionSpec(
        name="concat",
        target="mmsdk.fusion.concat:ConcatFusion",
        summary="side by side, with a learned vector for what is absent",
    )
    for name, kind, summary in (
        ("lowrank", "LowRank", "every product between the inputs, by low-rank factors"),
        ("tensor", "Tensor", "the outer product of short projections of all inputs"),
        ("cross-attention", "CrossAttention", "one input asks the others, with a strength to set and read; sequences"),
        ("bottleneck", "Bottleneck", "inputs hear of each other through a few tokens only; sequences"),
        ("convolution", "Convolution", "convolutions over the inputs' sequences on one clock"),
        ("transformer", "Transformer", "every token attends to all others; sequences"),
        ("late", "Late", "each input answers by itself; the calibrated answers are stacked"),
        ("mixed", "Mixed", "the members of the network fuse in different ways, and answer together"),
        ("experts", "Experts", "small fusions, weighed by what is present and what it says"),
    ):
        module = name.replace("-", "_")
        yield FusionSpec(name=name, target=f"mmsdk.fusion.{module}:{kind}Fusion", summary=summary)
    yield FusionSpec(
        name="joint",
        target="mmsdk.fusion.joint:JointFusion",
        summary="the space that joint encoders (CLIP, SigLIP, CLAP) share; nothing is trained",
        joint=True,
    )


@hookimpl
def mmsdk_tasks() -> Iterator[TaskSpec]:
    """Declare the core's task types."""
    yield TaskSpec(
        name="classification",
        target="mmsdk.tasks.classification:Classification",
        summary="one label of several",
    )
    yield TaskSpec(name="multilabel", target="mmsdk.tasks.multilabel:Multilabel", summary="any number of labels")
    yield TaskSpec(name="regression", target="mmsdk.tasks.regression:Regression", summary="a number")


@hookimpl
def mmsdk_indexes() -> Iterator[IndexSpec]:
    """Declare the core's index types."""
    yield IndexSpec(name="flat", target="mmsdk.index.flat:FlatIndex", summary="exact search")
    yield IndexSpec(name="ivf", target="mmsdk.index.ivf:IvfIndex", summary="cells, with vectors in 8 or 16 bits")
    yield IndexSpec(
        name="pq", target="mmsdk.index.pq:PqIndex", removable=False, summary="product codes, refined; the smallest"
    )
    yield IndexSpec(
        name="hnsw", target="mmsdk.index.hnsw:HnswIndex", removable=False, summary="a graph; fast, nothing is removed"
    )
    yield IndexSpec(
        name="gpu", target="mmsdk.index.gpu:GpuIndex", summary="as ivf, on a GPU, with faiss-gpu; untested on hardware"
    )


@hookimpl
def mmsdk_commands() -> Iterator[CommandSpec]:
    """Declare the core's commands, in the order in which ``mmsdk --help`` shows them."""
    for name, summary in (
        ("recipe", "Run a ready application on its sample or your data."),
        ("inspect", "Guess inputs and tasks of a table; audit the data."),
        ("worth", "Say what each input is worth and costs."),
        ("fit", "Fit an application file."),
        ("evaluate", "Score a run on a table."),
        ("compare", "Tell which of two runs is better, and how surely."),
        ("predict", "Answer the tasks of a run for each row."),
        ("transcribe", "Write down what is said in sounds and videos."),
        ("audit", "Check the log of answers given."),
        ("explain", "Say why a row is answered as it is."),
        ("label", "Choose the rows to label next."),
        ("search", "Find items near a text, a file or an item."),
        ("recommend", "Recommend items for a history."),
        ("index", "Add to, remove from and look after an index."),
        ("interactions", "Learn from who took what since the fit."),
        ("encoders", "Show the encoders; fetch the weights of one."),
        ("plugins", "Show and check what is installed."),
        ("doctor", "Look for faults in this installation."),
        ("cache", "Show and prune the embedding cache."),
    ):
        yield CommandSpec(name=name, target=f"mmsdk.cli.{name}:{name}", summary=summary)


@hookimpl
def mmsdk_health_checks() -> Iterator[HealthCheckSpec]:
    """Declare the core's health checks."""
    for name, summary in (
        ("versions", "Python and the libraries that matter"),
        ("device", "what torch computes on, and with how many threads"),
        ("faiss", "one FAISS, for CPU or GPU, never both"),
        ("openmp", "torch and FAISS share one OpenMP runtime"),
        ("cache_folder", "the cache folder can be written"),
        ("plugins", "every plugin loads and every target resolves"),
    ):
        yield HealthCheckSpec(name=name.replace("_", "-"), target=f"mmsdk.cli.health:{name}", summary=summary)
