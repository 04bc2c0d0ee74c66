#!/usr/bin/python3
"""What capture costs a writer: with ÷ without, beside peers in the same run.    bench/writers/run.py [seconds per workload]

    kpi        kpi_ext, the worker merging meanwhile
    upsert     a PL/pgSQL row trigger that upserts the segment's row of the day
    delta      a PL/pgSQL row trigger that appends to a delta table (merged by nobody: a lower bound)
    notify     a statement trigger that calls pg_notify
Latency: below 1 is faster than without, 1.05 is 5 % slower. Throughput: above 1 is faster. In brackets the smallest and the
largest of the parts of the run."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))

import measure  # noqa: E402

VARIANTS = ['kpi', 'upsert', 'delta', 'notify']
TABLE = '''
    CREATE TABLE {0} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, created_at timestamptz NOT NULL DEFAULT now(),
        country text, source text, status text, amount numeric(12,2), note text);
    INSERT INTO {0} (created_at, country, source, status, amount)
    SELECT now() - random() * interval '120 days', 'c' || n % 50, 's' || n / 50 % 20, 'paid', n % 1000 / 7.0
      FROM generate_series(1, 100000) n;
    ANALYZE {0};'''
KPI = '''
    CREATE VIEW kpi_facts AS SELECT created_at, country, source, 1 AS payments, (status = 'paid')::int AS paid,
        CASE WHEN status = 'paid' THEN amount ELSE 0 END AS revenue FROM t_kpi;
    SELECT kpi.track('kpi_facts', 'created_at', '{country,source}', 'bench', 'UTC');'''
CONTRIBUTION = '''
    CREATE FUNCTION {0}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF TG_OP <> 'INSERT' THEN
            {1}
        END IF;
        IF TG_OP <> 'DELETE' THEN
            {2}
        END IF;
        RETURN NULL;
    END $$;
    CREATE TRIGGER {0} AFTER INSERT OR UPDATE OR DELETE ON t_{0} FOR EACH ROW EXECUTE FUNCTION {0}();'''
VALUES = "{0}.created_at::date, {0}.country, {0}.source, {1}, {1} * ({0}.status = 'paid')::int, " \
         "{1} * CASE WHEN {0}.status = 'paid' THEN {0}.amount ELSE 0 END"
COLUMNS = '(day date, country text, source text, payments bigint, paid bigint, revenue numeric'
UPSERT = '''INSERT INTO sums_upsert VALUES ({}) ON CONFLICT (day, country, source) DO UPDATE SET
    payments = sums_upsert.payments + excluded.payments, paid = sums_upsert.paid + excluded.paid, revenue = sums_upsert.revenue + excluded.revenue;'''
APPEND = 'INSERT INTO sums_delta VALUES ({});'
NOTIFY = '''
    CREATE FUNCTION notify() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_notify('changed', ''); RETURN NULL; END $$;
    CREATE TRIGGER notify AFTER INSERT OR UPDATE OR DELETE ON t_notify EXECUTE FUNCTION notify();'''

INSERT = '''\\set c random(0, 49)
\\set s random(0, 19)
\\set a random(1, 100000)
INSERT INTO {0} (country, source, status, amount) VALUES ('c' || :c::text, 's' || :s::text, 'paid', :a / 100.0);
'''
INSERT_1000 = '''INSERT INTO {0} (country, source, status, amount) SELECT 'c' || n % 50, 's' || n % 20, 'paid', n FROM generate_series(1, 1000) n;
'''
UPDATE_STATUS = '''\\set id random(1, 100000)
UPDATE {0} SET status = CASE status WHEN 'paid' THEN 'failed' ELSE 'paid' END WHERE id = :id;
'''
UPDATE_NOTE = '''\\set id random(1, 100000)
UPDATE {0} SET note = 'x' || :id::text WHERE id = :id;
'''
ASYNC = 'SET synchronous_commit = off;\n'


def prepare(bench):
    for name in ['base', *VARIANTS]:
        bench.sql(TABLE.format('t_' + name))
    bench.sql(KPI)
    bench.sql(f'CREATE TABLE sums_upsert {COLUMNS}, PRIMARY KEY (day, country, source)); CREATE TABLE sums_delta {COLUMNS})')
    for name, statement in (('upsert', UPSERT), ('delta', APPEND)):
        bench.sql(CONTRIBUTION.format(name, *(statement.format(VALUES.format(row, sign)) for row, sign in (('OLD', '-1'), ('NEW', '1')))))
    bench.sql(NOTIFY)
    bench.drain(['bench'])


def latencies(bench, script, clients, seconds, prefix=''):
    """Every table in the same run, drawn at random."""
    # A serial notify queue would slow its neighbours in the same run, so that peer runs apart, with the base.
    runs = [['kpi', 'upsert', 'delta'], ['notify']]
    out = {}
    for run in runs:
        found = bench.pgbench({name: prefix + script.format('t_' + name) for name in ['base', *run]}, clients, seconds)
        for name in run:
            out[name] = measure.shown(measure.ratio_of_latencies(found[name], found['base']))
    return [out[name] for name in VARIANTS]


def throughputs(bench, script, clients):
    return [measure.shown(measure.slices(bench, script.format('t_base'), script.format('t_' + name), clients)) for name in VARIANTS]


def copies(bench):
    """COPY of 100,000 rows. The upsert is left out: 100 versions of each key in one transaction take it minutes."""
    import io
    text = ''.join(f'c{n % 50}\ts{n % 20}\tpaid\t{n % 997}\n' for n in range(100000))
    ratios = {name: [] for name in VARIANTS if name != 'upsert'}
    connection = bench.connect()
    with connection.cursor() as cursor:
        def copy(name):
            return measure.timed(lambda: cursor.copy_expert(f'COPY t_{name} (country, source, status, amount) FROM STDIN', io.StringIO(text)))
        copy('base')
        for _ in range(3):
            for name in ratios:
                before, took, after = copy('base'), copy(name), copy('base')
                ratios[name].append(2 * took / (before + after))
    connection.close()
    return [measure.shown(ratios[name]) if name in ratios else 'minutes' for name in VARIANTS]


def wal(bench, script, rounds):
    """Bytes of WAL for the same statements; the merge of kpi_ext comes on top and is not the writer's."""
    used = {}
    bench.sql('ALTER SYSTEM SET full_page_writes = off')
    bench.cluster.reload()
    for name in ['base', *VARIANTS]:
        used[name] = 0
        connection = bench.connect()  # not as a context: that would make one transaction of all
        with connection.cursor() as cursor:
            for n in range(rounds):
                cursor.execute('SELECT pg_current_wal_insert_lsn()')
                start = cursor.fetchone()[0]
                cursor.execute(script.format('t_' + name))
                cursor.execute('SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), %s)', (start,))
                used[name] += cursor.fetchone()[0]
        connection.close()
    return [f'{used[name] / used["base"]:.2f}' for name in VARIANTS]


