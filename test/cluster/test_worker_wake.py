"""Waking: one wake per burst, nothing lost, NOTIFY in and out."""
import json
import select
import threading
import time

import pytest

from watched import deltas, drained, make_source, running, set_for, status, update_payload, verified, worker


def insert_singly(database, count, country='x'):
    connection = database.connect()
    with connection.cursor() as cursor:
        for i in range(count):
            cursor.execute('INSERT INTO pay (country, amount) VALUES (%s, %s)', (country, i))
    connection.close()


def test_a_burst_of_commits_wakes_the_worker_once(database, wait_until):
    make_source(database)
    set_for(database, 'kpi.merge_interval', '30s', wait_until)
    wait_until(lambda: drained(database), 'the build')
    before = worker(database)
    insert_singly(database, 300)
    after = worker(database)
    assert after['rings'] - before['rings'] == 300, 'every commit that wrote deltas rings'
    # The worker's idle look may clear the flag once in between.
    assert 1 <= after['wakes'] - before['wakes'] <= 3


def test_one_transaction_rings_once_whatever_its_size(database, wait_until):
    make_source(database)
    wait_until(lambda: drained(database), 'the build')
    before = worker(database)
    database.sql("INSERT INTO pay (country, amount) SELECT 'c' || i % 50, i FROM generate_series(1, 20000) i")
    assert worker(database)['rings'] - before['rings'] == 1
    wait_until(lambda: drained(database), 'the merge')


def test_a_rolled_back_transaction_rings_nobody(database, wait_until):
    make_source(database)
    wait_until(lambda: drained(database), 'the build')
    before = worker(database)['rings']
    connection = database.connect(autocommit=False)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO pay (country, amount) VALUES ('x', 1)")
        cursor.execute('SELECT kpi.wake()')
    connection.rollback()
    connection.close()
    assert worker(database)['rings'] == before


def test_many_deltas_do_not_wait_for_the_interval(database, wait_until):
    make_source(database)
    database.sql(f'ALTER DATABASE "{database.name}" SET kpi.merge_threshold = 20')
    set_for(database, 'kpi.merge_interval', '60s', wait_until)
    wait_until(lambda: drained(database), 'the build')
    database.sql('SELECT kpi.wake()')
    rounds = worker(database)['rounds']
    wait_until(lambda: worker(database)['rounds'] > rounds, 'a round, after which the interval begins anew')
    insert_singly(database, 10)
    time.sleep(0.5)
    assert deltas(database) == 10, 'below the threshold they wait'
    insert_singly(database, 15)
    wait_until(lambda: drained(database), 'the merge', seconds=20)


def test_single_commits_do_not_grow_old(database, wait_until):
    """Each commit in its own transaction; a watcher finds the oldest unmerged one. The bound proves the latch: without it
    deltas wait for the worker's idle look, 5 seconds."""
    make_source(database)
    wait_until(lambda: drained(database), 'the build')
    rounds = worker(database)['rounds']
    total, committed, ages = 4000, {}, []
    writing = threading.Event()

    def write():
        connection = database.connect()
        with connection.cursor() as cursor:
            for i in range(total):
                cursor.execute('INSERT INTO pay (country, amount) VALUES (%s, 1)', (f'{i:06}',))
                committed[i] = time.monotonic()
        connection.close()
        writing.set()

    writer = threading.Thread(target=write)
    writer.start()
    watcher = database.connect()
    with watcher.cursor() as cursor:
        while not writing.is_set():
            now = time.monotonic()
            cursor.execute('SELECT min(d1)::int FROM kpi_data.pay_delta')
            oldest = cursor.fetchone()[0]
            if oldest is not None and oldest in committed:
                ages.append(now - committed[oldest])
            time.sleep(0.02)
    watcher.close()
    writer.join()
    wait_until(lambda: drained(database), 'the last merge')
    print(f'{total} commits, oldest unmerged one {max(ages):.2f} s, {worker(database)["rounds"] - rounds} rounds')
    assert max(ages) < 4
    assert verified(database)


def test_commit_prepared_is_found_without_a_ring(database, wait_until):
    make_source(database)
    wait_until(lambda: drained(database), 'the build')
    connection = database.connect(autocommit=False)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO pay (country, amount) VALUES ('prepared', 5)")
        cursor.execute(f"PREPARE TRANSACTION '{database.name}'")
    connection.close()
    before = worker(database)['rings']
    database.sql(f"COMMIT PREPARED '{database.name}'")
    wait_until(lambda: drained(database), 'the merge')
    assert worker(database)['rings'] == before
    assert verified(database)


