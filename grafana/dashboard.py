#!/usr/bin/env python3
"""Writes grafana/dashboards/kpi.json (dashboard.py --check: only says whether it is what would be written).

Every panel reads functions and views of kpi_ext, as a role that may read the facts views and is a member of kpi_reader (docs/grafana.md).
"""
import json
import os
import sys

from panels import FILTERS, LATENCY, NEUTRAL, POSTGRES, ZONE, Layout, bars, field, promql, series, sql, stat, steps, table

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'dashboards', 'kpi.json')
GOOD = {'ok': 'green', 'ready': 'green', 'closed': 'green', 'resolved': 'green', 'building': 'yellow', 'new': 'yellow', 'half-open': 'yellow', 'acknowledged': 'yellow',
        'warning': 'yellow', 'info': 'blue', 'failing': 'red', 'error': 'red', 'set aside': 'red', 'incomplete': 'red', 'open': 'red', 'critical': 'red', 'firing': 'red'}
STATE = {'cell': 'color-text', 'states': GOOD}
PACE = steps('red', (70, 'yellow'), (85, 'green'))
# Whole hours: the 24 that end with the current one.
LAST_24_HOURS = "to_char(date_trunc('hour', now()) - interval '23 hours', 'YYYY-MM-DD\"T\"HH24:MI:SSOF')"


def total(metric, days):
    return sql(f"SELECT value AS \"{metric}\" FROM kpi.query('{{{metric}}}', {days}, grain => 'total', filters => {FILTERS}, expected => false)")


def recent(source, columns):
    return sql(f"SELECT to_char(at AT TIME ZONE {ZONE}, 'YYYY-MM-DD HH24:MI:SS') AS time_of_day, segment ->> 'country' AS country, segment ->> 'source' AS source, {columns}\n"
               f"  FROM kpi.recent('{source}', 20, {FILTERS})")


def business(page):
    page.row('Now')
    page.add(stat('Revenue last hour', 'The rolling 60 minutes, to the row: the same number as in kpi_web and /api/kpi/summary.',
                  sql(f"SELECT kpi.rolling('revenue', '60 minutes', segment => {FILTERS}) AS revenue"), 'short'), 4, 4)
    page.add(stat('Revenue last 24 h', 'The rolling 24 hours.', sql(f"SELECT kpi.rolling('revenue', '24 hours', segment => {FILTERS}) AS revenue")), 4, 4)
    page.add(stat('Pace of revenue today', 'Today so far, of what the same weekdays had by this time of day (median).',
                  sql(f"SELECT round(100 * value / nullif(expected_so_far, 0), 1) AS pace FROM kpi.query('{{revenue}}', 'today', filters => {FILTERS})"), 'percent', PACE), 4, 4)
    page.add(stat('Conversion leads to payments, 7 d', 'Successful payments for 100 leads of the last 7 days.', total('conversion_pct', "'7d'"), 'percent'), 4, 4)
    page.add(stat('Payment success today', 'Share of the payments of today that succeeded.', total('payments_success_rate', "'today'"), 'percent',
                  steps('red', (92, 'yellow'), (95, 'green'))), 4, 4)
    page.add(bars('Leads by priority today', 'Of leads that have a column priority; one bar without.',
                  sql("SELECT coalesce(segment ->> 'priority', 'all') AS priority, value AS leads\n"
                      "  FROM kpi.query('{leads}', 'today', by => ARRAY(SELECT d FROM kpi.source s, unnest(s.dimensions) d WHERE s.name = 'leads' AND d = 'priority'),\n"
                      f"                 filters => {FILTERS}, expected => false)\n ORDER BY 2 DESC")), 4, 4)
    page.row('Revenue')
    page.add(series('Revenue by hour, 24 h', 'Whole hours; the last one is in progress.',
                    sql(f"SELECT bucket AS time, value AS revenue FROM kpi.query('{{revenue}}', {LAST_24_HOURS}, grain => 'hour', filters => {FILTERS}) ORDER BY 1", 'time_series'),
                    since='24h', style='bars'), 12, 8)
    page.add(series('Revenue by day, 90 d', 'Local days of the source; the last one is in progress.',
                    sql(f"SELECT bucket AS time, value AS revenue, average AS mean_of_7_days\n  FROM kpi.query('{{revenue}}', '90d', show => '{{avg7}}', filters => {FILTERS}, expected => false) ORDER BY 1", 'time_series'),
                    since='90d', style='bars', overrides=[field('mean_of_7_days', opacity=0)]), 12, 8)
    page.add(series('Revenue by day and what was expected, 30 d', 'Between lower and upper a day is as its weekday, the season and the trend make expect.',
                    sql(f"SELECT at AS time, value AS revenue, expected, lower, upper FROM kpi.anomalies('revenue', '30d', filters => {FILTERS}) ORDER BY 1", 'time_series'),
                    since='30d', overrides=[field('upper', fill='lower', width=0), field('lower', width=0, opacity=0), field('expected', width=1, opacity=0)]), 12, 8)
    page.add(table('Today against its pace', 'What each metric has so far, and what the same weekdays had by now (median).',
                   sql(f"SELECT metric, value AS today, expected_so_far AS expected_by_now, round(100 * value / nullif(expected_so_far, 0), 1) AS pace\n"
                       f"  FROM kpi.query('{{leads,payments,payments_succeeded,revenue}}', 'today', filters => {FILTERS}) ORDER BY 1"),
                   [field('pace', unit='percent', thresholds=PACE, cell='color-text')]), 12, 8)
    page.row('Segments')
    page.add(table('By segment, 7 d', 'The 20 segments with most revenue of the last 7 days, the others added up.',
                   sql("SELECT segment ->> 'country' AS country, segment ->> 'source' AS source, max(value) FILTER (WHERE metric = 'revenue') AS revenue,\n"
                       "       max(value) FILTER (WHERE metric = 'leads') AS leads, max(value) FILTER (WHERE metric = 'payments_success_rate') AS success, max(value) FILTER (WHERE metric = 'conversion_pct') AS conversion\n"
                       f"  FROM kpi.query('{{revenue,leads,payments_success_rate,conversion_pct}}', '7d', filters => {FILTERS}, by => '{{country,source}}', grain => 'total', top => 20, max_rows => NULL, expected => false)\n"
                       " GROUP BY 1, 2 ORDER BY 3 DESC NULLS LAST"),
                   [field('success', unit='percent'), field('conversion', unit='percent')]), 12, 9)
    page.add(table('Drivers of today\'s revenue', 'Which part of the cube explains the difference to the same weekdays up to this time.',
                   sql(f"SELECT rank, segment::text AS segment, value, expected, change, round(100 * share::numeric, 1) AS share, presence FROM kpi.explain('revenue', 'today', filters => {FILTERS}) ORDER BY rank"),
                   [field('share', unit='percent')]), 12, 9)
    page.add(table('Recent payments', 'The newest 20; with filters, those among the newest 2000.',
                   recent('payments', "(measures ->> 'payments_succeeded')::int AS succeeded, (measures ->> 'revenue')::numeric AS revenue")), 12, 8)
    page.add(table('Recent leads', 'The newest 20; with filters, those among the newest 2000.', recent('leads', "segment ->> 'priority' AS priority")), 12, 8)


