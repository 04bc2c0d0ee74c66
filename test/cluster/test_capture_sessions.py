"""Capture where several sessions meet: prepared transactions, old snapshots, locks, replication, cancels."""
import contextlib
import threading
import time

import psycopg2
import pytest

import facts


@pytest.fixture
def sale(database):
    return facts.tracked(database)


@pytest.fixture
def session(sale):
    opened = []

    def open_session(user=None):
        opened.append(facts.Session(sale, user))
        return opened[-1]

    yield open_session
    for one in opened:
        one.close()


def revenue(database, country):
    return database.sql('SELECT coalesce(sum(revenue), 0) FROM kpi_data.sale_daily WHERE country = %s', (country,))[0][0]


def test_commit_prepared_from_another_session_counts(sale, session):
    writer, other = session(), session()
    writer.run('BEGIN')
    writer.run("INSERT INTO sale VALUES (100, DEFAULT, 'prepared', 7)")
    writer.run("UPDATE sale SET country = 'prepared' WHERE id = 1")
    writer.run("PREPARE TRANSACTION 'p1'")
    # the next transaction of the session must not flush what was prepared
    writer.run("INSERT INTO sale VALUES (101, DEFAULT, 'next', 1)")
    assert revenue(sale, 'prepared') == 0
    assert facts.problems(other.connection) == []
    other.run("COMMIT PREPARED 'p1'")
    assert revenue(sale, 'prepared') == 8
    facts.assert_exact(sale)


def test_rollback_prepared_leaves_nothing(sale, session):
    writer, other = session(), session()
    writer.run('BEGIN')
    writer.run("INSERT INTO sale VALUES (100, DEFAULT, 'phantom', 7)")
    writer.run('SAVEPOINT s')
    writer.run('DELETE FROM sale WHERE id < 5')
    writer.run("PREPARE TRANSACTION 'p1'")
    other.run("ROLLBACK PREPARED 'p1'")
    writer.run("INSERT INTO sale VALUES (101, DEFAULT, 'next', 1)")
    assert revenue(sale, 'phantom') == 0
    facts.assert_exact(sale)


def test_a_prepared_truncate_marks_when_it_commits(sale, session):
    writer, other = session(), session()
    writer.run('BEGIN')
    writer.run('TRUNCATE sale')
    writer.run("INSERT INTO sale VALUES (100, DEFAULT, 'prepared', 7)")
    writer.run("PREPARE TRANSACTION 'p1'")
    other.run("COMMIT PREPARED 'p1'")
    facts.assert_exact(sale)


@pytest.mark.parametrize('level', ['REPEATABLE READ', 'SERIALIZABLE'])
def test_a_writer_older_than_track_is_captured(database, level):
    facts.install(database)
    database.sql(facts.SALE)
    with contextlib.closing(facts.Session(database)) as writer:
        writer.run(f'BEGIN ISOLATION LEVEL {level}')
        writer.run('SELECT count(*) FROM pg_class')  # takes the snapshot
        database.sql(facts.TRACK)
        writer.run("INSERT INTO sale VALUES (100, DEFAULT, 'old', 7)")
        writer.run('SAVEPOINT s')
        writer.run("UPDATE sale SET country = 'old' WHERE id = 1")
        writer.run('RELEASE s')
        writer.run('COMMIT')
    assert revenue(database, 'old') == 8
    facts.assert_exact(database)


@pytest.mark.parametrize('level', ['READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'])
@pytest.mark.parametrize('build', ['now', 'auto'])
def test_track_behind_a_writer_sees_its_rows(database, wait_until, level, build):
    facts.install(database)
    database.sql(facts.SALE)
    writer, tracker = facts.Session(database), facts.Session(database)
    writer.run('BEGIN')
    writer.run("INSERT INTO sale VALUES (100, DEFAULT, 'before', 7)")
    tracker.run(f'BEGIN ISOLATION LEVEL {level}')
    tracker.run('SELECT count(*) FROM pg_class')
    tracker.start(facts.TRACK.replace("'now'", f"'{build}'"))
    facts.wait_for_lock(database, tracker, wait_until)
    writer.run('COMMIT')
    tracker.finish()
    tracker.run('COMMIT')
    assert revenue(database, 'before') == 7
    facts.assert_exact(database)
    writer.close()
    tracker.close()


