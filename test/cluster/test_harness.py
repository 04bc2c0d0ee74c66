"""The harness itself: what every other test here relies on."""
import os
import signal

import psycopg2
import pytest


def test_a_database_has_the_extension(database):
    assert database.sql("SELECT extname FROM pg_extension WHERE extname = 'kpi_ext'") == [('kpi_ext',)]


def test_databases_are_separate(database):
    assert database.sql("SELECT to_regclass('public.leftover')") == [(None,)]
    database.sql('CREATE TABLE public.leftover ()')


def test_the_library_is_preloaded(shared):
    assert 'kpi_ext' in shared.sql('SHOW shared_preload_libraries')[0][0]


@pytest.mark.crashes
def test_a_killed_backend_restarts_the_cluster(make_cluster):
    cluster = make_cluster()
    connection = cluster.connect()
    cluster.kill_backend(connection.info.backend_pid)
    with pytest.raises(psycopg2.OperationalError):
        connection.cursor().execute('SELECT 1')
    assert cluster.sql('SELECT 1') == [(1,)]
    assert 'terminated by signal 9' in cluster.log()


def test_committed_rows_survive_a_crash(make_cluster):
    cluster = make_cluster()
    cluster.sql('CREATE TABLE t AS SELECT 1 AS a')
    cluster.crash()
    assert not cluster.running()
    cluster.start()
    assert cluster.sql('SELECT a FROM t') == [(1,)]


def test_a_standby_follows_and_can_be_promoted(make_cluster, wait_until):
    cluster = make_cluster()
    standby = cluster.standby()
    cluster.sql('CREATE TABLE t AS SELECT 1 AS a')
    wait_until(lambda: standby.sql("SELECT to_regclass('t')") != [(None,)], 'the table on the standby')
    standby.promote()
    standby.sql('INSERT INTO t VALUES (2)')
    assert standby.sql('SELECT a FROM t ORDER BY a') == [(1,), (2,)]


def test_settings_change_on_reload_and_restart(make_cluster, wait_until):
    cluster = make_cluster(config={'work_mem': '1MB'})
    cluster.reload({'work_mem': '2MB'})
    wait_until(lambda: cluster.sql('SHOW work_mem') == [('2MB',)], 'the reload')
    cluster.configure({'max_connections': '33'})
    cluster.restart()
    assert cluster.sql('SHOW max_connections') == [('33',)]


def test_a_signal_for_a_stranger_is_refused(make_cluster):
    cluster = make_cluster()
    with pytest.raises(Exception, match='is no process of'):
        cluster.kill_backend(os.getpid())
    os.kill(cluster.pid(), signal.SIGHUP)
    assert cluster.running()
