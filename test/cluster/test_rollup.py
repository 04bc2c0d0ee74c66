"""Merge, repair and rebuild while others write: every snapshot is exact, and no lock starves anybody."""
import random
import threading
import time

import psycopg2
import pytest

SETUP = """
SET client_min_messages = error;
CREATE TABLE pay (id bigserial PRIMARY KEY, at timestamptz, country text, amount numeric);
CREATE VIEW pay_facts AS SELECT at, country, amount FROM pay;
SELECT kpi.track('pay_facts', 'at', '{country}', 'pay', 'Europe/Madrid');
"""
INSERT = """INSERT INTO pay (at, country, amount)
SELECT now() - %s * interval '1 hour', (ARRAY['MX', 'ES', NULL])[1 + g %% 3], %s + g * 0.01 FROM generate_series(1, %s) g"""


class Crowd:
    """Threads that call a function with an open connection and a random source, until told to stop."""

    def __init__(self, connect, seed):
        self.connect, self.seed, self.threads, self.errors, self.stop = connect, seed, [], [], threading.Event()

    def add(self, name, action):
        def run():
            chance = random.Random(f'{self.seed} {name}')
            connection = self.connect()
            try:
                while not self.stop.is_set():
                    action(connection.cursor(), chance)
            except Exception as error:  # reported by finish(): a thread's exception reaches nobody
                self.errors.append(f'{name}: {error}')
            finally:
                connection.close()
        self.threads.append(threading.Thread(target=run))

    def run(self, seconds):
        for thread in self.threads:
            thread.start()
        time.sleep(seconds)
        self.stop.set()
        for thread in self.threads:
            thread.join()
        assert not self.errors, self.errors[0]


def write(cursor, chance):
    """One change. Writers of many rows may deadlock over the rows themselves, as without us; over anything of ours never."""
    try:
        change(cursor, chance)
    except psycopg2.errors.DeadlockDetected as error:
        if 'in relation "pay"' not in (error.diag.context or ''):
            raise
        cursor.execute('ROLLBACK')


def change(cursor, chance):
    kind = chance.random()
    if kind < 0.5:
        cursor.execute(INSERT, (chance.randrange(3000), chance.randrange(100), chance.randrange(1, 20)))
    elif kind < 0.75:
        cursor.execute('UPDATE pay SET amount = amount + 1, country = %s WHERE id %% 17 = %s',
                       (chance.choice(['MX', 'FR', None]), chance.randrange(17)))
    else:
        cursor.execute('BEGIN; SAVEPOINT s; DELETE FROM pay WHERE id %% 29 = %s; ' % chance.randrange(29)
                       + chance.choice(['', 'ROLLBACK TO s; ']) + 'COMMIT')


def check(cursor, chance):
    cursor.execute("SELECT * FROM kpi.verify('pay') LIMIT 3")
    faults = cursor.fetchall()
    assert not faults, f'a snapshot is wrong: {faults}'


def merge(cursor, chance):
    cursor.execute('SET client_min_messages = warning; SELECT kpi.merge()')


def retry(cursor, statement):
    try:
        cursor.execute(statement)
    except psycopg2.errors.LockNotAvailable:
        pass  # a busy source says so and asks to try again


@pytest.fixture
def quiet(make_cluster):
    """A server without worker: what happens is what the test does."""
    cluster = make_cluster(preload=False)
    name = cluster.create_database()
    cluster.sql(SETUP, name)
    cluster.sql(INSERT, name, parameters=(1, 1, 2000))
    cluster.sql("SELECT kpi.rebuild('pay')", name)
    return cluster, name


def test_every_snapshot_is_exact_beside_writers_merges_and_rebuilds(quiet, seed):
    cluster, name = quiet
    crowd = Crowd(lambda: cluster.connect(name), seed)
    for number in range(3):
        crowd.add(f'writer {number}', write)
    crowd.add('merger', merge)
    crowd.add('checker', check)

    def rebuild(cursor, chance):
        period = chance.choice(["", ", now() - interval '9 days'", ", now() - interval '40 days', now() - interval '3 days'"])
        retry(cursor, f"SELECT kpi.rebuild('pay'{period})")
    crowd.add('rebuilder', rebuild)
    crowd.run(8)
    assert cluster.sql("SELECT count(*) FROM kpi.verify('pay')", name) == [(0,)]
    cluster.sql('SELECT kpi.merge()', name)
    assert cluster.sql("SELECT count(*) FROM kpi.verify('pay')", name) == [(0,)]
    assert cluster.sql('SELECT count(*) FROM kpi_data.pay_delta', name) == [(0,)]
    assert cluster.sql('SELECT sum(n) FROM kpi_data.pay_rollup_day WHERE level = 0', name) == cluster.sql(
        'SELECT count(*)::numeric FROM pay', name)


