"""Grafana's files, which no Grafana can be had here to load: their shape against Grafana's own types, and every query of theirs run on
living servers as Grafana would send it, as a role that may only read."""
import copy
import datetime
import http.server
import itertools
import json
import os
import subprocess
import sys
import threading
import urllib.parse

import psycopg2
import pytest
import yaml
from node import FOLDER, environment
from prometheus_servers import Server, free_port, get

import cluster as clusters
from grafana_like import ALL, expand

GRAFANA = os.path.join(clusters.ROOT, 'grafana')
sys.path.insert(0, GRAFANA)
import alerts  # noqa: E402

HOSTILE = "Côte d'Ivoire'); DROP TABLE payments; --"
TABLES = '''
    CREATE TABLE leads (id bigserial PRIMARY KEY, created_at timestamptz NOT NULL, country text, source text, priority text);
    CREATE TABLE payments (id bigserial PRIMARY KEY, created_at timestamptz NOT NULL, country text, source text, status text, amount numeric(12,2));
    INSERT INTO leads (created_at, country, source, priority)
    SELECT now() - n * interval '10 minutes', (ARRAY['MX', 'US', %(hostile)s])[1 + n %% 3], (ARRAY['ads', 'O''Brien'])[1 + n %% 2], (ARRAY['high', 'low'])[1 + n %% 2]
      FROM generate_series(0, 9000) n;
    INSERT INTO payments (created_at, country, source, status, amount)
    SELECT now() - n * interval '7 minutes', (ARRAY['MX', 'US', %(hostile)s])[1 + n %% 3], (ARRAY['ads', 'O''Brien'])[1 + n %% 2], CASE WHEN n %% 9 = 0 THEN 'failed' ELSE 'paid' END, n %% 90
      FROM generate_series(0, 12000) n;
    CREATE INDEX ON leads (created_at); CREATE INDEX ON payments (created_at); ANALYZE leads; ANALYZE payments;
    SELECT kpi.install_sales(timezone => 'America/Mexico_City');
    SELECT kpi.add_event('Sale', 'promotion', current_date - 1);
    SELECT kpi.add_sink('gateway', 'pushgateway', 'http://127.0.0.1:9/');
    '''


def load():
    with open(os.path.join(GRAFANA, 'dashboards', 'kpi.json')) as file:
        return json.load(file)


DASHBOARD = load()
DEFINITIONS = {each['name']: each for each in DASHBOARD['templating']['list']}
PANELS = [panel for panel in DASHBOARD['panels'] if panel['type'] != 'row']


def is_sql(panel):
    return panel['datasource']['uid'] == 'kpis-postgres'


@pytest.fixture(scope='module')
def shop():
    """The pack on a server whose worker works; `grafana` may read the facts views and is a member of kpi_reader."""
    cluster = clusters.Cluster(f'grafana-{os.getpid()}', preload=True)
    cluster.start()
    name = cluster.create_database()

    def sql(statement, user=clusters.USER, parameters=None):
        return cluster.sql(statement, name, user, parameters)
    sql(TABLES, parameters={'hostile': HOSTILE})
    sql('CREATE ROLE grafana LOGIN IN ROLE kpi_reader; GRANT SELECT ON lead_facts, payment_facts TO grafana; '
        "ALTER ROLE grafana SET default_transaction_read_only = on; ALTER ROLE grafana SET statement_timeout = '10s'")
    clusters.wait_until(lambda: sql("SELECT count(*) FROM kpi.view_state WHERE state = 'ready'") == [(3,)], 'the views')
    sql('SELECT count(*) FROM kpi.run_probes()')
    sql("SELECT kpi._observe('rule LowX', 'rule', 'Revenue is low', 'critical', true, '{}', current_user::regrole); "
        "UPDATE kpi.incident SET labels = labels || '{\"metric\": \"revenue\"}', rule = 'LowX' WHERE fingerprint = 'rule LowX'")
    cluster.database = name
    yield cluster
    cluster.remove()


