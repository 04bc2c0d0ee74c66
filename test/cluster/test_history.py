"""The steward keeps what a day was when it was over, soon after midnight, by itself."""
from clocks import clock, clocked  # noqa: F401 (fixtures)
from watched import make_source


def test_a_day_is_kept_as_it_was_at_midnight(clocked, clock, wait_until):  # noqa: F811
    clocked.sql(f"ALTER DATABASE {clocked.name} SET timezone = 'UTC'")
    make_source(clocked, options=", timezone => 'UTC'")
    clocked.sql("INSERT INTO pay (country, amount) VALUES ('MX', 10), ('ES', 20)")
    clocked.sql("SELECT kpi.keep_history('pays'), kpi.keep_history('pay_revenue', by => '{country}')")
    wait_until(lambda: clocked.sql('SELECT count(*) FROM kpi.history_state') == [(2,)], 'the steward')
    assert clocked.sql('SELECT count(*) FROM kpi.first_seen') == [(0,)], 'the day is not over'
    day, = clocked.sql('SELECT current_date')[0]
    clock.set(24)
    wait_until(lambda: clocked.sql('SELECT count(*) FROM kpi.first_seen') == [(2,)], 'the day')
    clocked.sql("INSERT INTO pay (at, country, amount) VALUES (%s, 'MX', 5)", (f'{day} 00:00:01+00',))
    wait_until(lambda: clocked.sql("SELECT first_seen, today FROM kpi.restatements('pays')") == [(2, 3)], 'what came late')
    assert clocked.sql("SELECT segment, first_seen, today FROM kpi.restatements('pay_revenue', by => '{country}')") == [({'country': 'MX'}, 10, 15)]
    clock.set(48)
    wait_until(lambda: clocked.sql('SELECT count(*) FROM kpi.first_seen') == [(4,)], 'the next day')
    assert clocked.sql("SELECT first_seen FROM kpi.restatements('pays', only_changed => false) ORDER BY bucket") in ([(2,), (0,)], [(2,), (None,)])
