"""kpi.add_measure among other sessions: writers that go on meanwhile lose nothing, and never wait for what it waits for; old snapshots; a dump."""
import contextlib
import threading
import time

import psycopg2

import facts

ADD = "SELECT kpi.add_measure('sale', %s, %s)"


def test_writers_go_on_and_nothing_is_lost(database, wait_until):
    facts.tracked(database)
    stop, waits, failures = threading.Event(), [], []

    def write(number):
        try:
            with contextlib.closing(database.connect()) as connection:
                for i in range(10000):
                    if stop.is_set():
                        return
                    began = time.monotonic()
                    facts.rows(connection, "INSERT INTO sale VALUES (%s, '2024-05-01 10:00Z'::timestamptz + %s * interval '7 min', 'w' || %s, %s)",
                               (1000 + number * 10000 + i, i % 900, i % 3, i % 50))
                    facts.rows(connection, 'UPDATE sale SET amount = amount + 1 WHERE id = %s', (1000 + number * 10000 + i // 2,))
                    waits.append(time.monotonic() - began)
        except psycopg2.Error as error:
            failures.append(str(error))

    writers = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for writer in writers:
        writer.start()
    with contextlib.closing(database.connect()) as old, contextlib.closing(database.connect()) as reader:
        facts.rows(old, 'BEGIN ISOLATION LEVEL REPEATABLE READ')
        before = facts.rows(old, "SELECT value FROM kpi.query('{revenue}', '2024-01-01', '2024-12-31', grain => 'total')")
        # A reader that has the tables: add_measure waits for it, writers do not wait for add_measure.
        facts.rows(reader, 'BEGIN')
        facts.rows(reader, 'SELECT count(*) FROM kpi_data.sale_rollup_day')
        facts.rows(old, 'COMMIT')
        adding = facts.Session(database)
        adding.start("SELECT kpi.add_measure('sale', 'closing', '{\"last\": \"revenue\"}')")
        time.sleep(3)
        assert adding.thread.is_alive(), 'it waits for the reader'
        assert max(waits) < 3, 'no writer has waited as long'
        facts.rows(reader, 'COMMIT')
        adding.finish()
        adding.close()
    assert before is not None
    database.sql(ADD, ('amounts', '{"distinct": "revenue"}'))
    stop.set()
    for writer in writers:
        writer.join(60)
    assert failures == []
    facts.assert_exact(database)
    assert database.sql("SELECT count(*) FROM kpi.dirty WHERE source = 'sale'") == [(0,)]


def test_two_at_a_time_and_an_old_snapshot(database):
    facts.tracked(database)
    with contextlib.closing(database.connect()) as old:
        facts.rows(old, 'BEGIN ISOLATION LEVEL REPEATABLE READ')
        ask = "SELECT day, value FROM kpi.query('{revenue}', '2024-04-30', '2024-05-03')"
        before = facts.rows(old, ask)
        facts.rows(old, 'COMMIT; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1')
        one, two = facts.Session(database), facts.Session(database)
        one.run('BEGIN')
        one.run("SELECT kpi.add_measure('sale', 'closing', '{\"last\": \"revenue\"}')")
        two.start("SELECT kpi.add_measure('sale', 'dearest', '{\"max\": \"revenue\"}')")
        time.sleep(0.5)
        assert two.thread.is_alive(), 'one after the other'
        one.run('COMMIT')
        two.finish()
        assert facts.rows(old, ask) == before, 'a snapshot from before reads what it did'
        facts.rows(old, 'COMMIT')
        for session in (one, two):
            session.close()
    assert database.sql("SELECT name, position FROM kpi.counted ORDER BY name") == [('closing', 1), ('dearest', 2)]
    database.sql('DELETE FROM sale WHERE id % 3 = 0')
    facts.assert_exact(database)
