"""What a run remembers of its users and of items that came later: the pairs it learned from, and those since."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pa_parquet

from mmsdk.app.directory import read_columns
from mmsdk.errors import RunError
from mmsdk.files import atomic_write
from mmsdk.index.database import Database
from mmsdk.tasks.ranking import Histories

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from mmsdk.data import Event, Interactions

PAIRS = "interactions.parquet"
SINCE = "since.sqlite"
KEY = ("user", "item", "time")
SCHEMA = pa.schema([("user", pa.string()), ("item", pa.string()), ("time", pa.float64()), ("weight", pa.float64())])
# an item lies with its inputs as they were placed, half precision, nothing where an input was absent
TABLES = (
    "CREATE TABLE IF NOT EXISTS events (user TEXT, item TEXT, time REAL, weight REAL NOT NULL, "
    "PRIMARY KEY (user, item, time)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS items (id TEXT, input TEXT, vector BLOB, PRIMARY KEY (id, input)) WITHOUT ROWID",
)
Placed = tuple[dict[str, np.ndarray], dict[str, np.ndarray]]


def write_pairs(folder: Path, interactions: Interactions, ids: Sequence[str], *, learned: np.ndarray) -> None:
    """Write the pairs of a fit beside the run, and which of them the ranker learned from: bool ``(n,)``."""
    users = [interactions.user_ids[user] for user in interactions.users]
    times = np.zeros(len(users)) if interactions.times is None else interactions.times
    table = pa.table(
        {
            "user": pa.array(users, pa.string()),
            "item": pa.array([ids[item] for item in interactions.items], pa.string()),
            "time": times,
            "weight": interactions.weights.astype(np.float64),
            "learned": learned,
        }
    )
    with atomic_write(folder / PAIRS) as path:
        pa_parquet.write_table(table, path)


class Memory:
    """Pairs and later items of one run. What a call returned from is on the disk; processes take turns.

    The file of later ones is made when there are any.

    :param folder: the run directory; :param later: where what came later lies.
    """

    def __init__(self, folder: Path, later: Path) -> None:
        self._folder = folder
        self._later = later
        self._database: Database | None = None

    def add(self, events: Iterable[Event]) -> int:
        """Add events, all or none; one that is known (same user, item and time) counts once, with its greater weight.

        :returns: how many were new. The order in which they come makes no difference to anything.
        """
        found = [(one.user, one.item, one.time, one.weight) for one in events]
        fitted = self._known({user for user, *_ in found})
        found = [one for one in found if one[3] > fitted.get(one[:3], 0.0)]
        with self._open().write() as connection:
            before = connection.execute("SELECT count(*) FROM events").fetchone()[0]
            connection.executemany(
                "INSERT INTO events VALUES (?, ?, ?, ?) "
                "ON CONFLICT DO UPDATE SET weight = max(weight, excluded.weight)",
                found,
            )
            after: int = connection.execute("SELECT count(*) FROM events").fetchone()[0]
            return after - int(before)

    def keep(self, ids: Sequence[str], placed: Mapping[str, np.ndarray], present: Mapping[str, np.ndarray]) -> None:
        """Remember items by the vectors of :meth:`Ranker.place`; known ids are replaced."""
        rows = [
            (name, given, values[row].astype(np.float16).tobytes() if present[given][row] else None)
            for given, values in placed.items()
            for row, name in enumerate(ids)
        ]
        with self._open().write() as connection:
            connection.executemany("DELETE FROM items WHERE id = ?", [(name,) for name in ids])
            connection.executemany("INSERT INTO items VALUES (?, ?, ?)", rows)

    def kept(self) -> list[str]:
        """Return the ids of the items that are remembered, sorted."""
        if not self._exists():
            return []
        with self._open().read() as connection:
            return sorted(name for (name,) in connection.execute("SELECT DISTINCT id FROM items"))

    def placed(self, ids: Sequence[str], widths: Mapping[str, int]) -> Placed:
        """Return the vectors of remembered items ``(n, d)`` by input, and which are there ``(n,)``.

        :param widths: input -> length of its vectors.
        """
        values = {name: np.zeros((len(ids), width), np.float32) for name, width in widths.items()}
        present = {name: np.zeros(len(ids), bool) for name in widths}
        places = {name: row for row, name in enumerate(ids)}
        if not places or not self._exists():
            return values, present
        with self._open().read() as connection:
            for name, given, blob in connection.execute("SELECT id, input, vector FROM items"):
                if name in places and given in widths and blob is not None:
                    values[given][places[name]] = np.frombuffer(blob, np.float16)
                    present[given][places[name]] = True
        return values, present

    def counts(self) -> dict[str, int]:
        """Return how many events and items came later."""
        if not self._exists():
            return {"events": 0, "items": 0}
        with self._open().read() as connection:
            events = connection.execute("SELECT count(*) FROM events").fetchone()[0]
            items = connection.execute("SELECT count(DISTINCT id) FROM items").fetchone()[0]
            return {"events": events, "items": items}

    def fitted(self) -> int:
        """Return how many pairs the run was fitted on."""
        return len(self._pairs())

    def histories(self, ids: Sequence[str], *, timed: bool) -> Histories:
        """Return all pairs that are learned from, over a catalogue; the same whatever order they came in.

        :raises RunError: the pairs of the fit are not there.
        """
        pairs = self._pairs()
        pairs = pairs.filter(pairs["learned"]).select(SCHEMA.names)
        table = _merged(pa.concat_tables([pairs, self._events()]))
        users = table["user"].combine_chunks().dictionary_encode()
        return Histories.of(
            np.asarray(users.indices, np.int64),
            np.asarray(pc.index_in(table["item"], value_set=pa.array(ids, pa.string())), np.int64),
            n_users=len(users.dictionary),
            n_items=len(ids),
            weights=np.asarray(table["weight"], np.float32),
            times=np.asarray(table["time"]) if timed else None,
        )

    def by_user(self) -> dict[str, list[str]]:
        """Return user -> ids of the items taken, oldest first, of the fit and since."""
        table = _merged(pa.concat_tables([self._pairs().select(SCHEMA.names), self._events()]))
        found: dict[str, dict[str, None]] = {}
        for user, item in zip(table["user"].to_pylist(), table["item"].to_pylist(), strict=True):
            taken = found.setdefault(user, {})
            taken.pop(item, None)  # of what was taken again the latest counts
            taken[item] = None
        return {user: list(items) for user, items in found.items()}

    def close(self) -> None:
        """Close the file."""
        if self._database is not None:
            self._database.close()

    def _known(self, users: set[str]) -> dict[tuple[str, str, float], float]:
        """Return the weights of what some users took, of the pairs of the fit."""
        pairs = self._pairs()
        pairs = pairs.filter(pc.is_in(pairs["user"], value_set=pa.array(sorted(users), pa.string())))
        columns = (pairs[name].to_pylist() for name in (*KEY, "weight"))
        return {(user, item, time): weight for user, item, time, weight in zip(*columns, strict=True)}

    def _pairs(self) -> pa.Table:
        """Return the pairs of the fit."""
        if not (self._folder / PAIRS).is_file():
            raise RunError(
                f"{self._folder} has no {PAIRS}, so it does not know who took what when it was fitted; fit it again"
            )
        return read_columns(self._folder / PAIRS)

    def _events(self) -> pa.Table:
        """Return the events that came later."""
        if not self._exists():
            return SCHEMA.empty_table()
        with self._open().read() as connection:
            rows = connection.execute("SELECT user, item, time, weight FROM events").fetchall()
        columns = zip(*rows, strict=True) if rows else ((),) * len(SCHEMA)
        return pa.table([pa.array(list(one), kind) for one, kind in zip(columns, SCHEMA.types, strict=True)], SCHEMA)

    def _exists(self) -> bool:
        """Return whether anything came later."""
        return (self._later / SINCE).is_file()

    def _open(self) -> Database:
        """Return the file, made where it is missing."""
        if self._database is None:
            self._later.mkdir(parents=True, exist_ok=True)
            database = Database(self._later / SINCE)
            with database.write() as connection:
                for table in TABLES:
                    connection.execute(table)
            self._database = database
        return self._database


def _merged(table: pa.Table) -> pa.Table:
    """Return every event once, by user, time and item: the order is that of the events, whatever came first."""
    once = table.group_by(list(KEY)).aggregate([("weight", "max")]).rename_columns([*KEY, "weight"])
    return once.sort_by([("user", "ascending"), ("time", "ascending"), ("item", "ascending")])
