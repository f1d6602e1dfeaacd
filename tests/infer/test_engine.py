"""Texts in, sentiments out: in order, cut by the stated rule, and without one text reaching another."""

import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from fake_networks import FailsOnce, RaisesOnPoison, Recording, SpoilsPoison, broken, mean_of_words
from hypothesis import given
from hypothesis import strategies as st
from onnx import numpy_helper
from tiny_bundles import EMBEDDINGS, MAX_LENGTH, MODEL_FILE, VOCABULARY, WORDS, network, write_bundle
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from benchmarks.fixed_shapes import FixedShapes
from consumers.infer.bundle import open_bundle
from consumers.infer.engine import BATCH_SIZES, Engine, runner_for
from consumers.infer.runner import OneByOne, PaddedBatches, RunFailure, Runner
from consumers.infer.session import Network, OnnxNetwork, start_network
from consumers.infer.tokenise import PLAIN_TEXT, load_tokenizer
from schemas.errors import ProviderError
from schemas.events import Sentiment
from schemas.manifest import Precision
from schemas.settings import Provider

PAD_ID = VOCABULARY["[PAD]"]

RUNNERS: dict[str, Callable[[Network], Runner]] = {
    "one by one": lambda network: OneByOne(network, threads=2),
    "one by one, wide when alone": lambda network: OneByOne(network, threads=2, wide=network),
    "padded": lambda network: PaddedBatches(network, PAD_ID, tokens_per_call=40),
}
each_runner = pytest.mark.parametrize("make_runner", RUNNERS.values(), ids=RUNNERS)

texts = st.lists(st.sampled_from([*WORDS, "unheard", "[PAD]"]), max_size=2 * MAX_LENGTH).map(" ".join)
token_ids = st.lists(st.integers(1, len(VOCABULARY) - 1), min_size=1, max_size=MAX_LENGTH)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def engine(folder: Path) -> Engine:
    return Engine.start(folder, Provider.CPU, threads=2)


def engine_of(folder: Path, runner: Runner) -> Engine:
    bundle = open_bundle(folder)
    return Engine(load_tokenizer(bundle), bundle.manifest, runner, bundle.reference)


def score(engine: Engine, *texts: str) -> list[float]:
    """P(positive) of texts none of which fails."""
    sentiments = [outcome for outcome in engine.score(texts) if isinstance(outcome, Sentiment)]
    assert len(sentiments) == len(texts)
    return [sentiment.score for sentiment in sentiments]


@each_runner
def test_results_come_in_the_order_of_the_texts(
    folder: Path, make_runner: Callable[[Network], Runner]
) -> None:
    engine = engine_of(folder, make_runner(mean_of_words))
    by_praise = ["awful tent", "poor", "lamp", "good good kettle kettle", "wonderful wonderful"]

    scores = score(engine, *by_praise)

    assert scores == sorted(scores)
    assert score(engine, *by_praise[::-1]) == scores[::-1]


@each_runner
def test_no_texts_give_no_results_and_run_nothing(
    folder: Path, make_runner: Callable[[Network], Runner]
) -> None:
    recording = Recording()

    assert engine_of(folder, make_runner(recording)).score([]) == []
    assert recording.shapes == []


@pytest.mark.parametrize("text", ["", " ", "\n\t", "\u200b", "🙂" * 3, "x" * 20_000, "word " * 4_000])
def test_odd_texts_are_scored_like_any_other(engine: Engine, text: str) -> None:
    assert isinstance(engine.score([text])[0], Sentiment)


