#!/usr/bin/python3
"""What a rebuild costs, and what it costs those who write meanwhile.

    bench/rebuild/run.py [ROWS]        default: 10000000

CPU seconds of the backend for a first build and for two rebuilds of what is right, over those of one plain aggregate by hour and segment; rows of 120 days and
1000 segments. Then the throughput of one writer beside a rebuild, over its throughput alone and beside the plain aggregate again and again, in slices of two
seconds drawn in turn: on few cores whatever computes takes something from a writer. A server of its own (build/clusters/bench-rebuild).
"""
import os
import sys
import threading

import psycopg2

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))

import measure  # noqa: E402
from measure import clusters, head, row, shown  # noqa: E402

SETUP = """
CREATE TABLE payments (at timestamptz NOT NULL, country text, source text, amount numeric(12, 2));
INSERT INTO payments SELECT now() - random() * interval '120 days', 'c' || (random() * 49)::int, 's' || (random() * 19)::int, (random() * 100)::numeric(12, 2)
  FROM generate_series(1, {rows});
ANALYZE payments;
CREATE VIEW payment_facts AS SELECT at, country, source, 1 AS payments, amount AS revenue FROM payments;
SELECT kpi.track('payment_facts', 'at', '{{country,source}}', 'pay', 'UTC')"""
AGGREGATE = """SELECT count(*) FROM (SELECT date_trunc('hour', at AT TIME ZONE 'UTC'), country, source, count(*), sum(payments), sum(revenue)
    FROM payment_facts GROUP BY 1, 2, 3) x"""
REBUILD = "SELECT kpi.rebuild('pay')"
INSERT = "INSERT INTO payments VALUES (now(), 'c' || (random() * 49)::int, 's' || (random() * 19)::int, 1.5);\n"
SLICES = 6


class Session:
    """One backend whose processor time is known."""

    def __init__(self, bench):
        self.cursor = bench.connect().cursor()
        for setting in ('max_parallel_workers_per_gather = 0', "work_mem = '256MB'", "maintenance_work_mem = '256MB'"):
            self.cursor.execute(f'SET {setting}')
        self.cursor.execute('SELECT pg_backend_pid()')
        self.pid = self.cursor.fetchone()[0]

    def used(self, statement):
        began = clusters.cpu(self.pid)
        self.cursor.execute(statement)
        return clusters.cpu(self.pid) - began


def throughput(bench, beside):
    """Rows a writer inserts in two seconds while a statement runs over and over."""
    session, done = Session(bench) if beside else None, threading.Event()

    def repeat():
        while not done.is_set():
            try:
                session.cursor.execute(beside)
            except psycopg2.errors.QueryCanceled:
                return

    busy = threading.Thread(target=repeat)
    if beside:
        busy.start()
    rows = len(bench.pgbench({'insert': INSERT}, 1, 2)['insert'])
    if beside:
        done.set()
        bench.sql(f'SELECT pg_cancel_backend({session.pid})')
        busy.join()
    return rows


def main(rows):
    bench = measure.Bench('rebuild', preload=False)  # a worker would build the source before we do
    try:
        for statement in SETUP.format(rows=rows).strip().split(';\n'):
            bench.sql(statement)
        session = Session(bench)
        aggregate = [session.used(AGGREGATE) for _ in range(3)]
        first = [session.used(REBUILD)]
        again = [session.used(REBUILD) for _ in range(2)]
        head([f'{rows:,} rows', 'CPU s', 'times one aggregate'])
        for what, taken in (('one plain aggregate', aggregate), ('first build', first), ('rebuild of what is right', again)):
            row([what, f'{min(taken):.2f}', shown([one / base for one in taken for base in aggregate])])
        alone, plain, rebuild = [], [], []
        for _ in range(SLICES):
            alone.append(throughput(bench, None))
            rebuild.append(throughput(bench, REBUILD))
            plain.append(throughput(bench, AGGREGATE))
        row(['a writer beside a rebuild ÷ alone', '', shown([a / b for a, b in zip(rebuild, alone)])])
        row(['a writer beside a rebuild ÷ beside the aggregate', '', shown([a / b for a, b in zip(rebuild, plain)])])
        print('faults:', bench.sql("SELECT count(*) FROM kpi.verify('pay', now() - interval '3 days')")[0][0])
    finally:
        bench.close()


if __name__ == '__main__':
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000)
