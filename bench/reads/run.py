#!/usr/bin/python3
"""What a read costs, against a materialized view, the base table and the plain SQL on the rollup, in the same run. Rows are
written as text by the server and thrown away (COPY TO /dev/null): a client's own time is not in it.
    bench/reads/run.py [payments, default 1000000]"""
import os
import statistics
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))

import measure  # noqa: E402

TABLES = '''
    CREATE TABLE payments (id bigint, created_at timestamptz NOT NULL, country text, source text, status text, amount numeric(12,2));
    INSERT INTO payments SELECT n, now() - random() * interval '120 days', 'c' || (random() * 49)::int, 's' || (random() * 19)::int,
           CASE WHEN random() < 0.8 THEN 'paid' ELSE 'failed' END, (random() * 100)::numeric(12,2) FROM generate_series(1, {0}) n;
    CREATE INDEX ON payments (created_at);
    ANALYZE payments;
    CREATE VIEW payment_facts AS SELECT created_at, country, source, 1 AS payments, (status = 'paid')::int AS paid,
           CASE WHEN status = 'paid' THEN amount ELSE 0 END AS revenue FROM payments;
    SELECT kpi.track('payment_facts', 'created_at', '{{country,source}}', 'payments', 'UTC');
    CREATE MATERIALIZED VIEW mv AS SELECT (created_at AT TIME ZONE 'UTC')::date AS day, sum(revenue) AS revenue FROM payment_facts GROUP BY 1;
    CREATE UNIQUE INDEX ON mv (day);
    ANALYZE mv;'''
KPI = 'SELECT bucket, segment, metric, value FROM '
SINCE = "created_at >= date_trunc('day', now(), 'UTC') - interval '{} days'"
READS = [
    ('revenue, 30 days by day', KPI + "kpi.query('{revenue}', '30d')", {
        'materialized view': "SELECT day, revenue FROM mv WHERE day > (now() AT TIME ZONE 'UTC')::date - 30 ORDER BY day",
        'base table': "SELECT (created_at AT TIME ZONE 'UTC')::date, sum(revenue) FROM payment_facts WHERE " + SINCE.format(29) + ' GROUP BY 1'}),
    ('the same, expected => false', KPI + "kpi.query('{revenue}', '30d', expected => false)", {
        'materialized view': "SELECT day, revenue FROM mv WHERE day > (now() AT TIME ZONE 'UTC')::date - 30 ORDER BY day"}),
    ('30 days by week, one country', KPI + "kpi.query('{revenue}', '30d', filters => '{\"country\": \"c7\"}', grain => 'week')", {
        'base table': "SELECT date_trunc('week', created_at AT TIME ZONE 'UTC'), sum(revenue) FROM payment_facts WHERE country = 'c7' AND "
                      + SINCE.format(29) + ' GROUP BY 1'}),
    ('90 days, every segment, all metrics, total',
     KPI + "kpi.query('{payments,paid,revenue}', '90d', by => '{country,source}', grain => 'total', max_rows => 100000)", {
         'SQL on the rollup': 'SELECT d1, d2, sum(m1), sum(m2), kpi._sum(sum(m3), sum(m3_nan), sum(m3_pinf), sum(m3_ninf)) FROM kpi_data.payments_rollup_day '
                              "WHERE level = 3 AND day > (now() AT TIME ZONE 'UTC')::date - 90 GROUP BY d1, d2",
         'base table': 'SELECT country, source, sum(payments), sum(paid), sum(revenue) FROM payment_facts WHERE ' + SINCE.format(89) + ' GROUP BY 1, 2'}),
]


def pairs(cursor, ours, other, rounds):
    """Ratios ours ÷ other, measured in turn, and the median time of ours."""
    def run(statement):
        return measure.timed(lambda: cursor.execute(f"COPY ({statement}) TO '/dev/null'"))
    run(ours), run(other)
    taken = [(run(ours), run(other)) for _ in range(rounds)]
    return [mine / theirs for mine, theirs in taken], statistics.median(mine for mine, _ in taken)


def shown(ratios):
    if statistics.median(ratios) >= 0.1:
        return measure.shown(ratios)
    return f'1/{1 / statistics.median(ratios):.0f} (1/{1 / min(ratios):.0f} to 1/{1 / max(ratios):.0f})'


# One year of flights: 242,579 rows, 165 pairs of origin and carrier, as uneven as the real ones.
FLIGHTS = '''
    CREATE TABLE flights (at timestamptz NOT NULL, origin text, carrier text, delay int);
    INSERT INTO flights SELECT '2025-01-01 05:00Z'::timestamptz + (n % 364) * interval '1 day' + (n * 7919 % 68400) * interval '1 second',
           'o' || (power(random(), 2) * 10)::int, 'k' || (power(random(), 2) * 14)::int, (random() * 60)::int - 20 FROM generate_series(1, 242579) n;
    CREATE INDEX ON flights (at);
    ANALYZE flights;
    CREATE VIEW flight_facts AS SELECT at, origin, carrier, 1 AS flights, delay FROM flights;
    SELECT kpi.track('flight_facts', 'at', '{origin,carrier}', 'flights', 'UTC');
    CREATE VIEW kept_facts AS SELECT at, origin, carrier, 1 AS kept FROM flights;
    SELECT kpi.track('kept_facts', 'at', '{origin,carrier}', 'kept', 'UTC', hour_retention => '10 years');
    SELECT kpi.rebuild('flights');
    SELECT kpi.rebuild('kept');'''
