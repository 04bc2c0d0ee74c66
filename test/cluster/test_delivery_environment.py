"""kpi.sinks_from_environment: a server started with the old stack's variables delivers to what they name."""
import json
import os
import shutil
import subprocess

import psycopg2
import pytest
from clocks import open_to_server
from cluster import AS
from receiver import Receiver, status
from slack_fake import SlackFake

VARIABLES = ('SLACK_WEBHOOK_URL', 'ENABLE_SLACK', 'PUSHGATEWAY_URL', 'KPI_REPORTS_S3_BUCKET', 'KPI_REPORTS_S3_PREFIX',
             'KPI_REPORTS_ADLS_SHARE', 'KPI_REPORTS_ADLS_PATH', 'AZURE_STORAGE_CONNECTION_STRING', 'KPI_REPORTS_DIR',
             'MLFLOW_TRACKING_URI', 'MLFLOW_KPI_EXPERIMENT_NAME', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY',
             'AWS_SESSION_TOKEN', 'AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_PROFILE', 'AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_S3',
             'AWS_SHARED_CREDENTIALS_FILE', 'AWS_CONFIG_FILE')
CALL = 'SELECT sink, kind, state, reason FROM kpi.sinks_from_environment()'


@pytest.fixture
def server(make_cluster, monkeypatch, tmp_path):
    """server(**variables): a database of a server that was started with them, and no others of the old stack."""
    def make(config=None, **variables):
        for name in VARIABLES:
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        cluster = make_cluster(preload=False, config=config)
        name = cluster.create_database()
        cluster.sql(f"ALTER DATABASE {name} SET kpi.allowed_hosts = '127.0.0.1'")
        return cluster, name
    return make


@pytest.fixture
def folder(tmp_path_factory):
    """A folder that the server may write to."""
    path = tmp_path_factory.mktemp('reports')
    open_to_server(path)
    if AS:
        shutil.chown(path, 'postgres', 'postgres')
    return path


def test_what_the_variables_name_is_added_and_delivered_to(server, folder):
    with SlackFake() as slack, Receiver(status(200)) as gateway, Receiver(status(200)) as bucket:
        credentials = folder / 'credentials'
        credentials.write_text('[reports]\naws_access_key_id = AKIAFROMFILE\naws_secret_access_key = hush-hush\n')
        os.chmod(credentials, 0o644)
        cluster, name = server(
            {'kpi.file_directory': folder}, SLACK_WEBHOOK_URL=slack.webhook, ENABLE_SLACK='True',
            PUSHGATEWAY_URL=f'127.0.0.1:{gateway.port}', KPI_REPORTS_DIR=f'{folder}/daily',
            KPI_REPORTS_S3_BUCKET='reports', KPI_REPORTS_S3_PREFIX='kpi', AWS_PROFILE='reports', AWS_REGION='eu-west-1',
            AWS_SHARED_CREDENTIALS_FILE=str(credentials), AWS_ENDPOINT_URL=f'http://127.0.0.1:{bucket.port}',
            KPI_REPORTS_ADLS_SHARE='reports')
        assert cluster.sql(CALL, name) == [
            ('slack', 'slack', 'added', None), ('pushgateway', 'pushgateway', 'added', None), ('reports_s3', 's3', 'added', None),
            ('reports_adls', 'azure_blob', 'skipped', 'AZURE_STORAGE_CONNECTION_STRING is not set'),
            ('reports_dir', 'file', 'added', None)]
        assert {row[2] for row in cluster.sql(CALL, name)} == {'unchanged', 'skipped'}
        cluster.sql("""SELECT kpi.notify('slack', '{"text": "hello"}'),
                              kpi.notify('pushgateway', '{"metrics": [{"name": "kpi_a", "type": "gauge", "help": "a",
                                                                       "samples": [{"value": 1}]}]}'),
                              kpi.notify('reports_s3', 'bytes', 'text/plain', 'a.txt'),
                              kpi.notify('reports_dir', 'bytes', 'text/plain', 'a.txt')""", name)
        cluster.sql('CALL kpi.work()', name)
        assert cluster.sql('SELECT sink, state, error FROM kpi.outbox ORDER BY id', name) == [
            (sink, 'delivered', None) for sink in ('slack', 'pushgateway', 'reports_s3', 'reports_dir')]
        assert slack.calls == [('webhook', {'text': 'hello'})]
        assert (folder / 'daily' / 'a.txt').read_text() == 'bytes'
        stored = bucket.requests[0]
        assert stored.path == '/reports/kpi/a.txt'
        assert 'Credential=AKIAFROMFILE/' in stored.headers['authorization'] and '/eu-west-1/s3/' in stored.headers['authorization']
        kept = cluster.sql('SELECT string_agg(s::text || x::text, chr(10)) FROM kpi.sink s JOIN kpi.sink_secret x ON x.sink = s.name', name)
        for value in (slack.webhook, 'hush-hush', 'AKIAFROMFILE'):
            assert value not in kept[0][0]