def test_repair_by_difference_is_exact_beside_writers_and_merges(quiet, seed):
    cluster, name = quiet
    crowd = Crowd(lambda: cluster.connect(name), seed)
    for number in range(2):
        crowd.add(f'writer {number}', write)
    crowd.add('merger', merge)
    crowd.add('checker', check)

    def damage(cursor, chance):
        # Unseen rows and their mark in one transaction, as every event that capture cannot see makes it.
        day = chance.randrange(60)
        cursor.execute('BEGIN')
        cursor.execute("DELETE FROM kpi_data.pay_delta WHERE day = current_date - %s", (day,))
        cursor.execute("INSERT INTO kpi.dirty VALUES ('pay', current_date - %s, current_date - %s + 1, 'test')", (day, day))
        cursor.execute('COMMIT')
        time.sleep(0.05)
    crowd.add('vandal', damage)
    crowd.add('worker', lambda cursor, chance: retry(cursor, 'CALL kpi.work()'))
    crowd.run(8)
    for _ in range(20):
        cluster.sql('CALL kpi.work()', name)
    assert cluster.sql('SELECT count(*) FROM kpi.dirty', name) == [(0,)]
    assert cluster.sql("SELECT count(*) FROM kpi.verify('pay')", name) == [(0,)]


def test_a_merge_left_open_stops_neither_writers_nor_readers_nor_other_sources(quiet):
    cluster, name = quiet
    cluster.sql("CREATE VIEW other_facts AS SELECT at, amount AS other FROM pay; "
                "SELECT kpi.track('other_facts', 'at', '{}', 'other', 'UTC'); SELECT kpi.rebuild('other')", name)
    idle = cluster.connect(name, autocommit=False)
    idle.cursor().execute("SELECT kpi.merge('pay')")
    session = cluster.connect(name)
    cursor = session.cursor()
    cursor.execute("SET statement_timeout = '20s'")
    cursor.execute(INSERT, (1, 1, 10))
    cursor.execute('SELECT kpi.merge()')
    assert 'is being merged by another session' in ''.join(session.notices)
    cursor.execute('SELECT count(*) FROM kpi_data.other_delta')
    assert cursor.fetchone() == (0,)
    cursor.execute("SELECT count(*) FROM kpi.verify('pay')")
    assert cursor.fetchone() == (0,)
    cursor.execute("SET lock_timeout = '300ms'")
    with pytest.raises(psycopg2.errors.LockNotAvailable):
        cursor.execute("SELECT kpi.rebuild('pay')")
    idle.rollback()
    cursor.execute("SELECT kpi.rebuild('pay')")
    cursor.execute("SELECT count(*) FROM kpi.verify('pay')")
    assert cursor.fetchone() == (0,)


def test_a_backlog_of_many_batches_is_merged(quiet):
    cluster, name = quiet
    cluster.sql("""INSERT INTO kpi_data.pay_delta (hour, day, n, d1, m1)
                   SELECT date_trunc('hour', now()), current_date, 1, 'MX', 1 FROM generate_series(1, 120000)""", name)
    assert cluster.sql('SELECT kpi.merge() >= 120000', name) == [(True,)]
    assert cluster.sql('SELECT count(*) FROM kpi_data.pay_delta', name) == [(0,)]
    cluster.sql("SELECT kpi.rebuild('pay')", name)
    assert cluster.sql("SELECT count(*) FROM kpi.verify('pay')", name) == [(0,)]


def test_folding_keeps_one_row_for_each_message(quiet):
    cluster, name = quiet
    cluster.sql("""INSERT INTO kpi.capture_error (source, sqlstate, message, rows)
                   SELECT 'pay', '22012', 'division by zero', 2 FROM generate_series(1, 50);
                   INSERT INTO kpi.capture_error (source, sqlstate, message)
                   SELECT 'pay', '22P02', 'invalid input ' || g FROM generate_series(1, 300) g""", name)
    cluster.sql('CALL kpi.work()', name)
    assert cluster.sql("SELECT sum(rows) FROM kpi.capture_error", name) == [(400,)]
    assert cluster.sql("SELECT count(*) <= 101 FROM kpi.capture_error", name) == [(True,)]