BY_HOUR = "SELECT date_trunc('hour', at), sum(flights) FROM flight_facts WHERE at >= '2025-01-01' AND at < '2026-01-01' GROUP BY 1"
FLIGHT_READS = [
    ('a year by hour, read from the facts view', KPI + "kpi.query('{flights}', '2025-01-01', '2025-12-31', grain => 'hour', max_rows => NULL)",
     BY_HOUR),
    ('a year by hour, hours kept', KPI + "kpi.query('{kept}', '2025-01-01', '2025-12-31', grain => 'hour', max_rows => NULL)", BY_HOUR),
    ('a year by day and full segment', KPI + "kpi.query('{flights}', '2025-01-01', '2025-12-31', by => '{origin,carrier}', max_rows => NULL)",
     "SELECT at::date, origin, carrier, sum(flights) FROM flight_facts WHERE at >= '2025-01-01' AND at < '2026-01-01' GROUP BY 1, 2, 3"),
    ('a year by origin and carrier, two metrics',
     KPI + "kpi.query('{flights,delay}', '2025-01-01', '2025-12-31', by => '{origin,carrier}', grain => 'total', max_rows => NULL)",
     "SELECT origin, carrier, sum(flights), sum(delay) FROM flight_facts WHERE at >= '2025-01-01' AND at < '2026-01-01' GROUP BY 1, 2"),
    ('one origin, 12 weeks', KPI + "kpi.query('{flights}', '2025-10-06', '2025-12-28', '{\"origin\": \"o3\"}', grain => 'week')",
     "SELECT date_trunc('week', at), sum(flights) FROM flight_facts WHERE origin = 'o3' AND at >= '2025-10-06' AND at < '2025-12-29' GROUP BY 1"),
]


def flights(bench):
    bench.sql(FLIGHTS)
    rows = []
    connection = bench.connect()
    with connection.cursor() as cursor:
        for what, ours, base in FLIGHT_READS:
            ratios, median = pairs(cursor, ours, base, 9)
            cursor.execute(ours)
            rows.append([what, f'{cursor.rowcount:,}', f'{median * 1000:.1f} ms', shown(ratios)])
    connection.close()
    measure.table(['242,579 flights', 'rows', 'kpi.query', 'kpi.query ÷ base table'], rows)


def linear(bench):
    """Rows by day and segment, of 10 to 1000 segments and 100 to 1000 days."""
    rows = []
    for days, segments in ((100, 10), (100, 100), (100, 1000), (1000, 1000)):
        name = f'grid_{days}_{segments}'
        bench.sql(f"""CREATE TABLE {name} (at timestamptz NOT NULL, k int, v int);
            INSERT INTO {name} SELECT '2022-01-01Z'::timestamptz + d * interval '1 day', s, d FROM generate_series(0, {days - 1}) d, generate_series(1, {segments}) s;
            CREATE INDEX ON {name} (at);
            CREATE VIEW {name}_facts AS SELECT at, k, v AS {name}_v FROM {name};
            SELECT kpi.track('{name}_facts', 'at', '{{k}}', '{name}', 'UTC');
            SELECT kpi.rebuild('{name}');""")
        connection = bench.connect()
        with connection.cursor() as cursor:
            read = (f"SELECT count(*) FROM kpi.query('{{{name}_v}}', '2022-01-01', ('2022-01-01'::date + {days - 1})::text, "
                    "by => '{k}', max_rows => NULL)")
            cursor.execute("SET work_mem = '256MB'")  # a million rows are held in memory
            cursor.execute(read)
            taken = statistics.median(measure.timed(lambda: cursor.execute(read)) for _ in range(5))
        connection.close()
        rows.append([f'{days * segments:,}', f'{taken * 1000:.1f} ms', f'{taken / days / segments * 1e6:.2f} µs'])
    measure.table(['rows returned', 'kpi.query', 'a row'], rows)


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    bench = measure.Bench('reads')
    try:
        bench.sql(TABLES.format(count))
        bench.drain(['payments'])
        rows = []
        connection = bench.connect()
        with connection.cursor() as cursor:
            for what, ours, others in READS:
                for name, other in others.items():
                    ratios, median = pairs(cursor, ours, other, 5 if name == 'base table' else 25)
                    rows.append([what, name, f'{median * 1000:.1f} ms', shown(ratios)])
        connection.close()
        measure.table([f'{count:,} payments', 'against', 'kpi.query', 'kpi.query ÷ that'], rows)
        flights(bench)
        linear(bench)
    finally:
        bench.close()


if __name__ == '__main__':
    main()
