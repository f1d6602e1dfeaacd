"""A connection to a real Redis on which another client always gets its turn in between."""

from collections.abc import Callable
from typing import Any

from redis import Redis
from redis.client import Pipeline


class BusyRedis(Redis):
    """Before each command, and before each whole transaction, ``turn`` is called: no one may be faster."""

    turn: Callable[[], None]

    def execute_command(self, *args: Any, **options: Any) -> Any:
        self.turn()
        return super().execute_command(*args, **options)

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        busy = self

        class BusyPipeline(Pipeline):
            def execute(self, raise_on_error: bool = True) -> list[Any]:
                if transaction:
                    busy.turn()
                    return super().execute(raise_on_error)
                return [busy.execute_command(*args, **options) for args, options in self.command_stack]

        return BusyPipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)
