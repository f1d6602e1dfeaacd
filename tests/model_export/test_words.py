"""Vocabulary and word vectors of networks that begin from scratch."""

import random

import torch
from tokenizers import Tokenizer

from model_export.networks.vocabulary import train_tokenizer
from model_export.networks.word_vectors import SPREAD, word_vectors

ENGLISH = ["The kettle leaks!!! :(", "the KETTLE is great :)", "great lamp :) great tent :("]
CHINESE = ["水壶很好用。", "水壶不好用。", "很好的手机"]


def tokens(tokenizer: Tokenizer, text: str) -> list[str]:
    return list(tokenizer.encode(text).tokens)


def test_words_are_told_apart_whatever_their_case_and_emoticons_are_words() -> None:
    tokenizer = train_tokenizer(ENGLISH, 100)

    assert tokens(tokenizer, "Great KETTLE :)") == ["[BOS]", "great", "kettle", ":)"]


def test_chinese_is_read_character_by_character() -> None:
    tokenizer = train_tokenizer(CHINESE, 100)

    assert tokens(tokenizer, "水壶很好") == ["[BOS]", "水", "壶", "很", "好"]


def test_full_width_letters_are_those_of_plain_keyboards() -> None:
    tokenizer = train_tokenizer(["ABC好", "abc好"], 100)

    assert tokens(tokenizer, "ＡＢＣ好") == ["[BOS]", "abc", "好"]


def test_a_word_that_stood_in_the_texts_once_is_unknown() -> None:
    tokenizer = train_tokenizer(ENGLISH, 100)

    assert tokens(tokenizer, "leaks") == ["[BOS]", "[UNK]"]


def test_no_text_is_without_tokens() -> None:
    tokenizer = train_tokenizer(ENGLISH, 100)

    assert tokens(tokenizer, "") == tokens(tokenizer, " \n") == ["[BOS]"]


def test_only_the_commonest_words_are_kept() -> None:
    assert train_tokenizer(ENGLISH, 5).get_vocab_size() == 5


def test_the_same_texts_give_the_same_tokenizer_and_the_same_vectors() -> None:
    one, other = (train_tokenizer(ENGLISH, 100) for _ in range(2))
    ids = [one.encode(text).ids for text in ENGLISH]

    assert one.to_str() == other.to_str()
    first, second = (word_vectors(ids, 20, 8, passes=2, seed=7) for _ in range(2))
    torch.testing.assert_close(first, second, rtol=0, atol=0)


def test_words_in_like_places_get_like_vectors() -> None:
    generator = random.Random(7)

    def beside(word: int, neighbours: range) -> list[int]:
        ids = [word, *generator.choices(neighbours, k=5)]
        generator.shuffle(ids)
        return ids

    ids = [
        text
        for _ in range(300)
        for text in (beside(2, range(10, 20)), beside(3, range(10, 20)), beside(4, range(20, 30)))
    ]

    vectors = word_vectors(ids, 30, 16, passes=10, seed=7)

    alike = torch.nn.functional.cosine_similarity(vectors[2], vectors[3], dim=0)
    unlike = torch.nn.functional.cosine_similarity(vectors[2], vectors[4], dim=0)
    assert alike > unlike + 0.2


def test_words_that_no_text_has_begin_at_random_within_the_spread() -> None:
    vectors = word_vectors([[2, 3]], 10, 8, passes=1, seed=7)

    assert vectors.shape == (10, 8)
    assert vectors.dtype == torch.float32
    assert 0 < vectors[9].abs().max() <= SPREAD
