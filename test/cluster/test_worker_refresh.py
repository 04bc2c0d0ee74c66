"""Materialized views on top of KPIs: who is dirty, how it is refreshed, as whom."""
import psycopg2
import pytest

from watched import drained, make_source, running, set_for, status, worker


def refreshed(database, view):
    rows = database.sql(f"SELECT refreshed_at FROM kpi.view WHERE view = '{view}'::regclass")
    return rows[0][0] if rows else None


def built(database, wait_until):
    make_source(database)
    set_for(database, 'kpi.refresh_interval', '1s', wait_until)
    wait_until(lambda: drained(database), 'the build')


def total(database, view):
    return database.sql(f'SELECT sum(pays) FROM {view}')[0][0]


VIEWS = {
    'typed view': 'SELECT day, country, pays FROM kpi_data.pay_daily',
    'facts view': 'SELECT at::date AS day, country, sum(pays) AS pays FROM pay_facts GROUP BY 1, 2',
    'base table': 'SELECT at::date AS day, country, count(*) AS pays FROM pay GROUP BY 1, 2',
    'view of a view': 'SELECT * FROM above',
}


@pytest.mark.parametrize('reads', VIEWS)
def test_a_watched_view_follows_its_source(database, wait_until, reads):
    built(database, wait_until)
    database.sql('CREATE VIEW above AS SELECT day, country, pays FROM kpi_data.pay_daily')
    database.sql(f'CREATE MATERIALIZED VIEW mv AS {VIEWS[reads]}')
    assert database.sql("SELECT source FROM kpi._view_sources('mv'::regclass)") == [('pay',)]
    database.sql("SELECT kpi.watch_view('mv')")
    database.sql("INSERT INTO pay (country, amount) SELECT 'c' || i % 3, i FROM generate_series(1, 30) i")
    wait_until(lambda: total(database, 'mv') == 30, 'the refresh')
    database.sql("INSERT INTO pay (country, amount) VALUES ('x', 1)")
    wait_until(lambda: total(database, 'mv') == 31, 'the next refresh')


def test_a_view_of_another_source_is_left_alone(database, wait_until):
    built(database, wait_until)
    make_source(database, 'sale')
    wait_until(lambda: drained(database, 'sale'), 'the build')
    for name in ('pay', 'sale'):
        database.sql(f'CREATE MATERIALIZED VIEW mv_{name} AS SELECT day, country, {name}s FROM kpi_data.{name}_daily')
        database.sql(f"SELECT kpi.watch_view('mv_{name}')")
    wait_until(lambda: refreshed(database, 'mv_pay') and refreshed(database, 'mv_sale'), 'the first refresh of both')
    pay, sale = refreshed(database, 'mv_pay'), refreshed(database, 'mv_sale')
    database.sql("INSERT INTO sale (country, amount) VALUES ('x', 1)")
    wait_until(lambda: refreshed(database, 'mv_sale') > sale, 'the refresh')
    assert refreshed(database, 'mv_pay') == pay
    assert status(database)['views']['public.mv_sale']['sources'] == ['sale']


def test_not_more_often_than_the_interval(database, wait_until):
    built(database, wait_until)
    database.sql('CREATE MATERIALIZED VIEW mv AS SELECT day, pays FROM kpi_data.pay_daily')
    database.sql("SELECT kpi.watch_view('mv')")
    wait_until(lambda: refreshed(database, 'mv'), 'the first refresh')
    set_for(database, 'kpi.refresh_interval', '1h', wait_until)
    first = refreshed(database, 'mv')
    database.sql("INSERT INTO pay (country, amount) VALUES ('x', 1)")
    wait_until(lambda: drained(database), 'the merge')
    rounds = worker(database)['rounds']
    wait_until(lambda: worker(database)['rounds'] >= rounds + 2, 'two more rounds')
    assert refreshed(database, 'mv') == first
    assert database.sql('SELECT kpi.refresh()') == [(1,)], 'by hand, whatever the interval'
    assert refreshed(database, 'mv') > first
    assert database.sql('SELECT kpi.refresh()') == [(0,)], 'clean now'


def oid_of_file(database, view):
    return database.sql(f"SELECT pg_relation_filenode('{view}')")[0][0]


