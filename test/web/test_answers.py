"""The numbers are those of the database, whichever way they come."""
import re

import hashlib

import pytest


def sql(shop, statement, *parameters):
    return shop.sql(statement, parameters)[0][0]


def test_the_cards_are_what_sql_says(web, shop):
    cards = web.get('/api/kpi/summary').json
    for metric in cards['metrics']:
        expected = shop.sql('SELECT today::float8, days_7::float8, days_30_before::float8, yesterday_change::float8 FROM kpi.summary() WHERE metric = %s',
                            (metric['metric'],))[0]
        assert [metric[name] for name in ('days_7', 'days_30_before', 'yesterday_change')] == list(expected[1:]), metric
    assert {'revenue', 'leads', 'payments', 'conversion_pct'} <= {metric['metric'] for metric in cards['metrics']}
    assert [row['priority'] for row in cards['leads_by_priority']] and cards['stale'] is False and cards['timezone'] == 'UTC'


def test_the_last_hour_is_the_last_sixty_minutes(start_web, shop):
    before = shop.sql("SELECT coalesce(sum(amount), 0)::float8 FROM payments WHERE status = 'paid' AND created_at > now() - interval '60 minutes'")[0][0]
    day = shop.sql("SELECT sum(amount)::float8 FROM payments WHERE status = 'paid' AND created_at > now() - interval '24 hours'")[0][0]
    cards = start_web().get('/api/kpi/summary').json
    assert cards['revenue_last_hour']['value'] == before
    assert cards['last_24h']['revenue'] == day


def test_a_filter_reaches_every_card(web, shop):
    one = web.get('/api/kpi/summary?country=MX').json
    both = web.get('/api/kpi/summary?country=MX&country=CO&country=ES').json
    whole = web.get('/api/kpi/summary').json

    def days_30(cards, name):
        return next(metric['days_30'] for metric in cards['metrics'] if metric['metric'] == name)

    assert 0 < days_30(one, 'leads') < days_30(both, 'leads') == days_30(whole, 'leads')
    assert one['last_24h']['leads'] < whole['last_24h']['leads']
    by_json = web.get('/api/kpi/summary?filters=%7B%22country%22:%22MX%22%7D').json
    assert days_30(by_json, 'revenue') == days_30(one, 'revenue') > 0


def test_a_series_without_parameters_is_the_last_24_hours(web):
    series = web.get('/api/kpi/timeseries').json
    assert (series['metric'], series['grain'], len(series['points'])) == ('revenue', 'hour', 24)
    assert [point['is_complete'] for point in series['points']] == [True] * 23 + [False]


def test_a_series_has_its_band_and_its_comparison(web, shop):
    series = web.get('/api/kpi/timeseries?metric=leads&start_date=7d&compare=week').json
    rows = shop.sql("SELECT day, value::float8, compared::float8 FROM kpi.query('{leads}', '7d', compare => 'week') WHERE is_complete ORDER BY 1")
    assert [(point['day'], point['value'], point['compared']) for point in series['points'] if point['is_complete']] == [
        (str(day), value, compared) for day, value, compared in rows]
    closed = [point for point in series['points'] if point['is_complete']]
    assert all(point['lower'] <= point['expected'] <= point['upper'] for point in closed if point['expected'] is not None)
    assert any(point['expected'] is not None for point in closed)


def test_segments_add_up_to_the_total(web):
    table = web.get('/api/kpi/segments?by=country&metrics=leads,conversion_pct&start_date=30d&top=2').json
    assert len(table['rows']) == 3 and table['rows'][-1]['segment'] == {'country': 'others'}
    total = web.get('/api/kpi/query?metric=leads&start_date=30d&aggregate=total').json['data'][0]['value']
    assert sum(row['values']['leads']['value'] for row in table['rows']) == total
    assert all(sum(row['spark']) == row['values']['leads']['value'] and len(row['spark']) == 30 for row in table['rows'])


# Recorded: docs/web.md shows the same.
def test_the_old_api_by_one_metric(web, shop):
    answer = web.get('/api/kpi/query?metric=revenue&start_date=2026-01-01&end_date=2026-01-02&country=MX').json
    assert answer == {
        'data': [{'date': '2026-01-01T00:00:00Z', 'value': 0}, {'date': '2026-01-02T00:00:00Z', 'value': 0}],
        'params': {'metric': 'revenue', 'start_date': '2026-01-01T00:00:00Z', 'end_date': '2026-01-02T23:59:59Z', 'country': 'MX', 'source': None,
                   'aggregate': 'daily', 'limit': 1000},
        'count': 2, 'start_date': '2026-01-01T00:00:00Z', 'end_date': '2026-01-02T23:59:59Z'}


def test_the_old_api_without_a_metric_is_wide(web, shop):
    answer = web.get('/api/kpi/query?start_date=yesterday').json
    row = shop.sql("""SELECT json_object_agg(metric, value) FROM kpi.query('{leads,conversion_pct,revenue,payments_success_rate}', 'yesterday')""")[0][0]
    assert [{name: value for name, value in line.items() if name != 'date'} for line in answer['data']] == [row]
    assert list(answer['data'][0]) == ['date', 'leads', 'conversion_pct', 'revenue', 'payments_success_rate']


@pytest.mark.parametrize('aggregate,count', [('daily', 14), ('total', 1)])
def test_the_old_api_aggregates(web, aggregate, count):
    answer = web.get(f'/api/kpi/query?metric=leads&start_date=14d&aggregate={aggregate}').json
    assert answer['count'] == count == len(answer['data'])
    assert web.get('/api/kpi/query?metric=leads&start_date=14d&limit=3').json['count'] == 3


