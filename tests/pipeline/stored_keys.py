"""All that Redis holds of a view, to be compared with another view."""

from typing import Any

from redis import Redis

from schemas.redis_keys import ViewKeys


def stored(redis: Redis, keys: ViewKeys) -> dict[str, Any]:
    """Every key under the prefix, without it: type, second of expiry, content. Which generation it is says nothing."""
    found = {}
    for key in redis.scan_iter(match=f"*{keys.prefix}*"):
        name = key.replace(keys.prefix, "", 1)
        if name != "generation" and not name.startswith("marks:"):
            found[name] = (redis.expiretime(key), _content(redis, key))
    return found


def _content(redis: Redis, key: str) -> Any:
    match redis.type(key):
        case "hash":
            return redis.hgetall(key)
        case "list":
            return redis.lrange(key, 0, -1)
        case "zset":
            return redis.zrange(key, 0, -1, withscores=True)
        case _:
            return redis.get(key)
