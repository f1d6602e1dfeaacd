"""A verification that is cut short goes on from its working file, and its receipt is that of an undisturbed one."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from busy_redis import BusyRedis
from scored_events import HISTORY, deleted, scored
from stored_view import DAY_RETENTION, TODAY, StoredView

from consumers.aggregate.contribution import Contribution
from consumers.read.report import Verdict
from consumers.read.snapshot import take_snapshot
from consumers.read.store import open_store
from consumers.read.verify import verify
from embedded import ValkeyServer
from schemas.errors import ConfigurationError
from schemas.events import Label


class Cut(Exception):  # noqa: N818 -- it stands for SIGKILL
    """The verification ends here."""


def cut(*_: object) -> None:
    raise Cut


def test_a_verification_that_is_cut_at_any_command_to_redis_goes_on(
    full: StoredView, valkey: ValkeyServer, tmp_path: Path
) -> None:
    undisturbed, state = full.verify(), tmp_path / "state"
    commands, report = 0, None

    with BusyRedis.from_url(valkey.url, decode_responses=True) as redis:
        while report is None:
            commands += 1
            left = iter([None] * commands)
            redis.turn = lambda left=left: next(left, Cut) and cut()
            try:
                report = verify(
                    full.settings, redis, day_retention=DAY_RETENTION, today=lambda: TODAY, state=state
                )
            except Cut:
                assert state.exists()

    assert commands > 3
    assert report.verdict is Verdict.EQUAL
    assert (report.digest, report.records) == (undisturbed.digest, undisturbed.records)
    assert not state.exists()


def test_records_that_were_read_before_the_cut_are_not_read_again(view: StoredView, tmp_path: Path) -> None:
    state = tmp_path / "state"
    for number in range(4):
        view.publish_and_apply(scored(f"r{number}"), partition=number % 2)
    with pytest.raises(Cut):
        view.verify(progress=cut, state=state)
    assert _count(state, "events") == 4

    report = view.verify(state=state)

    assert report.records == 4  # twice as many, had they been read again
    assert report.verdict is Verdict.EQUAL


def test_what_is_applied_after_the_cut_changes_nothing(view: StoredView, tmp_path: Path) -> None:
    state = tmp_path / "state"
    view.publish_and_apply(*HISTORY)
    with pytest.raises(Cut):
        view.verify(progress=cut, state=state)

    view.publish_and_apply(scored("r10"), deleted("r2"), scored("r1", "p9"))
    report = view.verify(state=state)

    assert report.verdict is Verdict.EQUAL
    assert report.records == len(HISTORY)


def test_a_false_field_is_found_by_a_verification_that_goes_on(full: StoredView, tmp_path: Path) -> None:
    full.redis.hincrby(full.keys.product("p1"), "reviews", 1)
    state = tmp_path / "state"
    with pytest.raises(Cut):
        full.verify(progress=cut, state=state)

    report = full.verify(state=state)

    assert [difference.field for difference in report.differences] == ["reviews"]


def test_the_working_file_of_another_view_is_refused(full: StoredView, tmp_path: Path) -> None:
    state = tmp_path / "state"
    with pytest.raises(Cut):
        full.verify(progress=cut, state=state)
    settings = full.settings.model_copy(update={"redis_prefix": "another:"})

    with pytest.raises(ConfigurationError, match="name another --state file"):
        verify(settings, full.redis, day_retention=DAY_RETENTION, state=state)


@pytest.mark.parametrize("content", [b"no database at all", b""])
def test_a_file_that_is_no_working_file_is_refused_unless_it_is_empty(
    full: StoredView, tmp_path: Path, content: bytes
) -> None:
    state = tmp_path / "state"
    state.write_bytes(content)

    if content:
        with pytest.raises(ConfigurationError, match="cannot be used"):
            full.verify(state=state)
        assert state.read_bytes() == content
    else:
        assert full.verify(state=state).verdict is Verdict.EQUAL


def test_a_working_file_serves_one_verification_at_a_time(full: StoredView, tmp_path: Path) -> None:
    state = tmp_path / "state"

    def another(*_: object) -> None:
        with pytest.raises(ConfigurationError, match="locked"):
            full.verify(state=state)

    assert full.verify(progress=another, state=state).verdict is Verdict.EQUAL


def test_equal_states_have_equal_digests_and_a_correction_another(view: StoredView) -> None:
    view.publish_and_apply(*HISTORY)
    first, second = view.verify(), view.verify()

    view.publish_and_apply(scored("r4", "p2", label=Label.NEGATIVE, score=0.2))

    assert first.digest == second.digest
    assert len(first.digest) == 64
    assert view.verify().digest != first.digest


def test_a_label_in_its_older_code_is_no_difference(full: StoredView) -> None:
    for review_id, code in full.redis.hgetall(full.keys.labels("p1")).items():
        older = Contribution.decode(code).encode_older()
        full.redis.hset(full.keys.labels("p1"), review_id, older)

    assert full.verify().verdict is Verdict.EQUAL


def test_the_labels_of_a_large_product_are_read_in_parts_at_one_instant(full: StoredView) -> None:
    labels = {f"r{number}": "rPk12ofvk" for number in range(3000)}
    full.redis.hset(full.keys.labels("p1"), mapping=labels)
    expected = full.redis.hgetall(full.keys.labels("p1"))

    with open_store(None, {}) as store:
        take_snapshot(full.redis, full.keys, store, labels_at_a_time=700)
        stored = dict(store.sql.execute("SELECT review, code FROM labels WHERE product = 'p1'"))

    assert stored == expected


def test_a_large_product_that_never_rests_is_read_at_once(view: StoredView, valkey: ValkeyServer) -> None:
    view.publish_and_apply(*(scored(f"r{number}") for number in range(20)))
    numbers = iter(range(20, 1000))

    with (
        BusyRedis.from_url(valkey.url, decode_responses=True) as redis,
        open_store(None, {}) as store,
    ):
        redis.turn = lambda: view.publish_and_apply(scored(f"r{next(numbers)}"))
        take_snapshot(redis, view.keys, store, labels_at_a_time=10)
        [(reviews,)] = store.sql.execute("SELECT fields ->> 'reviews' FROM counts WHERE place = 'review:'")
        [(labels,)] = store.sql.execute("SELECT count(*) FROM labels")

    assert int(reviews) == labels > 20


def _count(state: Path, table: str) -> int:
    with closing(sqlite3.connect(state)) as connection:
        [(rows,)] = connection.execute(f"SELECT count(*) FROM {table}")
    return int(rows)
