"""Window capture over a table whose partitions live on two other clusters: the aggregate runs where the rows are."""
import pytest

ROWS = """CREATE TABLE pay (at timestamptz NOT NULL, country text NOT NULL, amount numeric(12, 2));
INSERT INTO pay SELECT now() - g * interval '11 minutes', %s, g %% 100 + 0.25 FROM generate_series(1, %s) g;
ANALYZE pay"""
COUNTRIES = ['MX', 'ES']


@pytest.fixture
def remote(make_cluster):
    """(coordinator, its database, the clusters that hold the rows)"""
    holders = [make_cluster(preload=False, config={'log_statement': 'all'}) for _ in COUNTRIES]
    for country, holder in zip(COUNTRIES, holders):
        holder.sql(ROWS, 'postgres', parameters=(country, 20000))
    coordinator = make_cluster(preload=False)
    name = coordinator.create_database()
    coordinator.sql('CREATE EXTENSION postgres_fdw; CREATE TABLE pay (at timestamptz NOT NULL, country text NOT NULL, '
                    'amount numeric(12, 2)) PARTITION BY LIST (country)', name)
    for country, holder in zip(COUNTRIES, holders):
        coordinator.sql(f"""
            CREATE SERVER {country} FOREIGN DATA WRAPPER postgres_fdw
                OPTIONS (host '{holder.socket}', port '{holder.config["port"]}', dbname 'postgres');
            CREATE USER MAPPING FOR CURRENT_USER SERVER {country};
            CREATE FOREIGN TABLE pay_{country} PARTITION OF pay FOR VALUES IN ('{country}')
                SERVER {country} OPTIONS (table_name 'pay');
            ANALYZE pay_{country}""", name)
    coordinator.sql("CREATE VIEW pay_facts AS SELECT at, country, 1 AS payments, amount FROM pay; "
                    "SELECT kpi.track('pay_facts', 'at', '{country}', 'pay', 'Europe/Madrid', lookback => '3 days')", name)
    return coordinator, name, holders


def aggregates(holder, mark):
    return [line for line in holder.log_since(mark).splitlines() if 'GROUP BY' in line and 'sum(amount)' in line]


def test_build_and_window_aggregate_where_the_rows_are(remote):
    coordinator, name, holders = remote
    marks = [holder.mark() for holder in holders]
    coordinator.sql('CALL kpi.work()', name)
    for holder, mark in zip(holders, marks):
        assert aggregates(holder, mark), 'the build fetched rows instead of sums'
    assert coordinator.sql('SELECT count(*) FROM kpi.dirty', name) == [(0,)]
    assert coordinator.sql('SELECT sum(n), sum(m2) FROM kpi_data.pay_rollup_day WHERE level = 0', name) == \
        coordinator.sql('SELECT count(*)::numeric, sum(amount) FROM pay', name)
    assert coordinator.sql("SELECT count(*) FROM kpi.verify('pay')", name) == [(0,)]

    holders[0].sql("INSERT INTO pay VALUES (now(), 'MX', 1000000)", 'postgres')
    marks = [holder.mark() for holder in holders]
    coordinator.sql('CALL kpi.work()', name)
    for holder, mark in zip(holders, marks):
        lines = aggregates(holder, mark)
        assert lines, 'the window fetched rows instead of sums'
        assert all('at >=' in line for line in lines), 'the window must not read the history'
    assert coordinator.sql("SELECT count(*) FROM kpi.verify('pay')", name) == [(0,)]


def test_a_holder_that_is_down_is_an_error_of_this_source_and_heals(remote):
    coordinator, name, holders = remote
    coordinator.sql('CALL kpi.work()', name)
    holders[1].stop()
    coordinator.sql('CALL kpi.work()', name)
    assert 'could not connect' in coordinator.sql('SELECT last_error FROM kpi.source_state', name)[0][0]
    assert coordinator.sql('SELECT sum(n) FROM kpi_data.pay_rollup_day WHERE level = 0', name) == [(40000,)]
    holders[1].restart()
    coordinator.sql('CALL kpi.work()', name)
    assert coordinator.sql("SELECT count(*) FROM kpi.verify('pay')", name) == [(0,)]
