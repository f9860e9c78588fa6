"""A first application file for a table nobody has described: inputs, labels and the split, guessed from the cells."""

from __future__ import annotations

import fnmatch
import itertools
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmsdk.data.answers import task_kind
from mmsdk.data.guessed import Guessed
from mmsdk.data.naming import WIDE, column_says, column_words, is_named, name_for, patterns
from mmsdk.data.profile import (
    FITS,
    Profile,
    best_modality,
    determines,
    file_kind,
    files_there,
    first_repeat,
    folders_there,
    guesses_of,
    odd_numbers,
    profile,
)
from mmsdk.data.repeats import copies, holds_cells, names_the_rows, own_share
from mmsdk.data.table import Table, as_id
from mmsdk.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from mmsdk.data.profile import Guess
    from mmsdk.specs import ModalitySpec

ID_WORDS = frozenset({"id", "ids", "sku", "key", "code", "ean", "asin", "isbn", "uuid", "guid", "identifier"})
ID_WORDS |= {"nr", "nummer", "kennung", "artikelnummer", "artikelnr", "produktnummer", "bestellnummer", "belegnummer"}
ID_WORDS |= {"编号", "编码", "货号", "条码", "单号", "病例号", "身份证"}
LABEL_WORDS = frozenset(["label", "labels", "target", "targets", "标注"])
WHOLE_LABELS = frozenset(["标签"])  # 颜色标签 says the colours of a thing, and no answer
ASKING_WORDS = frozenset(["is", "has", "was"])
ANSWER_WORDS = frozenset(
    {"category", "class", "outcome", "sentiment", "emotion", "intent", "diagnosis", "genre", "tag", "tags"}
) | {"类别", "类目", "分类", "品类", "情感", "情绪", "意图", "诊断", "结局"}
PEOPLE_WORDS = frozenset(["patient", "subject", "speaker", "actor", "person", "participant"])
PEOPLE_WORDS |= {"patienten", "patientin", "proband", "probanden", "probandin"}
PEOPLE_WORDS |= {"sprecher", "sprecherin", "teilnehmer", "teilnehmerin"}
PEOPLE_WORDS |= {"versuchsperson", "schauspieler", "schauspielerin"}
PEOPLE_WORDS |= {"患者", "病人", "受试者", "被试", "参与者", "志愿者", "说话人", "说话者", "讲话人", "演员"}
WRITTEN_WORDS = frozenset(
    {"note", "notes", "remark", "remarks", "comment", "comments", "description", "review", "reviews"}
)
WRITTEN_WORDS |= {"notiz", "notizen", "bemerkung", "bemerkungen", "kommentar", "beschreibung"}
WRITTEN_WORDS |= {"备注", "描述", "主诉", "现病史", "评价", "评论", "留言"}
GROUP_WORDS = frozenset(["group", "fold", "folds", "分组", "组别"])
PHONE_WORDS = frozenset(["phone", "phones", "telephone", "tel", "mobile", "cellphone", "fax", "telefon", "handy"])
PHONE_WORDS |= {"telefonnummer", "handynummer", "mobilnummer", "手机", "电话", "联系方式"}
SOMEBODY = "telephones, e-mails or long ids; privacy.drop takes them out"
WHO = ID_WORDS | {"no", "number", "name", "first", "last", "full"}  # beside one of them: not patient_age
WHO |= {"vorname", "nachname", "姓名", "号", "号码", "代码"}
NAMED = 4  # words of a cell from which it is a text and names nobody
REPEATS = 0.05  # of the rows, up to which a column would name them but for these
OWN = 0.25  # of a text's letters, from which it says something that no other column does
MOST = 0.5  # of the cells of a column called telephone that are some: others say that there is none
PHONE, LONG = 7, 11  # digits from which a cell is a telephone where the name says so, and a number of somebody anywhere
PARTS = frozenset({"train", "val", "validation", "test"})


