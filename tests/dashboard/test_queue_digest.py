"""What the queue's digest of a product tells."""

from random import Random

from redis import Redis
from shop import Shop, taken_back, written

from dashboard.desk.waiting import DIGEST
from schemas.desk_keys import DeskKeys


def test_lists_that_are_told_to_be_as_before_are_so_whatever_was_counted_meanwhile(
    redis: Redis, redis_prefix: str
) -> None:
    """Three entries a list, so that old ones go as new ones come; ids come back, as corrections and after deletes."""
    shop, chance = Shop(redis, redis_prefix, kept=3), Random(5)
    lists = [shop.keys.negatives("kettle"), shop.keys.uncertain("kettle")]
    keys = [*lists, shop.keys.relabels("kettle"), DeskKeys(redis_prefix).done("kettle")]
    contents: dict[str, set[str]] = {}
    for _ in range(400):
        review_id = f"r{chance.randrange(6)}"
        if chance.random() < 0.4:
            shop.count([taken_back("kettle", review_id)])
        else:
            negative, unsure = chance.random() < 0.6, chance.random() < 0.4
            shop.count([written("kettle", not negative, uncertain=unsure, review_id=review_id)])
        digest = str(redis.eval_ro(DIGEST, len(keys), *keys))
        contents.setdefault(digest, set()).add(str([redis.lrange(name, 0, -1) for name in lists]))

    assert len(contents) > 100
    assert {len(found) for found in contents.values()} == {1}
