"""Reports on their way: the links of a digest lead to the report's bytes, at servers that verify signatures; and how long people wait for one."""
import json
import subprocess
import urllib.request

import azurite_server
from clocks import clock, clocked  # noqa: F401 (fixtures)
from receiver import Receiver, status
from s3_servers import swift
from watched import make_source


def shop(database):
    make_source(database, options=", timezone => 'UTC'")
    database.sql("INSERT INTO pay (at, country, amount) SELECT now() - d * interval '1 day', 'MX', d FROM generate_series(1, 40) d")


def fetched(url):
    return subprocess.run(['curl', '-sSf', '--noproxy', '*', url], check=True, capture_output=True).stdout


def make_bucket(server, name):
    """By Swift's own interface."""
    login = urllib.request.Request(f'{server.endpoint}/auth/v1.0', headers={'X-Auth-User': server.access_key, 'X-Auth-Key': server.secret_key})
    with urllib.request.urlopen(login) as answer:
        place, token = answer.headers['X-Storage-Url'], answer.headers['X-Auth-Token']
    urllib.request.urlopen(urllib.request.Request(f'{place}/{name}', method='PUT', headers={'X-Auth-Token': token})).close()


def test_links_lead_to_the_bytes_of_the_report(unattended, tmp_path):
    unattended.sql(f"ALTER DATABASE {unattended.name} SET kpi.allowed_hosts = '127.0.0.1'")
    shop(unattended)
    unattended.sql('CALL kpi.work()')
    with swift(tmp_path) as s3, azurite_server.serving() as port, Receiver(status(200)) as people:
        make_bucket(s3, 'kpis')
        unattended.sql("SELECT kpi.add_sink('store', 's3', %s, %s, %s)", (
            s3.endpoint, json.dumps({'bucket': 'kpis', 'region': s3.region, 'presign': 600}),
            json.dumps({'access_key_id': s3.access_key, 'secret_access_key': s3.secret_key})))
        account = azurite_server.ACCOUNT
        unattended.sql("SELECT kpi.add_sink('blobs', 'azure_blob', NULL, %s, %s)", (
            json.dumps({'container': 'kpis', 'create_container': True, 'presign': 600}),
            json.dumps({'connection_string': f'DefaultEndpointsProtocol=http;AccountName={account};AccountKey={azurite_server.KEY};'
                                             f'BlobEndpoint=http://127.0.0.1:{port}/{account};'})))
        unattended.sql("SELECT kpi.add_sink('people', 'webhook', %s)", (people.url,))
        unattended.sql("SELECT kpi.send_report('weekly', sinks => '{store,blobs,people}', formats => '{html,xlsx,csv}', language => 'es')")
        for _ in range(2):  # the files; then people are told
            unattended.sql('CALL kpi.work()')
        assert unattended.sql('SELECT state, note FROM kpi.announcement') in ([('announcing', None)], [('done', None)])
        files = json.loads(people.requests[0].body)['files']
        made = {key: bytes(content) for key, content in unattended.sql('SELECT object_key, kpi.report_content(id) FROM kpi.report')}
        assert sorted(one['object_key'] for one in files) == sorted([*made] * 2)
        for one in files:
            assert fetched(one['url']) == made[one['object_key']], one


def test_people_wait_ten_minutes_for_a_link(clocked, clock, wait_until):  # noqa: F811
    clocked.sql(f"ALTER DATABASE {clocked.name} SET timezone = 'UTC'")
    shop(clocked)
    with Receiver(status(503)) as store, Receiver(status(200)) as people:
        clocked.sql("SELECT kpi.add_sink('store', 's3', %s, %s, %s)", (
            store.url.removesuffix('/hook'), json.dumps({'bucket': 'kpis', 'region': 'eu-west-1', 'presign': 600}), json.dumps({'access_key_id': 'a', 'secret_access_key': 'b'})))
        clocked.sql("SELECT kpi.add_sink('people', 'webhook', %s)", (people.url,))
        wait_until(lambda: clocked.sql("SELECT kpi.send_report('daily', sinks => '{store,people}', formats => '{csv}')"), 'the report')
        state = 'SELECT state, note FROM kpi.announcement'
        clock.set(9 / 60)
        clocked.sql('CALL kpi.work()')
        assert clocked.sql(state) == [('uploading', None)] and not people.requests
        clock.set(11 / 60)
        late = 'Sent without the link: the file was not uploaded within 10 minutes.'
        clocked.sql('CALL kpi.work()')
        assert clocked.sql('SELECT note FROM kpi.announcement') == [(late,)]
        wait_until(lambda: people.requests, 'people')
        assert late in json.loads(people.requests[0].body)['text']