def health(page):
    page.row('Incidents')
    page.add(table('Open incidents', 'Problems that fire. Titles are shown to a role that may read every facts view.',
                   sql(f"SELECT severity, state, coalesce(title, rule, kind) AS what, to_char(fired_at AT TIME ZONE {ZONE}, 'YYYY-MM-DD HH24:MI') AS since, extract(epoch FROM now() - fired_at)::float8 AS age\n"
                       "  FROM kpi.incident_history WHERE resolved_at IS NULL AND depth = 0 ORDER BY fired_at DESC LIMIT 50"),
                   [field('severity', **STATE), field('state', **STATE), field('age', unit='s')]), 24, 6)
    page.row('Data quality')
    page.add(stat('Freshness', 'How many days the stalest materialized view is behind today.', sql('SELECT max(days_behind) AS days FROM kpi.view_state'), 'd',
                  steps('green', (1, 'yellow'), (2, 'red'))), 4, 6)
    page.add(stat('Revenue without amount, 7 d', 'Successful payments whose amount is NULL.', total('revenue_null_pct', "'7d'"), 'percent', steps('green', (1, 'yellow'), (5, 'red'))), 4, 6)
    page.add(table('Materialized views', 'As their last refresh left them; building: made WITH NO DATA and not filled yet.',
                   sql(f"SELECT view::text AS view, state, rows, max_day::text AS latest_day, days_behind, to_char(refreshed_at AT TIME ZONE {ZONE}, 'YYYY-MM-DD HH24:MI') AS refreshed FROM kpi.view_state ORDER BY 1"),
                   [field('state', **STATE), field('days_behind', thresholds=steps('green', (1, 'yellow'), (2, 'red')), cell='color-text')]), 8, 6)
    page.add(table('Checks that are not ok', 'What kpi.run_checks found last.',
                   sql("SELECT name, kind, source, severity, state, since FROM kpi.check_status WHERE enabled AND state <> 'ok' ORDER BY state, name"), [field('state', **STATE), field('severity', **STATE)]), 8, 6)
    page.row('Performance')
    for title, probe in (('Latency of the daily read', 'sales_daily'), ('Latency of the segment read', 'sales_segments')):
        page.add(stat(title, f'The last run of probe {probe}.', sql(f"SELECT milliseconds FROM kpi.probe_history WHERE name = '{probe}' AND at > now() - interval '24 hours' ORDER BY at DESC LIMIT 1"), 'ms', LATENCY), 4, 7)
    page.add(series('Latency of all probes, 24 h', 'Every run: planning and execution.',
                    sql('SELECT at AS time, name AS metric, milliseconds FROM kpi.probe_history WHERE $__timeFilter(at) ORDER BY 1', 'time_series'), 'ms', LATENCY, since='24h'), 16, 7)
    page.row('Capture and delivery')
    page.add(stat('Worker heartbeat', 'How long ago the worker finished a round.', sql("SELECT (kpi.status() #>> '{worker,heartbeat_age_seconds}')::float8 AS age"), 's', steps('green', (30, 'yellow'), (180, 'red'))), 4, 7)
    page.add(table('Capture', 'Of each source: deltas not merged yet, days to be repaired, rows that an error of the facts view left out.',
                   sql("SELECT key AS source, value ->> 'capture' AS capture, value ->> 'state' AS state, (value ->> 'deltas')::bigint AS deltas, (value ->> 'dirty_days')::bigint AS dirty_days, (value ->> 'skipped_rows')::bigint AS skipped_rows\n"
                       "  FROM jsonb_each(kpi.status() -> 'sources') ORDER BY 1"), [field('state', **STATE)]), 10, 7)
    page.add(table('Delivery', 'Of each sink: messages that wait, the age of their oldest, dead ones, attempts of the last hour, and the circuit breaker.',
                   sql('SELECT sink, pending, sending, dead, extract(epoch FROM oldest)::float8 AS oldest, delivered_last_hour, failed_last_hour, breaker FROM kpi.outbox_stats ORDER BY 1'),
                   [field('breaker', **STATE), field('oldest', unit='s'), field('dead', thresholds=steps('green', (1, 'red')), cell='color-text')]), 10, 7)
    page.row('Infrastructure')
    page.add(series('Answers 5xx', 'Of every service that counts http_requests_total.', promql('sum by (job) (rate(http_requests_total{status=~"5.."}[5m]))', '{{job}}'), 'reqps', NEUTRAL), 8, 7)
    page.add(series('Pod restarts, 1 h', 'From kube-state-metrics.', promql('sum by (namespace, pod) (increase(kube_pod_container_status_restarts_total[1h]))', '{{namespace}}/{{pod}}'), 'short', NEUTRAL), 8, 7)
    page.add(stat('Age of the last push', 'Of what kpi_ext pushed to the Pushgateway.', promql('time() - max(push_time_seconds{job="kpi_ext"})', instant=True), 's', steps('green', (120, 'yellow'), (300, 'red'))), 8, 7)


