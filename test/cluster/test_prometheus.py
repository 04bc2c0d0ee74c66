"""Numbers of a live worker in a real Prometheus: pushed and scraped, judged by the shipped rules, told by a real Alertmanager."""
import datetime
import json
import os
import re
import shutil
import subprocess
import time

import cluster as clusters
import pytest
from conftest import HERE
from prometheus_servers import Server, alertmanager, free_port, get, prometheus, pushgateway, text_page
from receiver import Receiver, status
from watched import On

ROOT = os.path.dirname(os.path.dirname(HERE))
HOME = os.path.join(ROOT, 'prometheus')
METRICS = "'{leads,payments,revenue,payments_success_rate}', '{country,source}'"
TABLES = '''
    CREATE TABLE leads (id bigserial PRIMARY KEY, created_at timestamptz NOT NULL DEFAULT now(), country text, source text);
    CREATE TABLE payments (id bigserial PRIMARY KEY, created_at timestamptz NOT NULL DEFAULT now(), country text, source text,
        status text NOT NULL DEFAULT 'paid', amount numeric(12,2) NOT NULL DEFAULT 10)'''
# Five weeks of an even day, up to this minute: 192 leads and 192 payments a day in four segments.
HISTORY = '''
    INSERT INTO {table} (created_at, country, source)
    SELECT t, c, s FROM generate_series(now() - interval '35 days', now(), interval '30 minutes') t, unnest('{{MX,ES}}'::text[]) c, unnest('{{ads,mail}}'::text[]) s'''


def afternoon():
    """A zone in which it is between one and two o'clock: a test that runs at night has a day to judge too."""
    hours = 13 - datetime.datetime.now(datetime.timezone.utc).hour
    return f'Etc/GMT{-hours:+d}'


@pytest.fixture
def shop(make_cluster):
    """The pack on empty tables, with a worker."""
    cluster = make_cluster(preload=True, config={'kpi.allowed_hosts': '127.0.0.1'})
    database = On(cluster, cluster.create_database('shop'))
    database.sql(TABLES)
    database.sql('SELECT kpi.install_sales(timezone => %s)', (afternoon(),))
    database.sql("CREATE ROLE kpi_metrics LOGIN; GRANT kpi_reader TO kpi_metrics")
    for facts, in database.sql('SELECT facts::regclass::text FROM kpi.source'):
        database.sql(f'GRANT SELECT ON {facts} TO kpi_metrics')
    return database


def fill(database):
    database.sql(HISTORY.format(table='leads'))
    database.sql(HISTORY.format(table='payments'))


def quick_rules(folder):
    with open(os.path.join(HOME, 'rules', 'prod.yaml')) as file:
        (folder / 'rules.yaml').write_text(re.sub(r'for: \d+m', 'for: 2s', file.read()))


class Watcher:
    """What a Prometheus says."""

    def __init__(self, server):
        self.url = server.url

    def data(self, path):
        return json.loads(get(f'{self.url}/api/v1/{path}'))['data']

    def value(self, name):
        found = self.data(f'query?query={name}')['result']
        return [float(sample['value'][1]) for sample in found]

    def series(self, selector):
        return {json.dumps({name: value for name, value in sample['metric'].items() if name not in ('instance', 'job')}, sort_keys=True): sample['value'][1]
                for sample in self.data(f'query?query={selector}')['result']}

    def faults(self):
        """Rules that cannot be evaluated."""
        return [(rule['name'], rule.get('lastError')) for group in self.data('rules')['groups'] for rule in group['rules'] if rule['health'] == 'err']

    def judged(self, since):
        groups = self.data('rules')['groups']
        return len(groups) == 2 and all(group['lastEvaluation'] > since for group in groups)

    def firing(self):
        return {alert['labels']['alertname'] for alert in self.data('alerts')['alerts'] if alert['state'] == 'firing'}


