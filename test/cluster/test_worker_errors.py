"""One source's trouble is its own; a restore is left alone until it is whole."""
import os
import time

import pytest

import cluster as clusters
from watched import On, drained, make_source, new_database, running, set_for, status, verified, worker


def last_error(database, name='pay'):
    rows = database.sql('SELECT last_error FROM kpi.source_state WHERE source = %s', (name,))
    return rows[0][0] if rows else None


def test_errors_in_one_source_do_not_stop_the_others(database, wait_until):
    make_source(database)
    make_source(database, 'sale')
    wait_until(lambda: drained(database) and drained(database, 'sale'), 'the builds')
    database.sql('ALTER TABLE kpi_data.pay_rollup_day RENAME TO elsewhere')  # damage
    mark = database.cluster.mark()
    database.sql("INSERT INTO pay (country, amount) VALUES ('x', 1)")
    wait_until(lambda: last_error(database), 'the error on record')
    assert last_error(database).startswith('42704: ')
    for i in range(5):
        database.sql("INSERT INTO sale (country, amount) VALUES ('x', 1)")
        wait_until(lambda: drained(database, 'sale'), 'the merges of the other source')
    state = status(database)['sources']
    assert state['pay']['last_error'].startswith('42704') and state['pay']['deltas'] == 1
    assert state['sale']['last_error'] is None
    time.sleep(2)
    assert database.cluster.log_since(mark).count('work on source "pay" failed') < 4, 'not once a round'
    database.sql('ALTER TABLE kpi_data.elsewhere RENAME TO pay_rollup_day')
    wait_until(lambda: drained(database), 'the merge after the mend')
    wait_until(lambda: last_error(database) is None, 'the record to be cleared')
    assert verified(database)


def test_a_locked_source_waits_alone(database, wait_until):
    """A DBA's long lock on one base table: the worker gives up after lock_timeout and does not queue other sessions."""
    make_source(database)
    make_source(database, 'sale')
    wait_until(lambda: drained(database) and drained(database, 'sale'), 'the builds')
    holder = database.connect(autocommit=False)
    with holder.cursor() as cursor:
        cursor.execute("TRUNCATE pay; INSERT INTO pay (country, amount) VALUES ('x', 1)")
        cursor.execute('LOCK TABLE kpi_data.pay_rollup_day IN ACCESS EXCLUSIVE MODE')
    for i in range(3):
        database.sql("INSERT INTO sale (country, amount) VALUES ('x', 1)")
        wait_until(lambda: drained(database, 'sale'), 'the merges of the other source')
    holder.commit()
    holder.close()
    wait_until(lambda: drained(database), 'repair and merge')
    assert verified(database)


def test_a_cancelled_step_is_tried_again(database, wait_until):
    """pg_cancel_backend ends the step, not the worker."""
    database.sql('CREATE TABLE pay (id serial PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(), country text, amount numeric);'
                 'CREATE TABLE slowness (seconds float8); INSERT INTO slowness VALUES (300);'
                 'CREATE FUNCTION slow(numeric) RETURNS numeric LANGUAGE plpgsql STABLE AS '
                 "'BEGIN PERFORM pg_sleep(seconds) FROM public.slowness; RETURN $1; END';"
                 'CREATE VIEW pay_facts AS SELECT at, country, 1 AS pays, slow(amount) AS pay_revenue FROM pay;'
                 "INSERT INTO pay (country, amount) VALUES ('x', 1)")
    database.sql("SELECT kpi.track('pay_facts', 'at', '{country}', name => 'pay', capture => 'window')")
    pid = running(database, wait_until)['pid']
    asleep = "SELECT wait_event = 'PgSleep' FROM pg_stat_activity WHERE pid = %s"
    wait_until(lambda: database.sql(asleep, (pid,))[0][0], 'the slow build')
    assert database.sql('SELECT state, query FROM pg_stat_activity WHERE pid = %s', (pid,))[0][0] == 'active'
    database.sql('UPDATE slowness SET seconds = 0')
    database.sql('SELECT pg_cancel_backend(%s)', (pid,))
    wait_until(lambda: (last_error(database) or '').startswith('57014') or drained(database), 'the record or the repair')
    wait_until(lambda: drained(database), 'the build')
    assert worker(database)['pid'] == pid


