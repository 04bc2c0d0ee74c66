"""Capture inside one backend under stress, beside other extensions, and on servers of its own."""
import contextlib

import pytest

import facts


@pytest.fixture
def sale(database):
    return facts.tracked(database)


# A session's first use of a library decides whose callback runs first: the one registered last.
@pytest.mark.parametrize('first', ['kpi_ext', 'kpi_test'])
def test_rows_written_by_another_extension_at_commit_count(make_cluster, first):
    cluster = make_cluster(preload=False)

    class Own:
        sql = staticmethod(lambda statement, parameters=None: cluster.sql(statement, parameters=parameters))
        connect = staticmethod(lambda: cluster.connect())

    cluster.sql('CREATE EXTENSION kpi_ext')
    cluster.sql('CREATE EXTENSION kpi_test')
    facts.tracked(Own)
    with contextlib.closing(cluster.connect()) as connection:
        facts.rows(connection, "SELECT * FROM kpi_data.sale_daily" if first == 'kpi_ext' else "SELECT kpi_test.at_precommit('SELECT 1')")
        for end, expected in (('COMMIT', 6), ("PREPARE TRANSACTION 'p'", 12)):
            facts.rows(connection, 'BEGIN')
            facts.rows(connection, "SELECT kpi_test.at_precommit($q$INSERT INTO sale SELECT max(id) + 1, '2024-05-01', 'late', 5 FROM sale$q$)")
            facts.rows(connection, "INSERT INTO sale SELECT max(id) + 1, '2024-05-01', 'late', 1 FROM sale")
            facts.rows(connection, end)
            if end != 'COMMIT':
                facts.rows(connection, "COMMIT PREPARED 'p'")
            assert facts.rows(connection, "SELECT revenue FROM kpi_data.sale_daily WHERE country = 'late'") == [(expected,)]
            assert facts.problems(connection) == []
        # nothing but the late write: there is nothing to flush when our callback runs
        facts.rows(connection, 'BEGIN')
        facts.rows(connection, "SELECT kpi_test.at_precommit($q$UPDATE sale SET country = 'alone' WHERE country = 'late'$q$)")
        facts.rows(connection, 'COMMIT')
        assert facts.rows(connection, "SELECT revenue FROM kpi_data.sale_daily WHERE country = 'alone'") == [(12,)]
    facts.assert_exact(Own)


@pytest.mark.parametrize('stage', ['pre_commit', 'pre_prepare', 'pre_commit_sub'])
def test_a_fault_in_anothers_callback_leaves_nothing(sale, stage):
    sale.sql('CREATE EXTENSION kpi_test')
    with contextlib.closing(sale.connect()) as connection:
        facts.rows(connection, 'BEGIN')
        facts.rows(connection, "INSERT INTO sale VALUES (100, DEFAULT, 'lost', 7)")
        facts.rows(connection, 'SAVEPOINT s')
        facts.rows(connection, "INSERT INTO sale VALUES (101, DEFAULT, 'lost', 7)")
        facts.rows(connection, f"SELECT kpi_test.fail_at('{stage}')")
        with pytest.raises(Exception, match='fault injected'):
            facts.rows(connection, 'RELEASE s')
            facts.rows(connection, "PREPARE TRANSACTION 'p'" if stage == 'pre_prepare' else 'COMMIT')
        facts.rows(connection, 'ROLLBACK')
        facts.rows(connection, "INSERT INTO sale VALUES (102, DEFAULT, 'kept', 1)")
        assert facts.rows(connection, "SELECT country FROM kpi_data.sale_daily WHERE country IN ('lost', 'kept')") == [('kept',)]
    facts.assert_exact(sale)


def private_memory(connection):
    """Bytes of the backend that are not shared memory."""
    with open(f'/proc/{connection.info.backend_pid}/status') as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith('RssAnon:'))