def test_from_an_insert_to_the_receiver_and_back(shop, wait_until, tmp_path):
    fill(shop)
    told = []
    servers = []
    with Receiver(status(200)) as receiver, open(tmp_path / 'log', 'wb') as log:
        try:
            servers.append(pushgateway(log))
            with open(os.path.join(HOME, 'alertmanager.yml')) as file:
                config = re.sub(r'group_(wait|interval): \w+', r'group_\1: 1s', file.read())
            (tmp_path / 'alertmanager.yml').write_text(re.sub(r'http://127.0.0.1:9095/\w+', receiver.url, config))
            servers.append(alertmanager(tmp_path / 'alertmanager.yml', tmp_path, log))
            shop.sql("SELECT kpi.add_sink('gateway', 'pushgateway', %s)", (servers[0].url,))
            shop.sql(f"SELECT kpi.publish('gateway', {METRICS}, rank_by => 'revenue', every => '1 second')")
            wait_until(lambda: 'kpi_payments_success_rate{' in get(servers[0].url + '/metrics'), 'the first push')
            quick_rules(tmp_path)
            servers.append(prometheus(tmp_path, {'pushgateway': servers[0].url.removeprefix('http://')}, log, servers[1].url))
            watcher = Watcher(servers[2])

            def messages(name, state):
                told[:] = [alert for request in receiver.requests for alert in json.loads(request.body)['alerts']]
                return [alert for alert in told if alert['labels']['alertname'] == name and alert['status'] == state]

            wait_until(lambda: watcher.value('kpi:payments_success_rate:percent') == [100] and watcher.value('kpi:revenue_by_segment_pace:ratio'), 'a usual day')
            assert len(watcher.value('kpi:leads_by_segment_projected:day')) == 4 and not watcher.faults()
            shop.sql("INSERT INTO payments (country, source, status) SELECT 'MX', 'ads', 'failed' FROM generate_series(1, 300)")
            alert = wait_until(lambda: messages('LowPaymentSuccessRate', 'firing'), 'the alert')[0]
            assert alert['labels'].items() >= {'database': 'shop', 'environment': 'prod', 'severity': 'warning'}.items()
            assert re.fullmatch(r'shop: [\d.]+ % of the payments succeed', alert['annotations']['summary'])
            wait_until(lambda: 'LowPaymentSuccessRateInfo' in watcher.firing(), 'the lower level')
            time.sleep(3)  # three rounds of Alertmanager
            assert not messages('LowPaymentSuccessRateInfo', 'firing'), 'it is inhibited by the higher one'
            shop.sql("DELETE FROM payments WHERE status = 'failed'")
            wait_until(lambda: messages('LowPaymentSuccessRate', 'resolved'), 'the end of it')
            assert {name for alert in told if (name := alert['labels']['alertname']).startswith('Low')} <= {
                'LowPaymentSuccessRate', 'LowPaymentSuccessRateInfo'}, 'nothing else was low'

            # Nobody pushes any more, and the gateway was told to forget.
            shop.sql("SELECT kpi.unpublish('gateway')")
            wait_until(lambda: messages('KpiPushAbsent', 'firing'), 'the absence of pushes')
        finally:
            for server in servers[::-1]:
                server.stop()


def test_the_rules_on_what_a_live_worker_exposes(shop, wait_until, tmp_path):
    """Absent series, NaN and 0/0 as they really come: no rule errs, and none alarms where there is nothing to judge."""
    def page():
        return shop.sql(f'SELECT kpi.prometheus_text({METRICS})', user='kpi_metrics')[0][0]

    quick_rules(tmp_path)
    with text_page(page) as target, open(tmp_path / 'log', 'wb') as log:
        server = prometheus(tmp_path, {'kpi_ext': target}, log)
        watcher = Watcher(server)

        def low_after(name, wanted):
            """Alerts on numbers that fire once a gauge has the value, and the rules have looked some times."""
            wait_until(lambda: str(watcher.value(name)) == str(wanted), f'{name} {wanted}')
            seen = datetime.datetime.now(datetime.timezone.utc)
            wait_until(lambda: watcher.judged((seen + datetime.timedelta(seconds=4)).isoformat()), 'the rules to look')
            assert not watcher.faults()
            return {name for name in watcher.firing() if not name.startswith('Kpi')}

        try:
            wait_until(lambda: shop.sql('SELECT count(*) FROM kpi.dirty') == [(0,)], 'the build')
            text = page()
            assert 'kpi_payments_success_rate{' not in text and 'kpi_leads_pace' not in text, 'what has no value is absent'
            assert low_after('kpi_leads_today', [0.0]) == set(), 'empty tables'
            fill(shop)
            today = shop.sql("SELECT value::float8 FROM kpi.gauges('{leads}') WHERE gauge = 'kpi_leads_today'")[0][0]
            assert low_after('kpi_leads_today', [today]) == set(), 'a usual day'
            shop.sql("INSERT INTO payments (country, source, amount) VALUES ('MX', 'ads', 'NaN')")
            assert low_after('kpi_revenue_today', [float('nan')]) == set(), 'a number that is none'
            shop.sql('DELETE FROM payments')
            assert low_after('kpi_revenue_today', [0.0]) == set(), '0/0: no payments at all'
            # The zone of the installation: an hour later the afternoon is elsewhere.
            shop.sql("""DELETE FROM leads USING kpi.source s
                         WHERE s.name = 'leads' AND leads.created_at >= date_trunc('day', now() AT TIME ZONE s.timezone) AT TIME ZONE s.timezone""")
            assert low_after('kpi_leads_today', [0.0]) == {'LowDailyLeads', 'LowDailyLeadsWarning', 'LowLeadsBySegment'}, 'no lead of today'
            assert watcher.firing() == {'LowDailyLeads', 'LowDailyLeadsWarning', 'LowLeadsBySegment', 'KpiDayNotClosed'} & watcher.firing(), \
                'nothing ails the worker, and nobody misses a gateway that there is none of'
            checked = subprocess.run(['promtool', 'check', 'metrics'], input=page(), text=True, capture_output=True, check=False)
            assert checked.returncode == 0, checked.stdout + checked.stderr
        finally:
            server.stop()


