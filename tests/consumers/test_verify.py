"""What a verification says of views that are right, behind, ahead, moving, expired or of another topic."""

import json
from datetime import timedelta
from itertools import count

import pytest
from busy_redis import BusyRedis
from redis import Redis
from scored_events import HISTORY, START, deleted, scored
from scored_topic import ScoredTopic
from stored_view import DAY_RETENTION, TODAY, StoredView

from consumers.read.report import Verdict
from consumers.read.snapshot import take_snapshot
from consumers.read.store import open_store
from consumers.read.verify import verify
from embedded import ValkeyServer
from schemas.errors import MissingTopic, ViewMismatch
from schemas.events import Channel, Label
from schemas.redis_keys import Ranking

DAY = START.date()
YESTERDAY = DAY - timedelta(days=1)


def test_a_view_that_equals_the_recount_is_proved_equal(full: StoredView) -> None:
    report = full.verify()

    assert report.verdict is Verdict.EQUAL
    assert report.differences == ()
    assert (report.records, report.products, report.unreadable) == (8, 3, 0)
    end = len(HISTORY) + 1  # the transaction's marker
    assert [(part.partition, part.end, part.claimed, part.recounted_to) for part in report.partitions] == [
        (0, end, end, end),
        (1, 0, 0, 0),
    ]


def test_events_that_are_not_applied_yet_are_no_difference(view: StoredView) -> None:
    view.publish_and_apply(scored("r1", "p1"))
    view.scored_topic.publish(scored("r2", "p1"), scored("r1", "p9"))

    assert view.verify().verdict is Verdict.EQUAL


def test_products_may_be_ahead_of_the_offsets_that_redis_claims(view: StoredView) -> None:
    view.publish_and_apply(scored("r1", "p1"), scored("r1", "p2"))
    ahead, behind = scored("r2", "p1"), scored("r2", "p2")
    view.apply([ahead], view.scored_topic.publish(ahead))
    view.scored_topic.publish(behind)

    report = view.verify()

    assert report.verdict is Verdict.EQUAL
    assert report.partitions[0].claimed < report.partitions[0].recounted_to


def test_the_hash_of_an_expired_day_may_be_gone(full: StoredView) -> None:
    full.redis.delete(full.keys.counts("p1", Channel.REVIEW, YESTERDAY))

    last_day = YESTERDAY + timedelta(days=DAY_RETENTION)

    assert full.verify(today=last_day).verdict is Verdict.DIFFERENT
    assert full.verify(today=last_day + timedelta(days=1)).verdict is Verdict.EQUAL


def test_a_hash_of_zeros_equals_one_that_is_not_there(view: StoredView) -> None:
    view.publish_and_apply(scored(channel=Channel.AD), deleted())
    assert view.redis.hget(view.keys.counts("p1", Channel.AD), "reviews") == "0"
    assert view.verify().verdict is Verdict.EQUAL

    view.redis.delete(view.keys.counts("p1", Channel.AD), view.keys.counts("p1", Channel.AD, DAY))

    assert view.verify().verdict is Verdict.EQUAL


def test_nothing_published_and_nothing_counted_is_equal(view: StoredView) -> None:
    assert view.verify().verdict is Verdict.EQUAL


def test_aborted_records_count_nothing_and_do_not_hold_up_the_end(view: StoredView) -> None:
    view.publish_and_apply(scored("r1"))
    view.scored_topic.abort(scored("r2"))
    view.claim_all()

    report = view.verify()

    assert report.verdict is Verdict.EQUAL
    assert report.records == 1


def test_records_that_are_no_labelled_review_are_told_apart(view: StoredView) -> None:
    view.scored_topic.publish_bytes(b"{}")
    view.publish_and_apply(scored("r1"))

    report = view.verify()

    assert report.verdict is Verdict.EQUAL
    assert (report.records, report.unreadable) == (2, 1)


def test_a_correction_in_a_partition_that_was_added_later_is_the_last_word(view: StoredView) -> None:
    view.publish_and_apply(scored("r1"), partition=1)
    view.publish_and_apply(scored("r1", label=Label.NEGATIVE, score=0.2), partition=0)

    assert view.verify().verdict is Verdict.EQUAL


def test_ids_with_braces_and_colons_are_told_apart(view: StoredView) -> None:
    product_ids = ["a", "a}:labels", "{a}", "a}:day:2026-03-01", "a:channel:ad", "*", "ключ"]
    view.publish_and_apply(*(scored("r1", product_id) for product_id in product_ids))

    report = view.verify()

    assert report.verdict is Verdict.EQUAL
    assert report.products == len(product_ids)