def variable(name, label, statement, multi):
    every = {'multi': True, 'includeAll': True, 'allValue': 'NULL', 'current': {'text': ['All'], 'value': ['$__all']}} if multi else {'multi': False, 'includeAll': False}
    return {'type': 'query', 'name': name, 'label': label, 'datasource': POSTGRES, 'query': statement, 'definition': statement, 'refresh': 1 if multi else 2, 'sort': 0, 'hide': 0, **every}


def segments(dimension):
    return (f"SELECT segment ->> '{dimension}' FROM kpi.query('{{leads,payments}}', '28d', by => '{{{dimension}}}', grain => 'total', max_rows => NULL, expected => false)\n"
            " GROUP BY 1 ORDER BY max(value) DESC, 1")


def annotation(name, color, statement):
    return {'name': name, 'datasource': POSTGRES, 'enable': True, 'hide': False, 'iconColor': color, 'target': sql(statement)}


def dashboard():
    page = Layout()
    business(page)
    health(page)
    return {
        'id': None, 'uid': 'kpi', 'title': 'KPIs', 'description': 'Leads, payments and revenue as PostgreSQL keeps them (kpi_ext), with what watches and delivers them.', 'tags': ['kpi'],
        'schemaVersion': 39, 'version': 1, 'editable': True, 'graphTooltip': 1, 'timezone': 'browser', 'refresh': '10s', 'time': {'from': 'now-24h', 'to': 'now'},
        'timepicker': {'refresh_intervals': ['10s', '30s', '1m', '5m', '15m']}, 'fiscalYearStartMonth': 0, 'links': [],
        'annotations': {'list': [
            annotation('Incidents', 'red', "SELECT fired_at AS time, resolved_at AS timeend, coalesce(title, rule, kind) AS text, severity || ',' || kind AS tags\n"
                                           '  FROM kpi.incident_history WHERE depth = 0 AND $__timeFilter(fired_at) ORDER BY 1'),
            annotation('Events', 'blue', "SELECT time, time + interval '1 day' AS timeend, name AS text, kind AS tags\n"
                                         f'  FROM (SELECT day::timestamp AT TIME ZONE {ZONE} AS time, name, kind FROM kpi.event_day) e WHERE $__timeFilter(time) ORDER BY 1')]},
        'templating': {'list': [variable('country', 'Country', segments('country'), True), variable('source', 'Source', segments('source'), True),
                                variable('zone', 'Time zone', "SELECT zone FROM (SELECT timezone AS zone, 0 AS place FROM kpi.source UNION SELECT 'UTC', 1) z GROUP BY 1 ORDER BY min(place), 1", False)]},
        'panels': page.panels}


def text():
    return json.dumps(dashboard(), indent=1, ensure_ascii=False) + '\n'


def main(arguments):
    if arguments == ['--check']:
        with open(FILE) as file:
            same = file.read() == text()
        print(f'{FILE} is {"what" if same else "not what"} dashboard.py writes')
        return 0 if same else 1
    with open(FILE, 'w') as file:
        file.write(text())
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
