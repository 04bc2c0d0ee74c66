"""Jobs on a server whose clock is set: each time of a schedule runs once, whatever stops, starts or jumps."""
import threading

import pytest
from receiver import Receiver, status
from test_pushgateway import Server, free_port, get

import cluster as clusters
from clocks import offset
from watched import On, make_source, new_database

JOB = 'kpi_refresh_materialized'


def schedule(database, expression='0 */4 * * *', options=''):
    database.sql(f"SELECT kpi.schedule('{JOB}', %s {options})", (expression,))


def runs(database, what='state, skipped', where='true'):
    return database.sql(f'SELECT {what} FROM kpi.run WHERE {where} ORDER BY id')


def due_in(database):
    """Hours until the job is due."""
    return database.sql(f"SELECT extract(epoch FROM next_at - clock_timestamp()) / 3600 FROM kpi.job_status WHERE job = '{JOB}'")[0][0]


def settled(database, count):
    return lambda: len(runs(database, where='ended_at IS NOT NULL')) == count


def pass_time(database, clock, wait_until, hours):
    """The server's clock goes on by so many hours."""
    clock.set(getattr(clock, 'hours', 0) + hours)
    clock.hours = getattr(clock, 'hours', 0) + hours
    wait_until(lambda: abs(offset(database) - clock.hours) <= 1, 'the new time')


def test_each_time_runs_once(clocked, clock, wait_until):
    schedule(clocked)
    assert runs(clocked) == []
    for day in range(1, 4):
        pass_time(clocked, clock, wait_until, float(due_in(clocked)) + 0.01)
        wait_until(settled(clocked, day), 'its run')
    assert runs(clocked) == [('succeeded', 0)] * 3
    times = clocked.sql("SELECT extract(hour FROM scheduled_for AT TIME ZONE 'UTC')::int % 4, extract(minute FROM scheduled_for)::int FROM kpi.run")
    assert times == [(0, 0)] * 3
    # Also for somebody beside the worker.
    clocked.sql('CALL kpi.work()')
    clocked.sql(f"CALL kpi.run_due('{JOB}')")
    assert len(runs(clocked)) == 3


def test_downtime_is_caught_up_once(clocked, clock, wait_until):
    """Down for 23 hours: five or six times have passed, one run stands for them. A second start finds nothing to do."""
    schedule(clocked)
    wait_until(lambda: due_in(clocked), 'the first look')
    clocked.cluster.stop()
    clock.set(23)
    with clock.preloaded():
        clocked.cluster.start()
    wait_until(settled(clocked, 1), 'the run')
    [(state, skipped, note)] = runs(clocked, 'state, skipped, note')
    assert state == 'succeeded' and skipped in (4, 5) and f'{skipped} earlier times passed without a run' in note
    assert clocked.sql("SELECT scheduled_for > clock_timestamp() - interval '4 hours' FROM kpi.run") == [(True,)]
    for _ in range(2):
        with clock.preloaded():
            clocked.cluster.restart()
        clocked.sql('CALL kpi.work()')
    assert len(runs(clocked)) == 1
    assert 0 < due_in(clocked) <= 4


def test_what_is_too_old_is_missed_and_told(clocked, clock, wait_until):
    schedule(clocked, options=", max_age => '0'")
    wait_until(lambda: due_in(clocked), 'the first look')
    clocked.cluster.stop()
    clock.set(23)
    with clock.preloaded():
        clocked.cluster.start()
    wait_until(settled(clocked, 1), 'the note')
    assert runs(clocked, 'state, started_at, error') == [
        ('missed', None, 'nothing ran it in time, and its max_age of 00:00:00 is over')]
    [(state, title)] = clocked.sql("SELECT state, title FROM kpi.incident WHERE fingerprint = 'job:' || %s", (JOB,))
    assert state == 'firing' and title.startswith(f'job {JOB} was missed: due at ')
    clocked.sql('SELECT kpi.run_now(%s)', (JOB,))
    wait_until(settled(clocked, 2), 'a run by hand')
    assert clocked.sql('SELECT state FROM kpi.incident') == [('resolved',)]


def test_no_catching_up_is_no_missing(clocked, clock, wait_until):
    """max_age 0: whoever looks some seconds later is not late."""
    schedule(clocked, options=", max_age => '0'")
    pass_time(clocked, clock, wait_until, float(due_in(clocked)) + 0.01)
    wait_until(settled(clocked, 1), 'its run')
    assert runs(clocked) == [('succeeded', 0)]