def test_session_replication_role_replica_is_captured(sale, session):
    writer = session()
    writer.run('SET session_replication_role = replica')
    writer.run("INSERT INTO sale VALUES (100, DEFAULT, 'replica', 7)")
    writer.run('DELETE FROM sale WHERE id < 3')
    assert revenue(sale, 'replica') == 7
    facts.assert_exact(sale)
    writer.run('TRUNCATE sale')
    facts.assert_exact(sale)


def slow_view(database):
    facts.install(database)
    database.sql("""
        CREATE TABLE sale (id int, at timestamptz DEFAULT '2024-05-01 10:00Z', seconds float8);
        CREATE FUNCTION slow(seconds float8) RETURNS numeric LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog AS
            $$ BEGIN PERFORM pg_sleep(seconds); RETURN 1; END $$;
        CREATE VIEW sale_facts AS SELECT at, slow(seconds) AS sales FROM sale""")
    database.sql("SELECT kpi.track('sale_facts', 'at', '{}', 'sale', 'UTC', build => 'now')")


def test_statement_timeout_ends_a_function_of_the_view(database):
    slow_view(database)
    with contextlib.closing(database.connect()) as writer:
        facts.rows(writer, "SET statement_timeout = '200ms'")
        began = time.monotonic()
        with pytest.raises(psycopg2.errors.QueryCanceled):
            facts.rows(writer, 'INSERT INTO sale VALUES (1, DEFAULT, 60)')
        assert time.monotonic() - began < 50, 'the function ran to its end'
        facts.rows(writer, 'INSERT INTO sale VALUES (2, DEFAULT, 0)')
    assert database.sql('SELECT id FROM sale') == [(2,)]
    assert database.sql('SELECT * FROM kpi.dirty') == []
    facts.assert_exact(database)


def test_a_cancel_ends_a_function_of_the_view(database, wait_until):
    slow_view(database)
    writer = facts.Session(database)
    writer.start('INSERT INTO sale VALUES (1, DEFAULT, 60)')
    pid = writer.connection.info.backend_pid
    wait_until(lambda: database.sql("SELECT 1 FROM pg_stat_activity WHERE pid = %s AND wait_event = 'PgSleep'", (pid,)), 'the function to sleep')
    database.sql('SELECT pg_cancel_backend(%s)', (pid,))
    with pytest.raises(psycopg2.errors.QueryCanceled):
        writer.finish()
    writer.run('INSERT INTO sale VALUES (2, DEFAULT, 0)')
    writer.close()
    facts.assert_exact(database)


DROPS = {'untrack': "SELECT kpi.untrack('sale')", 'extension': 'DROP EXTENSION kpi_ext CASCADE', 'view': 'DROP VIEW sale_facts CASCADE'}


@pytest.mark.parametrize('drop', DROPS)
def test_a_drop_behind_a_writer_waits_and_the_writer_commits(sale, session, wait_until, drop):
    writer, dropper = session(), session()
    writer.run('BEGIN')
    writer.run("INSERT INTO sale VALUES (100, DEFAULT, 'x', 7)")
    dropper.start(DROPS[drop])
    facts.wait_for_lock(sale, dropper, wait_until)
    writer.run("INSERT INTO sale VALUES (101, DEFAULT, 'x', 7)")
    writer.run('COMMIT')
    dropper.finish()
    assert sale.sql('SELECT count(*) FROM sale') == [(12,)]
    writer.run("INSERT INTO sale VALUES (102, DEFAULT, 'x', 7)")


@pytest.mark.parametrize('drop', DROPS)
def test_a_writer_behind_a_drop_commits(sale, session, wait_until, drop):
    writer, dropper = session(), session()
    writer.run('BEGIN')
    writer.run('SELECT count(*) FROM pg_class')
    dropper.run('BEGIN')
    dropper.run(DROPS[drop])
    writer.start("INSERT INTO sale VALUES (100, DEFAULT, 'x', 7)")
    facts.wait_for_lock(sale, writer, wait_until)
    dropper.run('COMMIT')
    writer.finish()
    writer.run('COMMIT')
    assert sale.sql('SELECT count(*) FROM sale') == [(11,)]


@pytest.mark.parametrize('drop', DROPS)
def test_a_drop_that_rolls_back_changes_nothing(sale, session, wait_until, drop):
    writer, dropper = session(), session()
    dropper.run('BEGIN')
    dropper.run(DROPS[drop])
    writer.start("INSERT INTO sale VALUES (100, DEFAULT, 'x', 7)")
    facts.wait_for_lock(sale, writer, wait_until)
    dropper.run('ROLLBACK')
    writer.finish()
    facts.assert_exact(sale)


