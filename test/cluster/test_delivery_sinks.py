"""MLflow's server and the fake of Google Sheets behind the outbox: queued, tried with kpi.test_sink, delivered, their results kept."""
import base64
import json
import os
import subprocess
import urllib.parse

import psycopg2
import pytest
from cluster import BIN
from mlflow_server import MlflowServer
from receiver import Receiver, status
from sheets_server import Sheets

# What a user is called must not be taken out of what a server says: the report has its name too.
LOGIN = {'username': 'june', 'password': 'correct horse: battery'}


@pytest.fixture
def by_hand(unattended):
    unattended.sql(f"ALTER DATABASE {unattended.name} SET kpi.allowed_hosts = '127.0.0.1'")
    return unattended


@pytest.fixture
def mlflow(tmp_path):
    server = MlflowServer(tmp_path, LOGIN)
    yield server
    server.stop()


@pytest.fixture
def sheets(tmp_path):
    server = Sheets(tmp_path)
    yield server
    server.stop()


def tried(database, sink):
    return database.sql('SELECT state, error FROM kpi.test_sink(%s)', (sink,))


def test_a_report_becomes_a_run(by_hand, mlflow):
    by_hand.sql("SELECT kpi.add_sink('runs', 'mlflow', %s, '{\"experiment\": \"june\"}', %s)", (mlflow.url, json.dumps(LOGIN)))
    assert tried(by_hand, 'runs') == [('delivered', None)]
    # Twice, one after the other.
    for _ in range(2):
        by_hand.sql("""SELECT kpi.notify('runs', jsonb_build_object('report_key', 'june 2026', 'start_time', timestamptz '2026-06-30 22:00+02',
                                                                    'metrics', jsonb_build_object('revenue', 12.5)),
                                             group_key => 'june 2026')""")
    by_hand.sql('CALL kpi.work()')
    kept = by_hand.sql('SELECT state, error, result FROM kpi.outbox ORDER BY id')
    ours = [run for run in mlflow.runs('june') if run['tags']['kpi.report_key'] == 'june 2026']
    assert [run['metrics'] for run in ours] == [{'revenue': [('12.5', 0, 0)]}] and ours[0]['start'] == 1782849600000
    result = {'run_id': ours[0]['id'], 'experiment_id': mlflow.experiment('june')['experiment_id']}
    assert kept == [('delivered', None, result)] * 2


def test_rows_of_a_query_become_cells(by_hand, sheets):
    by_hand.sql("SELECT kpi.add_sink('sheet', 'sheets', %s, '{\"spreadsheet\": \"book\", \"create_sheet\": true}', %s)",
                (sheets.url, json.dumps({'service_account': sheets.service_account()})))
    assert tried(by_hand, 'sheet') == [('delivered', None)]
    assert not [cell for row in sheets.cells() for cell in row if cell], 'a test changes nothing'
    by_hand.sql("""SELECT kpi.notify('sheet', jsonb_build_object('mode', 'replace', 'range', 'Report!A1:B', 'values',
                                     (SELECT jsonb_agg(jsonb_build_array(day, leads)) FROM (VALUES (date '2026-11-23', 17), ('2026-11-24', NULL))
                                          AS t(day, leads))))""")
    by_hand.sql('CALL kpi.work()')
    assert by_hand.sql('SELECT state, error, result FROM kpi.outbox') == [('delivered', None, {'spreadsheet': 'book', 'cells': 4})]
    assert sheets.cells('Report')[:2] == [['2026-11-23', 17], ['2026-11-24']]