def test_a_huge_transaction_stays_small(sale):
    """A unique dimension: every row is a key of its own. Compared with the same rows into a table that is not tracked."""
    many = 150_000
    sale.sql("CREATE TABLE plain (LIKE sale INCLUDING ALL)")
    grown = {}
    for table in ('plain', 'sale'):
        with contextlib.closing(sale.connect()) as connection:
            facts.rows(connection, "SET kpi.accumulator_memory = '4MB'")
            facts.rows(connection, 'BEGIN')
            insert = f"INSERT INTO {table} SELECT i, '2024-05-01', 'key ' || i, 1 FROM generate_series(%s, %s) i"
            facts.rows(connection, insert, (100, 1000))
            before = private_memory(connection)
            facts.rows(connection, 'SAVEPOINT s')
            facts.rows(connection, insert, (1001, many))
            facts.rows(connection, 'RELEASE s')
            grown[table] = private_memory(connection) - before
            if table == 'sale':
                facts.rows(connection, 'SAVEPOINT s')
                facts.rows(connection, 'DELETE FROM sale WHERE id % 2 = 0')
                facts.rows(connection, 'ROLLBACK TO s')
            facts.rows(connection, 'COMMIT')
    per_row = (grown['sale'] - grown['plain']) / many
    assert per_row < 80, f'{per_row:.0f} bytes a row stayed in memory: {grown}'  # a key alone takes about 200
    # one scan each: t.problems would group so many segments eight times
    seen, real = 'SELECT count(*), sum(sales), sum(revenue) FROM kpi_data.sale_daily', 'SELECT count(DISTINCT country), count(*), sum(amount) FROM sale'
    assert sale.sql(seen) == sale.sql(real) and sale.sql('SELECT count(*) FROM sale') == [(many - 100 + 11,)]
    sale.sql('DELETE FROM sale WHERE id >= 100')
    assert sale.sql(seen) == sale.sql(real) == [(3, 10, 55)]


def test_exception_blocks_cost_no_memory(sale):
    loop = """DO $$ BEGIN
        FOR i IN 1 .. %s LOOP
            BEGIN
                UPDATE sale SET amount = amount + 1 WHERE id = %s;
                IF i %% 2 = 0 THEN RAISE 'undo'; END IF;
            EXCEPTION WHEN raise_exception THEN NULL;
            END;
        END LOOP; END $$"""
    with contextlib.closing(sale.connect()) as connection:
        facts.rows(connection, 'BEGIN')
        facts.rows(connection, loop % (2000, 1))
        before = private_memory(connection)
        facts.rows(connection, loop % (100_000, -1))  # blocks that write nothing
        facts.rows(connection, loop % (4000, 2))
        grown = private_memory(connection) - before
        assert grown < 20 * 2 ** 20, f'{grown} bytes'
        assert facts.problems(connection) == []
        facts.rows(connection, 'COMMIT')
    assert sale.sql('SELECT amount FROM sale WHERE id < 3 ORDER BY id') == [(1 + 1000,), (2 + 2000,)]
    facts.assert_exact(sale)


def test_parallel_plans_see_own_changes(sale):
    sale.sql("INSERT INTO sale SELECT i, '2024-05-01', 'c' || i % 50, i FROM generate_series(100, 3000) i")
    with contextlib.closing(sale.connect()) as connection:
        for setting in ('force_parallel_mode = on', 'parallel_setup_cost = 0', 'parallel_tuple_cost = 0', 'min_parallel_table_scan_size = 0',
                        'max_parallel_workers_per_gather = 2'):
            facts.rows(connection, f'SET {setting}')
        facts.rows(connection, 'BEGIN')
        facts.rows(connection, 'DELETE FROM sale WHERE id % 3 = 0')
        assert facts.problems(connection) == []
        facts.rows(connection, 'SAVEPOINT s')
        facts.rows(connection, 'TRUNCATE sale')
        facts.rows(connection, "INSERT INTO sale VALUES (1, DEFAULT, 'after', 1)")
        assert facts.problems(connection) == []
        facts.rows(connection, 'ROLLBACK TO s')
        assert facts.problems(connection) == []
        facts.rows(connection, 'COMMIT')
        assert facts.problems(connection) == []