def test_track_does_not_make_short_writers_wait_for_a_long_one(database):
    facts.install(database)
    database.sql(facts.SALE)
    hold = 6  # seconds the long writer stays; without retries every short one would wait that long
    long_writer = facts.Session(database)
    long_writer.run('BEGIN')
    long_writer.run("INSERT INTO sale VALUES (0, DEFAULT, 'long', 7)")
    tracker = facts.Session(database)
    tracker.start(facts.TRACK)
    worst, stop = [0.0] * 4, threading.Event()

    def write(number):
        with contextlib.closing(database.connect()) as connection:
            next_id = 1000 * (number + 1)
            while not stop.is_set():
                began = time.monotonic()
                facts.rows(connection, "INSERT INTO sale VALUES (%s, DEFAULT, 'short', 1)", (next_id,))
                worst[number] = max(worst[number], time.monotonic() - began)
                next_id += 1
                time.sleep(0.02)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(len(worst))]
    for thread in threads:
        thread.start()
    time.sleep(hold)
    long_writer.run('COMMIT')
    tracker.finish()
    stop.set()
    for thread in threads:
        thread.join()
    assert max(worst) < hold / 2, f'a short writer waited {max(worst):.1f} s of {hold} s'
    facts.assert_exact(database)
    long_writer.close()
    tracker.close()


def test_a_repeatable_reader_sees_one_state(sale, session):
    reader = session()
    reader.run('BEGIN ISOLATION LEVEL REPEATABLE READ')
    before = reader.run('SELECT * FROM kpi_data.sale_daily ORDER BY 1, 2')
    sale.sql("INSERT INTO sale VALUES (100, DEFAULT, 'new', 7)")
    sale.sql("SELECT kpi.merge('sale')")
    sale.sql('DELETE FROM sale WHERE id < 5')
    sale.sql("SELECT kpi.rebuild('sale')")
    assert reader.run('SELECT * FROM kpi_data.sale_daily ORDER BY 1, 2') == before
    assert facts.problems(reader.connection) == []
    reader.run('COMMIT')
    facts.assert_exact(sale)


def test_a_publication_for_all_tables_does_not_stop_the_merge(sale):
    sale.sql('CREATE PUBLICATION everything FOR ALL TABLES')
    sale.sql("INSERT INTO sale VALUES (100, DEFAULT, 'new', 7)")
    sale.sql('UPDATE sale SET amount = amount + 1')
    sale.sql("SELECT kpi.merge('sale')")
    sale.sql('TRUNCATE sale')
    sale.sql("INSERT INTO sale VALUES (100, DEFAULT, 'new', 7)")
    facts.assert_exact(sale)


def test_rows_applied_by_logical_replication_are_captured(shared, database, wait_until):
    facts.tracked(database)
    database.sql('TRUNCATE sale')
    publisher = shared.create_database(extension=False)
    slot = f'slot_{database.name}'
    shared.sql("CREATE TABLE sale (id int PRIMARY KEY, at timestamptz DEFAULT '2024-06-01 10:00Z', country text, amount numeric)", publisher)
    shared.sql("INSERT INTO sale SELECT i, '2024-06-01', 'copied', i FROM generate_series(1, 50) i", publisher)
    shared.sql('CREATE PUBLICATION p FOR TABLE sale', publisher)
    shared.sql(f"SELECT pg_create_logical_replication_slot('{slot}', 'pgoutput')", publisher)
    with contextlib.closing(database.connect()) as connection:
        facts.rows(connection, f"CREATE SUBSCRIPTION s CONNECTION '{shared.conninfo(publisher)}' PUBLICATION p "
                               f"WITH (create_slot = false, slot_name = '{slot}')")
    try:
        wait_until(lambda: database.sql('SELECT count(*) FROM sale') == [(50,)], 'the initial copy')
        facts.assert_exact(database)
        shared.sql("UPDATE sale SET country = 'applied', amount = amount * 2 WHERE id % 2 = 0", publisher)
        shared.sql('DELETE FROM sale WHERE id % 5 = 0', publisher)
        shared.sql("INSERT INTO sale VALUES (100, '2024-06-02', 'last', 1)", publisher)
        wait_until(lambda: revenue(database, 'last') == 1, 'the applied changes')
        assert revenue(database, 'applied') == sum(2 * i for i in range(2, 51, 2) if i % 5)
        facts.assert_exact(database)
        shared.sql('TRUNCATE sale', publisher)
        wait_until(lambda: database.sql('SELECT count(*) FROM sale') == [(0,)], 'the applied TRUNCATE')
        facts.assert_exact(database)
    finally:
        database.sql('ALTER SUBSCRIPTION s DISABLE')
        with contextlib.closing(database.connect()) as connection:
            facts.rows(connection, 'ALTER SUBSCRIPTION s SET (slot_name = NONE)')
            facts.rows(connection, 'DROP SUBSCRIPTION s')
        wait_until(lambda: not shared.sql('SELECT 1 FROM pg_replication_slots WHERE slot_name = %s AND active', parameters=(slot,)), 'the slot to be free')
        shared.sql(f"SELECT pg_drop_replication_slot('{slot}')", publisher)
        shared.sql(f'DROP DATABASE "{publisher}" WITH (FORCE)')


