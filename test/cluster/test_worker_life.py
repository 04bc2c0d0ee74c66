"""What the launcher and the worker survive: the extension, databases and servers that come and go."""
import random
import string
import threading
import time

import pytest

from watched import deltas, drained, make_source, new_database, running, set_for, status, verified, worker, workers


class Writer(threading.Thread):
    """Single-row commits until told to stop; keeps what went wrong."""

    def __init__(self, database):
        super().__init__()
        self.database, self.stopping, self.error, self.count = database, threading.Event(), None, 0

    def run(self):
        try:
            connection = self.database.connect()
            with connection.cursor() as cursor:
                while not self.stopping.is_set():
                    cursor.execute("INSERT INTO pay (country, amount) VALUES ('x', 1)")
                    self.count += 1
            connection.close()
        except Exception as error:  # noqa: BLE001: any error of a writer is the finding
            self.error = error

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.join()
        assert self.error is None, f'a writer failed: {self.error}'


def test_create_extension_starts_the_worker_and_drop_ends_it(database, wait_until):
    running(database, wait_until)
    database.sql('DROP EXTENSION kpi_ext CASCADE')
    wait_until(lambda: database.name not in workers(database.cluster), 'the worker to end')
    settings = "SELECT setconfig FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase WHERE datname = current_database()"
    assert database.sql(settings) == [], 'kpi.worker went with the extension'
    database.sql('CREATE EXTENSION kpi_ext')
    running(database, wait_until)


def test_rolled_back_create_and_drop_change_nothing(database, wait_until):
    pid = running(database, wait_until)['pid']
    connection = database.connect(autocommit=False)
    with connection.cursor() as cursor:
        cursor.execute('DROP EXTENSION kpi_ext CASCADE')
        cursor.execute('CREATE EXTENSION kpi_ext')
        cursor.execute('DROP EXTENSION kpi_ext CASCADE')
    connection.rollback()
    connection.close()
    make_source(database)
    database.sql("INSERT INTO pay (country, amount) VALUES ('x', 1)")
    wait_until(lambda: drained(database), 'the merge')
    assert worker(database)['pid'] == pid


def test_dropped_and_created_in_one_transaction(database, wait_until):
    running(database, wait_until)
    connection = database.connect(autocommit=False)
    with connection.cursor() as cursor:
        cursor.execute('DROP EXTENSION kpi_ext CASCADE')
        cursor.execute('CREATE EXTENSION kpi_ext')
    connection.commit()
    connection.close()
    make_source(database)
    database.sql("INSERT INTO pay (country, amount) VALUES ('x', 1)")
    wait_until(lambda: drained(database), 'the merge')


def test_drop_extension_while_merging(database, wait_until):
    """Committed and rolled back in turn beside a writer and a busy worker: the DBA waits, nobody is a deadlock's victim."""
    mark = database.cluster.mark()
    for turn in range(6):
        make_source(database)
        with Writer(database) as writer:
            wait_until(lambda: writer.count > 50 or writer.error, 'writes')
            connection = database.connect(autocommit=False)
            with connection.cursor() as cursor:
                cursor.execute('DROP EXTENSION kpi_ext CASCADE')
            if turn % 2:
                connection.commit()
            else:
                connection.rollback()
            connection.close()
        if turn % 2:
            database.sql('CREATE EXTENSION kpi_ext')
            database.sql('DROP VIEW pay_facts; DROP TABLE pay')
        else:
            wait_until(lambda: drained(database), 'the merges after the rollback')
            assert verified(database)
            database.sql("SELECT kpi.untrack('pay'); DROP VIEW pay_facts; DROP TABLE pay")
    log = database.cluster.log_since(mark)
    assert 'deadlock detected' not in log
    running(database, wait_until)


def test_other_databases_can_be_dropped_meanwhile(database, wait_until):
    make_source(database)
    other = new_database(database.cluster)
    other.sql(f'ALTER DATABASE "{other.name}" SET kpi.worker = off')
    wait_until(lambda: other.name not in workers(database.cluster), 'the other worker to end')
    with Writer(database):
        database.cluster.sql(f'DROP DATABASE "{other.name}"')
    wait_until(lambda: drained(database), 'the merge')


def test_its_own_database_can_be_dropped_with_force(shared, wait_until):
    database = new_database(shared)
    running(database, wait_until)
    mark = shared.mark()
    shared.sql(f'DROP DATABASE "{database.name}" WITH (FORCE)')
    assert database.name not in workers(shared)
    time.sleep(2.5)
    assert 'does not exist' not in shared.log_since(mark), 'nobody tried to connect to it again'