def test_a_hot_standby_reads_the_typed_views(make_cluster, wait_until):
    cluster = make_cluster()
    name = cluster.create_database()

    class Own:
        sql = staticmethod(lambda statement, parameters=None: cluster.sql(statement, name, parameters=parameters))
        connect = staticmethod(lambda: cluster.connect(name))

    facts.tracked(Own)
    standby = cluster.standby()
    Own.sql("INSERT INTO sale VALUES (100, DEFAULT, 'new', 7)")
    wait_until(lambda: standby.sql('SELECT 1 FROM sale WHERE id = 100', name), 'the row on the standby')
    with contextlib.closing(standby.connect(name)) as connection:
        assert facts.problems(connection) == []
        assert facts.rows(connection, "SELECT revenue FROM kpi_data.sale_daily WHERE country = 'new'") == [(7,)]
        Own.sql('TRUNCATE sale')
        Own.sql("INSERT INTO sale VALUES (101, DEFAULT, 'dirty', 9)")
        wait_until(lambda: facts.rows(connection, 'SELECT 1 FROM sale WHERE id = 101'), 'the row on the standby')
        assert facts.rows(connection, 'SELECT country, revenue FROM kpi_data.sale_daily') == [('dirty', 9)]
        assert facts.problems(connection) == []


COUNTED = """
CREATE TABLE visit (id int PRIMARY KEY, at timestamptz NOT NULL, country text, customer int, wait int);
CREATE VIEW visit_facts AS SELECT at, country, 1 AS visits, customer, wait FROM visit;
INSERT INTO visit SELECT i, '2024-05-01 10:00Z'::timestamptz + i * interval '3 hours', 'c' || i % 3, i % 7, i % 11 FROM generate_series(1, 200) i;
SELECT kpi.track('visit_facts', 'at', '{country}', 'visit', 'UTC', hour_retention => '100 years', build => 'now',
    aggregates => '{"customers": {"distinct": "customer"}, "longest": {"max": "wait"}, "shortest": {"min": "wait"}, "waits": {"percentiles": "wait"}}');
"""


def test_a_hot_standby_reads_every_counted_measure(make_cluster, wait_until):
    cluster = make_cluster(preload=False)
    name = cluster.create_database()

    class Own:
        sql = staticmethod(lambda statement, parameters=None: cluster.sql(statement, name, parameters=parameters))
        connect = staticmethod(lambda: cluster.connect(name))

    facts.install(Own)
    Own.sql(COUNTED)
    for _ in range(3):
        Own.sql('CALL kpi.work()')
    standby = cluster.standby()
    medians = "SELECT day, value FROM kpi.query('{waits}', '2024-05-01', '2024-05-30', expected => false) ORDER BY day"
    with contextlib.closing(standby.connect(name)) as connection:
        for change in ('SELECT 1', "INSERT INTO visit VALUES (1000, '2024-05-03 12:00Z', 'c0', 100, 500)", 'DELETE FROM visit WHERE id % 4 = 0',
                       'CALL kpi.work()', 'TRUNCATE visit', "INSERT INTO visit VALUES (1, '2024-05-02 10:00Z', 'c1', 3, 4)"):
            Own.sql(change)
            Own.sql('CREATE TABLE IF NOT EXISTS step (n int); INSERT INTO step VALUES (1)')
            steps = Own.sql('SELECT count(*) FROM step')
            wait_until(lambda: standby.sql("SELECT to_regclass('step') IS NOT NULL", name) == [(True,)] and standby.sql('SELECT count(*) FROM step', name) == steps,
                       'the standby')
            assert facts.problems(connection, 'visit') == [], change
            assert facts.rows(connection, medians) == Own.sql(medians), change
