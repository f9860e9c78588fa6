"""The journal: lines in a chain, changes found out, kills and several writers survived."""

from __future__ import annotations

import hashlib
import json
import stat
import subprocess
import sys
import time

import pytest

from mmsdk.errors import DataError
from mmsdk.journal import START, Journal, verify_journal

WRITER = "import sys; from mmsdk.journal import Journal\nlog = Journal(sys.argv[1])\n"
SEVERAL = "for n in range(40): log.append([{'who': sys.argv[2], 'at': n}] * 2)"
ENDLESS = "print('on', flush=True)\nwhile True: log.append([{'text': 'x' * 20000}])"


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "logs" / "answers.jsonl"
    journal = Journal(path)
    heads = [journal.append([{"a": n, "ä": "ö"}]) for n in range(5)]
    return path, heads


def lines(path):
    return path.read_bytes().split(b"\n")[:-1]


def test_each_line_holds_the_hash_of_the_one_before(log):
    path, heads = log
    found = [json.loads(one) for one in lines(path)]
    assert [one["n"] for one in found] == [0, 1, 2, 3, 4]
    assert found[0]["prev"] == START
    assert [one["prev"] for one in found[1:]] == [hashlib.sha256(one).hexdigest() for one in lines(path)[:-1]]
    assert heads[-1] == hashlib.sha256(lines(path)[-1]).hexdigest()
    assert found[0]["time"].endswith("Z")
    checked = verify_journal(path)
    assert (checked.whole, checked.lines, checked.head, checked.torn) == (True, 5, heads[-1], 0)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_another_writer_goes_on_where_the_last_one_ended(log):
    path, _ = log
    Journal(path).append([{"b": "x" * 200_000}, {"b": 2}])
    head = Journal(path).append([{"b": 3}])
    assert verify_journal(path, head=head).lines == 8


CHANGES = {
    "a value": lambda all_: [*all_[:2], all_[2].replace(b'"a":2', b'"a":7'), *all_[3:]],
    "a line left out": lambda all_: [*all_[:2], *all_[3:]],
    "the first left out": lambda all_: all_[1:],
    "a line twice": lambda all_: [*all_[:3], all_[2], *all_[3:]],
    "two lines exchanged": lambda all_: [all_[0], all_[2], all_[1], *all_[3:]],
    "a line put in": lambda all_: [*all_[:3], b'{"n":3,"prev":"%s"}' % (b"0" * 64), *all_[3:]],
    "no JSON": lambda all_: [*all_[:3], b"oops", *all_[3:]],
    "no object": lambda all_: [*all_[:3], b"[1]", *all_[3:]],
    "a fragment nobody speaks of": lambda all_: [*all_, b'{"n":5,"pre'],
    "the last value": lambda all_: [*all_[:4], all_[4].replace(b'"a":4', b'"a":9').replace(b'"n":4', b'"n":5')],
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_found_out(log, change):
    path, _ = log
    path.write_bytes(b"".join(one + b"\n" for one in CHANGES[change](lines(path))))
    checked = verify_journal(path)
    assert not checked.whole
    assert "line" in checked.problem


def test_an_end_that_is_cut_off_is_found_out_by_a_head_that_was_kept(log):
    path, heads = log
    assert verify_journal(path, head=heads[2]).whole
    path.write_bytes(b"".join(one + b"\n" for one in lines(path)[:3]))
    assert verify_journal(path).whole  # by itself it looks whole
    assert "cut off" in verify_journal(path, head=heads[-1]).problem
    assert verify_journal(path, head=heads[2]).whole


@pytest.mark.parametrize("left", [b'{"n":5,"ti', b'{"n":5,"prev":"x"}', b"\xff\xfe"])
def test_a_line_cut_short_by_a_kill_stays_and_is_spoken_of(log, left):
    path, heads = log
    with path.open("ab") as stream:
        stream.write(left)
    torn = verify_journal(path)
    assert torn.whole
    assert (torn.lines, torn.torn, torn.head) == (5, len(left), heads[-1])
    before = path.read_bytes()
    Journal(path).append([{"a": 5}])
    assert path.read_bytes().startswith(before)  # nothing is ever taken away
    checked = verify_journal(path)
    assert (checked.whole, checked.lines, checked.torn) == (True, 7, 0)
    assert json.loads(lines(path)[-2])["torn"] == hashlib.sha256(left).hexdigest()
    path.write_bytes(path.read_bytes().replace(left + b"\n", b"other\n"))
    assert not verify_journal(path).whole


def test_a_whole_line_without_its_end_was_never_acknowledged(log):
    path, _ = log
    Journal(path).append([{"a": 5}])
    path.write_bytes(path.read_bytes()[:-1])
    Journal(path).append([{"a": 6}])
    assert verify_journal(path).whole
    assert [json.loads(one).get("n") for one in lines(path)] == [0, 1, 2, 3, 4, 5, 5, 6]


def test_two_processes_write_to_one_log(tmp_path):
    path = tmp_path / "log.jsonl"
    processes = [subprocess.Popen([sys.executable, "-c", WRITER + SEVERAL, str(path), who]) for who in "ab"]
    assert [one.wait(60) for one in processes] == [0, 0]
    checked = verify_journal(path)
    assert (checked.whole, checked.lines) == (True, 160)
    found = [json.loads(one) for one in lines(path)]
    for who in "ab":
        assert [one["at"] for one in found if one["who"] == who] == [n // 2 for n in range(80)]


def test_a_writer_that_is_killed_leaves_a_log_that_goes_on(tmp_path):
    path = tmp_path / "log.jsonl"
    process = subprocess.Popen([sys.executable, "-c", WRITER + ENDLESS, str(path)], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"on\n"
    time.sleep(0.3)
    process.kill()
    process.wait()
    process.stdout.close()
    checked = verify_journal(path)
    assert checked.whole
    head = Journal(path).append([{"after": True}])
    assert verify_journal(path, head=head).whole


def test_values_are_hashed_by_a_key_that_stays_with_the_log(log, tmp_path):
    path, _ = log
    one = Journal(path).hashed(b"54")
    assert one == Journal(path).hashed(b"54") != Journal(path).hashed(b"55")
    assert one != hashlib.sha256(b"54").hexdigest()
    assert one != Journal(tmp_path / "other.jsonl").hashed(b"54")
    key = path.with_name(path.name + ".key")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    key.write_text("no key")
    with pytest.raises(DataError, match="is no key of a log"):
        Journal(path)
    key.unlink()
    with pytest.raises(DataError, match="is gone"):
        Journal(path)


def test_what_is_no_log_is_not_written_to(tmp_path):
    path = tmp_path / "notes.txt"
    Journal(path)
    path.write_text("dear diary\n")
    with pytest.raises(DataError, match="none of its own"):
        Journal(path).append([{"a": 1}])
    assert path.read_text() == "dear diary\n"
    with pytest.raises(DataError, match="cannot be read"):
        verify_journal(tmp_path / "nowhere")


def test_nan_is_refused_before_anything_is_written(log):
    path, _ = log
    before = path.read_bytes()
    with pytest.raises(ValueError, match="JSON"):
        Journal(path).append([{"a": 1}, {"a": float("nan")}])
    assert path.read_bytes() == before
