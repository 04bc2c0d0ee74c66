"""The 25,900 invoices of test/data/online_retail: every additive KPI and every ratio of every truth file, by hour of the
clock, ISO week and month, and cut into days in three time zones. Left out: median_order_value and customers, which are
not additive, so no sum of anything gives them. new_customers is additive: each customer has one first invoice."""
import truth

TABLE = '''
    CREATE TABLE invoices (invoice_no text PRIMARY KEY, created_at timestamp, country text, source text, customer_id int,
        status text, lines int, units int, amount numeric, is_first boolean NOT NULL DEFAULT false);
    '''
# What an order system knows when it writes the invoice.
FIRST = '''
    UPDATE invoices SET is_first = true WHERE invoice_no IN (
        SELECT DISTINCT ON (customer_id) invoice_no FROM invoices WHERE status = 'success' AND customer_id IS NOT NULL
         ORDER BY customer_id, created_at, invoice_no COLLATE "C")
    '''

SUMS = {
    'invoices': '1',
    'success': "(status = 'success')::int",
    'cancelled': "(status = 'cancelled')::int",
    'adjustment': "(status = 'adjustment')::int",
    'zero': "(status = 'zero')::int",
    'lines': 'lines',
    'units_sold': "CASE WHEN status = 'success' THEN units ELSE 0 END",
    'gross_revenue': "CASE WHEN status = 'success' THEN amount ELSE 0 END",
    'refunds': "CASE WHEN status = 'cancelled' THEN -amount ELSE 0 END",
    'net_revenue': 'amount',
    'new_customers': 'is_first::int',
}
RATIOS = {
    'success_rate': '1.0 * success{0} / (success{0} + cancelled{0})',
    'avg_order_value': 'gross_revenue{0} / success{0}',
}
NOT_ADDITIVE = {'median_order_value', 'customers'}


def facts_view(name, suffix=''):
    columns = ', '.join(f'{expression} AS {measure}{suffix}' for measure, expression in SUMS.items())
    return f'CREATE VIEW {name} AS SELECT created_at, country, source, {columns} FROM invoices;'


def define_ratios(database, suffix=''):
    for ratio, formula in RATIOS.items():
        database.sql('SELECT kpi.define(%s, %s)', (ratio + suffix, formula.format(suffix)))


def iso_week(day):
    return '%d-W%02d' % day.isocalendar()[:2]


FILES = [
    ('truth_day.csv', 'day', [], 'day', str),
    ('truth_week.csv', 'iso_week', [], 'week', iso_week),
    ('truth_month.csv', 'month', [], 'month', lambda day: f'{day:%Y-%m}'),
    ('truth_day_country.csv', 'day', ['country'], 'day', str),
    ('truth_day_country_source.csv', 'day', ['country', 'source'], 'day', str),
]


def check(database, moment):
    for name, key, by, grain, label in FILES:
        expected = truth.Truth(f'online_retail/{name}', [key, *by], SUMS, RATIOS)
        found = truth.ask(database, SUMS, RATIOS, '2010-12-01', '2011-12-09', by, grain, label)
        expected.compare(found, f'kpi.query {name} {moment}')
    # The hours of the clock add up to the days too.
    expected = truth.Truth('online_retail/truth_day_country_source.csv', ['day', 'country', 'source'], SUMS)
    for view in ('invoices_daily', 'invoices_hourly'):
        sums = ', '.join(f'sum({measure})' for measure in SUMS)
        found = {(str(row[0]), row[1], row[2]): dict(zip(SUMS, row[3:])) for row in database.sql(
            f'SELECT day, country, source, {sums} FROM kpi_data.{view} GROUP BY day, country, source')}
        expected.compare(found, f'{view} {moment}')


def test_truth_files_have_no_column_that_is_forgotten():
    for name, key, by, _, _ in FILES:
        assert set(truth.rows(f'online_retail/{name}')[0]) == {key, *by, *SUMS, *RATIOS, *NOT_ADDITIVE}


def test_every_kpi_of_the_shop(unattended):
    database = unattended
    database.sql(TABLE)
    database.sql(facts_view('invoice_facts'))
    # All hours are kept: the history is fifteen years old.
    database.sql("SELECT kpi.track('invoice_facts', 'created_at', '{country,source}', 'invoices', 'Europe/London', "
                 "hour_retention => '100 years')")
    define_ratios(database)
    database.sql('CALL kpi.work()')
    assert truth.copy_csv(database, 'online_retail/invoices.csv.gz', 'invoices') == 25900
    database.sql(FIRST)
    assert database.sql('SELECT count(*) > 0 FROM kpi_data.invoices_delta') == [(True,)]
    check(database, 'before the merge')
    database.sql('SELECT kpi.merge()')
    assert database.sql('SELECT count(*) FROM kpi_data.invoices_delta') == [(0,)]
    check(database, 'after the merge')
    database.sql("SELECT kpi.rebuild('invoices')")
    check(database, 'after the rebuild')
    assert database.sql("SELECT * FROM kpi.verify('invoices')") == []


def test_days_of_three_zones_over_one_table(unattended):
    """The times are read as UTC instants; every zone cuts its own days."""
    database = unattended
    database.sql(TABLE.replace('created_at timestamp', 'created_at timestamptz'))
    zones = {'UTC': '_utc', 'America/Los_Angeles': '_la', 'Asia/Tokyo': '_tokyo'}
    for zone, suffix in zones.items():
        database.sql(facts_view(f'facts{suffix}', suffix))
        database.sql('SELECT kpi.track(%s, %s, %s, %s, %s)',
                     (f'facts{suffix}', 'created_at', ['country', 'source'], f'invoices{suffix}', zone))
        define_ratios(database, suffix)
    database.sql('CALL kpi.work()')
    truth.copy_csv(database, 'online_retail/invoices.csv.gz', 'invoices')
    database.sql(FIRST)
    for moment in ('before the merge', 'after the merge'):
        for zone, suffix in zones.items():
            expected = truth.Truth('online_retail/truth_day_tz.csv', ['day'], SUMS, RATIOS, lambda row: row['tz'] == zone)
            found = truth.ask(database, [name + suffix for name in SUMS], [name + suffix for name in RATIOS], '2010-11-30', '2011-12-10',
                              rename=lambda metric: metric[:-len(suffix)])
            expected.compare(found, f'{zone} {moment}')
        database.sql('SELECT kpi.merge()')
