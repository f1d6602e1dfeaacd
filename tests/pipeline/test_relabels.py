"""What people say in place of the model: counted exactly, whichever of the two topics is read first, on a real Valkey."""

from collections.abc import Sequence
from itertools import chain

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from labelled import campaign_ids, customers, days, hash_of, judged, labelled, product_ids, review_ids
from redis import Redis
from redis_views import KNOWN, TOPIC, View, comparable, encoded, expected

from consumers.aggregate.contribution import Contribution
from consumers.aggregate.fold import Fold
from consumers.aggregate.relabel import PositionedLabel
from consumers.aggregate.view import PositionedEvent
from schemas.events import Channel, Intensity, Label
from schemas.labels import ReviewLabel
from schemas.redis_keys import Counter

LABELS = "reviews.labels"
EXAMPLES = 40
PARTITIONS = 2

WHOLE = [counter for counter in Counter if counter is not Counter.SCORE_SUM]
SURE_NEGATIVE = (Label.NEGATIVE, Intensity.STRONG)

# Few texts, days and ids, so that people often say something of just what the model said, before or after it did.
scored_events = st.builds(
    labelled,
    review_ids,
    product_ids,
    st.one_of(st.none(), st.integers(0, 6).map(lambda number: f"text {number}")),
    channel=st.sampled_from([Channel.REVIEW, Channel.AD]),
    created_at=days,
    minute=st.integers(0, 1000),
    campaign_id=campaign_ids,
    customer=customers,
)
meanings = st.none() | st.tuples(st.sampled_from(Label), st.sampled_from(Intensity))

Log = list[PositionedEvent] | list[PositionedLabel]


class BothTopics(View):
    """A view with the offsets of both topics."""

    def __init__(self, redis: Redis, uncertain_kept: int = 0) -> None:
        super().__init__(redis, uncertain_kept=uncertain_kept)
        self.view.advance(LABELS, {partition: (None, offset) for partition, offset in KNOWN.items()})

    def relabel(self, *events: ReviewLabel, first_offset: int = 0) -> None:
        """Count labels that stand in partition 0."""
        applied = [PositionedLabel(0, offset, event) for offset, event in enumerate(events, first_offset)]
        self.view.apply(LABELS, applied, KNOWN)

    def holds(self, fold: Fold) -> bool:
        """Whether every field of every key is as the fold says."""
        known: dict[str, object] = {self.keys.offsets(LABELS): dict.fromkeys("012", "0") | {"expires": -1}}
        dump = {key: value for key, value in self.dump().items() if not key.endswith(f"marks:{LABELS}")}
        return comparable(dump) == comparable(expected(fold, self.keys) | known)


@st.composite
def logs(draw: st.DrawFn) -> list[Log]:
    """The partitions of the scored topic, then those of the labels; a product stays in one of each."""
    scored: list[list[PositionedEvent]] = [[] for _ in range(PARTITIONS)]
    events = draw(st.lists(scored_events, max_size=20))
    for event in events:
        partition = hash_of(event.product_id) % PARTITIONS
        scored[partition].append(PositionedEvent(partition, 2 * len(scored[partition]), event))
    said: list[list[PositionedLabel]] = [[] for _ in range(PARTITIONS)]
    subjects = [event for event in events if event.sentiment is not None]
    if subjects:
        for subject, meaning in draw(st.lists(st.tuples(st.sampled_from(subjects), meanings), max_size=20)):
            partition = hash_of(subject.product_id) % PARTITIONS
            said[partition].append(
                PositionedLabel(partition, 2 * len(said[partition]), judged(subject, meaning))
            )
    return [*scored, *said]


@st.composite
def logs_and_reading(draw: st.DrawFn) -> tuple[list[Log], list[tuple[int, int, int]]]:
    """The logs, and which part of which is read when, now and then again from before, until all is read."""
    drawn = draw(logs())
    at = [0] * len(drawn)
    reading = []
    while behind := [number for number, log in enumerate(drawn) if at[number] < len(log)]:
        number = draw(st.sampled_from(behind))
        start = draw(st.integers(0, at[number])) if len(reading) < 15 else at[number]
        stop = draw(st.integers(start + 1, len(drawn[number]))) if len(reading) < 15 else len(drawn[number])
        reading.append((number, start, stop))
        at[number] = max(stop, start)
    return drawn, reading


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(logs_and_reading(), st.sampled_from([0, 2]))
def test_any_interleaving_of_both_topics_and_any_replay_ends_in_the_fold_of_one_after_the_other(
    redis: Redis, case: tuple[list[Log], list[tuple[int, int, int]]], uncertain_kept: int
) -> None:
    drawn, reading = case
    view = BothTopics(redis, uncertain_kept)
    scored_first, labels_first = Fold(uncertain_kept=uncertain_kept), Fold(uncertain_kept=uncertain_kept)

    for number, start, stop in reading:
        part = drawn[number][start:stop]
        if number < PARTITIONS:
            assert view.view.apply(TOPIC, part, KNOWN) == set()
        else:
            assert view.view.apply(LABELS, part, KNOWN) == set()

    fold_all(scored_first, drawn)
    fold_all(labels_first, drawn[::-1])
    assert labels_first.counts == scored_first.counts
    assert labels_first.customers == scored_first.customers
    assert view.holds(scored_first)


