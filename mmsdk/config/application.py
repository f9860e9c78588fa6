"""The application file as a whole."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from mmsdk.config.align import AlignConfig  # noqa: TC001 - pydantic reads the annotation
from mmsdk.config.confidence import ConfidenceConfig
from mmsdk.config.inputs import InputConfig, InteractionsConfig, SplitConfig, TaskConfig
from mmsdk.config.learning import EvaluationConfig, FusionConfig, HeadConfig, IndexConfig, SearchConfig, TrainingConfig
from mmsdk.config.privacy import PrivacyConfig  # noqa: TC001 - pydantic reads the annotation
from mmsdk.config.rules import RuleConfig  # noqa: TC001 - pydantic reads the annotation
from mmsdk.config.section import File, Name, Section, Text
from mmsdk.config.stream import StreamConfig  # noqa: TC001 - pydantic reads the annotation
from mmsdk.errors import unknown

OF_GROUPS = ("split.group", "evaluation.slices")  # keys of columns that may be numbered anew in every table
ANSWERED = (
    "",
    "_confidence",
    "_abstained",
    "_set",
    "_rules",
    "_unjudged",
)  # after a task's name: its columns in a table of answers


class Application(Section):
    """What an application file says, checked; every key it leaves out has its default."""

    data: File | None = Field(
        default=None, description="The table of rows, relative to the application file; `--data` may name it instead."
    )
    id: Text | None = Field(
        default=None, description="The column of ids, read as text and never as numbers; row numbers where left out."
    )
    inputs: dict[Name, InputConfig] = Field(
        min_length=1, description="The inputs of the model, each under a name of your choice."
    )
    interactions: InteractionsConfig | None = Field(
        default=None, description="Who took which item, for recommendation."
    )
    tasks: dict[Name, TaskConfig] = Field(
        default_factory=dict,
        description="What to predict, each under a name of your choice, which is its column in tables of answers; one "
        "named as the ids or as another's `NAME_confidence`, `_abstained`, `_set`, `_rules` or `_unjudged` is refused.",
    )
    rules: list[RuleConfig] = Field(
        default_factory=list, description="What is known for certain about the answers, whatever the network says."
    )
    split: SplitConfig = Field(default_factory=SplitConfig, description="Which rows train and which are scored.")
    align: AlignConfig | None = Field(
        default=None,
        description="Bring the vectors of several inputs into one space before they are fused; left out, they stay as "
        "the encoders answer them.",
    )
    fusion: FusionConfig = Field(default_factory=FusionConfig, description="How the vectors of the inputs become one.")
    head: HeadConfig = Field(default_factory=HeadConfig, description="What answers the tasks, and how.")
    search: SearchConfig = Field(
        default_factory=SearchConfig, description="A search for better settings than those written here."
    )
    training: TrainingConfig = Field(default_factory=TrainingConfig, description="How the head is trained.")
    evaluation: EvaluationConfig = Field(
        default_factory=EvaluationConfig, description="What the report tells beside the figures of the whole."
    )
    confidence: ConfidenceConfig = Field(
        default_factory=ConfidenceConfig, description="How sure an answer may claim to be, and when to decline."
    )
    privacy: PrivacyConfig | None = Field(
        default=None, description="What of the table nobody may keep: taken out or covered as it is read."
    )
    notice: Text | None = Field(
        default=None,
        description="A sentence that stands on top of every page of the run: report, card, explanation.",
    )
    index: IndexConfig = Field(default_factory=IndexConfig, description="The vector index of the run.")
    stream: StreamConfig | None = Field(
        default=None, description="How live input becomes events (docs/streaming.md); nothing is learned from it."
    )
    preset: Text = Field(
        default="builtin", description="Which encoders are taken where an input names none (`mmsdk plugins list`)."
    )
    precision: Literal["fp16", "fp32"] = Field(
        default="fp16", description="How embeddings are kept in the cache: `fp16` halves the disk, `fp32` is exact."
    )
    trust_remote_code: bool = Field(
        default=False, description="Run Python code that comes with a model from the hub. Leave it off."
    )

    @model_validator(mode="after")
    def _weights_of_inputs_there_are(self) -> Self:
        """Refuse ``training.unimodal`` of an input that is not there."""
        named = self.training.unimodal if isinstance(self.training.unimodal, dict) else {}
        if strange := sorted(named.keys() - self.inputs.keys()):
            raise PydanticCustomError(
                "unimodal",
                "weighs input '{name}' in training.unimodal, and there is none of this name: the inputs are {inputs}",
                {"name": strange[0], "inputs": ", ".join(self.inputs)},
            )
        return self

    def _readers(self, column: str) -> list[str]:
        """Return the keys of the application by which a column is read."""
        named = {"id": self.id, "split.group": self.split.group, "split.column": self.split.column}
        named |= {"split.time": self.split.time, "confidence.by": self.confidence.by}
        named |= {f"tasks.{name}": task.column for name, task in self.tasks.items()}
        found = [f"inputs.{name}" for name, entry in self.inputs.items() if entry.reads(column)]
        found += [key for key, one in named.items() if one == column]
        return found + (["evaluation.slices"] if column in self.evaluation.slices else [])

    @model_validator(mode="after")
    def _nothing_needed_is_dropped(self) -> Self:
        """Refuse ``privacy.drop`` of a column that the application reads."""
        for column in self.privacy.drop if self.privacy is not None else ():
            users = self._readers(column)
            if users:
                raise PydanticCustomError(
                    "privacy",
                    "drops column '{column}' in privacy.drop, and {user} reads it: name another column there, or do "
                    "not drop it",
                    {"column": column, "user": users[0]},
                )
        return self

    @model_validator(mode="after")
    def _nothing_read_is_numbered(self) -> Self:
        """Refuse ``privacy.number`` of a column that is more than a group: the next table counts from 1 again."""
        for column in self.privacy.number if self.privacy is not None else ():
            users = [key for key in self._readers(column) if key not in OF_GROUPS]
            if users:
                raise PydanticCustomError(
                    "privacy",
                    "numbers column '{column}' in privacy.number, and {user} reads it: a value has another number in "
                    "the next table, so that only groups (split.group, within) can be numbered; drop it, or leave it",
                    {"column": column, "user": users[0]},
                )
        return self

    @model_validator(mode="after")
    def _no_answer_among_inputs(self) -> Self:
        """Refuse an input that is read from the column of a task: the model would be handed the answer."""
        for name, task in self.tasks.items():
            for key, entry in self.inputs.items():
                if entry.reads(task.column):
                    raise PydanticCustomError(
                        "leak",
                        "reads column '{column}' for input '{input}', which is the answer of task '{task}': leave the "
                        "input out (--set ignore=[{input}]) or predict another column",
                        {"column": task.column, "input": key, "task": name},
                    )
        return self

    @model_validator(mode="after")
    def _no_promise_by_the_answer(self) -> Self:
        """Refuse ``confidence.by`` of the column of a task: the promise would be measured by the answer itself."""
        for name, task in self.tasks.items():
            if task.column == self.confidence.by:
                raise PydanticCustomError(
                    "leak",
                    "reads column '{column}' for confidence.by, which is the answer of task '{task}' and is not there "
                    "where an answer is asked for: name a column that is (a site, a device), or leave the key out",
                    {"column": task.column, "task": name},
                )
        return self

    @model_validator(mode="after")
    def _rules_know_their_tasks(self) -> Self:
        """Refuse a rule about a task that is not there, and two rules of one name."""
        names: set[str] = set()
        for number, rule in enumerate(self.rules, 1):
            name = rule.name or f"rule {number}"
            if name in names:
                raise PydanticCustomError("rule", "two rules are named '{name}'", {"name": name})
            names.add(name)
            for task in rule.tasks():
                if task not in self.tasks:
                    raise PydanticCustomError(
                        "rule",
                        "{sentence}",
                        {"sentence": unknown("task", task, self.tasks, where=f"rules: {name}", listed="Known")},
                    )
        return self

    @model_validator(mode="after")
    def _answers_have_columns_of_their_own(self) -> Self:
        """Refuse a task whose columns in a table of answers would be those of another, or that of the ids."""
        taken = {self.id or "id": "the ids"}
        for name in self.tasks:
            for column in (f"{name}{end}" for end in ANSWERED):
                if column in taken:
                    raise PydanticCustomError(
                        "column",
                        "gives column '{column}' of a table of answers both to {first} and to task '{task}': name the "
                        "task otherwise",
                        {"column": column, "first": taken[column], "task": name},
                    )
                taken[column] = f"task '{name}'"
        return self

    @model_validator(mode="after")
    def _stream_knows_its_names(self) -> Self:
        """Refuse a stream of inputs or tasks that are not there."""
        if self.stream is None:
            return self
        for kind, name, known, where in self.stream.named(list(self.inputs), list(self.tasks)):
            if name not in known:
                sentence = unknown(kind, name, known, where=f"stream.{where}", listed="Known")
                raise PydanticCustomError("stream", "{sentence}", {"sentence": sentence})
        return self
