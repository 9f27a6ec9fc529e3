"""A one-off process: brings the database to the schema the code expects. Run it as often as you like."""

import sqlite3
from contextlib import closing

import log
import settings
from orders import SCHEMA


def main() -> None:
    with closing(sqlite3.connect(settings.database_path(), timeout=5)) as connection, connection:
        connection.execute(SCHEMA)
        (orders,) = connection.execute("SELECT count(*) FROM orders").fetchone()
    log.named("migrate").info("table orders is there, with %d rows", orders)


if __name__ == "__main__":
    main()
