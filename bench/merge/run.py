#!/usr/bin/python3
"""Cost of keeping the rollups: merge against history, against REFRESH, scattered against today's rows; rebuild against
one plain aggregate. Every figure is a ratio of two times of the same run: median (min-max).

    bench/merge/run.py [ROWS ...]        default: 1000000 10000000; the last size also runs REFRESH and rebuild

The data: payments of 120 days, 50 countries x 20 sources (power law), hours of the day weighted. A server of its own
(build/clusters/bench-merge), removed at the end.
"""
import os
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'test', 'tools'))

from cluster import Cluster  # noqa: E402

CONFIG = {'shared_buffers': '1GB', 'work_mem': '64MB', 'maintenance_work_mem': '256MB', 'wal_level': 'minimal',
          'max_wal_senders': '0', 'max_wal_size': '8GB', 'autovacuum': 'off', 'jit': 'off'}
ROWS = """INSERT INTO payments (at, country, source, status, amount)
SELECT {at}, 'c' || (50 * power(random(), 3))::int, 's' || (20 * power(random(), 2))::int,
       (ARRAY['succeeded', 'paid', 'failed'])[1 + (random() * 2)::int], round((random() * 200)::numeric, 2)
  FROM generate_series(1, {count})"""
HISTORY = "now() - random() * interval '120 days'"
TODAY = "greatest(date_trunc('day', now()), now() - random() * interval '1 hour')"
SETUP = """
CREATE TABLE payments (id bigserial, at timestamptz NOT NULL, country text, source text, status text, amount numeric(12, 2));
CREATE VIEW payment_facts AS SELECT at, country, source, 1 AS payments, (status IN ('succeeded', 'paid'))::int AS succeeded,
    CASE WHEN status IN ('succeeded', 'paid') THEN amount ELSE 0 END AS revenue FROM payments;
"""
TRACK = "SELECT kpi.track('payment_facts', 'at', '{country,source}', 'payments', 'UTC')"
AGGREGATE = """SELECT count(*) FROM (SELECT date_trunc('hour', at AT TIME ZONE 'UTC'), country, source, count(*),
    sum(payments), sum(succeeded), sum(revenue) FROM payment_facts GROUP BY 1, 2, 3) x"""
SEGMENTS = """CREATE MATERIALIZED VIEW segments AS SELECT (at AT TIME ZONE 'UTC')::date AS day, country, source, sum(payments) AS
    payments, sum(succeeded) AS succeeded, sum(revenue) AS revenue FROM payment_facts GROUP BY 1, 2, 3;
CREATE UNIQUE INDEX ON segments (day, country, source)"""
ROUNDS = 7


class Bench:
    def __init__(self, cluster, rows):
        self.name = cluster.create_database()
        self.cursor = cluster.connect(self.name).cursor()
        self.cursor.execute(SETUP)
        self.cursor.execute(ROWS.format(at=HISTORY, count=rows))
        self.cursor.execute('VACUUM ANALYZE payments')
        self.cursor.execute(TRACK)
        self.time("SELECT kpi.rebuild('payments')", 'first build')
        self.cursor.execute('VACUUM ANALYZE')

    def time(self, statement, what=None):
        start = time.monotonic()
        self.cursor.execute(statement)
        took = time.monotonic() - start
        if what:
            print(f'    {what}: {took * 1000:.0f} ms', flush=True)
        return took

    def merges(self, at):
        """Seconds to merge 1000 new rows; the first round warms the pages up and is dropped."""
        times = []
        for _ in range(ROUNDS + 1):
            self.cursor.execute(ROWS.format(at=at, count=1000))
            times.append(self.time('SELECT kpi.merge()'))
        return times[1:]

    def faults(self):
        self.cursor.execute("SELECT count(*) FROM kpi.verify('payments', now() - interval '2 days')")
        return self.cursor.fetchone()[0]


def show(what, over, under):
    middle = statistics.median(over) / statistics.median(under)
    print(f'{what}: {middle:.2f} ({min(over) / max(under):.2f}-{max(over) / min(under):.2f}); medians '
          f'{statistics.median(over) * 1000:.1f} / {statistics.median(under) * 1000:.1f} ms', flush=True)


def main(sizes):
    cluster = Cluster('bench-merge', config=CONFIG)
    cluster.remove()
    cluster.start()
    try:
        today, scattered = {}, {}
        for size in sizes:
            print(f'{size} rows', flush=True)
            bench = Bench(cluster, size)
            today[size] = bench.merges(TODAY)
            scattered[size] = bench.merges(HISTORY)
            faults = bench.faults()
            assert faults == 0, f'{faults} faults'
        small, large = sizes[0], sizes[-1]
        if small != large:
            show(f'merge of 1000 rows of today, {large} / {small} rows of history (goal 1.2)', today[large], today[small])
            show(f'merge of 1000 scattered rows, {large} / {small}', scattered[large], scattered[small])
        show(f'merge of 1000 scattered rows / of today, {large} rows (goal 4)', scattered[large], today[large])
        bench.cursor.execute(SEGMENTS)
        refresh = [bench.time('REFRESH MATERIALIZED VIEW CONCURRENTLY segments') for _ in range(2)]
        show(f'REFRESH of the segment view / merge of 1000 rows of today, {large} rows (goal 200)', refresh, today[large])
        aggregate, rebuild = [], []
        for _ in range(2):
            aggregate.append(bench.time(AGGREGATE))
            rebuild.append(bench.time("SELECT kpi.rebuild('payments')"))
            bench.cursor.execute('VACUUM')
        show(f'rebuild / one plain aggregate by hour and segment, {large} rows (goal 1.2)', rebuild, aggregate)
    finally:
        cluster.remove()


if __name__ == '__main__':
    main([int(argument) for argument in sys.argv[1:]] or [1000000, 10000000])
