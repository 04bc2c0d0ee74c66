#!/usr/bin/python3
"""How fresh the KPIs are: age of a read, and from commit to NOTIFY kpi_update.    bench/freshness/run.py [seconds per part]

A commit counts as announced at the first message after which its delta rows are merged. Beside it in the same run the echo: a
NOTIFY of the same session received by the same listener, the least that any message can take on this machine. A light writer
commits about six times a second, at random moments."""
import os
import random
import select
import statistics
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))

import measure  # noqa: E402

TABLES = '''
    CREATE TABLE payments (id bigint GENERATED ALWAYS AS IDENTITY, created_at timestamptz NOT NULL DEFAULT now(), country text, amount numeric(12,2));
    CREATE TABLE load (LIKE payments INCLUDING ALL);
    CREATE VIEW payment_facts AS SELECT created_at, country, 1 AS payments, amount AS revenue FROM payments;
    CREATE VIEW load_facts AS SELECT created_at, country, 1 AS loads FROM load;
    SELECT kpi.track('payment_facts', 'created_at', '{country}', 'payments', 'UTC');
    SELECT kpi.track('load_facts', 'created_at', '{country}', 'load', 'UTC');'''
FLAT_OUT = "\\set c random(0, 49)\nINSERT INTO load (country, amount) VALUES ('c' || :c::text, 1);\n"


def wait_for(listener, channel, seconds=30):
    """When a message of the channel came; others are dropped."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if select.select([listener], [], [], 1)[0]:
            listener.poll()
            now = time.monotonic()
            channels = [message.channel for message in listener.notifies]
            listener.notifies.clear()
            if channel in channels:
                return now
    raise TimeoutError(f'no message on {channel} within {seconds} s')


def one_commit(writer, listener, check):
    with writer.cursor() as cursor:
        cursor.execute("INSERT INTO payments (country, amount) VALUES ('MX', 1) RETURNING pg_current_xact_id()::text")
        xid = cursor.fetchone()[0]
    committed = time.monotonic()
    with writer.cursor() as cursor:
        cursor.execute("SELECT kpi.value('payments'), (SELECT count(*) FROM payments WHERE created_at >= date_trunc('day', now(), 'UTC'))")
        kpi, table = cursor.fetchone()
    while True:
        heard = wait_for(listener, 'kpi_update')
        check.execute('SELECT EXISTS (SELECT FROM kpi_data.payments_delta WHERE xmin::text = %s)', (xid,))
        if not check.fetchone()[0]:
            return heard - committed, kpi == table


def echo(writer, listener):
    with writer.cursor() as cursor:
        cursor.execute('NOTIFY echo')
    sent = time.monotonic()
    return max(0.0, wait_for(listener, 'echo') - sent)


def part(bench, seconds):
    writer, listener, checker = (bench.connect() for _ in range(3))
    listener.cursor().execute('LISTEN kpi_update; LISTEN echo')
    announced, echoes, stale = [], [], 0
    deadline = time.monotonic() + seconds
    with checker.cursor() as check:
        while time.monotonic() < deadline:
            took, exact = one_commit(writer, listener, check)
            announced.append(took)
            stale += not exact
            echoes.append(echo(writer, listener))
            time.sleep(random.uniform(0.01, 0.25))
    for connection in (writer, listener, checker):
        connection.close()
    return announced, echoes, stale


def row(what, announced, echoes, stale):
    ordered = sorted(announced)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return [what, str(len(announced)), f'{stale}', f'{statistics.median(ordered) * 1000:.0f} ms', f'{p99 * 1000:.0f} ms',
            f'{statistics.median(echoes) * 1000:.1f} ms']


def main():
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    bench = measure.Bench('freshness')
    try:
        bench.sql(TABLES)
        bench.drain(['payments', 'load'])
        rows = [row('1 light writer', *part(bench, seconds))]
        for what, clients, options in (('2 light writers', 1, '--rate=6'), ('8 light writers', 7, '--rate=42'),
                                       ('8 clients write flat out', 8, '')):
            load = threading.Thread(target=bench.pgbench, args=({'load': FLAT_OUT}, clients, seconds + 2, options))
            load.start()
            rows.append(row(what, *part(bench, seconds)))
            load.join()
        measure.table(['', 'commits', 'reads that were not exact', 'commit to kpi_update, median', 'p99', 'echo, median'], rows)
    finally:
        bench.close()


if __name__ == '__main__':
    main()
