"""DDL on tracked tables and views: committed and rolled back, beside a REPEATABLE READ reader that is older, and writers."""
import os
import threading

import psycopg2
import pytest

import cluster as clusters

SETUP = """
SET client_min_messages = error;
CREATE SCHEMA other;
CREATE ROLE {owner};
CREATE DOMAIN public.money2 AS numeric CHECK (VALUE < 1000000);
CREATE TYPE public.mood AS ENUM ('good', 'bad');
CREATE FUNCTION public.net(x numeric) RETURNS numeric LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS 'SELECT x * 2';
CREATE TABLE public.pay (id int, at timestamptz NOT NULL, country text, mood public.mood, amount public.money2, note text) PARTITION BY RANGE (at);
CREATE TABLE public.pay_1 PARTITION OF public.pay FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE public.pay_2 PARTITION OF public.pay FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
CREATE TABLE public.pay_3 (note text, id int, mood public.mood, country text, at timestamptz NOT NULL, amount public.money2);
INSERT INTO public.pay_3 SELECT 'x', g, 'bad', 'FR', timestamptz '2026-03-01 00:00Z' + g * interval '5 hours', g FROM generate_series(1, 50) g;
CREATE VIEW public.facts AS SELECT at, country, mood::text AS mood, 1 AS payments, public.net(amount) AS revenue FROM public.pay WHERE amount > 2;
INSERT INTO public.pay SELECT g, timestamptz '2026-01-01 00:00Z' + g * interval '7 hours', (ARRAY['MX', 'ES', NULL])[1 + g % 3],
    (ARRAY['good', 'bad'])[1 + g % 2]::public.mood, g * 0.5, 'n' FROM generate_series(0, 190) g;
SELECT kpi.track('public.facts', 'at', '{{country,mood}}', 'pay', 'Europe/Madrid', hour_retention => '50 years', build => 'now');
"""

# name: statements; the flags say what a reader may still expect, and how it ends:
#   older   an older snapshot stays exact (TRUNCATE, partition DDL and rewrites of a table are no part of snapshots)
#   blind   the capture trigger does not fire afterwards: dirty until it does
#   late    no event trigger fires: the worker follows at its next round, readers get an error until then
EVENTS = {
    'attach': ("ALTER TABLE public.pay ATTACH PARTITION public.pay_3 FOR VALUES FROM ('2026-03-01') TO ('2026-04-01')", ''),
    'detach': ('ALTER TABLE public.pay DETACH PARTITION public.pay_1', ''),
    'drop partition': ('DROP TABLE public.pay_1', ''),
    'create partition': ("CREATE TABLE public.pay_4 PARTITION OF public.pay FOR VALUES FROM ('2026-04-01') TO ('2026-05-01')", 'older'),
    'truncate leaf': ('TRUNCATE public.pay_1', ''),
    'truncate root': ('TRUNCATE public.pay', ''),
    'disable trigger': ('ALTER TABLE public.pay DISABLE TRIGGER ALL', 'older blind'),
    'disable leaf trigger': ('ALTER TABLE public.pay_2 DISABLE TRIGGER ALL', 'older blind'),
    'disable and enable': ('ALTER TABLE public.pay DISABLE TRIGGER ALL; UPDATE public.pay SET amount = amount + 3; '
                           'ALTER TABLE public.pay ENABLE TRIGGER ALL', 'older'),
    'disable and enable leaf': ('ALTER TABLE public.pay_2 DISABLE TRIGGER USER; DELETE FROM public.pay_2 WHERE id % 2 = 0; '
                                'ALTER TABLE public.pay_2 ENABLE TRIGGER USER', 'older'),
    'drop capture trigger': ('DROP TRIGGER kpi_capture_pay ON public.pay', 'older blind'),
    'replace view': ('CREATE OR REPLACE VIEW public.facts AS SELECT at, upper(country) AS country, mood::text AS mood, 1 AS payments, '
                     'public.net(amount) * 3 AS revenue FROM public.pay', ''),
    'replace rule': ('CREATE OR REPLACE RULE "_RETURN" AS ON SELECT TO public.facts DO INSTEAD SELECT at, upper(country) AS country, '
                     'mood::text AS mood, 1 AS payments, public.net(amount) * 3 AS revenue FROM public.pay', ''),
    'replace function': ('CREATE OR REPLACE FUNCTION public.net(x numeric) RETURNS numeric LANGUAGE sql IMMUTABLE '
                         "SET search_path = pg_catalog, pg_temp AS 'SELECT x * 5'", ''),
    'rename enum label': ("ALTER TYPE public.mood RENAME VALUE 'bad' TO 'worse'", ''),
    'alter domain': ('ALTER DOMAIN public.money2 DROP CONSTRAINT money2_check', 'older'),
    'rename base column': ('ALTER TABLE public.pay RENAME country TO land', 'older'),
    'rename view columns': ('ALTER VIEW public.facts RENAME COLUMN country TO land; ALTER VIEW public.facts RENAME COLUMN revenue TO income; '
                            'ALTER VIEW public.facts RENAME COLUMN at TO moment', 'renamed'),
    'rename view': ('ALTER VIEW public.facts RENAME TO the_facts', 'older'),
    'rename table': ('ALTER TABLE public.pay RENAME TO payment', 'older'),
    'move schema': ('ALTER TABLE public.pay SET SCHEMA other; ALTER VIEW public.facts SET SCHEMA other', 'older'),
    'set unlogged leaf': ('ALTER TABLE public.pay_2 SET UNLOGGED; ALTER TABLE public.pay_2 SET LOGGED', ''),
    'row security': ('ALTER TABLE public.pay ENABLE ROW LEVEL SECURITY', 'older'),
    'drop a column nobody uses': ('ALTER TABLE public.pay DROP COLUMN note', 'older'),
    'owners': ('ALTER TABLE public.pay OWNER TO {owner}; ALTER VIEW public.facts OWNER TO {owner}', 'older'),
    'reassign owned': ('REASSIGN OWNED BY CURRENT_USER TO {owner}', 'late'),
    'alter extension': ('ALTER EXTENSION kpi_ext UPDATE; ALTER EXTENSION kpi_ext ADD VIEW public.facts; '
                        'ALTER EXTENSION kpi_ext DROP VIEW public.facts', 'older'),
}
INSERT = "INSERT INTO {} VALUES (900, '2026-02-03 10:00Z', 'NEW', 'good', 50)"