def test_a_view_replaced_under_a_writer(sale, session, wait_until):
    writer, replacer = session(), session()
    writer.run('BEGIN')
    writer.run("INSERT INTO sale VALUES (100, DEFAULT, 'x', 7)")
    replacer.start('CREATE OR REPLACE VIEW sale_facts AS SELECT at, country, 1 AS sales, amount * 2 AS revenue FROM sale')
    facts.wait_for_lock(sale, replacer, wait_until)
    writer.run("INSERT INTO sale VALUES (101, DEFAULT, 'x', 7)")
    writer.run('COMMIT')
    replacer.finish()
    assert revenue(sale, 'x') == 28
    facts.assert_exact(sale)


@pytest.mark.parametrize('change', ["CREATE OR REPLACE FUNCTION weight(x numeric) RETURNS numeric LANGUAGE sql IMMUTABLE RETURN x * 3",
                                    "ALTER TYPE size RENAME VALUE 'big' TO 'large'"])
def test_what_the_view_calls_changed_under_a_writer(database, wait_until, change):
    """Sums of the old meaning must not be flushed after the repair that the change asks for."""
    facts.install(database)
    database.sql("""
        CREATE FUNCTION weight(x numeric) RETURNS numeric LANGUAGE sql IMMUTABLE RETURN x * 2;
        CREATE TYPE size AS ENUM ('small', 'big');
        CREATE TABLE sale (at timestamptz DEFAULT '2024-05-01 10:00Z', amount numeric, size size);
        CREATE VIEW sale_facts AS SELECT at, weight(amount) AS revenue, size::text AS size FROM sale;
        INSERT INTO sale (amount, size) VALUES (1, 'big')""")
    database.sql("SELECT kpi.track('sale_facts', 'at', '{size}', 'sale', 'UTC', hour_retention => '100 years', build => 'now')")
    writer, changer = facts.Session(database), facts.Session(database)
    writer.run('BEGIN')
    writer.run("INSERT INTO sale (amount, size) VALUES (10, 'big')")
    changer.start(change)
    facts.wait_for_lock(database, changer, wait_until)
    writer.run('COMMIT')
    changer.finish()
    database.sql("SELECT kpi.rebuild('sale')")
    assert facts.problems(writer.connection) == []
    writer.run('DELETE FROM sale WHERE amount = 1')
    facts.assert_exact(database)
    writer.close()
    changer.close()


def test_reads_beside_a_merge_loop_never_dip(sale, session):
    """Each statement has one snapshot: rollup and deltas never tear."""
    stop, failures = threading.Event(), []

    def merge():
        with contextlib.closing(sale.connect()) as connection:
            while not stop.is_set():
                facts.rows(connection, "INSERT INTO sale SELECT max(id) + 1, DEFAULT, 'c1', 1 FROM sale".replace('DEFAULT', "'2024-05-01'"))
                facts.rows(connection, "SELECT kpi.merge('sale')")

    thread = threading.Thread(target=merge)
    thread.start()
    reader, last = session(), 0
    for _ in range(300):
        seen, real = reader.run('SELECT (SELECT sum(sales) FROM kpi_data.sale_daily), (SELECT count(*) FROM sale)')[0]
        if seen != real or seen < last:
            failures.append((seen, real, last))
        last = seen
    stop.set()
    thread.join()
    assert failures == [] and last > 10