def test_off_ends_the_worker_so_that_rename_and_template_work(shared, wait_until):
    database = new_database(shared)
    name = database.name
    make_source(database)
    running(database, wait_until)
    shared.sql(f'ALTER DATABASE "{name}" SET kpi.worker = off')
    wait_until(lambda: name not in workers(shared), 'the worker to end')
    assert 'kpi.worker is off' in worker(database)['mend']
    shared.sql(f'CREATE DATABASE "{name}_copy" TEMPLATE "{name}"')
    shared.sql(f'ALTER DATABASE "{name}" RENAME TO "{name}_renamed"')
    shared.sql(f'ALTER DATABASE "{name}_renamed" SET kpi.worker = on')
    database.name = f'{name}_renamed'
    database.sql("INSERT INTO pay (country, amount) VALUES ('x', 1)")
    wait_until(lambda: drained(database), 'the merge in the renamed database')
    assert f'{name}_copy' not in workers(shared), 'settings are not copied: a copy is quiet until it is told'
    for copy in (f'{name}_copy', f'{name}_renamed'):
        shared.sql(f'DROP DATABASE "{copy}" WITH (FORCE)')


def test_a_database_without_the_extension_is_left_alone(shared, wait_until):
    name = shared.create_database(extension=False)
    shared.sql(f'ALTER DATABASE "{name}" SET kpi.worker = on')
    time.sleep(2)
    wait_until(lambda: name not in workers(shared), 'the worker to leave')
    shared.sql('CREATE EXTENSION kpi_ext', name)  # rings: no backoff
    wait_until(lambda: name in workers(shared), 'the worker', seconds=5)
    shared.sql(f'DROP DATABASE "{name}" WITH (FORCE)')


def test_long_database_settings_are_read_or_reported(make_cluster, wait_until):
    """The launcher reads pg_db_role_setting page by page: compressed rows it can read, rows stored out of line it reports."""
    cluster = make_cluster()
    database = new_database(cluster)
    cluster.sql(f"ALTER DATABASE {database.name} SET test.long = '{'x' * 5000}'")
    pid = running(database, wait_until)['pid']
    cluster.sql(f"ALTER DATABASE {database.name} SET kpi.merge_interval = '100ms'")
    pid = running(database, wait_until, other_than=pid)['pid']
    noise = ''.join(random.Random(1).choices(string.ascii_letters + string.digits, k=20000))
    cluster.sql(f"ALTER DATABASE {database.name} SET test.long = '{noise}'")
    cluster.wait_for_log('are too long for kpi_ext')
    wait_until(lambda: database.name not in workers(cluster), 'the worker to end')
    cluster.sql(f'ALTER DATABASE {database.name} RESET test.long')
    running(database, wait_until, other_than=pid)
    assert cluster.log().count('are too long for kpi_ext') == 1


def test_database_defaults_do_not_reach_the_worker(database, wait_until, monkeypatch):
    """Only this test's own sessions are spared them."""
    make_source(database)
    monkeypatch.setenv('PGOPTIONS', '-c statement_timeout=0 -c lock_timeout=0 -c default_transaction_read_only=off '
                                    '-c default_transaction_isolation=read\\ committed -c search_path=public -c DateStyle=ISO '
                                    '-c idle_in_transaction_session_timeout=0')
    for setting in ['default_transaction_read_only = on', 'default_transaction_isolation = serializable', 'lock_timeout = 1',
                    "TimeZone = 'Asia/Tokyo'", 'search_path = evil', 'statement_timeout = 1', 'row_security = on',
                    "DateStyle = 'SQL, DMY'", 'idle_in_transaction_session_timeout = 1']:
        database.cluster.sql(f'ALTER DATABASE "{database.name}" SET {setting}')
    set_for(database, 'kpi.merge_interval', '100ms', wait_until)
    database.sql("INSERT INTO pay (at, country, amount) VALUES ('2024-03-31 21:30Z', 'x', 3)")
    database.sql('TRUNCATE pay')
    database.sql("INSERT INTO pay (at, country, amount) VALUES ('2024-03-31 22:30Z', 'x', 3), ('2024-03-31 23:30Z', 'y', 4)")
    database.sql("DELETE FROM pay WHERE country = 'y'")
    wait_until(lambda: drained(database), 'repair and merge')
    rows = database.sql('SELECT day::text, n, m2::text FROM kpi_data.pay_rollup_day WHERE level = 0')
    assert rows == [('2024-03-31', 1, '3')], 'the day of the source\'s zone, not of the database\'s'
    assert database.sql('SELECT last_error FROM kpi.source_state')[0][0] is None