def fetch(connection, statement, parameters=None):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


class Source:
    """The source as the catalog names it now; names move, positions stay."""

    def __init__(self, connection):
        (self.facts, self.base), = fetch(connection, "SELECT facts::text, base::text FROM kpi.source WHERE name = 'pay'")
        columns = [name for name, in fetch(connection, "SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = "
                                           '%s::regclass AND attnum > 0 ORDER BY attnum', (self.facts,))]
        at, dimensions, (payments, revenue) = columns[0], ', '.join(columns[1:3]), columns[3:5]
        recomputed = (f"SELECT ({at} AT TIME ZONE 'Europe/Madrid')::date, {dimensions}, count(*), sum({payments})::numeric, "
                      f'sum({revenue})::numeric FROM {self.facts} GROUP BY 1, 2, 3')
        shown = f'SELECT day, {dimensions}, row_count, {payments}::numeric, {revenue}::numeric FROM kpi_data.pay_daily'
        # One statement: one snapshot in READ COMMITTED too.
        self.difference = (f"(SELECT 'missing', x::text FROM ({recomputed} EXCEPT ALL {shown}) x) UNION ALL "
                           f"(SELECT 'wrong', x::text FROM ({shown} EXCEPT ALL {recomputed}) x)")

    def faults(self, connection):
        return fetch(connection, self.difference)[:3]


def readable(connection, source):
    try:
        source.faults(connection)
        return True
    except psycopg2.errors.InsufficientPrivilege:
        return False


@pytest.fixture
def shop(shared, database, request):
    """A tracked table on the preloaded server: its worker merges and repairs all the while."""
    owner = 'ddl_' + database.name
    database.sql(SETUP.format(owner=owner))
    database.owner = owner
    yield database
    shared.sql(f'DROP DATABASE "{database.name}" WITH (FORCE)')
    shared.sql(f'CREATE DATABASE "{database.name}"')
    shared.sql(f'DROP ROLE {owner}')


@pytest.mark.parametrize('end', ['ROLLBACK', 'COMMIT'])
def test_every_event_keeps_every_snapshot_exact(shop, end, wait_until):
    """One database for all events that are rolled back; the committed ones get one each."""
    names = list(EVENTS)
    failures = []
    for name in names:
        if end == 'COMMIT':
            shop.sql('DROP TABLE IF EXISTS public.pay, public.payment, other.pay, public.pay_1, public.pay_3 CASCADE; '
                     'DROP TYPE public.mood CASCADE; DROP DOMAIN public.money2 CASCADE; DROP FUNCTION public.net; DROP SCHEMA other')
            assert shop.sql('SELECT name FROM kpi.source') == []
            shop.sql(SETUP.replace('CREATE ROLE {owner};', '').format())
        failures += [f'{name}: {problem}' for problem in event(shop, name, end, wait_until)]
    assert not failures, '\n'.join(failures)