def test_a_bad_row_is_counted_in_status(database, wait_until):
    database.sql('CREATE TABLE pay (id serial PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(), country text, amount numeric);'
                 'CREATE VIEW pay_facts AS SELECT at, country, 1 AS pays, 100 / amount AS pay_revenue FROM pay')
    database.sql("SELECT kpi.track('pay_facts', 'at', '{country}', name => 'pay')")
    wait_until(lambda: drained(database), 'the build')
    for amount in (1, 0, 0, 2, 0):
        database.sql(f"INSERT INTO pay (country, amount) VALUES ('x', {amount})")
    wait_until(lambda: database.sql('SELECT count(*), sum(rows)::int FROM kpi.capture_error') == [(1, 3)], 'the fold')
    assert status(database)['sources']['pay']['skipped_rows'] == 3


@pytest.mark.parametrize('jobs', [1, 4])
def test_restore_into_a_running_preloaded_server(make_cluster, wait_until, jobs):
    """The worker of the new database must not build from half a table; nothing is counted twice."""
    cluster = make_cluster()
    source = new_database(cluster, 'original')
    for name in ('pay', 'sale'):
        make_source(source, name)
        source.sql(f"INSERT INTO {name} (at, country, amount) SELECT '2024-02-27Z'::timestamptz + i * interval '1 minute',"
                   " 'c' || i % 9, i FROM generate_series(1, 30000) i")
    wait_until(lambda: drained(source) and drained(source, 'sale'), 'the builds')
    source.sql('CREATE MATERIALIZED VIEW mv AS SELECT day, country, pays FROM kpi_data.pay_daily')
    source.sql("SELECT kpi.watch_view('mv')")
    source.sql('ALTER DATABASE original SET kpi.worker = off')
    wait_until(lambda: not worker(source)['running'], 'the worker to end')
    source.sql("INSERT INTO pay (country, amount) SELECT 'unmerged', i FROM generate_series(1, 100) i")
    dump = os.path.join(cluster.path, 'dump')
    arguments = ['-h', cluster.socket, '-p', str(cluster.port), '-U', clusters.USER]
    clusters.run('pg_dump', *arguments, '-Fc', '-f', dump, 'original')
    cluster.sql('CREATE DATABASE copy')
    clusters.run('pg_restore', *arguments, '-j', str(jobs), '-d', 'copy', dump)
    copy = On(cluster, 'copy')
    running(copy, wait_until)
    for name in ('pay', 'sale'):
        wait_until(lambda: drained(copy, name), f'{name} to be whole')
        assert verified(copy, name)
    assert copy.sql('SELECT view::text FROM kpi.view') == [('mv',)]
    copy.sql("INSERT INTO pay (country, amount) VALUES ('x', 1)")
    wait_until(lambda: drained(copy), 'the merge')
    assert verified(copy)


def test_a_slow_watched_view_does_not_stop_merging(database, wait_until):
    make_source(database)
    set_for(database, 'kpi.source_timeout', '1s', wait_until)
    wait_until(lambda: drained(database), 'the build')
    database.sql('CREATE MATERIALIZED VIEW mv AS SELECT count(*), pg_sleep(300)::text FROM pay_facts WITH NO DATA')
    database.sql("SELECT kpi.watch_view('mv')")
    wait_until(lambda: status(database)['views']['public.mv']['last_error'] == '57014', 'the refresh to be given up')
    database.sql("INSERT INTO pay (country, amount) VALUES ('x', 1)")
    wait_until(lambda: drained(database), 'the merge')


def test_what_no_trigger_sees_is_found_by_a_sample(database, wait_until):
    """Damage of a rollup stands for every change without a trace; frozen days and the open one are nobody's business."""
    make_source(database)
    database.sql("INSERT INTO pay (at, country, amount) SELECT now() - i * interval '1 day', 'x', i FROM generate_series(0, 5) i")
    wait_until(lambda: drained(database), 'the build')
    database.sql("UPDATE kpi_data.pay_rollup_day SET m2 = m2 + 1")
    assert not verified(database)
    set_for(database, 'kpi.verify_interval', '1s', wait_until)
    closed = "SELECT count(*) FROM kpi.verify('pay', NULL, date_trunc('day', now(), 'UTC') - interval '1 day')"
    wait_until(lambda: database.sql(closed)[0][0] == 0 and drained(database), 'every closed day to be sampled and repaired')
    state = status(database)
    assert state['sources']['pay']['differed_at'] and state['sources']['pay']['differed']
    assert any('source pay differed' in warning for warning in state['warnings'])
    assert 'source "pay" differed from its facts view' in database.cluster.log()