def test_sighup_changes_its_settings(make_cluster, wait_until):
    cluster = make_cluster()
    database = new_database(cluster)
    make_source(database)
    wait_until(lambda: drained(database), 'the build')
    pid = worker(database)['pid']
    cluster.reload({'kpi.merge_interval': '60s'})
    time.sleep(0.5)
    database.sql('SELECT kpi.wake()')
    time.sleep(1)  # the first ring may still be served at the old pace; the next ones wait
    database.sql("INSERT INTO pay (country, amount) VALUES ('x', 1)")
    time.sleep(1)
    database.sql("INSERT INTO pay (country, amount) VALUES ('x', 1)")
    time.sleep(2)
    assert deltas(database) > 0
    cluster.reload({'kpi.merge_interval': '100ms'})
    wait_until(lambda: drained(database), 'the merge', seconds=20)
    assert worker(database)['pid'] == pid, 'the same process'


@pytest.mark.crashes
def test_a_killed_worker_loses_and_doubles_nothing(make_cluster, wait_until):
    cluster = make_cluster()
    database = new_database(cluster)
    make_source(database)
    database.sql("INSERT INTO pay (country, amount) SELECT 'c' || i, i FROM generate_series(1, 20000) i")
    pid = running(database, wait_until)['pid']
    cluster.kill_backend(pid)  # every process of the server goes with it, as PostgreSQL does
    running(database, wait_until)
    database.sql("INSERT INTO pay (country, amount) VALUES ('x', 1)")
    wait_until(lambda: drained(database), 'the merge')
    assert verified(database)


def test_a_terminated_worker_and_launcher_come_back(make_cluster, wait_until):
    cluster = make_cluster()
    database = new_database(cluster)
    make_source(database)
    pid = running(database, wait_until)['pid']
    cluster.sql('SELECT pg_terminate_backend(%s)', parameters=(pid,))
    state = running(database, wait_until, other_than=pid)
    cluster.sql('SELECT pg_terminate_backend(%s)', parameters=(state['launcher_pid'],))
    wait_until(lambda: worker(database)['launcher_pid'] not in (None, state['launcher_pid']), 'the launcher')
    database.sql("INSERT INTO pay (country, amount) VALUES ('x', 1)")
    wait_until(lambda: drained(database), 'the merge')
    wait_until(lambda: len(cluster.sql("SELECT 1 FROM pg_stat_activity WHERE backend_type = 'kpi_ext worker'")) == 1,
               'one worker, not two')


def test_restart_of_the_server(make_cluster, wait_until):
    cluster = make_cluster()
    database = new_database(cluster)
    make_source(database)
    with Writer(database) as writer:
        wait_until(lambda: writer.count > 200 or writer.error, 'writes')
    cluster.restart()
    wait_until(lambda: drained(database), 'the merge')
    assert verified(database)


@pytest.mark.crashes
def test_crash_of_the_server(make_cluster, wait_until):
    cluster = make_cluster(config={'fsync': 'on'})
    database = new_database(cluster)
    make_source(database)
    database.sql("INSERT INTO pay (country, amount) SELECT 'c' || i, i FROM generate_series(1, 20000) i")
    cluster.crash()
    cluster.start()
    wait_until(lambda: drained(database), 'the merge')
    assert verified(database)


def test_a_standby_has_no_worker_until_its_promotion(make_cluster, wait_until):
    primary = make_cluster()
    database = new_database(primary)
    make_source(database)
    wait_until(lambda: drained(database), 'the build')
    standby = primary.standby()
    copy = type(database)(standby, database.name)
    wait_until(lambda: copy.sql("SELECT count(*) FROM kpi.source")[0][0] == 1, 'replication')
    assert workers(standby) == set()
    state = status(copy)
    assert not state['worker']['running'] and 'standby' in state['worker']['mend']
    standby.promote()
    running(copy, wait_until)
    copy.sql("INSERT INTO pay (country, amount) VALUES ('x', 1)")
    wait_until(lambda: drained(copy), 'the merge')
    assert verified(copy)