def event(shop, name, end, wait_until):
    statements, flags = EVENTS[name]
    flags = flags.split()
    statements = statements.format(owner=shop.owner)
    if 'late' in flags:  # the bootstrap superuser's objects cannot be reassigned
        shop.sql(f'ALTER TABLE public.pay OWNER TO {shop.owner}; ALTER VIEW public.facts OWNER TO {shop.owner}')
        shop.sql(f'CREATE ROLE {shop.owner}_next')
        statements = f'REASSIGN OWNED BY {shop.owner} TO {shop.owner}_next'
    problems = []
    reader, writer = shop.connect(autocommit=False), shop.connect(autocommit=False)
    try:
        reader.set_session('REPEATABLE READ')
        fetch(reader, 'SELECT 1')  # a snapshot, and no lock that would stop the DDL
        fetch(writer, "SET lock_timeout = '20s'")
        fetch(writer, INSERT.format('public.pay') if 'TRIGGER' not in statements else 'SELECT')
        fetch(writer, statements)
        if 'late' not in flags:
            problems += [f'inside: {fault}' for fault in Source(writer).faults(writer)]
        fetch(writer, end)
        fresh = shop.connect()
        source = Source(fresh)
        if 'late' in flags:
            wait_until(lambda: readable(fresh, source), f'the worker to follow {name}')
        problems += [f'after {end}: {fault}' for fault in source.faults(fresh)]
        if end == 'ROLLBACK' or 'older' in flags:
            problems += [f'older reader: {fault}' for fault in source.faults(reader)]
        reader.rollback()
        fetch(fresh, INSERT.format(source.base))
        problems += [f'a write after it: {fault}' for fault in source.faults(fresh)]
        if end == 'COMMIT' and 'blind' in flags:
            if fetch(fresh, "SELECT 1 FROM kpi.dirty WHERE source = 'pay'") == [] and 'DROP' not in statements:
                problems.append('no mark while the trigger is off')
            fetch(fresh, 'ALTER TABLE public.pay ENABLE TRIGGER ALL')
            fetch(fresh, 'ALTER TABLE public.pay_2 ENABLE TRIGGER ALL')
            fetch(fresh, "SELECT kpi.rebuild('pay')")
        wait_until(lambda: fetch(fresh, 'SELECT * FROM kpi.dirty') == [], f'the worker to repair after {name}: '
                   f'{fetch(fresh, "SELECT last_error FROM kpi.source_state")}')
        problems += [f'repaired: {fault}' for fault in source.faults(fresh) + fetch(fresh, "SELECT * FROM kpi.verify('pay')")]
        fetch(fresh, INSERT.format(source.base).replace('50', '60'))
        if fetch(fresh, 'SELECT * FROM kpi.dirty'):
            problems.append('capture does not go on')
        problems += [f'captured again: {fault}' for fault in source.faults(fresh)]
        always = fetch(fresh, "SELECT DISTINCT tgenabled FROM pg_trigger WHERE tgname ~ '^kpi_(capture|truncate)_pay$'")
        if always != [('A',)]:
            problems.append(f'triggers are {always}')
        fresh.close()
    except psycopg2.Error as error:
        problems.append(f'{type(error).__name__}: {error}')
    finally:
        reader.close()
        writer.close()
    if 'late' in flags:
        shop.sql(f'REASSIGN OWNED BY {shop.owner}_next TO CURRENT_USER; DROP OWNED BY {shop.owner}_next; DROP ROLE {shop.owner}_next')
    return problems


def test_the_update_of_an_extension_replaces_a_function(unattended):
    """Its script runs inside one ALTER EXTENSION: what it replaces is followed like any other DDL."""
    folder = os.path.join(clusters.run('pg_config', '--sharedir').stdout.strip(), 'extension')
    body = "CREATE OR REPLACE FUNCTION kpi_dep_net(x numeric) RETURNS numeric LANGUAGE sql IMMUTABLE RETURN x * {};"
    files = {'kpi_dep.control': "default_version = '1'\n", 'kpi_dep--1.sql': body.format(2), 'kpi_dep--1--2.sql': body.format(5)}
    try:
        for name, text in files.items():
            with open(os.path.join(folder, name), 'w') as file:
                file.write(text)
        unattended.sql("""CREATE EXTENSION kpi_dep; CREATE TABLE t (at timestamptz, x numeric); INSERT INTO t VALUES ('2026-01-01', 1);
                          CREATE VIEW t_facts AS SELECT at, kpi_dep_net(x) AS net FROM t;
                          SELECT kpi.track('t_facts', 'at', build => 'now')""")
        unattended.sql("ALTER EXTENSION kpi_dep UPDATE TO '2'")
    finally:
        for name in files:
            os.unlink(os.path.join(folder, name))
    assert unattended.sql('SELECT source, why FROM kpi.dirty') == [('t_facts', 'function changed')]
    unattended.sql('CALL kpi.work()')
    assert unattended.sql("SELECT net FROM kpi_data.t_facts_daily") == [(5,)]
    assert unattended.sql("SELECT * FROM kpi.verify('t_facts')") == []