def test_what_never_began_is_caught_up_with_the_rest(clocked, clock, wait_until):
    """The server stopped between the entry of a run and its beginning: still one run, not two."""
    schedule(clocked)
    wait_until(lambda: due_in(clocked), 'the first look')
    entered = f"""INSERT INTO kpi.run (job, owner, scheduled_for, skipped, due_at)
                  SELECT '{JOB}', 'postgres'::regrole, clock_timestamp() - interval '5 minutes', 2, clock_timestamp() + interval '1 hour'"""
    clocked.sql(entered)
    clocked.cluster.stop()
    clock.set(5)
    with clock.preloaded():
        clocked.cluster.start()
    wait_until(settled(clocked, 1), 'the run')
    [(state, skipped)] = runs(clocked)
    assert state == 'succeeded' and skipped in (3, 4)


def test_what_waited_for_too_long_is_missed(clocked, wait_until):
    schedule(clocked, options=", max_age => '1 hour'")
    wait_until(lambda: due_in(clocked), 'the first look')
    clocked.sql(f"""INSERT INTO kpi.run (job, owner, scheduled_for) SELECT '{JOB}', 'postgres'::regrole, clock_timestamp() - interval '61 minutes'""")
    wait_until(settled(clocked, 1), 'the note')
    assert runs(clocked, 'state, error') == [('missed', 'nothing ran it in time, and its max_age of 01:00:00 is over')]
    assert clocked.sql('SELECT state FROM kpi.incident') == [('firing',)]


def test_a_pause_takes_back_what_waits(unattended):
    schedule(unattended)
    unattended.sql(f"INSERT INTO kpi.run (job, owner, scheduled_for) SELECT '{JOB}', 'postgres'::regrole, clock_timestamp() - interval '1 minute'")
    schedule(unattended, options=', enabled => false')
    unattended.sql('CALL kpi.run_due()')
    assert runs(unattended) == []
    unattended.sql('SELECT kpi.run_now(%s)', (JOB,))
    unattended.sql('CALL kpi.run_due()')
    assert runs(unattended) == [('succeeded', 0)]


def test_a_clock_that_was_wrong_does_not_stop_the_jobs(clocked, clock, wait_until):
    """A month ahead and back again: the job is due at its next time, not in a month, and no time runs twice."""
    schedule(clocked)
    clock.set(24 * 30)
    wait_until(settled(clocked, 1), 'a run of the future')
    clock.set(0)
    wait_until(lambda: due_in(clocked) and 0 < due_in(clocked) <= 4, 'the true next time')
    clock.set(24 * 30)
    wait_until(lambda: len(runs(clocked)) > 1 or due_in(clocked) > 0, 'the future again')
    assert len(set(runs(clocked, 'scheduled_for'))) == len(runs(clocked))


def slow_view(database, seconds):
    database.sql('CREATE FUNCTION nap() RETURNS int LANGUAGE plpgsql VOLATILE AS $$ BEGIN '
                 f'PERFORM pg_sleep({seconds}); RETURN 1; END $$')
    make_source(database)
    database.sql('CREATE MATERIALIZED VIEW slow AS SELECT nap() AS n, count(*) FROM pay_facts WITH NO DATA')


def running(database):
    return database.sql("SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()")


@pytest.mark.crashes
def test_a_run_whose_process_dies_is_run_again(make_cluster, wait_until):
    cluster = make_cluster()
    database = On(cluster, cluster.create_database())
    slow_view(database, 3)
    schedule(database)
    database.sql('SELECT kpi.run_now(%s)', (JOB,))
    [(pid,)] = wait_until(lambda: running(database), 'the run')
    cluster.kill_backend(pid)
    wait_until(settled(database, 1), 'its second attempt')
    assert runs(database, 'state, attempt, rows') == [('succeeded', 2, 1)]


