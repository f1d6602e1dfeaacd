"""The working file of a verification: what Redis held, and the events to count anew, in SQLite and not in memory."""

import json
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Self

from schemas.errors import ConfigurationError

FORMAT = 3
"""Of the tables below; a file of another format is refused."""

CACHE_KIB = 32 * 1024
"""What SQLite may hold in memory, also of a sort; the rest of a sort goes to a temporary file."""

_TABLES = """
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS keys_seen (product TEXT NOT NULL, place TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS keys_seen_of_product ON keys_seen (product, place);
CREATE TABLE IF NOT EXISTS strange_keys (key TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS products (product TEXT PRIMARY KEY, applied TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS labels (
    product TEXT, review TEXT, code TEXT NOT NULL, PRIMARY KEY (product, review)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counts (
    product TEXT, place TEXT, fields TEXT NOT NULL, PRIMARY KEY (product, place)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS relabels (
    product TEXT, review TEXT, code TEXT, letter TEXT NOT NULL, PRIMARY KEY (product, review, code)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (
    product TEXT NOT NULL, review TEXT NOT NULL, time_ms INT NOT NULL, partition INT NOT NULL, position INT NOT NULL,
    code TEXT NOT NULL, scored_us INT NOT NULL, letter TEXT
);
"""

_CLEARED = ("keys_seen", "strange_keys", "products", "labels", "relabels", "counts", "events")


class Store:
    """Tables and notes in one file. What is within ``step`` is kept as a whole or not at all, whatever is killed."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.sql = connection

    def note(self, name: str, default: Any = None) -> Any:
        """What was noted under a name."""
        row = self.sql.execute("SELECT value FROM notes WHERE name = ?", (name,)).fetchone()
        return default if row is None else json.loads(row[0])

    def set_note(self, name: str, value: Any) -> None:
        """Note something that JSON can say."""
        self.sql.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, json.dumps(value)))

    def clear(self) -> None:
        """Forget all but what the file is for."""
        with self.step():
            for table in _CLEARED:
                self.sql.execute(f"DELETE FROM {table}")  # noqa: S608 -- names of our own
            self.sql.execute("DELETE FROM notes WHERE name <> 'identity'")

    @contextmanager
    def step(self) -> Iterator[Self]:
        """A transaction around the body."""
        self.sql.execute("BEGIN")
        try:
            yield self
        except BaseException:
            self.sql.execute("ROLLBACK")
            raise
        self.sql.execute("COMMIT")


@contextmanager
def open_store(path: Path | None, identity: dict[str, str]) -> Iterator[Store]:
    """Open a working file, or a temporary one that is gone in the end.

    Args:
        path: goes on with what a killed verification left there.
        identity: what is verified; a file that was begun for anything else is refused.

    Raises:
        ConfigurationError: the file is of something else, in use, or cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="reviewstream-verify-") as folder:
        name = path or Path(folder) / "verify.sqlite"
        try:
            with closing(sqlite3.connect(name, isolation_level=None, timeout=1)) as connection:
                yield _prepare(Store(connection), identity, name)
        except sqlite3.Error as error:
            raise ConfigurationError(f"the working file {name} cannot be used: {error}") from error


def _prepare(store: Store, identity: dict[str, str], name: Path) -> Store:
    for pragma in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = NORMAL"):
        store.sql.execute(f"PRAGMA {pragma}")
    store.sql.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    store.sql.executescript(_TABLES)
    wanted = {"format": FORMAT, **identity}
    with store.step():
        found = store.note("identity", wanted)
        if found != wanted:
            raise ConfigurationError(
                f"{name} was begun for {found}, not for {wanted}; name another --state file"
            )
        store.set_note("identity", wanted)
    return store
