"""Orders, kept in SQLite: the one thing here that must survive everything else."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from urllib.parse import quote

SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    id        INTEGER PRIMARY KEY,
    item      TEXT NOT NULL,
    quantity  INTEGER NOT NULL CHECK (quantity > 0),
    status    TEXT NOT NULL DEFAULT 'placed' CHECK (status IN ('placed', 'shipped'))
)
"""


class Orders:
    """A connection per use: SQLite opens in microseconds, and no thread shares one with another."""

    def __init__(self, path: str) -> None:
        self.path = path

    def open(self) -> sqlite3.Connection:
        """Waits up to 5 s for another process's write. mode=rw: a missing file is an error, not a new, empty shop."""
        connection = sqlite3.connect(f"file:{quote(self.path)}?mode=rw", uri=True, timeout=5)
        connection.row_factory = sqlite3.Row
        return connection

    def place(self, item: str, quantity: int, then: Callable[[int], None]) -> int:
        """The order and what `then` does with its number stand or fall together: `then` runs before the commit."""
        statement = "INSERT INTO orders (item, quantity) VALUES (?, ?)"
        with closing(self.open()) as connection, connection:  # the second one commits, or rolls back
            order = connection.execute(statement, (item, quantity)).lastrowid
            then(order)
        return order

    def ship(self, order: int) -> bool:
        """False when it is not there or was shipped before. Waits for the commit of a `place` under way."""
        statement = "UPDATE orders SET status = 'shipped' WHERE id = ? AND status = 'placed'"
        with closing(self.open()) as connection, connection:
            return connection.execute(statement, (order,)).rowcount == 1

    def find(self, order: int) -> dict | None:
        with closing(self.open()) as connection:
            row = connection.execute("SELECT * FROM orders WHERE id = ?", (order,)).fetchone()
        return dict(row) if row else None

    def count(self) -> dict[str, int]:
        with closing(self.open()) as connection:
            rows = connection.execute("SELECT status, count(*) FROM orders GROUP BY status")
            return {status: number for status, number in rows}