def test_a_lock_that_somebody_holds_is_tried_again(unattended):
    make_source(unattended)
    unattended.sql('CREATE MATERIALIZED VIEW shown AS SELECT count(*) FROM pay_facts')
    schedule(unattended)
    unattended.sql('SELECT kpi.run_now(%s)', (JOB,))
    holder = unattended.connect(autocommit=False)
    holder.cursor().execute('SELECT * FROM shown')
    impatient = unattended.connect()
    impatient.cursor().execute("SET lock_timeout = '100ms'")
    impatient.cursor().execute('CALL kpi.run_due()')
    [(state, attempt, error, later)] = runs(unattended, 'state, attempt, left(error, 5), due_at > clock_timestamp()')
    assert (state, attempt, error, later) == ('waiting', 1, '55P03', True)
    assert unattended.sql('SELECT count(*) FROM kpi.incident') == [(0,)]
    holder.close()
    unattended.sql('UPDATE kpi.run SET due_at = clock_timestamp()')
    impatient.cursor().execute('CALL kpi.run_due()')
    impatient.close()
    assert runs(unattended, 'state, attempt, rows') == [('succeeded', 2, 1)]


def test_two_sessions_perform_one_run(unattended, wait_until):
    slow_view(unattended, 2)
    schedule(unattended)
    unattended.sql('SELECT kpi.run_now(%s)', (JOB,))
    sessions = [threading.Thread(target=unattended.sql, args=('CALL kpi.run_due()',)) for _ in range(3)]
    for session in sessions:
        session.start()
    wait_until(lambda: running(unattended), 'the run')
    # One more is asked for while it runs: it waits until the first has ended.
    unattended.sql('SELECT kpi.run_now(%s)', (JOB,))
    unattended.sql('CALL kpi.run_due()')
    assert len(running(unattended)) == 1
    for session in sessions:
        session.join()
    unattended.sql('CALL kpi.run_due()')
    assert runs(unattended, 'state, attempt, rows') == [('succeeded', 1, 1)] * 2
    assert unattended.sql('SELECT count(*) FROM kpi.run a JOIN kpi.run b ON a.id < b.id AND b.started_at < a.ended_at') == [(0,)]


def test_a_cancelled_session_leaves_the_run_to_the_next(unattended, wait_until):
    slow_view(unattended, 60)
    schedule(unattended)
    unattended.sql('SELECT kpi.run_now(%s)', (JOB,))
    session = threading.Thread(target=lambda: pytest.raises(Exception, unattended.sql, 'CALL kpi.run_due()'))
    session.start()
    [(pid,)] = wait_until(lambda: running(unattended), 'the run')
    unattended.sql('SELECT pg_cancel_backend(%s)', (pid,))
    session.join()
    unattended.sql('CREATE OR REPLACE FUNCTION nap() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$')

    def done():
        unattended.sql('CALL kpi.run_due()')
        return runs(unattended, 'state, attempt') == [('succeeded', 2)]
    wait_until(done, 'the second attempt')


def test_a_heartbeat_goes_the_whole_way(clocked, clock, wait_until):
    with Receiver(status(200)) as receiver:
        clocked.sql("SELECT kpi.add_sink('deadman', 'webhook', %s)", (receiver.url,))
        clocked.sql("SELECT kpi.schedule('kpi_heartbeat', '* * * * *', sinks => '{deadman}')")
        clock.set(0.05)
        wait_until(lambda: receiver.requests, 'the beat')
        assert b'"heartbeat"' in receiver.requests[0].body


def test_a_heartbeat_is_a_metric_of_a_pushgateway(clocked, clock, wait_until, tmp_path):
    port = free_port()
    with open(tmp_path / 'pushgateway.log', 'wb') as log:
        gateway = Server(['prometheus-pushgateway', f'--web.listen-address=127.0.0.1:{port}'], port, log)
    try:
        clocked.sql("SELECT kpi.add_sink('deadman', 'pushgateway', %s)", (gateway.url,))
        clocked.sql("SELECT kpi.schedule('kpi_heartbeat', '* * * * *', sinks => '{deadman}')")
        clock.set(0.05)
        labels = f'database="{clocked.name}",instance="",job="kpi_heartbeat"'
        wait_until(lambda: 'kpi_heartbeat_timestamp_seconds{' + labels + '}' in get(gateway.url + '/metrics'), 'the beat')
    finally:
        gateway.stop()