def test_sql_exporter_shows_the_same_series(shop, wait_until, tmp_path):
    fill(shop)
    shop.sql("INSERT INTO payments (country, source) VALUES (NULL, 'ads')")
    wait_until(lambda: shop.sql('SELECT count(*) FROM kpi.dirty') == [(0,)], 'the build')
    with open(os.path.join(HOME, 'sql_exporter.yml')) as file:
        config = file.read().replace('127.0.0.1:5432/shop', f'127.0.0.1:{shop.cluster.port}/shop').replace('interval: 15s', 'interval: 1s')
    (tmp_path / 'sql_exporter.yml').write_text(config)
    with open(os.path.join(HOME, 'prometheus_pull.yml')) as file:
        pull = file.read()
    quick_rules(tmp_path)
    port, exporter_port = free_port(), free_port()
    (tmp_path / 'prometheus.yml').write_text(pull.replace('15s', '1s').replace('127.0.0.1:9237', f'127.0.0.1:{exporter_port}').replace('rules/prod', 'rules'))
    with open(tmp_path / 'log', 'wb') as log:
        exporter = subprocess.Popen(['prometheus-sql-exporter', '-config.file', tmp_path / 'sql_exporter.yml',
                                     '-web.listen-address', f'127.0.0.1:{exporter_port}'], stdout=log, stderr=log)
        server = None
        try:
            server = Server(['prometheus', f'--config.file={tmp_path}/prometheus.yml', f'--storage.tsdb.path={tmp_path}/tsdb',
                             f'--web.listen-address=127.0.0.1:{port}'], port, log)
            watcher = Watcher(server)
            selector = '{__name__=~"kpi_(leads|payments|revenue|source|outbox|open).*"}'.replace('"', '%22').replace('|', '%7C').replace('{', '%7B').replace('}', '%7D')
            wait_until(lambda: watcher.value('kpi_revenue_by_segment'), 'the exporter')
            text = shop.sql(f"SELECT kpi.prometheus_text({METRICS}, rank_by => 'revenue')", user='kpi_metrics')[0][0]
            ours = {re.sub(r'\{.*', '', line) for line in text.splitlines() if re.match(r'kpi_(leads|payments|revenue|source|outbox|open)', line)}
            series = [json.loads(labels) for labels in watcher.series(selector)]
            assert {labels['__name__'] for labels in series} == ours
            assert {frozenset(labels) for labels in series if labels['__name__'] == 'kpi_revenue_by_segment'} == {
                frozenset({'__name__', 'database', 'country', 'source'}), frozenset({'__name__', 'database', 'source'})} or \
                all(labels.get('country') for labels in series if labels['__name__'] == 'kpi_revenue_by_segment')
            time.sleep(3)
            assert not watcher.faults() and {name for name in watcher.firing() if name.startswith('Low')} == set()
        finally:
            exporter.terminate()
            exporter.wait(10)
            if server:
                server.stop()


def test_the_documented_shell_commands(shop, tmp_path):
    """docs/prometheus.md, block by block, in a copy of the repository's folders."""
    for folder in ('prometheus', 'environments'):
        shutil.copytree(os.path.join(ROOT, folder), tmp_path / folder)
    with open(os.path.join(ROOT, 'docs', 'prometheus.md')) as file:
        blocks = re.findall(r'^```sh\n(.*?)^```', file.read(), re.M | re.S)
    environment = {**os.environ, **shop.cluster.environment(), 'PGDATABASE': 'shop', 'PATH': clusters.BIN + ':' + os.environ['PATH']}
    assert len(blocks) >= 3
    for block in blocks:
        done = subprocess.run(['bash', '-euc', block], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, block + done.stdout + done.stderr
    for name in ('prod', 'stg', 'dev'):
        with open(os.path.join(HOME, 'rules', name + '.yaml')) as file:
            assert (tmp_path / 'prometheus' / 'rules' / (name + '.yaml')).read_text() == file.read()
    assert 'kpi_worker_up{database="shop"} 1' in (tmp_path / 'kpi.prom').read_text()


def test_a_standby_exposes_the_same_and_misses_no_worker(shop, wait_until):
    fill(shop)
    wait_until(lambda: shop.sql('SELECT count(*) FROM kpi.dirty') == [(0,)], 'the build')
    standby = On(shop.cluster.standby(), 'shop')
    text = f'SELECT kpi.prometheus_text({METRICS})'
    numbers = re.compile(r'^kpi_(?:leads|payments|revenue)\w*(?:_today|_avg7d|_last_day|_by_segment)\{.*$', re.M)

    def numbers_of(database):
        return numbers.findall(database.sql(text)[0][0])

    wait_until(lambda: numbers_of(standby) == numbers_of(shop) != [], 'the same numbers')
    assert 'kpi_worker_up{database="shop"} 1' in shop.sql(text)[0][0] and 'kpi_worker_up' not in standby.sql(text)[0][0]
