#!/usr/bin/python3
"""What following keys costs: kpi.funnel and kpi.retention against the SQL that one writes by hand over the base tables, each pair in the same run,
and the answers compared.
    bench/funnel/run.py [rows of a table, default 500000 [customers, default 50000]]"""
import os
import statistics
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))

import measure  # noqa: E402

STEP = '''SELECT count(DISTINCT l.customer), count(DISTINCT p.customer) FROM (SELECT customer, {cut}, at FROM lead WHERE at >= {since}) l
    LEFT JOIN (SELECT customer, {cut} FROM pay WHERE at >= {since}) p ON p.customer = l.customer AND p.t >= l.t AND p.t <= l.t + interval '7 days' '''
SINCE = "date_trunc('day', now(), 'UTC') - interval '29 days'"
HOUR, DAY = "date_trunc('hour', at, 'UTC') AS t", "date_trunc('day', at, 'UTC') AS t"
FUNNEL = "SELECT f.reached, (SELECT g.reached FROM f g WHERE g.step = 2) FROM f WHERE f.step = 1"
READS = [
    ('two steps, 30 days, by hour', f"WITH f AS MATERIALIZED (SELECT * FROM kpi.funnel('{{leaders,payers}}', '30d', within => '7 days')) {FUNNEL}", STEP.format(cut=HOUR, since=SINCE)),
    ('two steps, 30 days, by day', f"WITH f AS MATERIALIZED (SELECT * FROM kpi.funnel('{{leaders,payers}}', '30d', within => '7 days', grain => 'day')) {FUNNEL}", STEP.format(cut=DAY, since=SINCE)),
    ('cohorts of 12 weeks', "SELECT cohort, period, returned FROM kpi.retention('leaders', '12w') WHERE returned > 0 ORDER BY 1, 2", '''
    SELECT cohort::date, ((week::date - cohort::date) / 7)::int, count(*) FROM (
        SELECT customer, date_trunc('week', at AT TIME ZONE 'UTC') AS week, min(min(date_trunc('week', at AT TIME ZONE 'UTC'))) OVER (PARTITION BY customer) AS cohort,
            min(min(at AT TIME ZONE 'UTC')) OVER (PARTITION BY customer) AS first FROM lead GROUP BY 1, 2) w
     WHERE cohort >= date_trunc('week', now() AT TIME ZONE 'UTC') - interval '11 weeks' AND first <= now() AT TIME ZONE 'UTC' GROUP BY 1, 2 ORDER BY 1, 2'''),
]


def main(rows=500000, customers=50000):
    bench = measure.Bench('funnel')
    for name, key in (('lead', 'leaders'), ('pay', 'payers')):
        bench.sql(f'CREATE TABLE {name} (id int, at timestamptz NOT NULL, country text, customer int, note text)')
        bench.sql(f"INSERT INTO {name} (id, at, country, customer, note) SELECT i, now() - random() * interval '120 days', 'c' || (random() * 19)::int, "
                  f"(random() * {customers})::int, repeat('x', 60) FROM generate_series(1, {rows}) i")
        bench.sql(f'CREATE INDEX ON {name} (at); CREATE INDEX ON {name} (customer)')
        bench.sql(f'CREATE VIEW {name}_facts AS SELECT at, country, 1 AS {name}s, customer FROM {name}')
        bench.sql(f'''SELECT kpi.track('{name}_facts', 'at', '{{country}}', '{name}', 'UTC', aggregates => '{{"{key}": {{"distinct": "customer"}}}}')''')
    bench.drain(['lead', 'pay'])
    bench.sql('VACUUM ANALYZE')
    with bench.connect() as connection, connection.cursor() as cursor:
        for what, ours, base in READS:
            answers = []
            for statement in (ours, base):
                cursor.execute(statement)
                answers.append(cursor.fetchall())
            assert answers[0] == answers[1], (what, answers[0][:5], answers[1][:5])
            pairs = []
            for _ in range(5):
                pairs.append([measure.timed(lambda s=s: cursor.execute(f"COPY ({s}) TO '/dev/null'")) for s in (ours, base)])
            ratios = [our_time / base_time for our_time, base_time in pairs]
            print(f'{what}: takes {measure.shown(ratios)} times as long as SQL by hand, {statistics.median(p[0] for p in pairs) * 1000:.0f} ms')
    bench.close()


if __name__ == '__main__':
    main(*map(int, sys.argv[1:3]))
