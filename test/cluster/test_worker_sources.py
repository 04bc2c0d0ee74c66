"""Sources that hurt the worker: half a restore, a registry changed by hand, code that takes its time. The worker survives, says so,
and goes on with the others."""
import random

import psycopg2
import pytest

ORDERS = '''
    CREATE TABLE orders (at timestamptz DEFAULT now(), amount int);
    CREATE VIEW order_facts AS SELECT at, amount AS sold FROM orders;
    SELECT kpi.track('order_facts', 'at', timezone => 'UTC', name => 'orders');'''
SLOW = '''
    CREATE TABLE slow (at timestamptz DEFAULT now(), v int);
    INSERT INTO slow (v) VALUES (1);
    CREATE FUNCTION nap(x int) RETURNS int LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog AS $$ BEGIN %s RETURN x; END $$;
    CREATE VIEW slow_facts AS SELECT at, public.nap(v) AS slept FROM slow;
    SELECT kpi.track('slow_facts', 'at', timezone => 'UTC', name => 'slow');'''


def status(database):
    return database.sql('SELECT kpi.status()')[0][0]


def merged(database, source):
    return not database.sql(f"SELECT 1 FROM kpi.dirty WHERE source = '{source}' UNION ALL SELECT 1 FROM kpi_data.{source}_delta")


def set_up(database, *scripts, **settings):
    for name, value in settings.items():
        database.sql(f"ALTER DATABASE {database.name} SET kpi.{name} = '{value}'")
    for script in scripts:
        database.sql(script)


def test_half_a_restore_is_set_aside_and_taken_up(database, wait_until):
    for k in range(3):
        database.sql(f"""CREATE TABLE pay{k} (at timestamptz NOT NULL, country text, v numeric);
            CREATE VIEW f{k} AS SELECT at, country, v AS revenue{k}, 1 AS n{k} FROM pay{k};
            SELECT kpi.track('f{k}', 'at', '{{country}}', timezone => 'UTC');
            INSERT INTO pay{k} SELECT date '2026-10-01' + i %% 50, 'c' || i %% 7, i FROM generate_series(1, 500) i""".replace('%%', '%'))
    wait_until(lambda: all(merged(database, f'f{k}') for k in range(3)), 'the sources to be built')
    saved = database.sql('SELECT name, source, position, type::text FROM kpi.measure')
    # As the worker of a database meets it in which the rows of kpi.measure are not restored yet.
    database.sql("DELETE FROM kpi.measure; INSERT INTO kpi.dirty (source, \"from\", \"to\", why) SELECT name, '-infinity', 'infinity', 'restore' FROM kpi.source")
    database.sql("INSERT INTO pay0 VALUES ('2026-11-01', 'MX', 7)")
    wait_until(lambda: all(source['state'] == 'set aside' for source in status(database)['sources'].values()), 'the state')
    found = status(database)
    assert found['worker']['running'] and 'do not fit together' in found['sources']['f0']['last_error']
    assert any('f0' in warning for warning in found['warnings'])
    with pytest.raises(psycopg2.errors.ObjectNotInPrerequisiteState):
        database.sql('SELECT * FROM kpi_data.f0_daily')
    for row in saved:
        database.sql('INSERT INTO kpi.measure (name, source, position, type) VALUES (%s, %s, %s, %s::regtype)', row)
    wait_until(lambda: all(merged(database, f'f{k}') for k in range(3)), 'the sources to be taken up again')
    assert [database.sql(f"SELECT count(*) FROM kpi.verify('f{k}')")[0][0] for k in range(3)] == [0, 0, 0]
    assert {source['state'] for source in status(database)['sources'].values()} == {'ok'}


def test_a_slow_expression_does_not_stop_the_other_sources(database, wait_until):
    set_up(database, ORDERS, SLOW % 'PERFORM pg_sleep(60);', source_timeout='1s')
    database.cluster.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'kpi_ext worker' AND datname = '{database.name}'")
    wait_until(lambda: (status(database)['sources']['slow']['last_error'] or '').startswith('57014'), 'the slow source to be set aside')
    for n in range(3):
        database.sql(f'INSERT INTO orders (amount) VALUES ({n})')
        wait_until(lambda: merged(database, 'orders'), 'the other source to be merged')
    found = status(database)
    assert found['sources']['slow']['state'] == 'set aside' and any('slow' in warning for warning in found['warnings'])
    assert found['worker']['running'] and found['worker']['mend'] is None
    # Mended by its owner, it is taken up.
    database.sql('CREATE OR REPLACE FUNCTION nap(x int) RETURNS int LANGUAGE sql IMMUTABLE RETURN x')
    wait_until(lambda: merged(database, 'slow'), 'the source to be built', 120)