def run(shop, statement, explain=False):
    """Columns and rows; with explain the relations that its plan scans."""
    connection = shop.connect(shop.database, 'grafana')
    try:
        with connection.cursor() as cursor:
            cursor.execute(('EXPLAIN (VERBOSE, FORMAT JSON) ' if explain else '') + statement)
            rows = cursor.fetchall()
            if explain:
                return set(relations(rows[0][0][0]['Plan']))
            return cursor.description, rows
    finally:
        connection.close()


def relations(node):
    if 'Relation Name' in node:
        yield node['Schema'], node['Relation Name']
    for child in node.get('Plans', []):
        yield from relations(child)


def expanded(statement, **values):
    until = datetime.datetime.now(datetime.timezone.utc)
    return expand(statement, DEFINITIONS, {'country': ALL, 'source': ALL, 'zone': 'UTC', **values}, until - datetime.timedelta(days=30), until)


CHOICES = list(itertools.product((ALL, ['MX'], [HOSTILE], ['MX', HOSTILE, 'nowhere']), (ALL, ["O'Brien"], ['ads', "O'Brien"])))
NAMES = ('float4', 'float8', 'int2', 'int4', 'int8', 'numeric')


def kinds(description):
    types = {701: 'float8', 700: 'float4', 21: 'int2', 23: 'int4', 20: 'int8', 1700: 'numeric', 25: 'text', 1184: 'timestamptz', 1186: 'interval', 19: 'name', 16: 'bool'}
    return {column.name: types.get(column.type_code, column.type_code) for column in description}


@pytest.mark.parametrize('panel', [panel for panel in PANELS if is_sql(panel)], ids=lambda panel: panel['title'])
def test_a_panel_answers_for_every_choice(shop, panel):
    statement = panel['targets'][0]['rawSql']
    for country, source in CHOICES if '$' in statement.replace('$__', '') else CHOICES[:1]:
        description, rows = run(shop, expanded(statement, country=country, source=source))
        columns = kinds(description)
        assert any(kind in NAMES for kind in columns.values()) or panel['type'] == 'table', columns
        assert set(columns.values()) <= {*NAMES, 'text', 'timestamptz'}, 'Grafana knows these'
        if panel['targets'][0]['format'] == 'time_series':
            assert columns['time'] == 'timestamptz', columns
            times = [row[0] for row in rows]
            assert description[0].name == 'time' and times == sorted(times)
        if panel['type'] == 'stat':
            assert len(rows) == 1 and len(columns) == 1, (columns, rows)
        overridden = [each['matcher']['options'] for each in panel['fieldConfig']['overrides']]
        assert set(overridden) <= set(columns), 'an override names a column that is not there'
        if (country, source) == (ALL, ALL) and panel['title'] not in ('Checks that are not ok', "Drivers of today's revenue"):
            assert rows, 'nothing to show'
    assert shop.sql('SELECT count(*) > 1000 FROM payments', shop.database) == [(True,)]


@pytest.mark.parametrize('panel', [panel for panel in PANELS if is_sql(panel)], ids=lambda panel: panel['title'])
def test_a_panel_reads_what_is_ours(shop, panel):
    scanned = run(shop, expanded(panel['targets'][0]['rawSql']), explain=True)
    assert {schema for schema, _ in scanned} <= {'kpi', 'kpi_data', 'pg_catalog'}, scanned


def test_the_numbers_are_those_of_the_tables(shop):
    truth = shop.sql("SELECT sum(amount) FILTER (WHERE created_at > now() - interval '1 hour'), count(*) FROM payments WHERE status = 'paid' AND country = %s", shop.database,
                     clusters.USER, (HOSTILE,))[0]
    panel = next(panel for panel in PANELS if panel['title'] == 'Revenue last hour')
    assert run(shop, expanded(panel['targets'][0]['rawSql'], country=[HOSTILE]))[1][0][0] == truth[0]
    by_segment = next(panel for panel in PANELS if panel['title'] == 'By segment, 7 d')
    rows = run(shop, expanded(by_segment['targets'][0]['rawSql'], country=[HOSTILE], source=["O'Brien"]))[1]
    assert [row[:2] for row in rows if row[0] != 'others'] == [(HOSTILE, "O'Brien")]


