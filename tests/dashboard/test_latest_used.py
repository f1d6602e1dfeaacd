"""What is kept of what was worked out."""

from dashboard.latest_used import LatestUsed


def test_what_was_put_is_found() -> None:
    kept: LatestUsed[str, int] = LatestUsed(2)
    kept.put("a", 1)

    assert (kept.get("a"), kept.get("b")) == (1, None)


def test_what_was_used_longest_ago_is_dropped_first() -> None:
    kept: LatestUsed[str, int] = LatestUsed(2)
    kept.put("a", 1)
    kept.put("b", 2)
    kept.get("a")

    kept.put("c", 3)

    assert [kept.get(key) for key in ("a", "b", "c")] == [1, None, 3]


def test_what_is_put_anew_is_used_too() -> None:
    kept: LatestUsed[str, int] = LatestUsed(2)
    kept.put("a", 1)
    kept.put("b", 2)
    kept.put("a", 3)

    kept.put("c", 4)

    assert [kept.get(key) for key in ("a", "b", "c")] == [3, None, 4]
