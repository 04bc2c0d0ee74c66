#!/usr/bin/python3
"""A delta's life under full load: does the queue of changes keep a bounded size while writers never pause?

    bench/delta/run.py [MINUTES]        default: 60

Eight clients insert single rows as fast as they can; the worker merges and autovacuum runs, on the same cores. A line
every half minute (ten in a short run): size of the delta, rows that wait. At the end the largest size in either half of the
run, alike where it is bounded, and the number of faults that kpi.verify finds. A server of its own (build/clusters/bench-delta).
"""
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))

from measure import Bench, head, row  # noqa: E402

CLIENTS = 8
SETUP = """
CREATE TABLE payments (id bigserial, at timestamptz NOT NULL, country text, amount numeric(12, 2));
CREATE VIEW payment_facts AS SELECT at, country, 1 AS payments, amount AS revenue FROM payments;
SELECT kpi.track('payment_facts', 'at', '{country}', 'pay', 'UTC');
"""
INSERT = "INSERT INTO payments (at, country, amount) VALUES (now(), 'c' || (50 * power(random(), 3))::int, 1.5);\n"
LOOK = """SELECT pg_table_size('kpi_data.pay_delta') / 1024, (SELECT count(*) FROM kpi_data.pay_delta),
    (SELECT count(*) FROM payments)"""


def main(minutes):
    bench = Bench('delta')
    try:
        bench.sql(SETUP)
        bench.drain(['pay'])
        seconds = int(minutes * 60)
        load = threading.Thread(target=bench.pgbench, args=({'insert': INSERT}, CLIENTS, seconds))
        load.start()
        began, sizes = time.monotonic(), []
        head(['second', 'delta, kB', 'rows that wait', 'rows written'])
        while load.is_alive():
            load.join(min(30, seconds / 10))
            size, waiting, written = bench.sql(LOOK)[0]
            sizes.append(size)
            row([f'{time.monotonic() - began:.0f}', str(size), str(waiting), str(written)])
        middle = len(sizes) // 2
        print(f'largest in the first half {max(sizes[:middle])} kB, in the second {max(sizes[middle:])} kB')
        bench.drain(['pay'])
        print('faults:', bench.sql("SELECT count(*) FROM kpi.verify('pay')")[0][0])
    finally:
        bench.close()


if __name__ == '__main__':
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 60)