def test_variables_offer_what_there_is(shop):
    offered = {name: [row[0] for row in run(shop, definition['query'])[1]] for name, definition in DEFINITIONS.items()}
    assert sorted(offered['country']) == sorted(['MX', 'US', HOSTILE]) and sorted(offered['source']) == ["O'Brien", 'ads']
    assert offered['zone'] == ['America/Mexico_City', 'UTC'], 'the zone of the source comes first'


@pytest.mark.parametrize('annotation', DASHBOARD['annotations']['list'], ids=lambda each: each['name'])
def test_annotations_have_a_time_and_a_text(shop, annotation):
    description, rows = run(shop, expanded(annotation['target']['rawSql'], zone='America/Mexico_City'))
    columns = kinds(description)
    assert columns['time'] == columns['timeend'] == 'timestamptz' and columns['text'] == columns['tags'] == 'text'
    assert rows


def test_a_role_without_rights_sees_no_number(shop):
    shop.sql('CREATE ROLE nosy LOGIN IN ROLE kpi_reader', shop.database)
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        shop.sql("SELECT kpi.rolling('revenue')", shop.database, 'nosy')


# --- alerts

def questions():
    return [(rule['title'], rule['data'][0]['model']['rawSql']) for rule in alerts.api_form()['rules']]


@pytest.mark.parametrize('title, statement', questions())
def test_a_backup_alert_asks_for_every_segment_and_keeps_quiet_beside_a_worker(shop, title, statement):
    assert '$' not in statement, 'variables of a dashboard are not known to alerts'
    description, rows = run(shop, statement)
    columns = kinds(description)
    assert [name for name, kind in columns.items() if kind in NAMES] == ['firing'], 'one number'
    assert set(columns.values()) == ({'int4', 'text'} if 'BySegment' in title else {'int4'})
    assert len({row[:-1] for row in rows}) == len(rows), 'labels are unique'
    assert all(row[-1] == 0 for row in rows)
    assert {schema for schema, _ in run(shop, statement, explain=True)} <= {'kpi', 'kpi_data', 'pg_catalog'}
    if title.startswith('LowRevenueBySegment'):
        assert len(rows) == 6


def test_backup_alerts_fire_when_the_worker_is_silent(unattended):
    unattended.sql(TABLES, {'hostile': HOSTILE})
    unattended.sql("DELETE FROM payments WHERE created_at >= date_trunc('day', now() AT TIME ZONE 'America/Mexico_City') AT TIME ZONE 'America/Mexico_City'")
    rows = unattended.sql("SELECT active, value < bound, firing, now() >= date_trunc('day', now() AT TIME ZONE 'America/Mexico_City') AT TIME ZONE 'America/Mexico_City' + interval '7 hours' "
                          "FROM kpi.backup_alerts('LowRevenueVsAvg7d')")
    assert len(rows) == 1
    active, below, firing, late = rows[0]
    assert active and below and (firing or not late), 'nothing was paid today, and no worker says so'


# --- shape

