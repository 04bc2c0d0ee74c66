#!/usr/bin/python3
"""What a change of a past day costs its writer that leaves every number as it was: bytes of WAL a transaction, for rows of today and of
five days ago. Where sums were touched and cancel, a past day gets a delta row of zeros, so that readers leave out the sums of that day
that the worker keeps. No worker runs, and no page is written whole.
    bench/writers/past.py [transactions, default 2000]"""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..'), os.path.join(HERE, '..', '..', 'test', 'tools')]

import cluster as clusters  # noqa: E402
import measure  # noqa: E402

TABLE = '''
    CREATE TABLE payments (id int PRIMARY KEY, at timestamptz NOT NULL, country text, amount numeric(12,2), note int) WITH (fillfactor = 30);
    INSERT INTO payments SELECT n, now() - (n % 2) * interval '5 days', 'c' || n % 50, n, 0 FROM generate_series(0, 2 * {0} - 1) n;
    ALTER TABLE payments SET (autovacuum_enabled = off)'''
TRACK = '''
    CREATE VIEW payment_facts AS SELECT at, country, 1 AS payments, amount AS revenue FROM payments;
    SELECT kpi.track('payment_facts', 'at', '{country}', 'payments', 'UTC', build => 'now')'''
CHANGES = {'a column no KPI uses': ['note = note + 1'], 'an amount, and back': ['amount = amount + 1', 'amount = amount - 1'],
           'an amount': ['amount = amount + 1']}
DAYS = ('today', 'five days ago')


def written(connection, change, first, count):
    """Bytes of WAL a transaction."""
    # Sent as one string: one transaction.
    text = ';'.join(f'UPDATE payments SET {each} WHERE id = {{0}}' for each in change)
    with connection.cursor() as cursor:
        cursor.execute('SELECT pg_current_wal_insert_lsn()')
        before = cursor.fetchone()[0]
        for n in range(first, 2 * count, 2):
            cursor.execute(text.format(n))
        cursor.execute('SELECT pg_current_wal_insert_lsn() - %s::pg_lsn', (before,))
        return float(cursor.fetchone()[0]) / count


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    cluster = clusters.Cluster('bench-past', config={'full_page_writes': 'off', 'autovacuum': 'off', 'fsync': 'off'})
    cluster.remove()
    cluster.start()
    try:
        connections = [cluster.connect(cluster.create_database()) for _ in range(2)]
        for connection, statements in zip(connections, (TABLE, TABLE + ';' + TRACK)):
            with connection.cursor() as cursor:
                cursor.execute(statements.replace('{0}', str(count)))
        rows = []
        for name, change in CHANGES.items():
            for first, day in enumerate(DAYS):
                plain, captured = (written(connection, change, first, count) for connection in connections)
                rows.append([name, day, f'{plain:.0f} B', f'{captured:.0f} B'])
        measure.table(['changed', 'row of', 'not captured', 'captured'], rows)
        for connection in connections:
            connection.close()
    finally:
        cluster.remove()


if __name__ == '__main__':
    main()
