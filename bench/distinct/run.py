#!/usr/bin/python3
"""What distinct counts cost: instructions of a writer with and without one (callgrind, single-user server), and reads against
count(DISTINCT) over the base table in the same run.
    bench/distinct/run.py [rows, default 1000000 [customers, default 20000]]"""
import os
import re
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))

import measure  # noqa: E402

clusters = measure.clusters

ROWS = "SELECT i, now() - random() * interval '90 days', 'c' || (random() * 19)::int, (random() * {1})::int, (random() * 100)::numeric(9,2) FROM generate_series(1, {0}) i"
READS = [
    ('30 days by day', "SELECT day, value FROM kpi.query('{customers}', '30d', expected => false)",
     "SELECT (at AT TIME ZONE 'UTC')::date, count(DISTINCT customer) FROM counted WHERE at >= date_trunc('day', now(), 'UTC') - interval '29 days' GROUP BY 1"),
    ('30 days by day and country', "SELECT day, segment, value FROM kpi.query('{customers}', '30d', by => '{country}', max_rows => NULL, expected => false)",
     "SELECT (at AT TIME ZONE 'UTC')::date, country, count(DISTINCT customer) FROM counted WHERE at >= date_trunc('day', now(), 'UTC') - interval '29 days' GROUP BY 1, 2"),
    ('90 days in all', "SELECT value FROM kpi.query('{customers}', '90d', grain => 'total', expected => false)",
     "SELECT count(DISTINCT customer) FROM counted WHERE at >= date_trunc('day', now(), 'UTC') - interval '89 days'"),
]


def instructions(bench, statement):
    """Of one statement: 250 of them less 50, over 200."""
    totals = []
    for count in (50, 250):
        out = os.path.join(bench.cluster.path, 'callgrind.out')
        command = [*clusters.AS, 'valgrind', '--tool=callgrind', f'--callgrind-out-file={out}',
                   os.path.join(clusters.BIN, 'postgres'), '--single', '-D', bench.cluster.data,
                   '-c', 'shared_preload_libraries=', '-c', 'autovacuum=off', bench.database]
        text = ''.join(statement.format(i=i) + '\n' for i in range(1, count + 1))
        done = subprocess.run(command, input=text, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd='/')
        assert done.returncode == 0 and 'ERROR' not in done.stdout, done.stdout[-2000:]
        totals.append(int(re.search(r'Collected : (\d+)', done.stdout)[1]))
    return (totals[1] - totals[0]) / 200


def main(rows=1000000, customers=20000):
    bench = measure.Bench('distinct')
    for name in ('plain', 'sums', 'counted'):
        bench.sql(f'CREATE TABLE {name} (id int, at timestamptz NOT NULL, country text, customer int, amount numeric(9,2), note text)')
        bench.sql(f'INSERT INTO {name} (id, at, country, customer, amount) ' + ROWS.format(rows, customers))
        bench.sql(f'CREATE INDEX ON {name} (at); CREATE INDEX ON {name} (id)')
    bench.sql('CREATE VIEW sums_facts AS SELECT at, country, 1 AS sum_rows, amount AS sum_value FROM sums')
    bench.sql("SELECT kpi.track('sums_facts', 'at', '{country}', 'sums', 'UTC')")
    bench.sql('CREATE VIEW counted_facts AS SELECT at, country, 1 AS counted_rows, amount AS counted_value, customer FROM counted')
    bench.sql('''SELECT kpi.track('counted_facts', 'at', '{country}', 'counted', 'UTC', aggregates => '{"customers": {"distinct": "customer"}}')''')
    bench.drain(['sums', 'counted'])
    bench.sql('VACUUM ANALYZE')
    for table, size in bench.sql("SELECT c, pg_size_pretty(pg_total_relation_size(c)) FROM unnest('{counted,kpi_data.counted_rollup_day,"
                                 "kpi_data.counted_rollup_hour}'::regclass[]) c"):
        print(f'{table}: {size}')
    with bench.connect() as connection, connection.cursor() as cursor:
        for what, ours, base in READS:
            pairs = []
            for _ in range(6):
                pairs.append([measure.timed(lambda s=s: cursor.execute(f"COPY ({s}) TO '/dev/null'")) for s in (ours, base)])
            ratios = [base_time / our_time for our_time, base_time in pairs[1:]]
            print(f'{what}: count(DISTINCT) takes {measure.shown(ratios)} times as long, ours {statistics.median(p[0] for p in pairs[1:]) * 1000:.1f} ms')
    bench.cluster.stop()
    insert = "INSERT INTO {table} (id, at, country, customer, amount) VALUES ({{i}}, now(), 'c1', {{i}}, 1.5)"
    update = "UPDATE {table} SET note = 'x' WHERE id = {{i}}"
    for what, statement in (('1-row INSERT', insert), ('UPDATE of another column', update)):
        plain, sums, counted = (instructions(bench, statement.format(table=table)) for table in ('plain', 'sums', 'counted'))
        print(f'{what}: {plain:.0f} instructions without capture, {sums / plain:.3f} times with sums, {counted / plain:.3f} with a distinct count too '
              f'({counted / sums:.3f} of it)')


if __name__ == '__main__':
    main(*map(int, sys.argv[1:3]))
