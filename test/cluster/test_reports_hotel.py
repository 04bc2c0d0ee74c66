"""Reports of real bookings (test/data/hotel_resort) at fixed dates, in both languages, against test/data/hotel_resort/reports; and the same bytes
from a second cluster: another locale, another zone, hours later, rows in another order. To accept new output: KPI_GOLDEN=write, then
read the diff. Pages are kept without their style sheet."""
import os
import re

import pytest
import truth
from clocks import clock  # noqa: F401 (fixture)
from test_truth_hotel import COLUMNS
from watched import On

GOLDEN = os.path.join(truth.DATA, 'hotel_resort', 'reports')

# The names of the old stack, so that the daily CSV has its columns.
SOURCES = '''
    CREATE VIEW lead_facts AS SELECT booked_on, country, market_segment AS source, 1 AS leads, (status = 'Check-Out')::int AS leads_converted FROM bookings;
    CREATE VIEW payment_facts AS SELECT status_on, country, market_segment AS source, 1 AS payments, (status = 'Check-Out')::int AS payments_succeeded,
                                        CASE WHEN status = 'Check-Out' THEN amount ELSE 0 END AS revenue FROM bookings;
    SELECT kpi.track('lead_facts', 'booked_on', '{country,source}', 'leads', 'Europe/Lisbon', build => 'now');
    SELECT kpi.track('payment_facts', 'status_on', '{country,source}', 'payments', 'Europe/Lisbon', build => 'now');
    SELECT kpi.define('conversion_pct', '100.0 * leads_converted / leads', '%');
    SELECT kpi.define('payments_success_rate', '100.0 * payments_succeeded / payments', '%');
    SELECT kpi.set_unit('revenue', currency => 'EUR', decimals => 2);
    SELECT kpi.set_target('revenue', 300000, '2017-02-01', '2017-03-31');
'''
# A day of two hours three, ISO week 53, a month of 28 days after one of 31.
DATES = {'daily': '2016-10-30', 'weekly': '2016-01-03', 'monthly': '2017-02-28'}
ALL = [(kind, form, language) for kind in DATES for form in ('csv', 'text', 'json', 'html', 'xlsx') for language in ('en', 'es')]


def made(database, kind, form, language):
    return database.sql('SELECT r.checksum, kpi.report_content(r.id) FROM kpi.make_report(%s, %s, %s, %s) r', (kind, DATES[kind], form, language))[0]


def hotel(database, order):
    database.sql(f'CREATE TABLE bookings ({COLUMNS})')
    database.sql(f'CREATE TABLE loaded ({COLUMNS})')
    assert truth.copy_csv(database, 'hotel_resort/bookings.csv.gz', 'loaded') == 40060
    database.sql(f'INSERT INTO bookings SELECT * FROM loaded ORDER BY {order}')
    database.sql(SOURCES)
    return database


def expect_golden(name, text):
    path = os.path.join(GOLDEN, name)
    if os.environ.get('KPI_GOLDEN', '').startswith('w'):
        os.makedirs(GOLDEN, exist_ok=True)
        with open(path, 'w', encoding='utf-8', newline='') as file:
            file.write(text)
        return
    with open(path, encoding='utf-8', newline='') as file:
        assert text == file.read(), path


def test_reports_of_a_hotel_are_the_same_bytes_anywhere(make_cluster, clock):  # noqa: F811
    here = make_cluster(preload=False)
    first = hotel(On(here, here.create_database()), 'booking_id')
    found = {one: made(first, *one) for one in ALL}
    for (kind, form, language), (_, content) in found.items():
        if form in ('text', 'html') or (form == 'csv' and language == 'en'):
            name = f'{kind}.csv' if form == 'csv' else f'{kind}.{language}.{"txt" if form == "text" else form}'
            expect_golden(name, re.sub(r'<style>.*?</style>', '', bytes(content).decode(), flags=re.DOTALL))
    clock.set(7.3)
    with clock.preloaded():
        there = make_cluster(preload=False, config={'timezone': 'Asia/Tokyo', 'datestyle': 'German', 'extra_float_digits': -3, 'intervalstyle': 'iso_8601'})
    there.sql("CREATE DATABASE otherwise TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'es' LOCALE 'C.UTF-8'")
    there.sql('CREATE EXTENSION kpi_ext CASCADE', 'otherwise')
    second = hotel(On(there, 'otherwise'), "md5(booking_id::text || 'x')")
    differences = [one for one in ALL if made(second, *one)[0] != found[one][0]]
    assert not differences


@pytest.mark.parametrize('kind', DATES)
def test_golden_numbers_are_those_of_the_truth(kind):
    """The golden files stand on truth_day.csv, which was computed from the bookings without this project."""
    with open(os.path.join(GOLDEN, f'{kind}.csv'), encoding='utf-8', newline='') as file:
        header, *lines = file.read().split('\r\n')[:-1]
    assert header == 'day,leads,conversion_pct,revenue,payments_count,payments_success_rate'
    days = {row['day']: row for row in truth.rows('hotel_resort/truth_day.csv')}
    for line in lines:
        day, leads, _, revenue, payments, _ = line.split(',')
        rows = [days[one] for one in days if one == day or (kind == 'monthly' and one[:7] == day[:7])]
        for column, value in (('leads', leads), ('payments', payments), ('revenue', revenue)):
            assert sum((truth.number(row[column]) or 0) for row in rows) == truth.number(value), (day, column)