def test_notify_kpi_refresh_is_a_doorbell(database, wait_until):
    """It has windows recomputed before they are due; another channel does not."""
    make_source(database, options=", capture => 'window'")
    set_for(database, 'kpi.window_interval', '1h', wait_until)
    computed = "SELECT computed_at FROM kpi.source_state WHERE source = 'pay'"
    wait_until(lambda: database.sql(computed) and database.sql(computed)[0][0] and drained(database), 'the first build')
    first = database.sql(computed)[0][0]
    database.sql("INSERT INTO pay (country, amount) VALUES ('x', 1)")
    database.sql('NOTIFY another_channel')
    time.sleep(1)
    assert database.sql(computed)[0][0] == first
    database.sql("NOTIFY kpi_refresh, 'any letter'")
    wait_until(lambda: database.sql(computed)[0][0] > first and drained(database), 'the window')


def test_notify_by_anybody_costs_one_recomputation_an_interval(database, wait_until):
    """A role that may only connect; what it asks for too early is not lost but waits, and commits and kpi.wake() do not."""
    make_source(database, options=", capture => 'window'")
    database.sql(f'ALTER DATABASE "{database.name}" SET kpi.notify_interval = \'1h\'')
    set_for(database, 'kpi.window_interval', '1h', wait_until)
    computed = "SELECT computed_at FROM kpi.source_state WHERE source = 'pay'"
    wait_until(lambda: database.sql(computed) and database.sql(computed)[0][0] and drained(database), 'the first build')
    first = database.sql(computed)[0][0]
    database.sql('NOTIFY kpi_refresh')
    wait_until(lambda: database.sql(computed)[0][0] > first, 'the answer to the first')
    answered = database.sql(computed)[0][0]
    rounds = worker(database)['rounds']
    for i in range(20):
        database.sql('NOTIFY kpi_refresh')
    wait_until(lambda: worker(database)['rounds'] > rounds, 'a round of its own accord')
    assert database.sql(computed)[0][0] == answered
    database.sql('SELECT kpi.wake()')
    wait_until(lambda: database.sql(computed)[0][0] > answered, 'the window')


def test_the_doorbell_is_drained(database, wait_until):
    running(database, wait_until)
    connection = database.connect()
    with connection.cursor() as cursor:
        for i in range(300):
            cursor.execute("SELECT pg_notify('kpi_refresh', repeat('x', 7000) || %s)", (i,))
    connection.close()
    rounds = worker(database)['rounds']
    wait_until(lambda: database.sql('SELECT pg_notification_queue_usage()')[0][0] == 0, 'an empty queue')
    wait_until(lambda: worker(database)['rounds'] > rounds, 'another round')
    assert 'NOTIFY for' not in database.cluster.log()


def test_updates_are_announced_once_a_batch(database, wait_until):
    make_source(database)
    wait_until(lambda: drained(database), 'the build')
    listener = database.connect()
    with listener.cursor() as cursor:
        cursor.execute('LISTEN kpi_update')
    database.sql("""INSERT INTO pay (at, country, amount)
                    SELECT '2024-02-03 10:00Z'::timestamptz + i % 3 * interval '1 day', 'x', i FROM generate_series(1, 500) i""")

    def received():
        select.select([listener], [], [], 0.2)
        listener.poll()
        return listener.notifies
    wait_until(received, 'kpi_update')
    wait_until(lambda: drained(database), 'the merge')
    time.sleep(0.3)
    received()
    assert len(listener.notifies) == 1
    assert update_payload(listener.notifies[0].payload) == {
        'sources': {'pay': ['2024-02-03', '2024-02-04', '2024-02-05']}, 'views': []}
    listener.close()


def test_incidents_are_not_read_in_every_round(database, wait_until):
    """The worker sees whether the list of them has changed: five times a second and after a look, however often it is rung for."""
    make_source(database)
    set_for(database, 'kpi.merge_threshold', '1', wait_until)  # a round follows the other
    wait_until(lambda: drained(database), 'the build')
    time.sleep(1.5)  # the worker's statistics are sent once a second

    def reads():
        return database.sql("SELECT seq_scan FROM pg_stat_all_tables WHERE relid = 'kpi.silence'::regclass")[0][0]
    reads_before, rounds, began = reads(), worker(database)['rounds'], time.monotonic()
    while time.monotonic() - began < 3:
        insert_singly(database, 20)
    took, rounds = time.monotonic() - began, worker(database)['rounds'] - rounds
    time.sleep(1.5)
    assert 3 <= reads() - reads_before <= 6 * took + 4, f'in {rounds} rounds'