def fold_all(fold: Fold, drawn: Sequence[Log]) -> None:
    for event in chain.from_iterable(drawn):
        if isinstance(event, PositionedLabel):
            fold.relabel(event.event, LABELS, event.partition, event.offset)
        else:
            fold.apply(event.scored, TOPIC, event.partition, event.offset)


def counted(view: View, *counters: Counter) -> list[int]:
    return [int(view.redis.hget(view.keys.product("kettle"), counter) or 0) for counter in counters]


def score_sum(view: View) -> str | None:
    return view.redis.hget(view.keys.product("kettle"), Counter.SCORE_SUM)


def test_what_a_person_says_counts_in_place_of_the_model_and_with_certainty(redis: Redis) -> None:
    view = BothTopics(redis)
    view.apply(labelled("r1"))

    view.relabel(judged(labelled("r1"), SURE_NEGATIVE))

    assert counted(view, Counter.REVIEWS, Counter.POSITIVE, Counter.STRONG_NEGATIVE) == [1, 0, 1]
    assert score_sum(view) == "0.000000"
    assert redis.hget(view.keys.labels("kettle"), "r1") == encoded(labelled("r1"))


def test_the_last_word_counts_and_a_withdrawal_hands_it_back_to_the_model(redis: Redis) -> None:
    view = BothTopics(redis)
    view.apply(labelled("r1"))
    before = counted(view, *WHOLE), score_sum(view)

    view.relabel(
        judged(labelled("r1"), SURE_NEGATIVE), judged(labelled("r1"), (Label.NEGATIVE, Intensity.WEAK))
    )
    assert counted(view, Counter.STRONG_NEGATIVE, Counter.WEAK_NEGATIVE) == [0, 1]
    view.relabel(judged(labelled("r1"), None), first_offset=2)

    assert (counted(view, *WHOLE), score_sum(view)) == before
    assert not redis.exists(view.keys.relabels("kettle"))


def test_a_correction_of_the_text_makes_what_was_said_of_the_old_one_void(redis: Redis) -> None:
    corrected = BothTopics(redis)
    before, after = labelled("r1", text="text 1"), labelled("r1", text="text 2", minute=1)
    corrected.apply(before)
    corrected.relabel(judged(before, SURE_NEGATIVE))

    corrected.apply(after, first_offset=1)

    fold = Fold()
    fold.apply(after, TOPIC, 0, 0)
    assert counted(corrected, *WHOLE) == [
        fold.counts["kettle", Channel.REVIEW, None][counter] for counter in WHOLE
    ]


def test_the_same_text_again_keeps_what_was_said_of_it(redis: Redis) -> None:
    view = BothTopics(redis)
    view.apply(labelled("r1"))
    view.relabel(judged(labelled("r1"), SURE_NEGATIVE))

    view.apply(labelled("r1", minute=1), first_offset=1)

    assert counted(view, Counter.REVIEWS, Counter.STRONG_NEGATIVE) == [1, 1]


def test_a_delete_takes_all_back_and_a_late_label_of_a_deleted_review_changes_nothing(redis: Redis) -> None:
    view = BothTopics(redis)
    view.apply(labelled("r1"), labelled("r2"))
    view.relabel(judged(labelled("r1"), SURE_NEGATIVE))

    view.apply(labelled("r1", text=None), labelled("r2", text=None), first_offset=2)
    view.relabel(judged(labelled("r2"), SURE_NEGATIVE), first_offset=1)

    assert counted(view, *WHOLE) == [0] * 8
    assert score_sum(view) == "0.000000"


def test_a_label_in_the_code_of_the_first_release_is_relabelled_too(redis: Redis) -> None:
    view = BothTopics(redis)
    view.apply(labelled("r1"))
    said = Contribution.of(labelled("r1"))
    assert said is not None
    redis.hset(view.keys.labels("kettle"), "r1", said.encode_older())

    view.relabel(judged(labelled("r1"), SURE_NEGATIVE))

    assert counted(view, Counter.REVIEWS, Counter.STRONG_NEGATIVE) == [1, 1]


def test_whoever_uses_no_relabels_has_none_of_its_keys(redis: Redis) -> None:
    view = View(redis)

    view.apply(*(labelled(f"r{number}", text=f"text {number}") for number in range(20)))

    assert not [key for key in view.dump() if key.endswith((":relabels", ":uncertain"))]