SMALL = """
CREATE TABLE t (at timestamptz NOT NULL, x int) PARTITION BY RANGE (at);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM ('2026-11-01') TO ('2026-11-15');
CREATE TABLE t2 PARTITION OF t FOR VALUES FROM ('2026-11-15') TO ('2026-12-01');
CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS 'SELECT $1 * 2';
CREATE VIEW t_facts AS SELECT at, twice(x) AS amount FROM t;
SELECT kpi.track('t_facts', 'at', timezone => 'UTC');
INSERT INTO t VALUES ('2026-11-05 10:00Z', 5), ('2026-11-20 10:00Z', 7);
"""


def is_exact(database):
    """What readers see, in one snapshot."""
    return database.sql('SELECT (SELECT coalesce(sum(amount), 0) FROM t_facts) = (SELECT coalesce(sum(amount), 0) FROM kpi_data.t_facts_daily)')[0][0] \
        and not database.sql("SELECT * FROM kpi.verify('t_facts')")


def work(database):
    connection = database.connect()
    fetch(connection, 'CALL kpi.work()')
    connection.close()


@pytest.mark.parametrize('statement', [
    'CREATE OR REPLACE VIEW t_facts AS SELECT at, x + 1 AS amount FROM t',
    'CREATE OR REPLACE RULE "_RETURN" AS ON SELECT TO t_facts DO INSTEAD SELECT at, x + 1 AS amount FROM t',
    'ALTER VIEW t_facts RENAME COLUMN at TO moment',
    "CREATE OR REPLACE FUNCTION twice(int) RETURNS int LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS 'SELECT $1 * 3'",
], ids=['view', 'rule', 'rename', 'function'])
def test_writers_do_not_queue_behind_ddl_of_a_facts_view(database, wait_until, statement):
    """A long transaction has written; the DDL waits for it, and everybody else writes on."""
    database.sql(SMALL)
    work(database)
    long, ddl, writer = database.connect(autocommit=False), database.connect(), database.connect()
    fetch(long, "INSERT INTO t VALUES ('2026-11-20 11:00Z', 1)")
    failures = []

    def run():
        try:
            fetch(ddl, statement)
        except psycopg2.Error as error:
            failures.append(error)

    fetch(ddl, 'SET application_name = ddl')
    thread = threading.Thread(target=run)
    thread.start()
    wait_until(lambda: database.sql("SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE application_name = 'ddl'")[0][0],
               'the DDL to wait')
    # Far longer than one try, far shorter than the long transaction.
    fetch(writer, "SET lock_timeout = '10s'")
    for _ in range(5):
        fetch(writer, "INSERT INTO t VALUES ('2026-11-20 12:00Z', 2)")
    assert thread.is_alive()
    long.commit()
    thread.join()
    assert not failures
    work(database)
    assert not database.sql("SELECT * FROM kpi.verify('t_facts')")
    for connection in (long, ddl, writer):
        connection.close()


def test_detach_concurrently_between_its_transactions(database, wait_until):
    """Cancelled after the first: the facts view has lost the partition, whose trigger still fires."""
    database.sql(SMALL)
    work(database)
    assert is_exact(database)
    reader, ddl = database.connect(autocommit=False), database.connect()
    fetch(reader, 'SELECT count(*) FROM t')
    fetch(ddl, "SET statement_timeout = '2s'")
    with pytest.raises(psycopg2.errors.QueryCanceled):
        fetch(ddl, 'ALTER TABLE t DETACH PARTITION t1 CONCURRENTLY')
    assert database.sql('SELECT inhdetachpending FROM pg_inherits WHERE inhrelid = %s::regclass', ('t1',)) == [(True,)]
    assert is_exact(database)
    reader.rollback()
    database.sql("INSERT INTO t1 VALUES ('2026-11-06 10:00Z', 100)")
    work(database)
    assert is_exact(database)
    database.sql("SELECT kpi.rebuild('t_facts')")
    database.sql("INSERT INTO t1 VALUES ('2026-11-07 10:00Z', 1000)")
    assert is_exact(database)
    database.sql('ALTER TABLE t DETACH PARTITION t1 FINALIZE')
    assert is_exact(database)
    wait_until(lambda: work(database) or not database.sql('SELECT * FROM kpi.dirty'), 'the repair')
    assert is_exact(database)
    reader.close()
    ddl.close()