def test_work_by_hand_beside_the_worker_blames_nobody(database, wait_until):
    set_up(database, ORDERS)
    wait_until(lambda: merged(database, 'orders'), 'the source to be built')
    connection = database.connect()
    mark = database.cluster.mark()
    with connection.cursor() as cursor:
        for n in range(40):
            cursor.execute('INSERT INTO orders (amount) SELECT generate_series(1, 2000)')
            cursor.execute('CALL kpi.work()')
    assert not [notice for notice in connection.notices if 'ended during work' in notice]
    assert 'ended during work' not in database.cluster.log_since(mark)
    connection.close()


@pytest.mark.crashes
def test_code_that_catches_the_cancel_ends_with_its_worker_only(database, wait_until):
    set_up(database, ORDERS, SLOW % 'LOOP BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP;', source_timeout='1s')
    database.cluster.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'kpi_ext worker' AND datname = '{database.name}'")
    mark = database.cluster.mark()
    wait_until(lambda: 'ended during work on source "slow"' in database.cluster.log_since(mark), 'the next worker to know why', 120)
    for n in range(3):
        database.sql(f'INSERT INTO orders (amount) VALUES ({n})')
        wait_until(lambda: merged(database, 'orders'), 'the other source to be merged', 120)
    wait_until(lambda: 'the last 2 kpi_ext workers ended during work on source "slow"' in database.cluster.log_since(mark),
               'the deaths to be counted, whatever else was merged between them', 120)


def test_notify_by_anybody_costs_one_recompute_an_interval(database, wait_until):
    set_up(database, "CREATE TABLE o (at timestamptz DEFAULT now(), cur text, v int); CREATE TABLE fx (cur text PRIMARY KEY, r int)",
           "CREATE VIEW o_facts AS SELECT at, v * r AS mxn FROM o JOIN fx USING (cur)",
           "SELECT kpi.track('o_facts', 'at', timezone => 'UTC', name => 'o', capture => 'window')", window_interval='1h', notify_interval='1h')
    database.cluster.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'kpi_ext worker' AND datname = '{database.name}'")
    wait_until(lambda: status(database)['sources']['o']['computed_at'] and not database.sql('SELECT 1 FROM kpi.dirty'), 'the first recompute')
    computed = [status(database)['sources']['o']['computed_at']]
    database.sql('NOTIFY kpi_refresh')
    wait_until(lambda: status(database)['sources']['o']['computed_at'] != computed[-1], 'the first NOTIFY to be heard')
    computed.append(status(database)['sources']['o']['computed_at'])
    rounds = status(database)['worker']['rounds']
    database.sql('NOTIFY kpi_refresh')
    wait_until(lambda: status(database)['worker']['rounds'] > rounds + 1, 'two more rounds')
    assert status(database)['sources']['o']['computed_at'] == computed[-1], 'the second waits for the interval'
    database.sql('SELECT kpi.wake()')
    wait_until(lambda: status(database)['sources']['o']['computed_at'] != computed[-1], 'kpi.wake() to be heard at once')


# What an administrator, a tool or half a restore may do to the registry and the tables of a source.
BLOWS = [
    'DELETE FROM kpi.measure WHERE source = {s} AND position = {m}', 'DELETE FROM kpi.measure WHERE source = {s}',
    'UPDATE kpi.measure SET position = position + 7 WHERE source = {s} AND position = {m}',
    "UPDATE kpi.measure SET type = 'numeric' WHERE source = {s}", "UPDATE kpi.measure SET type = 'int8' WHERE source = {s}",
    "UPDATE kpi.source SET dimensions = '{{}}' WHERE name = {s}", "UPDATE kpi.source SET dimensions = dimensions || '{{nope}}'::name[] WHERE name = {s}",
    "UPDATE kpi.source SET dimensions = ARRAY[dimensions[2], dimensions[1]] WHERE name = {s}", "UPDATE kpi.source SET time_column = 'nope' WHERE name = {s}",
    "UPDATE kpi.source SET timezone = 'Nowhere/Never' WHERE name = {s}", 'UPDATE kpi.source SET base = NULL, capture = $$window$$ WHERE name = {s}',
    "UPDATE kpi.source SET facts = 'pg_class' WHERE name = {s}", 'DELETE FROM kpi.source WHERE name = {s}', 'DELETE FROM kpi.source_state WHERE source = {s}',
    'DELETE FROM kpi.metric', 'ALTER TABLE kpi_data.{n}_delta DROP COLUMN m{m}', 'ALTER TABLE kpi_data.{n}_delta DROP COLUMN d1',
    'ALTER TABLE kpi_data.{n}_delta ADD COLUMN extra int', 'ALTER TABLE kpi_data.{n}_delta RENAME COLUMN m1 TO m9', 'ALTER TABLE kpi_data.{n}_delta RENAME COLUMN d1 TO x1',
    'ALTER TABLE kpi_data.{n}_delta ALTER COLUMN d1 TYPE bytea USING NULL', 'ALTER TABLE kpi_data.{n}_delta ALTER COLUMN m1 TYPE int8',
    'ALTER TABLE kpi_data.{n}_delta ALTER COLUMN n TYPE int8', 'ALTER TABLE kpi_data.{n}_rollup_day DROP COLUMN m{m} CASCADE',
    'ALTER TABLE kpi_data.{n}_rollup_hour DROP COLUMN d2 CASCADE', 'DROP TABLE kpi_data.{n}_rollup_day CASCADE', 'DROP TABLE kpi_data.{n}_delta CASCADE',
    'DROP VIEW kpi_data.{n}_daily', 'DROP INDEX kpi_data.{n}_rollup_day_level_day_hash_record_extended_idx', 'ALTER TABLE {n} DISABLE TRIGGER ALL',
    'DROP TRIGGER kpi_capture_{n} ON {n}', 'ALTER TRIGGER kpi_capture_{n} ON {n} RENAME TO kpi_capture_other', 'TRUNCATE kpi_data.{n}_rollup_hour',
]