def guess_application(
    table: Table,
    *,
    tasks: bool = True,
    target: str | None = None,
    without: Collection[str] = (),
    modalities: Mapping[str, ModalitySpec] | None = None,
) -> dict[str, Any]:
    """Return the application that :func:`inspect_table` guesses, as of an application file.

    :param tasks, target, without, modalities: as of :func:`inspect_table`.
    """
    return inspect_table(table, tasks=tasks, target=target, without=without, modalities=modalities).application


def guess_modality(
    table: Table, columns: str | Sequence[str], *, modalities: Mapping[str, ModalitySpec] | None = None
) -> str:
    """Return the modality that fits the cells of a column (of several, those of the first).

    :param modalities: name -> spec; those that are installed where left out.
    :raises DataError: there is no such column, or no installed modality fits it.
    """
    first = table.expand([columns] if isinstance(columns, str) else columns)[0]
    alone = Table(columns=table.columns.select([first]), root=table.root, name=table.name)
    inspection = _Inspection(alone, _installed() if modalities is None else modalities)
    modality = inspection.modality_of(first)
    if modality is None:
        raise DataError(
            f"column {first!r} of {table.name} fits no installed modality; name one with inputs.NAME.modality"
        )
    return modality


def inspect_table(
    table: Table,
    *,
    tasks: bool = True,
    target: str | None = None,
    without: Collection[str] = (),
    modalities: Mapping[str, ModalitySpec] | None = None,
) -> Guessed:
    """Guess an application for a table: a start to edit, not a verdict.

    Files are known by their endings, other cells by the ``guess`` of the installed modalities. A column named as a
    label becomes a task; what copies a label or the id, or goes with one label only, is never an input.

    :param tasks: whether to look for answers; without them, a column named as a label is an input like any other.
    :param target: the column that is the answer, whatever it is called; any other that is named as a label is left
        out then, and so is what gives this one away.
    :param without: columns that are nothing: no input, no id, no answer.
    :param modalities: name -> spec; those that are installed where left out.
    :raises DataError: there is no column ``target``, or it cannot be learned.
    """
    specs = _installed() if modalities is None else modalities
    inspection = _Inspection(table, specs)
    for name in without:
        inspection.leave_out(name, "said to be left out")
    return inspection.run(tasks=tasks, target=target)


def _installed() -> dict[str, Any]:
    """Return the installed modalities by name."""
    from mmsdk.plugins import get_registry

    return {entry.spec.name: entry.spec for entry in get_registry().entries("modality")}