def test_a_series_up_to_a_day_that_is_named_ends_there(web):
    series = web.get('/api/kpi/timeseries?metric=leads&end_date=yesterday').json
    assert series['grain'] == 'day' and len(series['points']) == 7 and all(point['is_complete'] for point in series['points'])


def test_payments_without_an_amount_are_shown(start_web, shop):
    shop.sql("INSERT INTO payments (created_at, country, source, status, amount) SELECT now() - interval '2 days', 'MX', 'google', 'paid', NULL FROM generate_series(1, 5)")
    expected = shop.sql("SELECT value::float8 FROM kpi.query('{revenue_null_pct}', '7d', grain => 'total')")[0][0]
    assert start_web().get('/api/kpi/quality').json['null_revenue_pct'] == pytest.approx(expected) and expected > 0


def test_recent_rows_are_the_newest(web, shop):
    recent = web.get('/api/kpi/recent?kind=payments&limit=3').json
    assert recent['columns'][:1] == ['at'] and len(recent['rows']) == 3
    place = recent['columns'].index('revenue')
    newest = shop.sql("SELECT CASE WHEN status = 'paid' THEN amount ELSE 0 END::float8 FROM payments ORDER BY created_at DESC LIMIT 3")
    assert [row[place] for row in recent['rows']] == [amount for amount, in newest]


def test_metrics_for_prometheus(web):
    answer = web.get('/metrics')
    text = answer.body.decode()
    assert answer.headers['Content-Type'].startswith('text/plain; version=0.0.4') and text.endswith('\n')
    assert 'kpi_web_requests_total ' in text and 'kpi_web_database_up 1' in text and '\nkpi_revenue_today{' in text


def test_a_scrape_chooses_metrics_and_segments(web):
    chosen = web.get('/metrics?metrics=revenue,leads&by=country&top=2&rank_by=revenue').body.decode()
    assert len(re.findall(r'^kpi_revenue_by_segment\{.*country=".*$', chosen, re.M)) == 2
    assert 'kpi_payments_today' not in chosen
    for wrong in ('by=planet&metrics=revenue', 'metrics=nothing', 'top=0', 'segments=yes'):
        answer = web.get('/metrics?' + wrong)
        assert answer.status == 400 and answer.json['error']['message'], wrong


def test_the_same_question_of_many_is_one_query(start_web, wait_until):
    web = start_web()
    wait_until(lambda: web.get('/readyz').status == 200, 'the database')
    web.get('/api/kpi/segments?by=country')
    before = web.counter('queries_total')
    bodies = {web.get('/api/kpi/segments?by=country').body for _ in range(50)}
    assert len(bodies) == 1 and web.counter('queries_total') - before <= 3  # /metrics itself asks one


def test_reports_of_roles_that_kpi_web_is_a_member_of(start_web, shop):
    shop.sql("""DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'reporter') THEN CREATE ROLE reporter LOGIN; END IF; END $$;
        GRANT kpi_admin TO reporter; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reporter""")
    number, checksum = shop.sql("SELECT id, checksum FROM kpi.make_report('daily', format => 'csv')", user='reporter')[0]
    assert start_web().get('/api/reports').status == 403
    shop.sql('GRANT reporter TO kpi_web; GRANT SELECT ON kpi.report TO kpi_web; GRANT EXECUTE ON FUNCTION kpi.report_content(bigint) TO kpi_web')
    web = start_web()
    listed = web.get('/api/reports?kind=daily').json['reports']
    assert [report['id'] for report in listed] == [number] and listed[0]['checksum'] == checksum
    file = web.get(listed[0]['url'])
    assert hashlib.sha256(file.body).hexdigest() == checksum and 'attachment; filename="kpi_daily_' in file.headers['Content-Disposition']
    assert web.get('/api/reports/999999').status == 404 and web.get('/api/reports/x').status == 404


def test_what_an_older_extension_lacks_is_501(start_web, shop):
    shop.sql('ALTER FUNCTION kpi.forecast RENAME TO forecast_away')
    try:
        answer = start_web().get('/api/kpi/forecast')
    finally:
        shop.sql('ALTER FUNCTION kpi.forecast_away RENAME TO forecast')
    assert (answer.status, answer.json['error']['code']) == (501, 'not_there')


def test_what_has_no_meaning_is_a_bad_request(web, shop):
    """Distinct counts have no drivers: the database says 0A000, which is neither a failure of kpi_web nor a matter of rights."""
    shop.sql("""CREATE TABLE visits (at timestamptz NOT NULL, country text, visitor int);
                CREATE VIEW visit_facts AS SELECT at, country, 1 AS visits, visitor FROM visits;
                INSERT INTO visits SELECT now() - i * interval '1 hour', 'MX', i % 5 FROM generate_series(0, 90) i;
                GRANT SELECT ON visit_facts, visits TO kpi_web""")
    shop.sql("""SELECT kpi.track('visit_facts', 'at', '{country}', 'visit', 'UTC', build => 'now', aggregates => '{"visitors": {"distinct": "visitor"}}')""")
    try:
        answer = web.get('/api/kpi/explain?metric=visitors&by=country')
        assert (answer.status, answer.json['error']['code']) == (400, '0A000')
    finally:
        shop.sql("SELECT kpi.untrack('visit'); DROP VIEW visit_facts; DROP TABLE visits")