def main():
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    bench = measure.Bench('writers')
    try:
        prepare(bench)
        single = "INSERT INTO {0} (country, source, status, amount) VALUES ('c1', 's1', 'paid', 1.5)"
        measure.head(['with ÷ without', 'kpi_ext', 'upsert trigger', 'delta trigger', 'NOTIFY'])
        measure.row(['latency, 1-row INSERT, 1 client, asynchronous commit', *latencies(bench, INSERT, 1, seconds, ASYNC)])
        measure.row(['latency, 1-row INSERT, 8 clients, commit on', *latencies(bench, INSERT, 8, seconds)])
        measure.row(['latency, 1000-row INSERT, 1 client', *latencies(bench, INSERT_1000, 1, 4 * seconds)])
        measure.row(['latency, UPDATE of a status by key, 1 client', *latencies(bench, UPDATE_STATUS, 1, seconds, ASYNC)])
        measure.row(['latency, UPDATE of a column no KPI uses', *latencies(bench, UPDATE_NOTE, 1, seconds, ASYNC)])
        measure.row(['throughput, 1-row INSERT, 8 clients', *throughputs(bench, INSERT, 8)])
        measure.row(['duration, COPY of 100,000 rows', *copies(bench)])
        bench.drain(['bench'])
        bench.sql('ALTER DATABASE bench SET kpi.merge_interval = 60000')
        measure.row(['WAL, 1-row INSERT', *wal(bench, single, 200)])
        measure.row(['WAL, 1000-row INSERT', *wal(bench, INSERT_1000, 5)])
        bench.sql('ALTER DATABASE bench RESET kpi.merge_interval')
        bench.drain(['bench'])
        print(f'\nkpi.verify: {bench.sql("SELECT count(*) FROM kpi.verify(%s)", ("bench",))[0][0]} differences')
    finally:
        bench.close()


if __name__ == '__main__':
    main()