class _Inspection:
    """The columns that are still free, and what has been decided; each step takes columns away."""

    def __init__(self, table: Table, modalities: Mapping[str, ModalitySpec]) -> None:
        """Look at every column once."""
        self.table = table
        self.modalities = modalities
        self.free: dict[str, Profile] = {name: profile(table, name) for name in table.names}
        self.labels: dict[str, Profile] = {}
        self.files: dict[str, tuple[str, str]] = {}
        self.still: dict[str, Profile] = {}
        self.inputs: dict[str, dict[str, Any]] = {}
        self.found = Guessed()

    def modality_of(self, name: str) -> str | None:
        """Return the modality of one column, whatever else it might be."""
        found = self.free[name]
        if name_kind := file_kind(found, self.modalities):
            return name_kind[0] or None
        guesses = guesses_of(self.modalities)
        return _settled(best_modality(found, guesses), found, guesses)

    def leave_out(self, name: str, why: str) -> None:
        """Leave a column out, where there is one of this name."""
        if name in self.free:
            self._drop(name, why)

    def run(self, *, tasks: bool, target: str | None = None) -> Guessed:
        """Decide, from what is surest to what is left."""
        asked = self._asked(target) if target is not None else {}
        self._constant()
        self.files = {name: kind for name, p in self.free.items() if (kind := file_kind(p, self.modalities))}
        identity = self._id()
        split = self._split()
        answers = asked or (self._tasks() if tasks else {})
        self._somebody()
        self._leaks()
        self._repeats(identity)
        self._file_inputs()
        self._vector_inputs()
        self._cell_inputs(guesses_of(self.modalities))
        if not self.inputs:
            self.found.notes["inputs"] = "found none: name a column and its modality"
        parts = {
            "data": self.table.name if Path(self.table.name).is_file() else None,
            "id": identity.name if identity else None,
            "inputs": self.inputs,
            "tasks": answers,
            "split": split,
        }
        self.found.application = {key: value for key, value in parts.items() if value}
        return self.found

    def _drop(self, name: str, why: str) -> None:
        """Leave a column out, with the reason."""
        self.free.pop(name, None)
        self.found.left_out[name] = why

    def _constant(self) -> None:
        """Leave out what says nothing."""
        for name, found in list(self.free.items()):
            if found.filled == 0:
                self._drop(name, "empty")
            elif found.distinct == 1 and len(self.table) > 1 and found.filled == len(self.table):
                self._drop(name, f"always {_short(found.sample[0])}")
                self.still[name] = found

    def _id(self) -> Profile | None:
        """Take the column that names the rows: unique, not written text, called an id or standing first."""
        fitting = [
            p
            for p in self.free.values()
            if p.unique
            and p.name not in self.files
            and not p.measured
            and p.words < 1.5
            and p.length <= 64
            and (not p.numeric or p.whole)
            and not any(isinstance(cell, list | dict) for cell in p.sample)
        ]
        named = [p for p in fitting if column_says(p.name, ID_WORDS)]
        able = named or [p for p in fitting if p.name == self.table.names[0]]
        self.found.ids = tuple(p.name for p in able)
        best = able[0] if able else None
        if best is not None:
            del self.free[best.name]
            self.found.notes["id"] = "every row has its own"
        else:
            self.found.notes["inputs"] = f"no column names the rows: they are numbered{self._nearly_id()}"
        return best

    def _nearly_id(self) -> str:
        """Leave out the column that would name the rows if none stood twice; return words on it, if there is one."""
        found = next((p for p in self.free.values() if self._might_name(p)), None)
        if found is None:
            return ""
        self._drop(found.name, "ids of something")
        row, earlier = first_repeat(found)
        repeats = len(self.table) - found.distinct
        many = f"{repeats} repeat{'' if repeats == 1 else 's'}"
        return f"; {found.name!r} would be the id but for {many} (row {row + 1} = row {earlier + 1})"

    def _might_name(self, found: Profile) -> bool:
        """Return whether a column would name the rows if the few cells that stand twice did not."""
        repeats = len(self.table) - found.distinct
        if found.filled < len(self.table) or not 0 < repeats <= REPEATS * len(self.table):
            return False
        if _names_people(found.name) or is_named(found.name, GROUP_WORDS):
            return False
        if found.name in self.files or found.words >= 1.5 or found.length > 64:
            return False
        if column_says(found.name, ID_WORDS):
            return found.whole or not found.numeric
        codes = not found.numeric and not found.dated and all(map(_has_digit, found.sample))
        return codes and found.name == self.table.names[0]

    def _split(self) -> dict[str, Any]:
        """Take the column of parts and the column of groups; both, unless a group stands in several parts."""
        parts, group = self._parts(), self._group()
        split = {} if parts is None else {"column": parts}
        if group is None:
            return split
        self.found.group = group.name
        if parts is not None and self._cut(group.name, parts):
            return split
        said = [self.found.notes["split"]] if parts is not None else []
        self.found.notes["split"] = "; ".join([*said, f"{group.distinct} groups, each on one side"])
        return {**split, "group": group.name}

    def _parts(self) -> str | None:
        """Take the column that says which rows train."""
        parts: str | None = None
        for name, found in list(self.free.items()):
            values = {str(cell).strip().lower() for cell in found.sample}
            if values <= PARTS and "train" in values and found.distinct > 1:
                parts = parts or name
                self._drop(name, "says which rows train")
                self.found.notes["split"] = "holds " + ", ".join(sorted(values))
            elif column_says(name, {"split", "partition"}):
                self._drop(name, "looks like a split, but does not hold train, val, test")
        return parts

    def _group(self) -> Profile | None:
        """Take the column of groups, such as who speaks; other columns that are named as groups are no inputs."""
        group: Profile | None = None
        for name, found in list(self.free.items()):
            named = _names_people(name) or is_named(name, GROUP_WORDS)
            if not named or name in self.files or _is_written(found):
                continue
            if group is None and 1 < found.distinct < len(self.table) and "fold" not in name.lower():
                group = found
            self._drop(name, "a group of rows, not a property")
        return group

    def _cut(self, group: str, parts: str) -> bool:
        """Return whether a group stands in several parts, as no split with both may have it."""
        pairs = zip(self.table.cells(group), self.table.cells(parts), strict=True)
        first: dict[str, Any] = {}
        return any(one is not None and first.setdefault(as_id(one), part) != part for one, part in pairs)

    def _asked(self, target: str) -> dict[str, dict[str, Any]]:
        """Take the column that is said to be the answer; others that are named as labels are no inputs."""
        self.table.require([target])
        found = self.free.get(target)
        kind = None if found is None else task_kind(found)
        if found is None or kind is None or found.distinct < 2:
            held = profile(self.table, target)
            raise DataError(
                f"column {target!r} of {self.table.name} cannot be learned: it holds {held.distinct} different values "
                f"in {held.filled} rows; expected a few labels with several rows each, or numbers"
            )
        name = name_for(target, {})
        self.labels[target] = self.free.pop(target)
        self.found.notes[f"tasks.{name}"] = f"{found.filled} of {len(self.table)} rows, {found.distinct} values"
        for other in list(self.free):
            if _names_a_label(other):
                self._drop(other, "named as another answer")
        return {name: {"column": target, **kind}}

    def _tasks(self) -> dict[str, dict[str, Any]]:
        """Take the columns that look like answers."""
        fitting = {
            n: p for n, p in self.free.items() if n not in self.files and (p.distinct > 1 or p.filled < len(self.table))
        }
        named = [p for n, p in fitting.items() if _names_a_label(n)]
        if not named:
            named = [p for n, p in fitting.items() if n.lower() == "y" or column_says(n, ANSWER_WORDS)][:1]
            self._tell_what_else({p.name for p in named}, fitting)
        named.sort(key=lambda p: (len(column_words(p.name)), "id" in column_words(p.name)))
        tasks: dict[str, dict[str, Any]] = {}
        for found in named:
            same = next((n for n, p in self.labels.items() if copies(p, found)), None)
            kind = task_kind(found)
            if same is not None:
                self._drop(found.name, f"says the same as {same!r}")
            elif kind is None:
                self._drop(found.name, "looks like a label, but nearly every row has its own")
            else:
                name = name_for(found.name, tasks)
                tasks[name] = {"column": found.name, **kind}
                self.found.notes[f"tasks.{name}"] = f"{found.filled} of {len(self.table)} rows, {found.distinct} values"
                self.labels[found.name] = self.free.pop(found.name)
        return tasks

    def _tell_what_else(self, taken: Collection[str], fitting: Mapping[str, Profile]) -> None:
        """Note the columns that ask yes or no, and may well be the answer."""
        asking = [n for n, p in fitting.items() if n not in taken and _asks(n) and task_kind(p)]
        if asking:
            self.found.notes["tasks"] = f"might be {' or '.join(asking)} (mmsdk inspect --task COLUMN)"
        elif not taken:
            self.found.notes["tasks"] = "found none (mmsdk inspect --task COLUMN takes one)"

    def _somebody(self) -> None:
        """Leave out the numbers and addresses of somebody, whatever else they would be."""
        for name, found in list(self.free.items()):
            if name not in self.files and _numbers_somebody(found):
                self._drop(name, SOMEBODY)

    def _leaks(self) -> None:
        """Leave out the columns that go with one answer only, the answers' own derivatives, and texts holding them."""
        for name, found in list(self.free.items()):
            if name in self.files:
                continue
            for label, answer in self.labels.items():
                if determines(found, answer) or determines(answer, found):
                    self._drop(name, f"gives {label!r} away")
                    break
        wordy = [name for name, p in self.free.items() if name not in self.files and p.words > 1]
        for name in wordy:
            held = [other for other in self.table.names if other != name and self._holds(name, other)]
            leaking = [other for other in held if self.found.left_out.get(other, "").startswith("gives ")]
            if leaking:
                self._drop(name, f"holds {leaking[0]!r}, which {self.found.left_out[leaking[0]]}")
            elif len(held) > 1 and (self.labels.keys() & held or own_share(self.table, name, held) < OWN):
                self._drop(name, f"repeats {', '.join(held)}")

    def _holds(self, name: str, other: str) -> bool:
        """Return whether the cells of a text column hold those of another, wherever that has any."""
        if other in self.files:
            return False
        part = profile(self.table, other) if other not in self.free else self.free[other]
        return holds_cells(self.table, self.free[name], part)

    def _repeats(self, identity: Profile | None) -> None:
        """Leave out what only numbers or names the rows, and what says the same as another column."""
        for name, found in list(self.free.items()):
            why = None if name in self.files else self._repeat(found, identity)
            if why:
                self._drop(name, why)

    def _repeat(self, found: Profile, identity: Profile | None) -> str | None:
        """Return why a column is a name or a repeat of another, or None."""
        if found.unique and found.whole and not found.measured and len(self.table) > 2:
            return "numbers the rows"
        if identity is not None and names_the_rows(self.table, found.name, identity.name):
            return f"repeats {identity.name!r}"
        if all(re.match(r"\w+://", str(cell)) for cell in found.sample):
            return "addresses"
        codes = found.words < 1.2 and any(map(_has_digit, found.sample)) and not found.numeric and not found.dated
        named = column_says(found.name, ID_WORDS)
        if found.sample and folders_there(found, self.table):
            return "names folders, which nothing reads: name a file in each row, such as a video of its frames"
        if codes and found.distinct > 20 and (named or found.distinct > 0.98 * found.filled):
            return "ids of something"
        earlier = itertools.takewhile(lambda name: name != found.name, self.free)
        same = (name for name in earlier if name not in self.files and copies(self.free[name], found))
        return f"says the same as {first!r}" if (first := next(same, None)) else None

    def _file_inputs(self) -> None:
        """Take the files that something installed reads and that are there."""
        for name, (modality, what) in self.files.items():
            found = self.free.get(name)
            if found is None:
                continue
            if not modality:
                self._drop(name, f"{what}, which no installed modality reads")
            elif not files_there(found, self.table):
                self._drop(name, f"names files ({what}) that are not there")
            else:
                self._add(name, [name], {"column": name, "modality": modality}, f"{what}, {self._filled(found)}")

    def _vector_inputs(self) -> None:
        """Take many columns of numbers whose names follow a pattern as one input; one that never changes belongs."""
        if "vector" not in self.modalities:
            return
        columns = {name: p for name, p in {**self.free, **self.still}.items() if p.numeric}
        for pattern, names in patterns([name for name in self.table.names if name in columns]):
            first = columns[names[0]].present
            whole = all((columns[name].present == first).all() for name in names)
            if not whole or sum(name in self.free for name in names) < WIDE:
                continue
            exact = [n for n in self.table.names if fnmatch.fnmatchcase(n, pattern)] == names
            block = {"column": pattern if exact else names, "modality": "vector"}
            self._add(pattern.replace("*", ""), names, block, f"{len(names)} columns of numbers")

    def _cell_inputs(self, guesses: Mapping[str, Guess]) -> None:
        """Take what is left by the modality that fits best."""
        for name, found in list(self.free.items()):
            modality = _settled(best_modality(found, guesses), found, guesses)
            why = f"; {odd}" if (odd := odd_numbers(found.sample)) else ""
            if modality is None:
                self._drop(name, f"fits no installed modality{why}")
            else:
                self._add(name, [name], {"column": name, "modality": modality}, self._filled(found) + why)

    def _add(self, name: str, columns: Sequence[str], block: dict[str, Any], note: str) -> None:
        """Add one input under a name that the application file takes."""
        key = name_for(name, self.inputs)
        self.inputs[key] = block
        self.found.notes[f"inputs.{key}"] = note
        for column in columns:
            self.free.pop(column, None)
            self.found.left_out.pop(column, None)

    def _filled(self, found: Profile) -> str:
        """Return how full a column is, and how varied."""
        share = "" if found.filled == len(self.table) else f"in {found.filled} of {len(self.table)} rows, "
        return f"{share}{found.distinct} different"