def test_a_copy_keeps_its_jobs_and_stays_silent(unattended, wait_until):
    """Definitions are restored, the ledger begins anew, and the heartbeat does not vouch for the original."""
    cluster = unattended.cluster
    schedule(unattended, '0 5 * * 1-5', ", 'Europe/Madrid', '2 hours'")
    unattended.sql("SET client_min_messages = error; SELECT kpi.add_sink('deadman', 'webhook', 'http://127.0.0.1:9/')")
    unattended.sql("SELECT kpi.schedule('kpi_heartbeat', '* * * * *', sinks => '{deadman}')")
    unattended.sql('SELECT kpi.run_now(%s)', (JOB,))
    unattended.sql('CALL kpi.run_due()')
    copy = On(cluster, cluster.create_database(extension=False))
    file = '/tmp/kpi-' + copy.name
    clusters.run('pg_dump', '-Fc', '-f', file, '-d', cluster.conninfo(unattended.name))
    clusters.run('pg_restore', '-e', '-d', cluster.conninfo(copy.name), file)
    clusters.run('psql', '-c', f"\\! rm {file}", '-d', cluster.conninfo(copy.name))
    definition = "SELECT name, owner::text, schedule, time_zone, max_age::text, enabled, sinks FROM kpi.job ORDER BY name"
    assert copy.sql(definition) == unattended.sql(definition) and len(copy.sql(definition)) == 2
    copy.sql('CALL kpi.work()')
    assert runs(copy) == [] and due_in(copy) > 0
    assert copy.sql("SELECT next_at, overdue FROM kpi.job_status WHERE job = 'kpi_heartbeat'") == [(None, True)]
    copy.sql('SELECT kpi.schedule()')
    assert copy.sql("SELECT next_at > now() - interval '1 minute' FROM kpi.job_status WHERE job = 'kpi_heartbeat'") == [(True,)]


def test_a_database_without_a_worker_says_so(database):
    assert database.sql(f"SELECT runs_by FROM kpi.schedule('{JOB}')") == [('worker',)]
    database.sql(f'ALTER DATABASE "{database.name}" SET kpi.worker = off')
    assert database.sql(f"SELECT runs_by FROM kpi.schedule('{JOB}')") == [('nobody yet: CALL kpi.work() does when it is called',)]


def cron(make_cluster, database='postgres', preload='pg_cron'):
    return make_cluster(preload=False, config={'shared_preload_libraries': preload, 'cron.use_background_workers': 'on',
                                               'cron.database_name': database, 'kpi.max_workers': '8'})


def test_pg_cron_in_the_same_database(make_cluster, wait_until):
    cluster = cron(make_cluster, 'shop')
    shop = new_database(cluster, 'shop')
    cluster.sql('CREATE EXTENSION pg_cron', 'shop')
    schedule(shop, '* * * * *')
    assert shop.sql('SELECT jobname, schedule, command, database, username FROM cron.job ORDER BY 1') == [
        (JOB, '* * * * *', f"CALL kpi.run_due('{JOB}')", 'shop', 'postgres'), ('kpi_work', '* * * * *', 'CALL kpi.work()', 'shop', 'postgres')]
    assert shop.sql('SELECT DISTINCT runs_by FROM kpi.schedule() WHERE runs_by IS NOT NULL') == [('pg_cron',)]
    # Twice the same: no second cron job. What pg_cron cannot express is asked every minute.
    shop.sql(f"SELECT kpi.schedule('{JOB}', '0 8 L * *', 'America/Mexico_City')")
    assert shop.sql('SELECT count(*), max(schedule) FROM cron.job WHERE jobname = %s', (JOB,)) == [(1, '* * * * *')]
    shop.sql(f"SELECT kpi.schedule('{JOB}', '*/2 8 * * *', 'UTC')")
    assert shop.sql('SELECT schedule FROM cron.job WHERE jobname = %s', (JOB,)) == [('*/2 8 * * *',)]
    schedule(shop, '* * * * *')
    wait_until(lambda: runs(shop, where="state = 'succeeded'"), 'a run that pg_cron started', 130)
    shop.sql('SELECT kpi.unschedule()')
    assert shop.sql('SELECT jobname FROM cron.job') == []


