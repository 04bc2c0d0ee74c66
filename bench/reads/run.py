#!/usr/bin/python3
"""What a read costs, against a materialized view, the base table and the plain SQL on the rollup, in the same run.
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
SINCE = "created_at >= date_trunc('day', now(), 'UTC') - interval '{} days'"
READS = [
    ('revenue, 30 days by day', "SELECT * FROM kpi.query('{revenue}', '30d')", {
        'materialized view': "SELECT day, revenue FROM mv WHERE day > (now() AT TIME ZONE 'UTC')::date - 30 ORDER BY day",
        'base table': "SELECT (created_at AT TIME ZONE 'UTC')::date, sum(revenue) FROM payment_facts WHERE " + SINCE.format(29) + ' GROUP BY 1'}),
    ('30 days by week, one country', "SELECT * FROM kpi.query('{revenue}', '30d', filters => '{\"country\": \"c7\"}', grain => 'week')", {
        'base table': "SELECT date_trunc('week', created_at AT TIME ZONE 'UTC'), sum(revenue) FROM payment_facts WHERE country = 'c7' AND "
                      + SINCE.format(29) + ' GROUP BY 1'}),
    ('90 days, every segment, all metrics, total',
     "SELECT * FROM kpi.query('{payments,paid,revenue}', '90d', by => '{country,source}', grain => 'total', max_rows => 100000)", {
         'SQL on the rollup': 'SELECT d1, d2, sum(m1), sum(m2), kpi._sum(sum(m3), sum(m3_nan), sum(m3_pinf), sum(m3_ninf)) FROM kpi_data.payments_rollup_day '
                              "WHERE level = 3 AND day > (now() AT TIME ZONE 'UTC')::date - 90 GROUP BY d1, d2",
         'base table': 'SELECT country, source, sum(payments), sum(paid), sum(revenue) FROM payment_facts WHERE ' + SINCE.format(89) + ' GROUP BY 1, 2'}),
]


def pairs(cursor, ours, other, rounds):
    """Ratios ours ÷ other, measured in turn, and the median time of ours."""
    def run(statement):
        return measure.timed(lambda: (cursor.execute(statement), cursor.fetchall()))
    run(ours), run(other)
    taken = [(run(ours), run(other)) for _ in range(rounds)]
    return [mine / theirs for mine, theirs in taken], statistics.median(mine for mine, _ in taken)


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
                    shown = measure.shown(ratios)
                    if statistics.median(ratios) < 0.1:
                        shown = f'1/{1 / statistics.median(ratios):.0f} (1/{1 / min(ratios):.0f} to 1/{1 / max(ratios):.0f})'
                    rows.append([what, name, f'{median * 1000:.1f} ms', shown])
        connection.close()
        measure.table([f'{count:,} payments', 'against', 'kpi.query', 'kpi.query ÷ that'], rows)
    finally:
        bench.close()


if __name__ == '__main__':
    main()