@pytest.mark.parametrize('value_input', ['RAW', 'USER_ENTERED'])
def test_a_report_becomes_rows(by_hand, sheets, value_input):
    by_hand.sql("""CREATE TABLE pay (at timestamptz, amount numeric);
                   INSERT INTO pay SELECT timestamptz '2026-04-01 12:00+00' + d * interval '1 day', 10.5 + d FROM generate_series(0, 4) d WHERE d <> 2;
                   CREATE VIEW pay_facts AS SELECT at, amount AS revenue, 1 AS payments, 1 AS "=1+1" FROM pay;
                   SELECT kpi.track('pay_facts', 'at', '{}', 'pay', 'UTC', build => 'now')""")
    options = {'spreadsheet': 'book', 'create_sheet': True, 'range': 'Daily!A1:F', 'value_input': value_input}
    by_hand.sql("SELECT kpi.add_sink('sheet', 'sheets', %s, %s, %s)",
                (sheets.url, json.dumps(options), json.dumps({'service_account': sheets.service_account()})))
    by_hand.sql("""SELECT kpi.add_report('money', 'daily', '{sheet}', options => '{"metrics": ["revenue", "payments", "=1+1"]}')""")
    for _ in range(2):  # a version goes once
        by_hand.sql("SELECT kpi.send_report('money', '2026-04-05')")
        by_hand.sql('CALL kpi.work()')
    assert by_hand.sql('SELECT state, error FROM kpi.outbox') == [('delivered', None)]
    head, *rows = [row for row in sheets.cells('Daily') if row]
    assert head == ['day', 'revenue', 'payments', '=1+1' if value_input == 'RAW' else "'=1+1"] and len(rows) == 30, 'as typed, it would be a formula'
    expected = by_hand.sql("""SELECT q.day::text, max(q.value) FILTER (WHERE metric = 'revenue')::float8, max(q.value) FILTER (WHERE metric = 'payments')::float8
                                FROM kpi.query('{revenue,payments}', '2026-03-07', '2026-04-05') q GROUP BY 1 ORDER BY 1""")
    assert [tuple((row + [None, None])[:3]) for row in rows] == expected


def test_what_is_left_of_a_secret_in_a_text_that_was_cut_is_masked(by_hand):
    secret = 'xoxb-c4n4ry-s3cr3t'
    said = json.dumps({'ok': False, 'error': 'x' * 190 + secret}).encode()
    with Receiver(status(200, said)) as slack:
        by_hand.sql("SELECT kpi.add_sink('slack', 'slack', NULL, %s, %s)",
                    (json.dumps({'api': slack.url, 'channel': 'C0KPI'}), json.dumps({'token': secret})))
        by_hand.sql("""SELECT kpi.notify('slack', '{"text": "hello"}')""")
        by_hand.sql('CALL kpi.work()')
    (state, error), = by_hand.sql('SELECT state, error FROM kpi.outbox')
    assert state == 'dead' and error.endswith('x***...') and 'xoxb' not in error


def test_a_webhook_keeps_its_bearer_token_to_itself(by_hand):
    canary = 'c4n"ry/ö+tok3n'
    echo = []

    def answer(connection, request):
        token = request.headers['authorization'].removeprefix('Bearer ').encode('latin-1').decode()
        echo.append((token, request.headers['x-api-key']))
        forms = [token, json.dumps(token), json.dumps(token, ensure_ascii=False), urllib.parse.quote(token, safe='-._~'),
                 base64.b64encode(token.encode()).decode(), request.headers['x-api-key']]
        return status(400, forms[len(echo) % len(forms)].encode())(connection, request)

    with Receiver(answer) as hook:
        secret = {'authorization': 'Bearer ' + canary, 'headers': {'X-Api-Key': 'k3y-c4nary'}}
        by_hand.sql("SELECT kpi.add_sink('hook', 'webhook', %s, '{\"headers\": {\"X-Team\": \"growth\"}}', %s)", (hook.url, json.dumps(secret)))
        for n in range(6):
            by_hand.sql("SELECT kpi.notify('hook', '{}')")
        by_hand.sql('CALL kpi.work()')
        (_, tried_error), = tried(by_hand, 'hook')
    assert echo == [(canary, 'k3y-c4nary')] * 7
    errors = [error for error, in by_hand.sql('SELECT error FROM kpi.outbox UNION ALL SELECT error FROM kpi.delivery')] + [tried_error]
    shown = json.dumps([errors, by_hand.sql('SELECT s::text FROM kpi.sink s')], ensure_ascii=False) + by_hand.cluster.log()
    dump = subprocess.run([os.path.join(BIN, 'pg_dump'), by_hand.name], env={**os.environ, **by_hand.cluster.environment()}, check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    assert all('***' in error for error in errors), errors
    for form in ('c4n', 'tok3n', 'k3y-c4nary', base64.b64encode(canary.encode()).decode()):
        assert form not in shown and form not in dump


@pytest.mark.parametrize('name', ['Authorization', 'cookie', 'X-Api-Key', 'X-Auth-Token', 'Proxy-Authorization'])
def test_a_secret_header_is_no_option(by_hand, name):
    with pytest.raises(psycopg2.errors.InvalidParameterValue) as refused:
        by_hand.sql("SELECT kpi.add_sink('hook', 'webhook', 'http://127.0.0.1:1/', %s)", (json.dumps({'headers': {name: 'c4nary'}}),))
    assert 'is a secret' in str(refused.value) and 'c4nary' not in str(refused.value)