@pytest.mark.parametrize('program', ['dashboard.py', 'alerts.py'])
def test_the_files_are_what_the_programs_write(program):
    done = subprocess.run([sys.executable, os.path.join(GRAFANA, program), '--check'], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def judge(*lines):
    script = os.path.join(clusters.ROOT, 'test', 'wire', 'grafana_schema.js')
    done = subprocess.run(['node', script, FOLDER], input='\n'.join(json.dumps(line) for line in lines) + '\n', env=environment(), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_shape_is_that_of_grafanas_types():
    broken = copy.deepcopy(DASHBOARD)
    broken['panels'][1]['fieldConfig']['defaults']['unti'] = 'short'
    rules = {**alerts.api_form()}
    faulty = {**rules, 'rules': [{**rules['rules'][0], 'noDataState': 'Quiet'}]}
    good, misspelt, group, wrong = judge({'kind': 'dashboard', 'value': DASHBOARD}, {'kind': 'dashboard', 'value': broken}, {'kind': 'rules', 'value': rules}, {'kind': 'rules', 'value': faulty})
    assert (good, group) == ('', '')
    assert misspelt and wrong, 'the schema finds a misspelt field and a wrong word'


def test_alerts_go_through_the_api_as_one_group():
    seen = []

    class Grafana(http.server.BaseHTTPRequestHandler):
        def answer(self):
            body = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
            seen.append((self.command, self.path, self.headers['Authorization'], self.headers['X-Disable-Provenance'], body))
            self.send_response(409 if self.path == '/api/folders' else 202)
            self.end_headers()
        do_POST = do_PUT = answer

        def log_message(self, *_):
            pass
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Grafana)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    put = [sys.executable, os.path.join(GRAFANA, 'alerts.py'), '--put', f'http://127.0.0.1:{server.server_port}/']
    done = subprocess.run(put, env={**os.environ, 'GRAFANA_TOKEN': 'token'}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [each[:4] for each in seen] == [('POST', '/api/folders', 'Bearer token', 'true'),
                                           ('PUT', '/api/v1/provisioning/folder/kpis/rule-groups/kpi_backup_postgres', 'Bearer token', 'true')]
    assert seen[1][4] == alerts.api_form()
    server.shutdown()
    server.server_close()
    refused = subprocess.run(put, env={**os.environ, 'GRAFANA_TOKEN': 'token'}, capture_output=True, text=True)
    assert refused.returncode == 1 and 'Traceback' not in refused.stderr and 'token' not in refused.stderr.replace('GRAFANA_TOKEN', '')
    nameless = subprocess.run(put, env={key: value for key, value in os.environ.items() if key != 'GRAFANA_TOKEN'}, capture_output=True, text=True)
    assert nameless.returncode == 2 and 'GRAFANA_TOKEN is not set' in nameless.stderr


def test_the_alert_file_is_what_grafana_reads():
    with open(alerts.FILE) as file:
        content = yaml.safe_load(file)
    assert content == alerts.file_form() and content['apiVersion'] == 1
    for group in content['groups']:
        assert group['orgId'] == 1 and group['name'] == 'kpi_backup_postgres' and group['folder'] and group['interval'] == '60s'
        for rule in group['rules']:
            assert rule['condition'] in [step['refId'] for step in rule['data']]
            assert rule['labels']['backup'] == 'true' and '$' not in json.dumps([rule['labels'], rule['title'], rule['uid'], group['folder']]), 'Grafana puts its environment in there'
            assert len(rule['uid']) <= 40
    printed = subprocess.run([sys.executable, os.path.join(GRAFANA, 'alerts.py'), '--api'], capture_output=True, text=True, check=True).stdout.splitlines()
    assert [json.loads(line) for line in printed] == alerts.api_form()['rules']


def test_data_sources_have_the_names_that_everything_uses():
    with open(os.path.join(GRAFANA, 'provisioning', 'datasources', 'kpi.yaml')) as file:
        sources = {each['name']: each for each in yaml.safe_load(file)['datasources']}
    assert {name: (each['uid'], each['type']) for name, each in sources.items()} == {
        'KPIs-Postgres': ('kpis-postgres', 'grafana-postgresql-datasource'), 'prometheus': ('prometheus', 'prometheus')}
    assert sources['KPIs-Postgres']['jsonData']['database'] and 'password' in sources['KPIs-Postgres']['secureJsonData']
    used = {(panel['datasource']['uid'], panel['datasource']['type']) for panel in PANELS}
    assert used == {(each['uid'], each['type']) for each in sources.values()}
    with open(os.path.join(GRAFANA, 'provisioning', 'dashboards', 'kpi.yaml')) as file:
        assert yaml.safe_load(file)['providers'][0]['options']['path']


def test_the_dashboard_is_tidy():
    assert DASHBOARD['id'] is None and DASHBOARD['uid'] == 'kpi' and DASHBOARD['refresh'] == '10s' and DASHBOARD['schemaVersion'] >= 39 and '__inputs' not in DASHBOARD
    ids = [panel['id'] for panel in DASHBOARD['panels']]
    assert len(set(ids)) == len(ids)
    taken = set()
    for panel in DASHBOARD['panels']:
        place = panel['gridPos']
        cells = set(itertools.product(range(place['x'], place['x'] + place['w']), range(place['y'], place['y'] + place['h'])))
        assert place['x'] + place['w'] <= 24 and not cells & taken, panel['title']
        taken |= cells
    for panel in PANELS:
        assert panel['title'] and panel['description'] and panel['fieldConfig']['defaults']['unit']
        for levels in [panel['fieldConfig']['defaults']['thresholds'], *(p['value'] for o in panel['fieldConfig']['overrides'] for p in o['properties'] if p['id'] == 'thresholds')]:
            values = [step['value'] for step in levels['steps']]
            assert values[0] is None and values[1:] == sorted(values[1:])
        assert all(target['datasource'] == panel['datasource'] for target in panel['targets'])
    for panel in (panel for panel in PANELS if panel['title'].startswith('Latency')):
        assert [(step['value'], step['color']) for step in panel['fieldConfig']['defaults']['thresholds']['steps']] == [(None, 'green'), (100, 'yellow'), (500, 'red')]
    for name in ('country', 'source'):
        assert DEFINITIONS[name]['multi'] and DEFINITIONS[name]['includeAll'] and DEFINITIONS[name]['allValue'] == 'NULL'


# --- Prometheus

EXPOSITION = '''# HELP http_requests_total Answers
# TYPE http_requests_total counter
http_requests_total{status="200"} 10
http_requests_total{status="503"} %d
# HELP kube_pod_container_status_restarts_total Restarts
# TYPE kube_pod_container_status_restarts_total counter
kube_pod_container_status_restarts_total{namespace="shop",pod="web-1"} %d
# HELP push_time_seconds Last push
# TYPE push_time_seconds gauge
push_time_seconds{job="kpi_ext",instance="main"} 1000
'''


@pytest.fixture(scope='module')
def prometheus(tmp_path_factory):
    folder = tmp_path_factory.mktemp('prometheus')
    calls = itertools.count(1)

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            n = next(calls)
            self.send_response(200)
            self.send_header('Content-Type', 'text/plain; version=0.0.4')
            self.end_headers()
            self.wfile.write((EXPOSITION % (n, n)).encode())

        def log_message(self, *_):
            pass
    page = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Page)
    threading.Thread(target=page.serve_forever, daemon=True).start()
    (folder / 'prometheus.yml').write_text('global: {scrape_interval: 1s}\nscrape_configs: [{job_name: shop, honor_labels: true, static_configs: [{targets: ["127.0.0.1:%d"]}]}]\n' % page.server_port)
    port = free_port()
    with open(folder / 'log', 'wb') as log:
        server = Server(['prometheus', f'--config.file={folder}/prometheus.yml', f'--storage.tsdb.path={folder}/data', f'--web.listen-address=127.0.0.1:{port}'], port, log)
        yield server.url
        server.stop()
    page.shutdown()


@pytest.mark.parametrize('panel', [panel for panel in PANELS if not is_sql(panel)], ids=lambda panel: panel['title'])
def test_a_panel_of_prometheus_answers(prometheus, wait_until, panel):
    expression = panel['targets'][0]['expr']

    def result():
        answer = json.loads(get(f'{prometheus}/api/v1/query?' + urllib.parse.urlencode({'query': expression})))
        assert answer['status'] == 'success', answer
        return answer['data']['result']
    found = wait_until(result, 'two scrapes')
    assert all(float(series['value'][1]) > 0 for series in found)
    for name in panel['targets'][0]['legendFormat'].replace('{{', ' ').replace('}}', ' ').replace('/', ' ').split():
        assert name in found[0]['metric'], 'the legend names a label that is not there'
