#!/usr/bin/python3
"""What a look at the rules costs: 30 rules over 1000 segments, and the same over the total alone.

    bench/rules/run.py [ROWS]        default: 300000 payments of 120 days, 50 countries x 20 sources, every segment every day

A server of its own (build/clusters/bench-rules), not preloaded, removed at the end. Times are the median (min-max) of ROUNDS looks within
one hour, each after 100 new payments; the first look after the hour has changed, which makes all outlooks anew, is printed by itself.
"""
import os
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'test', 'tools'))

from cluster import Cluster  # noqa: E402

SETUP = """
SET client_min_messages = error;
CREATE TABLE payments (at timestamptz NOT NULL, country text, source text, amount numeric(12, 2));
CREATE VIEW payment_facts AS SELECT at, country, source, 1 AS payments, amount AS revenue FROM payments;
"""
ROWS = """INSERT INTO payments SELECT {at}, 'c' || i / 20 % 50, 's' || i % 20, round((random() * 200)::numeric, 2)
  FROM generate_series(1, {count}) i"""
TODAY = "date_trunc('day', now()) + random() * (now() - date_trunc('day', now()))"
# Of each of ten: five conditions by closed days, five by the open one.
CONDITIONS = [('ratio', 0.5), ('change', 60), ('percentile', 1), ('below', 1), ('anomaly', 6)]
ROUNDS = 15


def rules(cursor, by):
    for number in range(30):
        condition, threshold = CONDITIONS[number % 5]
        cursor.execute('SELECT kpi.add_rule(%s, %s, %s, %s, by => %s, buckets => %s, options => %s)',
                       (f'r{number}', ('revenue', 'payments')[number // 5 % 2], condition, threshold, by, ('open', 'closed')[number // 10 % 2],
                        '{"hysteresis": %d}' % (number // 10)))


def look(cursor):
    began = time.monotonic()
    cursor.execute('SELECT kpi._evaluate_rules()')
    return (time.monotonic() - began) * 1000


def measure(cursor, name, by):
    rules(cursor, by)
    print(f'    {name}: first look {look(cursor):.0f} ms', flush=True)
    look(cursor)
    times = []
    for _ in range(ROUNDS):
        cursor.execute(ROWS.format(at=TODAY, count=100))
        times.append(look(cursor))
    print(f'{name}: {statistics.median(times):.1f} ms ({min(times):.1f}-{max(times):.1f})', flush=True)
    cursor.execute('SELECT kpi.drop_rule(name) FROM kpi.rule')


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300_000
    cluster = Cluster('bench-rules', config={'shared_buffers': '256MB', 'jit': 'off', 'autovacuum': 'off'})
    cluster.remove()
    cluster.start()
    try:
        cursor = cluster.connect(cluster.create_database()).cursor()
        cursor.execute(SETUP)
        cursor.execute(ROWS.format(at="now() - random() * interval '120 days'", count=count))
        cursor.execute("SELECT kpi.track('payment_facts', 'at', '{country,source}', 'payments', 'UTC', build => 'now')")
        cursor.execute('CALL kpi.work()')
        cursor.execute('VACUUM ANALYZE')
        measure(cursor, '30 rules, the total', '{}')
        measure(cursor, '30 rules, 1000 segments', '{country,source}')
    finally:
        cluster.remove()


if __name__ == '__main__':
    main()
