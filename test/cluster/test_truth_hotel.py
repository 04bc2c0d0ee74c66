"""The 40,060 bookings of test/data/hotel_resort, two sources over one table with two clocks: every KPI of every truth file,
through kpi.query and through the typed views, before the merge, after it and after a rebuild."""
import random
from decimal import Decimal

import truth

COLUMNS = '''
    booking_id int PRIMARY KEY, booked_on date, arrival_on date, status_on date, status text, country text,
    market_segment text, distribution_channel text, customer_type text, deposit_type text, agent int, company int,
    repeated_guest int, booking_changes int, adults int, children int, babies int, nights int, adr numeric, amount numeric'''

FACTS = '''
    CREATE VIEW lead_facts AS
    SELECT booked_on, country, market_segment AS source,
           1 AS leads,
           (status = 'Check-Out')::int AS leads_converted,
           amount AS leads_value,
           agent, company, nights, adr
      FROM bookings;
    CREATE VIEW payment_facts AS
    SELECT status_on, country, market_segment AS source,
           1 AS payments,
           (status = 'Check-Out')::int AS success,
           (status = 'Canceled')::int AS cancelled,
           (status = 'No-Show')::int AS no_show,
           CASE WHEN status = 'Check-Out' THEN amount ELSE 0 END AS revenue,
           CASE WHEN status = 'Check-Out' THEN 0 ELSE amount END AS lost_revenue
      FROM bookings;
    SELECT kpi.track('lead_facts', 'booked_on', '{country,source}', 'leads', 'UTC',
                     aggregates => '{"agents": {"distinct": "agent"}, "companies": {"distinct": "company"},
                                      "stay": {"percentiles": "nights"}, "rate": {"percentiles": "adr"},
                                      "first_adr": {"first": "adr"}, "last_adr": {"last": "adr"}}');
    SELECT kpi.track('payment_facts', 'status_on', '{country,source}', 'payments', 'UTC');
    '''

METRICS = '''
    SELECT kpi.define('stay_p50', 'median(stay)');
    SELECT kpi.define('stay_p90', 'percentile(stay, 0.9)');
    SELECT kpi.define('rate_p50', 'percentile(rate, 0.5)');
    SELECT kpi.define('rate_p90', 'percentile(rate, 0.9)');
    SELECT kpi.define('conversion_rate', '1.0 * leads_converted / leads');
    SELECT kpi.define('success_rate', '1.0 * success / payments');
    '''

LEADS = ['leads', 'leads_converted', 'leads_value']
PAYMENTS = ['payments', 'success', 'cancelled', 'no_show', 'revenue', 'lost_revenue']
RATIOS = ['conversion_rate', 'success_rate']

FILES = [('truth_day.csv', []), ('truth_day_country.csv', ['country']), ('truth_day_source.csv', ['source']),
         ('truth_day_country_source.csv.gz', ['country', 'source'])]


def all_files():
    for name, by in FILES:
        yield truth.Truth(f'hotel_resort/{name}', ['day', *by], LEADS + PAYMENTS, RATIOS), by


def check_query(database, moment):
    for expected, by in all_files():
        found = truth.ask_by_month(database, LEADS + PAYMENTS, RATIOS, range(2013, 2018), by)
        expected.compare(found, f'kpi.query by {by} {moment}')


def check_typed_views(database, moment):
    """Ratios are no columns there."""
    for expected, by in all_files():
        found = {}
        for view, measures in (('leads_daily', LEADS), ('payments_daily', PAYMENTS)):
            keys = ', '.join(['day', *by])
            sums = ', '.join(f'sum({measure})' for measure in measures)
            for row in database.sql(f'SELECT {keys}, {sums} FROM kpi_data.{view} GROUP BY {keys}'):
                key = (str(row[0]), *row[1:1 + len(by)])
                found.setdefault(key, {}).update(zip(measures, row[1 + len(by):]))
        expected.compare(found, f'typed views by {by} {moment}', ratios=False)


