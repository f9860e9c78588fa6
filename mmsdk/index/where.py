"""Filters: a small grammar over an item's columns, parsed and turned into SQL whose every value is a parameter.

``price < 20 and (category = "lamp" or stock is not null) and name like 'A%' and sku in ("a", "b")``
"""

from __future__ import annotations

import functools
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from mmsdk.data.times import moment_of
from mmsdk.errors import StoreError, unknown

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

MAX_LENGTH = 100_000
MAX_DEPTH = 50
MAX_TERMS = 400
MAX_VALUES = 500
MAX_PATTERN = 200

Value = str | int | float | bool
Sql = tuple[str, list[Value]]

TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>[-+－＋]?(?:\d+[.．]?\d*|[.．]\d+)(?:[eE][-+]?\d+)?(?![\w.]))
    | (?P<string>'(?:[^']|'')*'|"(?:[^"]|"")*"|“[^”]*”|‘[^’]*’)
    | (?P<quoted>`[^`]+`)
    | (?P<word>[^\W\d][\w.]*)
    | (?P<op>[<＜>＞!！=＝][=＝]|[<＜][>＞]|[=＝<＜>＞≤≥≠()（）,，])
    )""",
    re.VERBOSE,
)
DATED = re.compile("[-/.年]")  # what a date has after its first digit; digits alone may be anything
UNREACHABLE = re.compile(r"[\x00-\x1f\"\\]")
ORDER = {"<", "<=", ">", ">="}
COMPARE = {"<", "<=", ">", ">=", "=", "!="}
SAME = {"==": "=", "<>": "!="}
SIGNS = {"≤": "<=", "≥": ">=", "≠": "!="}  # NFKC would take the last apart
KEYWORDS = {"and", "or", "not", "in", "like", "is", "null", "true", "false"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A piece of the filter: its kind, its text without quotes, and where it stands."""

    kind: str
    text: str
    at: int


def compile_where(text: str, columns: Iterable[str], *, doubting: bool = False) -> Sql:
    """Turn a filter into a SQL condition on ``items`` and its parameters.

    A comparison with an unquoted number is numeric: a cell that is a number, or text that reads as one (``"19.90"``
    from a CSV file), takes part, other text never does. A quoted value is compared as text, but a quoted date by time:
    ``'2026-11-01'`` is ``2026年11月1日``, and before it comes what is a date before it, however that is written; other
    text comes neither before nor after it. ``is null`` is true for an empty and for an absent cell; every other
    comparison with such a cell is false. ``like`` knows ``%`` and ``_`` and ignores the case of ASCII letters. A column
    whose name is no plain word is written in backticks. The connection needs :func:`with_moments`.

    :param columns: the names of all columns; ``id`` is always known.
    :param doubting: text that is no number is compared with one as an empty cell is, and text that is no date always:
        neither true nor false.
    :raises StoreError: it does not parse, or names an unknown column.
    """
    if len(text) > MAX_LENGTH:
        raise StoreError(f"where: the filter has {len(text):,} characters, at most {MAX_LENGTH:,} are taken")
    parser = _Parser(text, tuple(columns), doubting=doubting)
    return parser.parse()


def columns_in(text: str, columns: Iterable[str]) -> tuple[str, ...]:
    """Return the columns that a filter reads, in the order of their first mention; errors as of a compilation."""
    parser = _Parser(text, tuple(columns))
    parser.parse()
    return tuple(dict.fromkeys(parser.read))


def with_moments(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Return a connection that can compare dates."""
    connection.create_function("moment", 1, moment, deterministic=True)
    return connection


@functools.lru_cache(maxsize=1 << 16)
def moment(cell: Value | None) -> str | None:
    """Return a date as text that sorts by time, without its zone; nothing of what is no date."""
    if not isinstance(cell, str) or not DATED.search(cell.strip()[1:]):
        return None
    try:
        return moment_of(cell).replace(tzinfo=None).isoformat(" ", "microseconds")
    except ValueError:
        return None


def no_dates_in(text: str, columns: Iterable[str]) -> dict[str, Sql]:
    """Return the columns that a filter puts before or after a date -> which of their cells hold something else."""
    parser = _Parser(text, tuple(columns))
    parser.parse()
    return {
        name: (f"(moment({sql}) IS NULL AND trim({sql}) != '')", [*path, *path])
        for name, (sql, path) in parser.dated.items()
    }


def no_numbers_in(text: str, columns: Iterable[str]) -> dict[str, Sql]:
    """Return the columns that a filter compares with a number -> which of their cells are text that is none.

    Those cells take no part in the comparison; who filters by such a column may not know.
    """
    parser = _Parser(text, tuple(columns))
    parser.parse()
    return {
        name: (f"({_text(sql)} AND trim({sql}) != '')", [*path, *path]) for name, (sql, path) in parser.numeric.items()
    }


class _Parser:
    """Recursive descent: ``or`` < ``and`` < ``not`` < a comparison or a parenthesis."""

    def __init__(self, text: str, columns: tuple[str, ...], *, doubting: bool = False) -> None:
        self.text = text
        self.columns = columns
        self.doubting = doubting
        self.tokens = self._tokens()
        self.position = 0
        self.read: list[str] = []
        self.numeric: dict[str, Sql] = {}
        self.dated: dict[str, Sql] = {}
        self.depth = 0
        self.terms = 0

    def parse(self) -> Sql:
        """Read the whole filter."""
        sql = self._or()
        if self._peek().kind != "end":
            self._fail("'and', 'or' or the end")
        return sql

    def _tokens(self) -> list[Token]:
        tokens: list[Token] = []
        at, end = 0, len(self.text.rstrip())
        while at < end:
            match = TOKEN.match(self.text, at)
            if match is None or match.lastgroup is None:
                raise StoreError(
                    f"where: cannot read {self.text[at : at + 20].strip()!r} in {_shown(self.text)}; "
                    "text is quoted ('lamp'), a column with an odd name stands in backticks (`list price`)"
                )
            kind, piece = match.lastgroup, match.group(match.lastgroup)
            tokens.append(Token(kind=kind, text=_unquoted(kind, piece), at=match.start(match.lastgroup)))
            at = match.end()
        return [*tokens, Token(kind="end", text="", at=end)]

    def _peek(self) -> Token:
        return self.tokens[self.position]

    def _next(self) -> Token:
        token = self.tokens[self.position]
        self.position = min(self.position + 1, len(self.tokens) - 1)
        return token

    def _word(self, *words: str) -> bool:
        """Take the next token if it is one of these keywords or signs."""
        token = self._peek()
        if token.kind in ("word", "op") and token.text.lower() in words:
            self.position += 1
            return True
        return False

    def _fail(self, expected: str) -> NoReturn:
        token = self._peek()
        found = repr(token.text) if token.kind != "end" else "the end"
        raise StoreError(f"where: {_shown(self.text)}: expected {expected} at character {token.at + 1}, found {found}")

    def _chain(self, joiner: str) -> Sql:
        """Read operands joined by one keyword."""
        parts = [self._and() if joiner == "or" else self._not()]
        while self._word(joiner):
            parts.append(self._and() if joiner == "or" else self._not())
        if len(parts) == 1:
            return parts[0]
        return "(" + f" {joiner.upper()} ".join(sql for sql, _ in parts) + ")", [v for _, vs in parts for v in vs]

    def _or(self) -> Sql:
        return self._chain("or")

    def _and(self) -> Sql:
        return self._chain("and")

    def _not(self) -> Sql:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise StoreError(f"where: nested more than {MAX_DEPTH} deep; write it flatter")
        try:
            if self._word("not"):
                sql, values = self._not()
                return f"(NOT {sql})", values
            if self._word("("):
                inner = self._or()
                if not self._word(")"):
                    self._fail("')'")
                return inner
            return self._term()
        finally:
            self.depth -= 1

    def _term(self) -> Sql:
        """Read ``column OPERATOR value``."""
        self.terms += 1
        if self.terms > MAX_TERMS:
            raise StoreError(f"where: more than {MAX_TERMS} comparisons; use `in (...)`")
        column = self._column()
        if self._word("is"):
            negated = self._word("not")
            if not self._word("null"):
                self._fail("'null' or 'not null' after 'is'")
            return column[0] + (" IS NOT NULL" if negated else " IS NULL"), column[1]
        negated = self._word("not")
        if self._word("in"):
            return _not_null(negated, self._in(column))
        if self._word("like"):
            return _not_null(negated, self._like(column))
        operator = self._peek().text
        if negated or self._peek().kind != "op" or operator not in COMPARE:
            self._fail("one of < <= = != >= >, 'in', 'like', 'is null'")
        self._next()
        value = self._value(operator)
        compared = _compare(column, operator, value)
        if operator in ORDER and moment(value):
            self.dated[self.read[-1]] = column  # of which some cells may be no dates
        return self._numeric(column, compared) if _is_number(value) and operator != "!=" else compared

    def _column(self) -> Sql:
        token = self._peek()
        if token.kind not in ("word", "quoted") or (token.kind == "word" and token.text.lower() in KEYWORDS):
            known = token.kind == "string" and token.text in self.columns
            self._fail(f"the name of a column{f', written `{token.text}`' if known else ''}")
        name = token.text
        if name not in self.columns and name != "id":
            raise StoreError(self._unknown(name))
        if UNREACHABLE.search(name):  # a JSON path cannot name them
            raise StoreError(
                f"where: column {name!r} cannot be filtered by, since its name holds a double quote, a backslash or "
                "a control character; rename it"
            )
        self._next()
        self.read.append(name)
        return ("id", []) if name == "id" and "id" not in self.columns else ("json_extract(row, ?)", [f'$."{name}"'])

    def _unknown(self, name: str) -> str:
        """Return the sentence about a column that is not there; a name of several words is to stand in backticks."""
        at = self._peek().at
        whole = next((one for one in sorted(self.columns, key=len)[::-1] if self.text.startswith(one, at)), None)
        if whole is not None and self._peek().kind == "word":
            return f"where: {_shown(self.text)}: write the column as `{whole}`, since its name is no plain word"
        return unknown("column", name, {*self.columns, "id"}, where="where", listed="Known")

    def _value(self, operator: str = "=") -> Value:
        token = self._peek()
        if token.kind == "number":
            self._next()
            return _number(token.text)
        if token.kind == "string":
            self._next()
            return token.text
        if token.kind == "word" and token.text.lower() in ("true", "false") and operator in ("=", "!="):
            self._next()
            return token.text.lower() == "true"
        if token.kind == "word" and token.text.lower() == "null":
            self._fail("a value (an empty cell is found by 'is null')")
        return self._fail("a number or a quoted text")

    def _in(self, column: Sql) -> Sql:
        if not self._word("("):
            self._fail("'(' after 'in'")
        values = [self._value()]
        while self._word(","):
            values.append(self._value())
        if not self._word(")"):
            self._fail("',' or ')'")
        if len(values) > MAX_VALUES:
            raise StoreError(f"where: 'in' lists {len(values)} values, at most {MAX_VALUES} are taken")
        parts = [_compare(column, "=", value) for value in values]
        any_of = "(" + " OR ".join(sql for sql, _ in parts) + ")", [v for _, vs in parts for v in vs]
        return self._numeric(column, any_of) if all(map(_is_number, values)) else any_of

    def _numeric(self, column: Sql, compared: Sql) -> Sql:
        """Note that a column is compared with numbers, of which some cells may be none."""
        self.numeric[self.read[-1]] = column
        if not self.doubting:
            return compared
        return f"(CASE WHEN {_text(column[0])} THEN NULL ELSE {compared[0]} END)", [*column[1], *compared[1]]

    def _like(self, column: Sql) -> Sql:
        pattern = self._value()
        if not isinstance(pattern, str) or len(pattern) > MAX_PATTERN:
            self._fail(f"a quoted pattern of at most {MAX_PATTERN} characters after 'like'")
        return f"(CAST({column[0]} AS TEXT) LIKE ?)", [*column[1], pattern]


def _is_number(value: Value) -> bool:
    """Return whether a value of a filter is compared as a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(sql: str) -> str:
    """Return the condition that a cell is text which is no number.

    Text is greater than every number, see :func:`_compare`; an empty cell is null and greater than nothing.
    """
    return f"{sql} > CAST(9e999 AS NUMERIC)"


def _compare(column: Sql, operator: str, value: Value) -> Sql:
    """Compare one column with one value; which kind of comparison is the value's to say."""
    sql, path = column
    if isinstance(value, bool):
        negation = "NOT " if operator == "!=" else ""
        return f"({negation}({sql} = ? OR lower({sql}) = ?))", [*path, int(value), *path, str(value).lower()]
    if isinstance(value, str):
        return _compare_text(column, operator, value)
    # SQLite applies the NUMERIC affinity of the cast to the other side: '19.90' becomes a number, 'abc' stays text,
    # and text is greater than every number, hence the second bound.
    if operator in (">", ">="):
        bounded = f"({sql} {operator} CAST(? AS NUMERIC) AND {sql} <= CAST(9e999 AS NUMERIC))"
        return bounded, [*path, value, *path]
    return f"({sql} {operator} CAST(? AS NUMERIC))", [*path, value]


def _compare_text(column: Sql, operator: str, value: str) -> Sql:
    """Compare one column with a quoted value: by time where that is a date, which is the same in any spelling."""
    sql, path = column
    as_text = f"(CAST({sql} AS TEXT) {operator} ?)", [*path, value]
    if (then := moment(value)) is None:
        return as_text
    by_time = f"(moment({sql}) {operator} ?)", [*path, then]
    if operator in ORDER:
        return by_time
    joiner, otherwise = ("OR", "0") if operator == "=" else ("AND", "1")
    return f"({as_text[0]} {joiner} coalesce({by_time[0]}, {otherwise}))", [*as_text[1], *by_time[1]]


def _not_null(negated: bool, sql: Sql) -> Sql:
    """Negate, where asked; an absent cell stays false, as SQL has it."""
    return (f"(NOT {sql[0]})", sql[1]) if negated else sql


def _number(text: str) -> int | float:
    """Read a number; what SQLite's 64-bit integers cannot hold becomes a float."""
    try:
        whole = int(text)
    except ValueError:
        return float(text)
    return whole if -(2**63) <= whole < 2**63 else float(text)


def _unquoted(kind: str, text: str) -> str:
    """Take the quotes off a string (doubled quotes inside become one) or a backticked name; signs in usual width."""
    if kind == "string" and text[0] in "“‘":
        return text[1:-1]
    if kind == "string":
        return text[1:-1].replace(text[0] * 2, text[0])
    if kind in ("number", "op"):
        plain = unicodedata.normalize("NFKC", SIGNS.get(text, text))
        return SAME.get(plain, plain)
    return text[1:-1] if kind == "quoted" else text


def _shown(text: str) -> str:
    """Return the filter as it may stand in a message."""
    return repr(text if len(text) <= 80 else text[:77] + "...")