def test_a_prefix_is_taken_literally(scored_topic: ScoredTopic, redis: Redis) -> None:
    settings = scored_topic.settings.model_copy(
        update={"redis_prefix": f"[{scored_topic.settings.redis_prefix}]*?\\"}
    )
    view = StoredView(scored_topic, redis, settings)
    view.publish_and_apply(scored("r1"))

    report = view.verify()

    assert (report.verdict, report.products) == (Verdict.EQUAL, 1)


def test_a_topic_that_lost_its_beginning_cannot_be_verified(view: StoredView) -> None:
    view.publish_and_apply(*HISTORY)
    view.scored_topic.delete_before(3)

    report = view.verify()

    assert report.verdict is Verdict.UNVERIFIABLE
    assert "partition 0 starts at offset 3" in report.reason
    assert report.differences == ()


def test_a_topic_that_loses_its_beginning_meanwhile_cannot_be_verified(view: StoredView) -> None:
    view.publish_and_apply(*HISTORY)

    report = view.verify(progress=lambda _done, _total: view.scored_topic.delete_before(3))

    assert report.verdict is Verdict.UNVERIFIABLE


def test_a_view_ahead_of_its_topic_belongs_to_another(full: StoredView) -> None:
    full.claim({0: 1000})

    with pytest.raises(ViewMismatch, match="up to 1000, but the topic ends at 9"):
        full.verify()


def test_a_view_of_more_partitions_than_the_topic_has_belongs_to_another(full: StoredView) -> None:
    full.claim({7: 1})

    with pytest.raises(ViewMismatch, match="no such partition"):
        full.verify()


def test_a_missing_topic_is_named(full: StoredView, unique_name: str) -> None:
    settings = full.settings.model_copy(update={"scored_topic": unique_name})

    with pytest.raises(MissingTopic, match=unique_name):
        verify(settings, full.redis, day_retention=DAY_RETENTION)


def test_events_applied_between_recount_and_rankings_change_nothing(view: StoredView) -> None:
    view.publish_and_apply(*HISTORY)

    report = view.verify(
        progress=lambda _done, _total: view.publish_and_apply(
            scored("r10"), deleted("r2"), scored("r1", "p9")
        )
    )

    assert report.verdict is Verdict.EQUAL
    assert report.records == len(HISTORY)


def test_a_view_that_changes_before_every_command_is_proved_equal_all_the_same(
    view: StoredView, valkey: ValkeyServer
) -> None:
    view.publish_and_apply(*HISTORY)
    numbers = count()

    def another_event() -> None:
        number = next(numbers)
        review_id, product_id = f"r{number % 3}", f"p{number % 2}"
        event = scored(review_id, product_id, created_at=START + timedelta(days=number))
        view.publish_and_apply(deleted(review_id, product_id) if number % 4 == 3 else event)

    with BusyRedis.from_url(valkey.url, decode_responses=True) as redis:
        redis.turn = another_event
        report = verify(view.settings, redis, day_retention=DAY_RETENTION, today=lambda: TODAY)

    assert report.differences == ()
    assert report.verdict is Verdict.EQUAL
    assert report.records > len(HISTORY)


def test_rankings_that_follow_late_are_waited_for(full: StoredView) -> None:
    late = full.keys.ranking(Ranking.REVIEWS)
    full.redis.zadd(late, {"p1": 1})

    report = full.verify(pause=lambda _seconds: full.redis.zadd(late, {"p1": 2}))

    assert report.verdict is Verdict.EQUAL


def test_a_ranking_that_is_behind_a_product_that_keeps_changing_is_unsettled(view: StoredView) -> None:
    numbers = count()

    def count_one_more(_seconds: float = 0) -> None:
        more = scored(f"r{next(numbers)}")
        view.apply([more], view.scored_topic.publish(more), rank=False)

    count_one_more()
    report = view.verify(pause=count_one_more)

    assert report.verdict is Verdict.UNSETTLED
    assert report.unsettled == ("p1",)


def test_progress_ends_with_all_offsets_done(full: StoredView) -> None:
    told: list[tuple[int, int]] = []

    full.verify(progress=lambda done, total: told.append((done, total)))

    assert told[-1] == (9, 9)


def test_a_day_that_appears_after_the_scan_is_read_too(full: StoredView) -> None:
    with open_store(None, {}) as store:
        store.sql.execute("INSERT INTO keys_seen VALUES ('p1', '')")
        store.set_note("scanned", value=True)
        take_snapshot(full.redis, full.keys, store)
        [fields] = store.sql.execute(
            "SELECT fields FROM counts WHERE place = ?", (f"review:{YESTERDAY.isoformat()}",)
        )

    assert json.loads(fields[0])["reviews"] == "1"


def test_only_equal_leaves_with_0_and_every_verdict_has_its_own_exit_code() -> None:
    codes = {verdict: verdict.exit_code for verdict in Verdict}

    assert codes[Verdict.EQUAL] == 0
    assert len(set(codes.values())) == len(Verdict)