def blow(connection, statement):
    """One blow as an administrator who lets nothing stop him. True when it was struck."""
    with connection.cursor() as cursor:
        try:
            cursor.execute("SET lock_timeout = '2s'; SET allow_system_table_mods = on; " + statement)
            return True
        except psycopg2.Error:
            return False


def silently_wrong(database, name):
    connection = database.connect(autocommit=False)  # one snapshot for all three
    connection.set_session(isolation_level='REPEATABLE READ')
    try:
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT sum({name}_a) FROM {name}_facts')
            true = cursor.fetchone()
            cursor.execute(f'SELECT sum({name}_a) FROM kpi_data.{name}_daily')
            if cursor.fetchone() == true:
                return False
            cursor.execute(f"SELECT count(*) FROM kpi.verify('{name}')")
            return cursor.fetchone() == (0,) and status(database)['sources'].get(name, {}).get('state') == 'ok'
    except psycopg2.Error:
        return False
    finally:
        connection.close()


@pytest.mark.parametrize('part', range(4))
def test_no_blow_to_a_source_takes_the_server_down(database, part, seed, wait_until):
    """Each blow alone and then a second one, with writer, reader and worker at it: an error or a state, never a signal. Where the read
    gives a total it is the facts view's, or kpi.status() or kpi.verify says that something is wrong."""
    random.seed(seed + part)
    connection = database.connect()
    for number, statement in enumerate(BLOWS[part::4]):
        name = f's{part}x{number}'
        database.sql(f"""CREATE TABLE {name} (at timestamptz NOT NULL DEFAULT '2026-11-20 10:00Z', k text, c int, a int, b numeric);
            CREATE VIEW {name}_facts AS SELECT at, k, c, a AS {name}_a, b AS {name}_b FROM {name};
            SELECT kpi.track('{name}_facts', 'at', '{{k,c}}', '{name}', 'UTC');
            INSERT INTO {name} (k, c, a, b) SELECT 'k' || i % 5, i % 3, i, i / 7.0 FROM generate_series(1, 50) i""")
        wait_until(lambda: merged(database, name), 'the source to be built')
        struck = []
        for text in (statement, random.choice(BLOWS)):
            if blow(connection, text.format(s=f"'{name}'", n=name, m=random.choice([1, 2]))):
                struck.append(text)
            database.sql(f"INSERT INTO {name} (k, c, a, b) VALUES ('new', 9, 1, NULL), ('k1', 1, 5, 'NaN')")  # a writer is never failed
            for read in (f"SELECT sum({name}_a) FROM kpi_data.{name}_daily", f"SELECT sum(value) FROM kpi.query('{{{name}_a}}', '2026-11-20', '2026-11-20')",
                         f"SELECT count(*) FROM kpi.verify('{name}')", f"SELECT kpi.rebuild('{name}')", f"SELECT kpi.merge('{name}')", f'UPDATE {name} SET a = a + 1 WHERE c = 1'):
                try:
                    database.sql(read)
                except psycopg2.Error as error:
                    assert error.pgcode is not None and not error.pgcode.startswith('57P'), (struck, read, error)
            assert not silently_wrong(database, name), struck
        wait_until(lambda: status(database)['worker']['running'], 'the worker')
        blow(connection, f"SELECT kpi.untrack('{name}')")
        database.sql(f'DROP TABLE {name} CASCADE')
        blow(connection, f"DELETE FROM kpi.source WHERE name = '{name}'; DELETE FROM kpi.measure WHERE source = '{name}'; DELETE FROM kpi.dirty WHERE source = '{name}'")
    connection.close()
