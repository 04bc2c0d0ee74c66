"""The steward: checks run by themselves in a process of their own, which nothing of theirs stops for long."""
import pytest

from watched import deltas, drained, make_source, running, set_for, worker

LOOKED = "SELECT count(*) FROM kpi.check_result WHERE name = '{}'"


def steward(database):
    return [pid for pid, in database.sql("""SELECT pid FROM pg_stat_activity
                                             WHERE backend_type = 'kpi_ext steward' AND datname = current_database()""")]


def looks(database, name):
    return database.sql(LOOKED.format(name))[0][0]


def state(database, name):
    rows = database.sql('SELECT state, message FROM kpi.check_status WHERE name = %s', (name,))
    return rows[0] if rows else None


def test_a_check_runs_by_itself_and_its_incident_comes_and_goes(database, wait_until):
    running(database, wait_until)
    assert steward(database) == [], 'nothing to do: no process'
    database.sql('CREATE TABLE list (id int)')
    database.sql("SELECT kpi.add_check('filled', 'view_size', relation => 'list', every => '1 second')")
    wait_until(lambda: state(database, 'filled')[0] == 'failing', 'the check')
    pid, = steward(database)
    assert worker(database)['steward_pid'] == pid != worker(database)['pid']
    incident = "SELECT state FROM kpi.incident WHERE fingerprint = 'check filled'"
    assert database.sql(incident) == [('firing',)]
    database.sql('INSERT INTO list VALUES (1)')
    wait_until(lambda: database.sql(incident) == [('resolved',)], 'its end')
    assert steward(database) == [pid]


def test_one_that_errs_or_hangs_stops_neither_the_others_nor_the_worker(database, wait_until):
    """It sleeps, it swallows its cancel and goes on until its process ends: each time the others are looked at again, and deltas are merged."""
    make_source(database)
    set_for(database, 'kpi.check_timeout', '1', wait_until)
    database.sql("""CREATE FUNCTION public.stubborn() RETURNS SETOF int LANGUAGE plpgsql AS $$
        BEGIN
            LOOP
                BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN NULL; END;
            END LOOP;
        END $$""")
    for name, sql in [('stubborn', 'SELECT * FROM public.stubborn()'), ('sleeps', 'SELECT pg_sleep(60)'), ('divides', 'SELECT 1 / 0'), ('well', 'SELECT 1 WHERE false')]:
        database.sql("SELECT kpi.add_check(%s, 'custom_sql', parameters => jsonb_build_object('sql', %s::text), every => '2 seconds')", (name, sql))
    mark = database.cluster.mark()
    wait_until(lambda: looks(database, 'well') >= 2 and looks(database, 'divides') >= 2, 'the others')
    wait_until(lambda: (state(database, 'stubborn') or [None])[1] == 'the process ended while the check ran', 'the word on the stubborn one')
    assert state(database, 'sleeps') == ('error', 'it took longer than 1 s')
    assert state(database, 'divides') == ('error', 'division by zero')
    before = looks(database, 'well')
    database.sql("INSERT INTO pay (country, amount) VALUES ('x', 1)")
    wait_until(lambda: drained(database), 'the merge')
    wait_until(lambda: looks(database, 'well') > before, 'another look')
    assert state(database, 'well') == ('ok', '0 rows, 0 allowed')
    assert 'PANIC' not in database.cluster.log_since(mark)
    assert deltas(database) == 0


@pytest.mark.parametrize('how', ['pg_terminate_backend', 'pg_cancel_backend'])
def test_it_comes_back(database, wait_until, how):
    database.sql('CREATE TABLE list (id int)')
    database.sql("SELECT kpi.add_check('filled', 'view_size', relation => 'list', every => '1 second')")
    wait_until(lambda: looks(database, 'filled') > 0, 'the check')
    pid, = steward(database)
    database.sql(f'SELECT {how}({pid})')
    before = looks(database, 'filled')
    wait_until(lambda: looks(database, 'filled') > before + 1, 'further looks')
    wait_until(lambda: len(steward(database)) == 1, 'one steward')
    if how == 'pg_terminate_backend':
        assert steward(database) != [pid]


def test_it_ends_with_the_extension_and_when_the_worker_is_off(database, wait_until):
    database.sql('CREATE TABLE list (id int)')
    for turn in ('DROP EXTENSION kpi_ext CASCADE', f'ALTER DATABASE "{database.name}" SET kpi.worker = off'):
        database.sql("SELECT kpi.add_check('filled', 'view_size', relation => 'list', every => '1 second')")
        wait_until(lambda: len(steward(database)) == 1, 'a steward')
        database.sql(turn)
        wait_until(lambda: steward(database) == [], 'its end')
        if turn.startswith('DROP'):
            database.sql('CREATE EXTENSION kpi_ext')


def test_by_hand_without_the_library_preloaded(unattended):
    """A hanging check costs its time, no more, although a session has no steward to end."""
    unattended.sql('ALTER DATABASE "{}" SET kpi.check_timeout = 1'.format(unattended.name))
    for name, sql in [('sleeps', 'SELECT pg_sleep(60)'), ('well', 'SELECT 1 WHERE false')]:
        unattended.sql("SELECT kpi.add_check(%s, 'custom_sql', parameters => jsonb_build_object('sql', %s::text))", (name, sql))
    unattended.sql('CALL kpi.work()')
    assert state(unattended, 'sleeps') == ('error', 'it took longer than 1 s')
    assert state(unattended, 'well') == ('ok', '0 rows, 0 allowed')


def test_a_locked_table_is_not_judged(database, wait_until):
    """A lock that somebody holds is no failure of the data: neither state nor incident change, and the table is looked at afterwards."""
    database.sql('CREATE TABLE list (id int); INSERT INTO list VALUES (1)')
    database.sql("SELECT kpi.add_check('filled', 'view_size', relation => 'list', every => '1 second')")
    wait_until(lambda: state(database, 'filled')[0] == 'ok', 'the check')
    holder = database.connect(autocommit=False)
    with holder.cursor() as cursor:
        cursor.execute('LOCK TABLE list IN ACCESS EXCLUSIVE MODE')
    wait_until(lambda: database.sql("SELECT 1 FROM kpi.check_result WHERE name = 'filled' AND state = 'error'"), 'a look in vain')
    assert state(database, 'filled')[0] == 'ok'
    assert database.sql('SELECT * FROM kpi.incident') == []
    before = looks(database, 'filled')
    holder.rollback()
    holder.close()
    wait_until(lambda: looks(database, 'filled') > before + 1, 'further looks')
    assert state(database, 'filled')[0] == 'ok'