def test_concurrently_where_it_can_be(database, wait_until):
    """A concurrent refresh keeps the file of the view, an ordinary one writes a new one."""
    built(database, wait_until)
    database.sql("INSERT INTO pay (country, amount) VALUES ('x', 1)")
    database.sql('CREATE MATERIALIZED VIEW mv AS SELECT day, country, pays FROM kpi_data.pay_daily WITH NO DATA')

    def refresh(arguments=''):
        before = oid_of_file(database, 'mv')
        database.sql(f"SELECT kpi.refresh('mv'{arguments})")
        return 'exclusive' if oid_of_file(database, 'mv') != before else 'concurrent'
    database.sql('CREATE UNIQUE INDEX partial ON mv (day, country) WHERE pays > 0')
    assert refresh() == 'exclusive', 'not filled'
    assert database.sql("SELECT count(*) > 0 FROM pg_stats WHERE tablename = 'mv'") == [(True,)], 'analyzed: it was new'
    assert refresh() == 'exclusive', 'no suitable index'
    database.sql('CREATE UNIQUE INDEX whole ON mv (day, country)')
    assert refresh() == 'concurrent'
    assert refresh(', concurrently => false') == 'exclusive'


def test_as_its_owner_and_restricted(database, wait_until):
    """A function in the view sees the owner as current_user, not the worker; one that tries to escape fails alone."""
    built(database, wait_until)
    owner = f'owner_{database.name}'
    database.sql(f'CREATE ROLE {owner} LOGIN; GRANT CREATE ON SCHEMA public TO {owner}; GRANT SELECT ON pay_facts TO {owner}')
    try:
        database.sql("CREATE FUNCTION who() RETURNS text LANGUAGE sql STABLE AS 'SELECT current_user::text';"
                     "CREATE FUNCTION escape() RETURNS text LANGUAGE plpgsql AS 'BEGIN SET ROLE postgres; RETURN current_user; END';"
                     'CREATE MATERIALIZED VIEW mv_who AS SELECT public.who() AS who, count(*) FROM pay_facts WITH NO DATA;'
                     'CREATE MATERIALIZED VIEW mv_escape AS SELECT public.escape() AS who, count(*) FROM pay_facts WITH NO DATA',
                     user=owner)
        database.sql("SELECT kpi.watch_view('mv_who'), kpi.watch_view('mv_escape')")
        wait_until(lambda: refreshed(database, 'mv_who'), 'the refresh')
        assert database.sql('SELECT who FROM mv_who') == [(owner,)]
        error = "SELECT last_error FROM kpi.view WHERE view = 'mv_escape'::regclass"
        wait_until(lambda: database.sql(error)[0][0], 'the error')
        assert database.sql(error)[0][0].startswith('42501: ')
        assert refreshed(database, 'mv_escape') is None
    finally:
        database.sql(f'DROP OWNED BY {owner} CASCADE; DROP ROLE {owner}')


def test_only_its_owner_may(database, wait_until):
    running(database, wait_until)
    role = f'stranger_{database.name}'
    database.sql(f'CREATE ROLE {role} LOGIN; GRANT EXECUTE ON FUNCTION kpi.refresh, kpi.watch_view, kpi.unwatch_view TO {role};'
                 'CREATE MATERIALIZED VIEW mv AS SELECT 1 AS one')
    try:
        for function in ('refresh', 'watch_view', 'unwatch_view'):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege, match='must be owner of materialized view public.mv'):
                database.sql(f"SELECT kpi.{function}('mv')", user=role)
    finally:
        database.sql(f'DROP OWNED BY {role}; DROP ROLE {role}')


def test_a_dropped_view_is_forgotten(database, wait_until):
    built(database, wait_until)
    database.sql('CREATE MATERIALIZED VIEW mv AS SELECT day FROM kpi_data.pay_daily')
    database.sql('CREATE MATERIALIZED VIEW other AS SELECT day, pays FROM kpi_data.pay_daily')
    database.sql("SELECT kpi.watch_view('mv')")
    wait_until(lambda: refreshed(database, 'mv'), 'the refresh')
    database.sql('DROP MATERIALIZED VIEW mv')
    database.sql("SELECT kpi.watch_view('other')")
    assert database.sql('SELECT view::text FROM kpi.view') == [('other',)]
    wait_until(lambda: refreshed(database, 'other'), 'the refresh of the other')
    with pytest.raises(psycopg2.errors.WrongObjectType):
        database.sql("SELECT kpi.watch_view('pay')")