def test_pg_cron_makes_a_report_by_its_own_schedule(make_cluster, wait_until):
    cluster = cron(make_cluster, 'shop')
    shop = new_database(cluster, 'shop')
    cluster.sql('CREATE EXTENSION pg_cron', 'shop')
    shop.sql("SELECT kpi.add_report('ones', 'sql', '{}', options => '{\"sql\": \"SELECT 1 AS one\"}', schedule => '* * * * *', time_zone => 'UTC')")
    assert shop.sql("SELECT schedule, command, active FROM cron.job WHERE jobname = 'kpi_report_ones'") == [('* * * * *', "CALL kpi.run_due('kpi_report_ones')", True)]
    wait_until(lambda: runs(shop, where="job = 'kpi_report_ones' AND state = 'succeeded'"), 'a run that pg_cron started', 130)
    assert shop.sql("SELECT kind, convert_from(kpi.report_content(id), 'UTF8') FROM kpi.report") == [('ones', 'one\r\n1\r\n')]
    assert shop.sql("SELECT DISTINCT d.status FROM cron.job_run_details d JOIN cron.job USING (jobid) WHERE jobname = 'kpi_report_ones'") == [('succeeded',)]
    # Off: pg_cron still asks, and nothing is due.
    shop.sql("SELECT kpi.alter_report('ones', enabled => false)")
    count = len(runs(shop))
    shop.sql("UPDATE kpi.job_state SET next_at = now() - interval '1 minute'")
    shop.sql('CALL kpi.work()')
    assert len(runs(shop)) == count
    shop.sql("SELECT kpi.drop_report('ones')")
    assert shop.sql('SELECT jobname FROM cron.job') in ([], [('kpi_work',)])


def test_pg_cron_in_another_database(make_cluster, wait_until):
    """Its jobs are made there by a process that logs in as the caller, who needs the rights there."""
    cluster = cron(make_cluster)
    shop = new_database(cluster, 'shop')
    cluster.sql('CREATE ROLE clerk LOGIN')
    shop.sql('GRANT kpi_admin TO clerk')
    note = shop.sql(f"SELECT runs_by, note FROM kpi.schedule('{JOB}', '* * * * *')")
    assert note == [('nobody yet: CALL kpi.work() does when it is called', 'pg_cron: in database "postgres": schema "cron" does not exist')]
    cluster.sql('CREATE EXTENSION pg_cron')
    assert shop.sql(f"SELECT runs_by, note FROM kpi.schedule('{JOB}')") == [('pg_cron', None)]
    assert cluster.sql('SELECT jobname, schedule, command, database, username FROM cron.job ORDER BY 1') == [
        (f'{JOB}@shop', '* * * * *', f"CALL kpi.run_due('{JOB}')", 'shop', 'postgres'),
        ('kpi_work@shop', '* * * * *', 'CALL kpi.work()', 'shop', 'postgres')]
    wait_until(lambda: runs(shop, where="state = 'succeeded'"), 'a run that pg_cron started', 130)
    shop.sql('SELECT kpi.unschedule()')
    assert cluster.sql('SELECT jobname FROM cron.job') == []
    # With the caller's rights, not with ours.
    [(_, note)] = shop.sql(f"SELECT runs_by, note FROM kpi.schedule('{JOB}', '* * * * *')", user='clerk')
    assert 'permission denied for schema cron' in note
    cluster.sql('GRANT USAGE ON SCHEMA cron TO clerk; GRANT EXECUTE ON FUNCTION cron.schedule_in_database TO clerk')
    assert shop.sql(f"SELECT runs_by, note FROM kpi.schedule('{JOB}')", user='clerk') == [('pg_cron', None)]
    assert cluster.sql('SELECT DISTINCT username FROM cron.job') == [('clerk',)]
    cluster.sql('CREATE ROLE robot NOLOGIN IN ROLE kpi_admin')
    assert 'role robot may not log in' in shop.sql("SET ROLE robot; SELECT note FROM kpi.schedule('kpi_query_performance', '* * * * *')")[0][0]
    cluster.sql('REVOKE CONNECT ON DATABASE postgres FROM PUBLIC')
    [(_, note)] = shop.sql(f"SELECT runs_by, note FROM kpi.schedule('{JOB}')", user='clerk')
    assert 'database "postgres" could not be reached' in note


def test_worker_and_pg_cron_together_run_each_time_once(make_cluster, wait_until):
    cluster = cron(make_cluster, 'shop', 'kpi_ext,pg_cron')
    shop = new_database(cluster, 'shop')
    cluster.sql('CREATE EXTENSION pg_cron', 'shop')
    assert shop.sql(f"SELECT runs_by FROM kpi.schedule('{JOB}', '* * * * *')") == [('worker and pg_cron',)]
    assert shop.sql('SELECT jobname FROM cron.job') == [(JOB,)]
    wait_until(lambda: shop.sql("SELECT 1 FROM cron.job_run_details WHERE status = 'succeeded'"), 'pg_cron', 130)
    wait_until(lambda: runs(shop, where="state = 'succeeded'"), 'a run')
    assert shop.sql('SELECT max(n) FROM (SELECT count(*) AS n FROM kpi.run GROUP BY scheduled_for) t') == [(1,)]
