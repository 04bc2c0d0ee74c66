"""kpi.install_sales beside writers: what it holds, and for how long."""
import threading
import time

TABLES = '''
    CREATE TABLE leads (id bigserial PRIMARY KEY, created_at timestamptz DEFAULT now(), country text DEFAULT 'MX', source text DEFAULT 'ads');
    CREATE TABLE payments (id bigserial PRIMARY KEY, created_at timestamptz DEFAULT now(), country text DEFAULT 'MX',
        source text DEFAULT 'ads', status text DEFAULT 'paid', amount numeric(12,2) DEFAULT 10);
    INSERT INTO leads (created_at) SELECT now() - n * interval '1 minute' FROM generate_series(1, 100000) n;
    INSERT INTO payments (created_at) SELECT now() - n * interval '1 minute' FROM generate_series(1, 100000) n;
    '''


def test_writers_go_on_while_the_pack_waits_for_an_open_transaction(database, wait_until):
    database.sql(TABLES)
    stop, worst, failures = threading.Event(), {'leads': 0.0, 'payments': 0.0}, []

    def write(table):
        connection = database.connect()
        try:
            with connection.cursor() as cursor:
                while not stop.is_set():
                    began = time.monotonic()
                    cursor.execute(f'INSERT INTO {table} DEFAULT VALUES')
                    worst[table] = max(worst[table], time.monotonic() - began)
                    stop.wait(0.005)
        except Exception as failure:
            failures.append(failure)
        finally:
            connection.close()

    # The table that is locked second is busy: the first must not stay locked meanwhile.
    holder = database.connect(autocommit=False)
    holder.cursor().execute('INSERT INTO payments DEFAULT VALUES')
    threads = [threading.Thread(target=write, args=[table]) for table in ('leads', 'payments') * 3]
    for thread in threads:
        thread.start()
    installed = threading.Event()

    def install():
        try:
            database.sql('SELECT kpi.install_sales()')
        except Exception as failure:
            failures.append(failure)
        installed.set()

    installer = threading.Thread(target=install)
    installer.start()
    held = 5.0
    assert not installed.wait(held), 'the pack must wait for the open transaction'
    during = dict(worst)
    holder.commit()
    holder.close()
    wait_until(installed.is_set, 'the pack to be installed')
    stop.set()
    for thread in [installer, *threads]:
        thread.join()
    assert not failures
    # Without short tries a writer would have waited for as long as the transaction was open.
    assert max(during.values()) < held / 4, during
    wait_until(lambda: database.sql('SELECT count(*) FROM kpi.dirty') == [(0,)], 'the build')
    wait_until(lambda: database.sql("SELECT bool_and(relispopulated) FROM pg_class WHERE relname ~ '^mv_kpi'") == [(True,)],
               'the worker to fill the materialized views')
    assert database.sql("SELECT * FROM kpi.verify('leads') UNION ALL SELECT * FROM kpi.verify('payments')") == []
    assert database.sql("SELECT sum(value) = (SELECT count(*) FROM leads) FROM kpi.query('{leads}', '2020-01-01', max_rows => 100000)") == [(True,)]


def test_the_pack_survives_dump_and_restore(database, wait_until):
    import os
    import subprocess

    import cluster as clusters
    database.sql(TABLES)
    database.sql('SELECT kpi.install_sales()')
    wait_until(lambda: database.sql('SELECT count(*) FROM kpi.dirty') == [(0,)], 'the build')
    copy = database.cluster.create_database(extension=False)
    environment = {**os.environ, **database.cluster.environment()}
    dump = subprocess.run([os.path.join(clusters.BIN, 'pg_dump'), '-Fc', database.name], env=environment, check=True, stdout=subprocess.PIPE)
    subprocess.run([os.path.join(clusters.BIN, 'pg_restore'), '-d', copy, '--exit-on-error'], env=environment, check=True, input=dump.stdout)
    sql = lambda statement: database.cluster.sql(statement, copy)  # noqa: E731
    assert sql('SELECT count(*) FROM kpi.sales_object') == [(5,)]
    assert sql("SELECT * FROM kpi.verify('leads') UNION ALL SELECT * FROM kpi.verify('payments')") == []
    sql('INSERT INTO leads DEFAULT VALUES')
    assert sql("SELECT value = (SELECT count(*) FROM leads WHERE created_at >= date_trunc('day', now())) FROM kpi.query('{leads}', 'today')") == [(True,)]
    sql('SELECT kpi.uninstall_sales()')
    assert sql("SELECT count(*) FROM pg_class WHERE relname ~ '^mv_kpi|_facts$'") == [(0,)]
    database.cluster.sql(f'DROP DATABASE "{copy}" WITH (FORCE)')