def check_distinct(database, moment):
    """By day, month and over everything, in all and by country: coarser than the segments that are kept."""
    expected = {}
    for row in truth.rows('hotel_resort/truth_distinct.csv.gz'):
        key = (row['grain'], row['by'], row['bucket'], row['country'] or None)
        expected[key] = (int(row['agents']), int(row['companies']))
    found = {}
    for grain, length in (('day', 10), ('month', 7), ('total', 0)):
        for by in ('', 'country'):
            for day, country, metric, value in database.sql(
                    "SELECT day::text, segment ->> 'country', metric, value FROM kpi.query('{agents,companies}', "
                    "'2013-01-01', '2017-12-31', by => %s, grain => %s, max_rows => NULL, expected => false)",
                    (f'{{{by}}}', grain)):
                found.setdefault((grain, by, day[:length], country), {})[metric] = int(value)
    for key, pair in expected.items():
        assert found.pop(key) == dict(zip(('agents', 'companies'), pair)), f'{key} {moment}'
    assert {value for cell in found.values() for value in cell.values()} <= {0}, moment


def check_balances(database, moment):
    """Likewise: first and last values by booked_on, added up over full segments."""
    expected = {}
    for row in truth.rows('hotel_resort/truth_balances.csv.gz'):
        for metric in ('first_adr', 'last_adr'):
            expected[row['grain'], row['by'], row['bucket'], row['country'] or None, metric] = Decimal(row[metric])
    found = {}
    for grain, length in (('day', 10), ('month', 7), ('total', 0)):
        for by in ('', 'country'):
            for day, country, metric, value in database.sql(
                    "SELECT day::text, segment ->> 'country', metric, value FROM kpi.query('{first_adr,last_adr}', '2013-01-01', '2017-12-31', "
                    "by => %s, grain => %s, max_rows => NULL, expected => false) WHERE value IS NOT NULL", (f'{{{by}}}', grain)):
                found[grain, by, day[:length], country, metric] = value
    assert found == expected, moment


def check_percentiles(database, moment):
    """Likewise: within 1 % of the values that were found by sorting."""
    columns = {'stay_p50': 'nights_p50', 'stay_p90': 'nights_p90', 'rate_p50': 'adr_p50', 'rate_p90': 'adr_p90'}
    expected = {}
    for row in truth.rows('hotel_resort/truth_percentiles.csv.gz'):
        for metric, column in columns.items():
            expected[row['grain'], row['by'], row['bucket'], row['country'] or None, metric] = Decimal(row[column])
    worst = 0
    for grain, length in (('day', 10), ('month', 7), ('total', 0)):
        for by in ('', 'country'):
            for day, country, metric, value in database.sql(
                    "SELECT day::text, segment ->> 'country', metric, value FROM kpi.query(%s, '2013-01-01', '2017-12-31', "
                    "by => %s, grain => %s, max_rows => NULL, expected => false) WHERE value IS NOT NULL",
                    (list(columns), f'{{{by}}}', grain)):
                true = expected.pop((grain, by, day[:length], country, metric))
                assert value == true == 0 or abs(value - true) <= Decimal('0.0100001') * abs(true), \
                    f'{grain} {by} {day} {country} {metric}: {value} for {true} {moment}'
                worst = max(worst, abs(value / true - 1) if true else 0)
    assert not expected, moment
    assert worst > Decimal('0.005'), 'the error is one of buckets'


def check(database, moment):
    # Five years by day and country are more than the default holds in memory.
    database.sql(f'ALTER DATABASE "{database.name}" SET work_mem = \'64MB\'')
    check_typed_views(database, moment)
    check_query(database, moment)
    check_distinct(database, moment)
    check_percentiles(database, moment)
    check_balances(database, moment)


def test_bookings_that_were_there_before_track(unattended):
    unattended.sql(f'CREATE TABLE bookings ({COLUMNS})')
    assert truth.copy_csv(unattended, 'hotel_resort/bookings.csv.gz', 'bookings') == 40060
    unattended.sql(FACTS)
    unattended.sql(METRICS)
    assert unattended.sql('SELECT count(*) > 0 FROM kpi.dirty') == [(True,)]
    check_typed_views(unattended, 'while everything is dirty')
    unattended.sql('CALL kpi.work()')
    assert unattended.sql('SELECT count(*) FROM kpi.dirty') == [(0,)]
    check_typed_views(unattended, 'after the build')
    check_query(unattended, 'after the build')
    check_distinct(unattended, 'after the build')
    check_percentiles(unattended, 'after the build')
    check_balances(unattended, 'after the build')


