"""Tracked tables for the capture tests and their recomputation (test/tools/exact.sql), usable from any connection."""
import contextlib
import os
import threading

EXACT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'tools', 'exact.sql')

SALE = """
CREATE TABLE sale (id int PRIMARY KEY, at timestamptz NOT NULL DEFAULT '2024-05-01 10:00Z', country text, amount numeric NOT NULL DEFAULT 1);
CREATE VIEW sale_facts AS SELECT at, country, 1 AS sales, amount AS revenue FROM sale;
INSERT INTO sale SELECT i, '2024-05-01 10:00Z', 'c' || i % 3, i FROM generate_series(1, 10) i;
"""
TRACK = "SELECT kpi.track('sale_facts', 'at', '{country}', 'sale', 'UTC', hour_retention => '100 years', build => 'now')"


def install(database):
    """The helper functions in schema t, without pgTAP."""
    with open(EXACT) as file:
        text = ''.join(line for line in file if not line.startswith('\\'))
    database.sql('SET check_function_bodies = off;' + text)


def tracked(database):
    """Table sale, source sale, built."""
    install(database)
    database.sql(SALE)
    database.sql(TRACK)
    return database


def rows(connection, statement, parameters=None):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


def problems(connection, source='sale', facts=None):
    """Every difference of typed views and verify from recomputation, in the connection's transaction."""
    return [row[0] for row in rows(connection, 'SELECT t.problems(%s, %s)', (source, facts))]


def assert_exact(database, source='sale', facts=None):
    """As things stand, merged, and rebuilt."""
    with contextlib.closing(database.connect()) as connection:
        assert problems(connection, source, facts) == []
        rows(connection, 'SELECT kpi.merge(%s)', (source,))
        assert problems(connection, source, facts) == []
        rows(connection, 'SELECT kpi.rebuild(%s)', (source,))
        assert problems(connection, source, facts) == []


class Session:
    """A session with a transaction of its own; a statement may run in the background while it waits for a lock."""

    def __init__(self, database, user=None):
        self.connection = database.connect(*([user] if user else []), autocommit=True)
        self.thread = None
        self.error = None

    def run(self, statement):
        return rows(self.connection, statement)

    def start(self, statement):
        def work():
            try:
                self.run(statement)
            except Exception as error:  # noqa: BLE001  handed to finish()
                self.error = error
        self.error = None
        self.thread = threading.Thread(target=work)
        self.thread.start()

    def finish(self):
        """Waits for the statement in the background and raises what it raised."""
        self.thread.join(120)
        assert not self.thread.is_alive(), 'the statement hangs'
        if self.error:
            raise self.error

    def close(self):
        self.connection.close()


def wait_for_lock(database, session, wait_until):
    pid = session.connection.info.backend_pid
    wait_until(lambda: database.sql("SELECT 1 FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'", (pid,)),
               'the session to wait for a lock')