def test_a_long_text_scores_as_its_head_and_tail(engine: Engine) -> None:
    inner = MAX_LENGTH - 2  # besides the tokens that open and close it
    head, middle, tail = ["good"] * (inner // 2), ["awful"] * 50, ["wonderful"] * (inner // 2)

    whole, by_hand = score(engine, " ".join(head + middle + tail), " ".join(head + tail))

    assert whole == by_hand


def test_a_text_that_just_fits_is_not_cut(folder: Path) -> None:
    recording = Recording()
    engine = engine_of(folder, OneByOne(recording, threads=1))

    engine.score(["tent " * (MAX_LENGTH - 2), "tent " * (MAX_LENGTH - 1)])

    assert recording.shapes == [(1, MAX_LENGTH), (1, MAX_LENGTH)]


@each_runner
@pytest.mark.parametrize(
    ("network", "detail"),
    [
        (RaisesOnPoison(), "index out of range"),
        (SpoilsPoison(), "no finite logits: .*nan"),
        (SpoilsPoison(value=math.inf), "no finite logits: .*inf"),
    ],
)
def test_a_text_on_which_the_network_fails_costs_only_itself(
    folder: Path, make_runner: Callable[[Network], Runner], network: Network, detail: str
) -> None:
    neighbours = ["good kettle", "wonderful", "awful lamp tent", "poor", "lamp", "tent good"]
    engine = engine_of(folder, make_runner(network))

    outcomes = engine.score([*neighbours[:2], "poison", *neighbours[2:]])

    failure = outcomes.pop(2)
    assert isinstance(failure, RunFailure)
    assert re.search(detail, failure.detail)
    assert outcomes == engine.score(neighbours)


def test_a_text_on_which_the_tokenizer_fails_costs_only_itself(folder: Path) -> None:
    engine = engine_of(folder, OneByOne(mean_of_words, threads=1))
    plain_words = [word for word, _ in Whitespace().pre_tokenize_str(PLAIN_TEXT)]
    engine.tokenizer = Tokenizer(WordLevel(dict.fromkeys(plain_words, VOCABULARY["good"])))
    engine.tokenizer.pre_tokenizer = Whitespace()

    good, failure, good_too = engine.score(["It works", "unheard", "buy it"])

    assert isinstance(failure, RunFailure)
    assert failure.detail.startswith("the tokenizer fails: ")
    assert isinstance(good, Sentiment)
    assert isinstance(good_too, Sentiment)


def test_a_failing_call_is_halved_until_the_review_at_fault_stands_alone() -> None:
    network = RaisesOnPoison()
    batch = [[VOCABULARY["good"]]] * 8
    batch[5] = [VOCABULARY["poison"]]

    outcomes = PaddedBatches(network, PAD_ID)(batch)

    assert [row for row, outcome in enumerate(outcomes) if isinstance(outcome, RunFailure)] == [5]
    assert [rows for rows, _ in network.shapes] == [8, 4, 4, 2, 1, 1, 2]


@each_runner
def test_several_poisoned_texts_fail_each_for_itself(make_runner: Callable[[Network], Runner]) -> None:
    batch = [[VOCABULARY["poison" if row % 3 == 0 else "good"]] for row in range(10)]

    outcomes = make_runner(RaisesOnPoison())(batch)

    assert [isinstance(outcome, RunFailure) for outcome in outcomes] == [row % 3 == 0 for row in range(10)]


@each_runner
def test_tokens_that_are_none_at_all_fail_for_themselves(make_runner: Callable[[Network], Runner]) -> None:
    nothing, word = make_runner(mean_of_words)([[], [VOCABULARY["good"]]])
    (alone,) = make_runner(mean_of_words)([[]])

    assert isinstance(nothing, RunFailure)
    assert isinstance(alone, RunFailure)
    assert word == WORDS["good"]


@each_runner
def test_when_a_plain_text_fails_too_no_review_is_blamed(
    folder: Path, make_runner: Callable[[Network], Runner]
) -> None:
    with pytest.raises(ProviderError, match=r"fails on a plain text: device lost in a call of 1"):
        engine_of(folder, make_runner(broken)).score(["good", "poor"])


@each_runner
def test_a_text_on_which_the_network_fails_only_once_is_scored(
    folder: Path, make_runner: Callable[[Network], Runner]
) -> None:
    engine = engine_of(folder, make_runner(FailsOnce()))

    assert engine.score(["poison", "good"]) == engine_of(folder, make_runner(mean_of_words)).score(
        ["poison", "good"]
    )


def test_a_network_that_fails_on_a_plain_text_does_not_start(tmp_path: Path) -> None:
    write_bundle(tmp_path, {MODEL_FILE: network(numpy_helper.from_array(EMBEDDINGS[:1], "embeddings"))})

    with pytest.raises(ProviderError, match=r"fails on a plain text: .*indices element out of data bounds"):
        Engine.start(tmp_path, Provider.CPU, threads=1)


def test_a_network_of_three_outputs_does_not_start(tmp_path: Path) -> None:
    three = np.zeros((len(VOCABULARY), 3), dtype=np.float32)
    write_bundle(tmp_path, {MODEL_FILE: network(numpy_helper.from_array(three, "embeddings"))})

    with pytest.raises(ProviderError, match=r"fails on a plain text: too many values to unpack"):
        Engine.start(tmp_path, Provider.CPU, threads=1)


def test_a_review_that_comes_alone_has_the_wide_call_and_several_have_a_call_each() -> None:
    narrow, wide = Recording(), Recording()
    runner = OneByOne(narrow, threads=2, wide=wide)

    runner([[2, 5, 3]])
    runner([[2, 5, 3], [2, 3]])

    assert wide.shapes == [(1, 3)]
    assert sorted(narrow.shapes) == [(1, 2), (1, 3)]


@given(st.lists(token_ids, max_size=12))
def test_both_ways_to_run_agree(folder: Path, batch: list[list[int]]) -> None:
    network = start_network(open_bundle(folder), Provider.CPU)

    one_by_one = OneByOne(network, threads=2)(batch)
    padded = PaddedBatches(network, PAD_ID, tokens_per_call=40)(batch)

    assert len(one_by_one) == len(padded) == len(batch)
    np.testing.assert_allclose(np.array(one_by_one), np.array(padded), rtol=0, atol=1e-5)


@given(st.lists(token_ids, max_size=40))
def test_the_form_of_few_shapes_agrees_too_and_has_few(folder: Path, batch: list[list[int]]) -> None:
    network = start_network(open_bundle(folder), Provider.CPU)
    few_shapes = FixedShapes(network.session, "cpu", PAD_ID, MAX_LENGTH, tokens_per_call=100)

    again, outcomes = few_shapes(batch[::-1]), few_shapes(batch)

    assert again == outcomes[::-1]
    np.testing.assert_allclose(
        np.array(outcomes), np.array(OneByOne(network, threads=2)(batch)), rtol=0, atol=1e-5
    )
    assert set(few_shapes.shapes) <= {(rows, MAX_LENGTH) for rows in (1, 2, 4, 8)}


@given(st.lists(token_ids, min_size=1, max_size=30))
def test_no_padded_call_is_larger_than_its_bound(batch: list[list[int]]) -> None:
    network = Recording()

    PaddedBatches(network, PAD_ID, tokens_per_call=40)(batch)

    assert all(rows * width <= 40 for rows, width in network.shapes)
    assert sum(rows for rows, _ in network.shapes) == len(batch)


@pytest.mark.parametrize(
    ("provider", "precision", "form"),
    [
        (Provider.CPU, "int8", OneByOne),
        (Provider.CPU, "fp32", OneByOne),
        (Provider.CUDA, "int8", OneByOne),
        (Provider.CUDA, "fp16", PaddedBatches),
        (Provider.CUDA, "fp32", PaddedBatches),
    ],
)
def test_reviews_share_a_call_only_where_their_scores_do_not_depend_on_it(
    provider: Provider, precision: Precision, form: type[Runner]
) -> None:
    session = onnxruntime.InferenceSession(network(), providers=["CPUExecutionProvider"])

    assert isinstance(runner_for(OnnxNetwork(session, provider, precision), PAD_ID, threads=1), form)


def test_an_engine_on_a_cpu_is_given_fewer_reviews_at_once_than_one_on_a_gpu(engine: Engine) -> None:
    assert engine.batch_size == BATCH_SIZES[Provider.CPU] < BATCH_SIZES[Provider.CUDA]


@given(text=texts, before=st.lists(texts, max_size=6), after=st.lists(texts, max_size=6))
def test_a_score_is_exactly_the_same_whatever_stands_beside_it(
    engine: Engine, text: str, before: list[str], after: list[str]
) -> None:
    (alone,) = engine.score([text])

    assert engine.score([*before, text, *after])[len(before)] == alone


def test_each_step_is_timed(folder: Path) -> None:
    engine = Engine.start(folder, Provider.CPU, threads=1)
    assert engine.seconds.run == 0.0

    engine.score(["good", "poor"])

    assert min(engine.seconds.tokenise, engine.seconds.run, engine.seconds.decode) > 0