def test_a_sink_that_was_added_by_hand_is_left_alone(server):
    cluster, name = server(PUSHGATEWAY_URL='http://127.0.0.1:9', SLACK_WEBHOOK_URL='https://h.example/x', ENABLE_SLACK='true')
    cluster.sql("""SELECT kpi.add_sink('pushgateway', 'pushgateway', 'http://127.0.0.1:9091', '{"parallelism": 2}')""", name)
    assert cluster.sql(CALL, name) == [
        ('slack', 'slack', 'added', None), ('pushgateway', 'pushgateway', 'skipped', 'a sink of this name was added by hand')]
    assert cluster.sql("SELECT options, url FROM kpi.sink WHERE name = 'pushgateway'", name) == [
        ({'parallelism': 2}, 'http://127.0.0.1:9091')]
    # A restored copy has no secrets: calling it again gives them back.
    cluster.sql("DELETE FROM kpi.sink_secret WHERE sink = 'slack'", name)
    assert ('slack', 'slack', 'changed', None) in cluster.sql(CALL, name)


def test_one_that_cannot_be_used_does_not_keep_the_others_out(server):
    cluster, name = server(KPI_REPORTS_S3_BUCKET='Not A Bucket', AWS_ACCESS_KEY_ID='a', AWS_SECRET_ACCESS_KEY='b',
                           PUSHGATEWAY_URL='http://127.0.0.1:9')
    rows = cluster.sql(CALL, name)
    assert [row[:3] for row in rows] == [('pushgateway', 'pushgateway', 'added'), ('reports_s3', 's3', 'skipped')]
    assert 'is not the name of a bucket' in rows[1][3]


def test_what_a_reference_stands_for_is_checked_when_it_can_be_read(server):
    cluster, name = server(MLFLOW_TRACKING_URI='sqlite:///runs.db', KPI_REPORTS_DIR='smtp://127.0.0.1:25')
    assert cluster.sql(CALL, name)[-1] == (
        'mlflow', 'mlflow', 'skipped', 'MLFLOW_TRACKING_URI is not the http:// or https:// URL of a server')
    with pytest.raises(psycopg2.errors.InvalidParameterValue, match='must begin with http'):
        cluster.sql("SELECT kpi.add_sink('runs', 'mlflow', 'env:MLFLOW_TRACKING_URI')", name)
    # a reference may stand for the URL of any kind
    cluster.sql("SELECT kpi.add_sink('mail', 'smtp', 'env:KPI_REPORTS_DIR', '{\"from\": \"a@b.example\", \"to\": \"c@d.example\"}')", name)
    session = cluster.connect(name)
    with session.cursor() as cursor:
        cursor.execute("SELECT kpi.add_sink('later', 's3', 'env:AWS_ENDPOINT_URL', '{\"bucket\": \"reports\"}')")
        assert 'sink "later" cannot be used yet: environment variable AWS_ENDPOINT_URL is not set' in session.notices[0]
    session.close()


def test_who_may(server):
    cluster, name = server(PUSHGATEWAY_URL='http://127.0.0.1:9')
    cluster.sql('CREATE ROLE eve LOGIN; CREATE ROLE keeper LOGIN IN ROLE kpi_admin; '
                'CREATE ROLE reader LOGIN IN ROLE kpi_admin, pg_read_server_files', name)
    for user in ('eve', 'keeper'):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cluster.sql(CALL, name, user)
    assert cluster.sql(CALL, name, 'reader')[0][2] == 'added'


def test_a_host_that_is_not_allowed_is_said_when_the_sink_is_added(server):
    cluster, name = server(PUSHGATEWAY_URL='http://push.example.com:9091')
    cluster.sql(f"ALTER DATABASE {name} SET kpi.allowed_hosts = 'hooks.example.com'")
    session = cluster.connect(name)
    with session.cursor() as cursor:
        cursor.execute(CALL)
        assert [row[2] for row in cursor.fetchall()] == ['added']
        assert len(session.notices) == 1 and 'its host "push.example.com" is not in kpi.allowed_hosts' in session.notices[0]
        cursor.execute("SELECT kpi.add_sink('ours', 'webhook', 'http://hooks.example.com/')")
        assert len(session.notices) == 1
    session.close()


def test_every_host_that_a_sink_calls_is_judged_when_it_is_added(server):
    key = subprocess.run(['openssl', 'genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'], check=True,
                         capture_output=True, text=True).stdout
    account = json.dumps({'type': 'service_account', 'client_email': 'a@b', 'private_key': key,
                          'token_uri': 'https://oauth2.example.com/token'})
    cluster, name = server(KPI_TEST_ACCOUNT=account)
    cluster.sql(f"ALTER DATABASE {name} SET kpi.allowed_hosts = 'hooks.example.com'")
    session = cluster.connect(name)
    with session.cursor() as cursor:
        for secret in ('env:KPI_TEST_ACCOUNT', account):
            cursor.execute("SELECT kpi.add_sink('ours', 'sheets', secret => %s)", [json.dumps({'service_account': secret})])
        for host in ('oauth2.example.com', 'sheets.googleapis.com'):
            assert sum(f'its host "{host}" is not in kpi.allowed_hosts' in notice for notice in session.notices) == 2
        assert len(session.notices) == 4 and not any('PRIVATE' in notice for notice in session.notices)
    session.close()