def _settled(modality: str | None, found: Profile, guesses: Mapping[str, Guess]) -> str | None:
    """Return the modality; an amount is a number however its values repeat, many words and all notes are text."""
    if modality == "tags" and "text" in guesses and _is_for_writing(found.name):
        return "text"
    if modality == "category" and found.numeric and not column_says(found.name, ID_WORDS):
        return (
            "number" if "number" in guesses and (not found.whole or found.measured or found.distinct > 20) else modality
        )
    if modality == "category" and found.distinct > 100 and "text" in guesses:
        return "text"
    return (
        "category" if modality == "number" and "id" in column_words(found.name) and "category" in guesses else modality
    )


def _names_a_label(name: str) -> bool:
    """Return whether a column is called the answer."""
    return column_says(name, LABEL_WORDS) or is_named(name, WHOLE_LABELS)


def _asks(name: str) -> bool:
    """Return whether a column's name asks yes or no: ``is_returned``, ``是否退货``."""
    return "是否" in name or not ASKING_WORDS.isdisjoint(column_words(name)[:1])


def _names_people(name: str) -> bool:
    """Return whether a column says who it is, as ``patient`` and ``patient_id``, and not how: ``patient_age``."""
    words = column_words(name)
    beside = [word for word in words if not is_named(word, PEOPLE_WORDS)]
    told = all(word in WHO or word.isdigit() for word in beside) or not ID_WORDS.isdisjoint(beside)  # anon_patient_id
    return len(beside) < len(words) and told


