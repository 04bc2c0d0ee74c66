#!/usr/bin/python3
"""What the panels of Grafana's dashboard cost that say what was expected by now, with the sums that the worker keeps and, in turn,
without them (a transaction that empties them and is rolled back), and the processor's time of the server for each.
    bench/panels/run.py [payments, default 1000000]    as dense as that many over 120 days; 70 days are made"""
import datetime
import json
import os
import statistics
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..'), os.path.join(HERE, '..', '..', 'test', 'cluster')]

import measure  # noqa: E402
from grafana_like import ALL, expand  # noqa: E402

TABLES = '''
    CREATE TABLE leads (id bigint, created_at timestamptz NOT NULL, country text, source text, priority text);
    INSERT INTO leads SELECT n, now() - random() * interval '70 days', 'c' || (random() * 49)::int, 's' || (random() * 19)::int, 'p' || n % 3
      FROM generate_series(1, {0} / 10) n;
    CREATE INDEX ON leads (created_at);
    CREATE TABLE payments (id bigint, created_at timestamptz NOT NULL, country text, source text, status text, amount numeric(12,2));
    INSERT INTO payments SELECT n, now() - n * interval '70 days' / {0}, 'c' || (random() * 49)::int, 's' || (random() * 19)::int,
           CASE WHEN random() < 0.8 THEN 'paid' ELSE 'failed' END, (random() * 100)::numeric(12,2) FROM generate_series(1, {0}) n;
    CREATE INDEX ON payments (created_at);
    ANALYZE leads, payments;
    SELECT kpi.install_sales(timezone => 'Asia/Kolkata');'''
PANELS = ('Pace of revenue today', 'Today against its pace', "Drivers of today's revenue", 'Revenue by day and what was expected, 30 d', 'By segment, 7 d')
EMPTY = 'DELETE FROM kpi_data.payments_so_far; DELETE FROM kpi_data.leads_so_far'


def statements():
    with open(os.path.join(HERE, '..', '..', 'grafana', 'dashboards', 'kpi.json')) as file:
        dashboard = json.load(file)
    variables = {each['name']: each for each in dashboard['templating']['list']}
    until = datetime.datetime.now(datetime.timezone.utc)
    chosen = {'country': ALL, 'source': ALL, 'zone': 'UTC'}
    found = {panel['title']: panel['targets'][0]['rawSql'] for panel in dashboard['panels'] if panel.get('title') in PANELS}
    return {title: expand(found[title], variables, chosen, until - datetime.timedelta(days=30), until) for title in PANELS}


def processor(backend):
    with open(f'/proc/{backend}/stat') as file:
        fields = file.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def costs(connection, statement, kept, rounds=10):
    """Seconds of each run, and the processor's seconds of one."""
    with connection.cursor() as cursor:
        if not kept:
            cursor.execute(EMPTY)
        cursor.execute(statement)
        before = processor(connection.info.backend_pid)
        taken = [measure.timed(lambda: cursor.execute(statement)) for _ in range(rounds)]
        spent = (processor(connection.info.backend_pid) - before) / rounds
    connection.rollback()
    return taken, spent


def main():
    count = (int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000) * 70 // 120
    bench = measure.Bench('panels')
    try:
        bench.sql(TABLES.format(count))
        bench.drain(['leads', 'payments'])
        measure.clusters.wait_until(lambda: bench.sql('SELECT count(DISTINCT day) > 7 FROM kpi_data.payments_so_far')[0][0], 'the sums of past days', 180)  # a minute after the past was built
        connection = bench.connect(autocommit=False)
        rows = []
        for title, statement in statements().items():
            runs = [(costs(connection, statement, True), costs(connection, statement, False)) for _ in range(3)]
            ratios = [statistics.median(without[0]) / statistics.median(kept[0]) for kept, without in runs]
            spent = [statistics.median(part[i][1] for part in runs) * 1000 for i in (0, 1)]
            rows.append([title, f'{spent[0]:.1f} ms', f'{spent[1]:.1f} ms', measure.shown(ratios)])
        connection.close()
        measure.table([f'{count:,} payments of 70 days', 'processor', 'without kept sums', 'without ÷ with, elapsed'], rows)
    finally:
        bench.close()


if __name__ == '__main__':
    main()
