"""Window capture over a table whose partitions live on two other clusters: every aggregate runs where the rows are."""
import re

import pytest

TABLE = 'id int, at timestamptz, country text, amount numeric(12, 2)'
EXPECTED = """SELECT (at AT TIME ZONE 'America/New_York')::date, country, count(*), sum(amount) FROM orders
 GROUP BY 1, 2 ORDER BY 1, 2"""
SHOWN = 'SELECT day, country, orders, amount FROM kpi_data.o_daily ORDER BY 1, 2'


class Federation:
    def __init__(self, make_cluster):
        self.remotes = {'east': make_cluster(preload=False, config={'log_statement': 'all'}),
                        'west': make_cluster(preload=False, config={'log_statement': 'all'})}
        self.cluster = make_cluster(preload=False)
        self.name = self.cluster.create_database()
        self.sql('CREATE EXTENSION postgres_fdw')
        self.sql(f'CREATE TABLE orders ({TABLE}) PARTITION BY LIST (country)')
        for name, countries in (('east', ['MX', 'BR']), ('west', ['ES', 'FR'])):
            remote = self.remotes[name]
            remote.sql(f'CREATE TABLE orders ({TABLE})')
            remote.sql("INSERT INTO orders SELECT g, now() - g * interval '37 minutes', (%s::text[])[1 + g %% 2], g * 1.25 "
                       'FROM generate_series(1, 3000) g', parameters=(countries,))
            self.sql(f"CREATE SERVER {name} FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '{remote.socket}', "
                     f"port '{remote.port}', dbname 'postgres')")
            self.sql(f'CREATE USER MAPPING FOR CURRENT_USER SERVER {name}')
            self.sql(f"CREATE FOREIGN TABLE orders_{name} PARTITION OF orders FOR VALUES IN ('{countries[0]}', "
                     f"'{countries[1]}') SERVER {name} OPTIONS (table_name 'orders')")
        self.sql('CREATE VIEW order_facts AS SELECT at, country, 1 AS orders, amount FROM orders')
        connection = self.cluster.connect(self.name)
        connection.cursor().execute("SELECT kpi.track('order_facts', 'at', '{country}', 'o', 'America/New_York', "
                                    "lookback => '3 days', hour_retention => '10 years')")
        self.notices = ''.join(connection.notices)
        connection.close()

    def sql(self, statement):
        return self.cluster.sql(statement, self.name)

    def work(self):
        self.sql('CALL kpi.work()')

    def faults(self):
        return self.sql("SELECT DISTINCT bucket, measure FROM kpi.verify('o')")

    def queries(self, action):
        """What the two clusters were asked for while `action` ran: the queries of their cursors."""
        marks = {name: remote.mark() for name, remote in self.remotes.items()}
        action()
        return {name: re.findall(r'DECLARE c\d+ CURSOR FOR\s+(SELECT .*)', remote.log_since(marks[name]))
                for name, remote in self.remotes.items()}


@pytest.fixture
def federation(make_cluster):
    return Federation(make_cluster)


def assert_aggregated(queries):
    """Rows cross the wire as sums; the only others are the first and last time, read through a cursor that stops."""
    for name, sent in queries.items():
        sums = [query for query in sent if 'GROUP BY' in query]
        assert sums, f'{name} was asked for no aggregate: {sent}'
        assert all('sum(' in query and 'count(*)' in query for query in sums)
        assert all('GROUP BY' in query or re.fullmatch(r'SELECT at FROM public.orders WHERE .* ORDER BY at \S.*', query)
                   for query in sent), sent


def test_the_aggregate_runs_where_the_rows_are(federation):
    assert re.search(r'NOTICE:.*public.order_facts gets window capture: partition public.orders_\w+ of public.orders is a '
                     r'foreign table', federation.notices)
    assert re.search(r'last 3 days .*kpi.rebuild; one full read costs \d+', federation.notices, re.S)
    expected = federation.sql(EXPECTED)
    shown = []
    # Building: every day is dirty, and the view of the reader is exact all the same.
    assert_aggregated(federation.queries(lambda: shown.extend(federation.sql(SHOWN))))
    assert shown == expected
    assert_aggregated(federation.queries(federation.work))
    assert federation.sql('SELECT * FROM kpi.dirty') == []
    assert federation.sql(SHOWN) == expected and federation.faults() == []
    # Built: a read asks nobody, a recompute asks for its days only.
    assert federation.queries(lambda: federation.sql(SHOWN)) == {'east': [], 'west': []}
    recompute = federation.queries(federation.work)
    assert_aggregated(recompute)
    assert all(re.search(r"at >= '2", query) for query in recompute['east'] if 'GROUP BY' in query)


def test_late_rows_wait_for_lookback_or_for_a_rebuild(federation):
    federation.work()
    east = federation.remotes['east']
    computed = 'SELECT computed_at FROM kpi.source_state'
    before = federation.sql(computed)
    east.sql("INSERT INTO orders VALUES (9001, now() - interval '1 day', 'MX', 100)")
    assert federation.sql(SHOWN) != federation.sql(EXPECTED)  # the window is as old as computed_at says
    federation.work()
    assert federation.sql(SHOWN) == federation.sql(EXPECTED) and federation.faults() == []
    assert federation.sql(computed) > before

    east.sql("INSERT INTO orders VALUES (9002, now() - interval '20 days', 'BR', 100)")
    east.sql("UPDATE orders SET amount = amount + 1 WHERE at BETWEEN now() - interval '41 days' AND now() - interval '40 days'")
    federation.work()
    assert federation.sql(SHOWN) != federation.sql(EXPECTED) and federation.faults() != []
    federation.sql("SELECT kpi.rebuild('o', now() - interval '21 days', now() - interval '19 days')")
    assert {row[0].date() for row in federation.faults()} <= \
        {row[0] for row in federation.sql("SELECT (now() - g * interval '1 day')::date FROM generate_series(39, 42) g")}
    federation.sql("SELECT kpi.rebuild('o')")
    assert federation.sql(SHOWN) == federation.sql(EXPECTED) and federation.faults() == []


def test_a_remote_cluster_that_is_down_leaves_the_numbers_standing(federation):
    federation.work()
    expected = federation.sql(EXPECTED)
    federation.remotes['west'].stop()
    federation.work()  # the error is the source's
    assert '08' in federation.sql('SELECT last_error FROM kpi.source_state')[0][0][:2]
    assert federation.sql(SHOWN) == expected
    federation.remotes['west'].restart()
    federation.work()
    assert federation.faults() == []