def _is_for_writing(name: str) -> bool:
    """Return whether a column is called what people write into: ``note 2``, ``病情描述``, and not ``review tags``."""
    last = next((word for word in reversed(column_words(name)) if not word.isdigit()), "")
    return last in WRITTEN_WORDS or last.endswith(tuple(word for word in WRITTEN_WORDS if not word.isascii()))


def _is_written(found: Profile) -> bool:
    """Return whether the cells are text, and name nobody; the subject of a study has no spaces, that of a mail has."""
    return found.words >= NAMED or (found.words > 1 and column_words(found.name) == ["subject"])


def _numbers_somebody(found: Profile) -> bool:
    """Return whether nearly all cells are e-mails or numbers too long and too different for amounts, or telephones."""
    phone = column_says(found.name, PHONE_WORDS)
    fitting = sum(_is_mail(cell) or _digits(cell) >= (PHONE if phone else LONG) for cell in found.sample)
    if not found.sample or found.measured or fitting < (MOST if phone else FITS) * len(found.sample):
        return False
    return phone or _is_mail(found.sample[0]) or found.distinct >= (1 - REPEATS) * found.filled


def _is_mail(cell: Any) -> bool:
    """Return whether a cell is an e-mail address and nothing else."""
    return isinstance(cell, str) and re.fullmatch(r"[^@\s]+@[^@\s]+\.[^\W\d]{2,}", cell.strip()) is not None


def _digits(cell: Any) -> int:
    """Return how many digits a cell has that is one number, ``11010119900101001X`` or ``+49 (30) 1234``; 0 of others.

    Numbers between spaces are a vector, unless they begin as a telephone does.
    """
    text = str(int(cell) if isinstance(cell, float) and cell.is_integer() else cell).strip()
    one = re.fullmatch(r"\d+[Xx]?|(?:\+|0\d|\()[\d ()/-]+", text)
    return len(re.sub(r"\D", "", text)) if one else 0


def _has_digit(cell: Any) -> bool:
    """Return whether a cell holds a digit."""
    return any(map(str.isdigit, str(cell)))


def _short(cell: Any) -> str:
    """Return a cell for a comment."""
    text = repr(cell)
    return text if len(text) <= 40 else text[:37] + "..."
