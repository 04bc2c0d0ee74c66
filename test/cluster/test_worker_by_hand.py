"""Without shared_preload_libraries: CALL kpi.work() by hand or from pg_cron gives what the worker gives."""
import psycopg2
import pytest

from watched import On, drained, make_source, new_database, status, verified

# Facts that the worker has to build, merge, repair and fold.
WRITES = ["INSERT INTO pay (at, country, amount) SELECT '2024-02-27 09:00Z'::timestamptz + i * interval '1 hour', 'c' || i % 7, i"
          ' FROM generate_series(1, 2000) i',
          "UPDATE pay SET amount = amount + 1, country = 'moved' WHERE id % 10 = 0",
          'DELETE FROM pay WHERE id % 17 = 0',
          'TRUNCATE pay',
          "INSERT INTO pay (at, country, amount) SELECT '2024-02-27 09:00Z'::timestamptz + i * interval '1 hour', 'c' || i % 7, i"
          ' FROM generate_series(1, 500) i']
ROLLUPS = """SELECT level, day::text, n, d1, m1::text, m2::text FROM kpi_data.pay_rollup_day ORDER BY level, day, d1"""


def fill(database):
    make_source(database)
    for statement in WRITES:
        database.sql(statement)


def test_by_hand_gives_the_same_as_the_worker(make_cluster, wait_until):
    served = new_database(make_cluster())
    fill(served)
    wait_until(lambda: drained(served), 'the worker')
    plain = new_database(make_cluster(preload=False))
    fill(plain)
    assert not drained(plain), 'nobody works'
    state = status(plain)['worker']
    assert not state['preloaded'] and 'shared_preload_libraries' in state['mend']
    plain.sql('CALL kpi.work()')
    assert drained(plain) and verified(plain)
    assert plain.sql(ROLLUPS) == served.sql(ROLLUPS)


def test_pg_cron_can_call_it(make_cluster, wait_until):
    cluster = make_cluster(preload=False, config={'shared_preload_libraries': 'pg_cron', 'cron.use_background_workers': 'on',
                                                  'cron.database_name': 'postgres'})
    database = new_database(cluster)
    fill(database)
    cluster.sql('CREATE EXTENSION pg_cron')
    cluster.sql("SELECT cron.schedule_in_database('kpi', '* * * * *', 'CALL kpi.work()', %s)", parameters=(database.name,))
    wait_until(lambda: drained(database), 'the job, once a minute', seconds=150)
    assert verified(database)
    wait_until(lambda: cluster.sql("SELECT 1 FROM cron.job_run_details WHERE status = 'succeeded'"), 'its record')


@pytest.mark.parametrize('how', ['block', 'function'])
def test_an_atomic_context_is_refused_with_a_hint(database, how):
    connection = database.connect(autocommit=how != 'block')
    with connection.cursor() as cursor:
        if how == 'function':
            cursor.execute("CREATE FUNCTION work() RETURNS void LANGUAGE plpgsql AS 'BEGIN CALL kpi.work(); END'")
        with pytest.raises(psycopg2.Error) as refused:
            cursor.execute('CALL kpi.work()' if how == 'block' else 'SELECT work()')
    connection.close()
    assert refused.value.pgcode == '2D000' and 'autocommit' in refused.value.diag.message_hint


def test_a_role_without_rights_cannot_call_it(database):
    role = f'stranger_{database.name}'
    database.sql(f'CREATE ROLE {role} LOGIN')
    try:
        for call in ('CALL kpi.work()', 'SELECT kpi.wake()', 'SELECT kpi.refresh()'):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                database.sql(call, user=role)
    finally:
        database.sql(f'DROP ROLE {role}')


def test_a_granted_role_need_not_own_what_it_works_on(make_cluster):
    cluster = make_cluster(preload=False)
    database = new_database(cluster)
    fill(database)
    database.sql('CREATE ROLE operator LOGIN; GRANT EXECUTE ON PROCEDURE kpi.work() TO operator')
    database.sql('CALL kpi.work()', user='operator')
    assert drained(database) and verified(database)


def test_a_failing_source_warns_and_the_others_are_done(make_cluster):
    database = new_database(make_cluster(preload=False))
    fill(database)
    make_source(database, 'sale')
    database.sql("INSERT INTO sale (country, amount) VALUES ('x', 1)")
    database.sql('ALTER TABLE kpi_data.pay_rollup_day RENAME TO elsewhere')  # damage
    connection = database.connect()
    with connection.cursor() as cursor:
        cursor.execute('CALL kpi.work()')
    assert any('work on source "pay" failed' in notice for notice in connection.notices)
    connection.close()
    assert drained(database, 'sale')
    errors = dict(database.sql('SELECT source, last_error FROM kpi.source_state'))
    assert errors['pay'].startswith('42704: ') and errors['sale'] is None
    database.sql('ALTER TABLE kpi_data.elsewhere RENAME TO pay_rollup_day')
    database.sql('CALL kpi.work()')
    assert drained(database) and verified(database)
    assert database.sql("SELECT last_error FROM kpi.source_state WHERE source = 'pay'") == [(None,)]


def test_two_callers_share_the_work(make_cluster):
    """The second finds a source busy and leaves it: no error, no double count."""
    import threading
    cluster = make_cluster(preload=False)
    database = new_database(cluster)
    fill(database)
    errors = []

    def call():
        try:
            On(cluster, database.name).sql('CALL kpi.work()')
        except psycopg2.Error as error:
            errors.append(error)
    callers = [threading.Thread(target=call) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert errors == []
    database.sql('CALL kpi.work()')
    assert drained(database) and verified(database)