def test_a_long_build_goes_by_ranges_and_lets_ddl_in_between(quiet):
    cluster, name = quiet
    cluster.sql("""CREATE TABLE long (at timestamptz NOT NULL, amount numeric);
                   INSERT INTO long SELECT now() - g * interval '10 seconds', 1 FROM generate_series(1, 1200000) g;
                   CREATE INDEX ON long (at);
                   ANALYZE long;
                   CREATE VIEW long_facts AS SELECT at, amount AS long_amount FROM long;
                   SELECT kpi.track('long_facts', 'at', '{}', 'long', 'UTC')""", name)
    build = threading.Thread(target=lambda: cluster.sql('CALL kpi.work()', name))
    watcher = cluster.connect(name).cursor()
    ends = set()
    build.start()
    while build.is_alive() and not ends & {1}:
        watcher.execute("""SELECT count(*) FROM kpi.dirty WHERE source = 'long' AND isfinite("to")""")
        ends.add(watcher.fetchone()[0])
    assert 1 in ends, 'the build was one transaction'
    ddl = cluster.connect(name, autocommit=False).cursor()
    ddl.execute('LOCK TABLE long IN ACCESS EXCLUSIVE MODE')
    ddl.execute("SELECT count(*) > 0 FROM kpi.dirty WHERE source = 'long'")
    assert ddl.fetchone() == (True,), 'the lock was granted only when the build was over'
    ddl.connection.rollback()
    build.join()
    cluster.sql('CALL kpi.work()', name)
    assert cluster.sql("SELECT count(*) FROM kpi.dirty WHERE source = 'long'", name) == [(0,)]
    assert cluster.sql('SELECT sum(n) FROM kpi_data.long_rollup_day', name) == [(1200000,)]
    assert cluster.sql("SELECT count(*) FROM kpi.verify('long')", name) == [(0,)]


def test_verify_runs_on_a_hot_standby(quiet, wait_until):
    cluster, name = quiet
    cluster.sql(INSERT, name, parameters=(1, 5, 10))
    standby = cluster.standby()
    wait_until(lambda: standby.sql('SELECT count(*) FROM pay', name) == [(2010,)], 'the standby to catch up')
    assert standby.sql("SELECT count(*) FROM kpi.verify('pay')", name) == [(0,)]
    cluster.sql("UPDATE kpi_data.pay_rollup_day SET n = n + 1 WHERE level = 0 AND day = current_date", name)
    wait_until(lambda: standby.sql("SELECT count(*) FROM kpi.verify('pay')", name) == [(1,)], 'the fault to be seen')
    with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
        standby.sql('SELECT kpi.merge()', name)


def test_serializable_and_repeatable_read_callers_merge_and_rebuild(quiet):
    cluster, name = quiet
    for level in ('REPEATABLE READ', 'SERIALIZABLE'):
        session = cluster.connect(name)
        cursor = session.cursor()
        cursor.execute(f'BEGIN ISOLATION LEVEL {level}; SELECT count(*) FROM kpi_data.pay_rollup_day')
        cluster.sql(INSERT, name, parameters=(1, 5, 10))
        cluster.sql('SELECT kpi.merge()', name)
        cluster.sql(INSERT, name, parameters=(1, 7, 10))
        cursor.execute("SELECT kpi.merge('pay'); SELECT kpi.rebuild('pay'); COMMIT")
        assert cluster.sql("SELECT count(*) FROM kpi.verify('pay')", name) == [(0,)], level
        session.close()


def test_a_server_that_dies_in_a_rebuild_is_as_before_it(quiet):
    cluster, name = quiet
    cluster.sql("UPDATE kpi_data.pay_rollup_day SET m1 = m1 + 1", name)
    cluster.sql('DELETE FROM kpi_data.pay_rollup_hour', name)
    tables = "SELECT count(*) FROM pg_class WHERE relnamespace = 'kpi_data'::regnamespace"
    faults = "SELECT count(*) FROM kpi.verify('pay')"
    before = cluster.sql(tables, name), cluster.sql(faults, name)
    assert before[1] != [(0,)]
    session = cluster.connect(name)
    session.cursor().execute("BEGIN; SELECT kpi.rebuild('pay')")
    cluster.sql('CHECKPOINT', name)  # what the rebuild wrote is on disk
    cluster.crash()
    cluster.start()
    assert (cluster.sql(tables, name), cluster.sql(faults, name)) == before
    cluster.sql(INSERT, name, parameters=(1, 5, 10))
    cluster.sql("SELECT kpi.rebuild('pay')", name)
    assert cluster.sql(faults, name) == [(0,)]