@pytest.mark.parametrize('doing,undoing', [
    ("SELECT kpi.add_rule('Few', 'pays', 'below', 5)", """SELECT kpi.alter_rule('Few', '{"threshold": 1}')"""),
    ("SELECT kpi.silence('{}', now() + interval '1 hour', 'a test')", 'SELECT kpi.drop_silence(id) FROM kpi.silence')])
def test_what_changes_the_list_of_incidents_is_announced_at_once(database, wait_until, doing, undoing):
    """A worker with nothing to do looks every five seconds: what is heard sooner it was rung for."""
    make_source(database)
    database.sql("INSERT INTO pay (at, country) SELECT now() - i * interval '1 day', 'x' FROM generate_series(0, 40) i, generate_series(1, 2)")
    wait_until(lambda: drained(database), 'the build')
    listener = database.connect()
    with listener.cursor() as cursor:
        cursor.execute('LISTEN kpi_update')
    for statement in (doing, undoing):
        rounds = worker(database)['rounds']
        wait_until(lambda: worker(database)['rounds'] > rounds, 'a round')
        time.sleep(0.5)
        listener.poll()
        listener.notifies.clear()
        began = time.monotonic()
        database.sql(statement)
        while not listener.notifies and time.monotonic() - began < 2.5:
            select.select([listener], [], [], 0.1)
            listener.poll()
        assert listener.notifies and 'incidents' in json.loads(listener.notifies[0].payload), statement
    listener.close()


def test_an_announcement_fits_its_message(database, wait_until):
    """900 days in one batch: too many to name."""
    make_source(database)
    wait_until(lambda: drained(database), 'the build')
    listener = database.connect()
    with listener.cursor() as cursor:
        cursor.execute('LISTEN kpi_update')
    database.sql("""INSERT INTO pay (at, country, amount)
                    SELECT '2020-01-01 10:00Z'::timestamptz + i * interval '1 day', 'x', i FROM generate_series(1, 900) i""")

    def received():
        select.select([listener], [], [], 0.2)
        listener.poll()
        return listener.notifies
    notify = wait_until(received, 'kpi_update')[0]
    assert update_payload(notify.payload) == {'sources': {'pay': None}, 'views': []}
    listener.close()


def test_status_says_what_waits(database, wait_until):
    make_source(database)
    wait_until(lambda: drained(database), 'the build')
    holder = database.connect(autocommit=False)
    with holder.cursor() as cursor:
        cursor.execute("SET application_name = 'old snapshot'")
        cursor.execute('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ')
        cursor.execute('SELECT count(*) FROM pay')
    database.sql("INSERT INTO pay (country, amount) VALUES ('x', 1)")
    database.sql("CREATE PUBLICATION everything FOR ALL TABLES")
    now = status(database)
    assert 'old snapshot' in now['oldest_snapshot']['who'] and now['oldest_snapshot']['age_transactions'] > 0
    assert any('publication everything' in warning for warning in now['warnings'])
    assert now['sources']['pay']['capture'] == 'trigger' and not now['sources']['pay']['building']
    assert now['worker']['mend'] is None
    holder.close()
    database.sql('DROP PUBLICATION everything')


@pytest.mark.parametrize('reader, sees', [('owner', True), ('stranger', False)])
def test_status_shows_error_texts_to_readers_of_the_facts(database, wait_until, reader, sees):
    make_source(database)
    wait_until(lambda: drained(database), 'the build')
    database.sql("UPDATE kpi.source_state SET last_error = '22P02: invalid input: \"secret\"' WHERE source = 'pay'")
    role = f'{reader}_{database.name}'
    database.sql(f'CREATE ROLE {role} LOGIN')
    if sees:
        database.sql(f'GRANT SELECT ON pay_facts TO {role}')
    try:
        shown = database.sql('SELECT kpi.status()', user=role)[0][0]['sources']['pay']['last_error']
        assert shown == ('22P02: invalid input: "secret"' if sees else '22P02')
    finally:
        database.sql(f'DROP OWNED BY {role}')
        database.sql(f'DROP ROLE {role}')