def test_bookings_that_arrive_while_tracked(unattended):
    unattended.sql(f'CREATE TABLE bookings ({COLUMNS})')
    unattended.sql(FACTS)
    unattended.sql(METRICS)
    unattended.sql('CALL kpi.work()')
    truth.copy_csv(unattended, 'hotel_resort/bookings.csv.gz', 'bookings')
    assert unattended.sql('SELECT count(*) > 0 FROM kpi_data.leads_delta') == [(True,)]
    check(unattended, 'before the merge')
    unattended.sql('SELECT kpi.merge()')
    assert unattended.sql('SELECT count(*) FROM kpi_data.leads_delta') == [(0,)]
    check(unattended, 'after the merge')
    unattended.sql("SELECT kpi.rebuild('leads'); SELECT kpi.rebuild('payments')")
    check(unattended, 'after the rebuild')
    assert unattended.sql("SELECT * FROM kpi.verify('leads') UNION ALL SELECT * FROM kpi.verify('payments')") == []


# --- what was known at three past dates
ASOF_FACTS = '''
    CREATE VIEW booking_facts AS
    SELECT booked_on,
           1 AS leads,
           (status = 'Check-Out')::int AS checked_out,
           (status IN ('Canceled', 'No-Show'))::int AS cancelled_or_no_show,
           (status IS NULL)::int AS pending,
           CASE WHEN status = 'Check-Out' THEN amount ELSE 0 END AS revenue
      FROM bookings;
    SELECT kpi.track('booking_facts', 'booked_on', name => 'bookings', timezone => 'UTC');
    '''
ASOF = ['leads', 'checked_out', 'cancelled_or_no_show', 'pending', 'revenue']


def test_history_replayed_to_three_past_dates(database, seed):
    """Month by month as it happened, the worker merging beside it: bookings are inserted when they are made, without a
    status; they get it by an UPDATE on the day they have it; some are entered twice and deleted the month after."""
    random.seed(seed)
    database.sql(f'CREATE TABLE archive ({COLUMNS}); CREATE TABLE bookings (LIKE archive INCLUDING ALL)')
    truth.copy_csv(database, 'hotel_resort/bookings.csv.gz', 'archive')
    database.sql(ASOF_FACTS)
    database.sql("SELECT kpi.define('success_rate_so_far', '1.0 * checked_out / (checked_out + cancelled_or_no_show)')")
    known = [row[0] for row in database.sql(
        "SELECT d::date FROM generate_series(date '2013-01-01', '2017-03-01', '1 month') m, "
        "LATERAL (SELECT (m + interval '1 month - 1 day') AS d) x ORDER BY 1")]
    checked = 0
    for today in known:
        with database.connect(autocommit=False) as connection, connection.cursor() as cursor:
            cursor.execute('DELETE FROM bookings WHERE booking_id < 0')
            cursor.execute('INSERT INTO bookings SELECT * FROM archive WHERE booked_on <= %s '
                           "AND booked_on > %s::date - interval '2 months' ON CONFLICT DO NOTHING RETURNING booking_id",
                           (today, today))
            new = [row[0] for row in cursor.fetchall()]
            cursor.execute('UPDATE bookings SET status = NULL, status_on = NULL '
                           'WHERE booking_id = ANY(%s) AND status_on > %s', (new, today))
            cursor.execute('UPDATE bookings b SET status = a.status, status_on = a.status_on FROM archive a '
                           'WHERE a.booking_id = b.booking_id AND b.status IS NULL AND a.status_on <= %s', (today,))
            is_checked = str(today) in ('2015-12-31', '2016-06-30', '2017-03-31')
            if new and not is_checked:
                cursor.execute('CREATE TEMP TABLE twice ON COMMIT DROP AS '
                               'SELECT * FROM bookings WHERE booking_id = ANY(%s)',
                               (random.sample(new, max(1, len(new) // 20)),))
                cursor.execute('UPDATE twice SET booking_id = -booking_id')
                cursor.execute('INSERT INTO bookings SELECT * FROM twice')
        connection.close()
        if not is_checked:
            continue
        checked += 1
        expected = truth.Truth('hotel_resort/truth_asof_month.csv', ['booked_month'], ASOF, ['success_rate_so_far'],
                               lambda row: row['as_of'] == str(today))
        found = truth.ask(database, ASOF, ['success_rate_so_far'], '2013-01-01', str(today), grain='month',
                          label=lambda day: f'{day:%Y-%m}')
        expected.compare(found, f'as of {today}')
        assert database.sql("SELECT * FROM kpi.verify('bookings')") == []
    assert checked == 3
