"""The pushgateway sink against a real Pushgateway; what it took is judged by promtool and scraped by Prometheus."""
import json
import subprocess
import time
import urllib.parse

import pytest
from prometheus_servers import PATIENCE, Server, free_port, get, pushgateway


@pytest.fixture(scope='module')
def gateway(tmp_path_factory):
    with open(tmp_path_factory.mktemp('pushgateway') / 'log', 'wb') as log:
        server = pushgateway(log)
        yield server.url
        server.stop()


def gauge(name, *samples):
    return {'name': name, 'type': 'gauge', 'help': 'a "test" of \\ and\nlines', 'samples': list(samples)}


@pytest.fixture
def push(deliver, gateway):
    def run(body):
        return deliver({'kind': 'pushgateway', 'url': gateway + '/'}, {'body': body})
    return run


def groups(gateway):
    """{(job, other grouping labels): {metric: {labels of the sample: value}}}, as the server lists them."""
    found = {}
    for group in json.loads(get(gateway + '/api/v1/metrics'))['data']:
        key = frozenset(group['labels'].items())
        found[key] = {name: {frozenset(sample['labels'].items()): sample['value'] for sample in family['metrics']}
                      for name, family in group.items()
                      if isinstance(family, dict) and 'metrics' in family and not name.startswith('push_')}
    return found


def soon(condition):
    """The gateway answers a DELETE before it has done it."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, condition
        time.sleep(0.05)


def test_put_replaces_the_group_and_delete_drops_it(push, gateway):
    key = {'job': 'kpi_ext', 'instance': 'main'}
    body = {'grouping': {'instance': 'main'},
            'metrics': [gauge('kpi_revenue', {'labels': {'country': 'México'}, 'value': 12.5},
                              {'labels': {'country': 'a"b\\c\nd'}, 'value': -3}),
                        gauge('kpi_data_day', {'value': 19723})]}
    assert push(body)['state'] == 'delivered'
    assert push(body)['state'] == 'delivered'  # sending again changes nothing
    group = groups(gateway)[frozenset(key.items())]
    assert group['kpi_revenue'] == {frozenset({**key, 'country': 'México'}.items()): '12.5',
                                    frozenset({**key, 'country': 'a"b\\c\nd'}.items()): '-3'}
    assert list(group['kpi_data_day'].values()) == ['19723']

    body['metrics'] = [gauge('kpi_revenue', {'labels': {'country': 'France'}, 'value': 1})]
    assert push(body)['state'] == 'delivered'
    assert groups(gateway)[frozenset(key.items())] == {
        'kpi_revenue': {frozenset({**key, 'country': 'France'}.items()): '1'}}
    assert push({**body, 'metrics': []})['state'] == 'delivered'
    assert groups(gateway)[frozenset(key.items())] == {}

    outcome = push({'grouping': {'instance': 'main'}, 'delete': True})
    assert outcome['state'] == 'delivered' and outcome['status'] == 202
    soon(lambda: frozenset(key.items()) not in groups(gateway))


@pytest.mark.parametrize('value', ['', '/', 'a/b', '..', '.', 'a b', 'a%2Fb', 'naïve', '?x#y', '=', '~tilde-_.'])
def test_grouping_values_arrive_as_they_are(push, gateway, value):
    body = {'job': 'keys', 'grouping': {'segment': value}, 'metrics': [gauge('kpi_key', {'value': 1})]}
    outcome = push(body)
    assert outcome['state'] == 'delivered', outcome
    assert frozenset({'job': 'keys', 'segment': value}.items()) in groups(gateway)
    assert push({'job': 'keys', 'grouping': {'segment': value}, 'delete': True})['state'] == 'delivered'
    soon(lambda: frozenset({'job': 'keys', 'segment': value}.items()) not in groups(gateway))


def test_a_job_with_a_slash(push, gateway):
    assert push({'job': 'a/b', 'metrics': [gauge('kpi_job', {'value': 1})]})['state'] == 'delivered'
    assert frozenset({'job': 'a/b'}.items()) in groups(gateway)
    push({'job': 'a/b', 'delete': True})


def test_promtool_finds_no_fault(push, gateway):
    labels = [{'source': text} for text in ('plain', 'ünïcode', 'quote"', 'back\\slash', 'new\nline', '{}', '#')]
    metrics = [gauge('kpi_lint', *[{'labels': pairs, 'value': at} for at, pairs in enumerate(labels)]),
               gauge('kpi_odd', *[{'labels': {'a': value}, 'value': value} for value in ('NaN', '+Inf', '-Inf')]),
               {'name': 'kpi_orders_total', 'type': 'counter', 'help': 'orders', 'samples': [{'value': 1e300}]}]
    assert push({'job': 'lint', 'metrics': metrics})['state'] == 'delivered'
    # a group that an earlier test has deleted may still be shown
    names = tuple(metric['name'] for metric in metrics)
    ours = [line for line in get(gateway + '/metrics').splitlines()
            if line.removeprefix('# HELP ').removeprefix('# TYPE ').startswith(names)]
    assert len([line for line in ours if not line.startswith('#')]) == 11
    checked = subprocess.run(['promtool', 'check', 'metrics'], input='\n'.join(ours) + '\n', text=True,
                             capture_output=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    push({'job': 'lint', 'delete': True})


def test_another_type_elsewhere_is_refused_for_good(push):
    assert push({'job': 'one', 'metrics': [gauge('kpi_typed', {'value': 1})]})['state'] == 'delivered'
    outcome = push({'job': 'two', 'metrics': [{**gauge('kpi_typed', {'value': 1}), 'type': 'counter'}]})
    assert outcome['state'] == 'dead' and outcome['status'] == 400 and 'is not a' in outcome['error'], outcome
    push({'job': 'one', 'delete': True})
    push({'job': 'two', 'delete': True})


@pytest.mark.parametrize('metrics', [
    [gauge('kpi-x', {'value': 1})], [gauge('kpi_x', {'value': 1}, {'value': 2})],
    [gauge('kpi_x', {'labels': {'__a': 'b'}, 'value': 1})], [gauge('kpi_x', {'value': 1, 'timestamp': 1})],
    [{**gauge('kpi_x', {'value': 1}), 'type': 'metric'}], [{**gauge('kpi_x', {'value': 1}), 'help': ''}]])
def test_faults_are_found_before_anything_is_sent(push, metrics):
    outcome = push({'metrics': metrics})
    assert outcome['sqlstate'] == '22023' and outcome['exchanges'] == 0


def test_test_message_leaves_nothing(push, gateway):
    soon(lambda: not groups(gateway))
    assert push({'job': 'kpi_ext_test', 'delete': True})['state'] == 'delivered'
    assert not groups(gateway)


def test_prometheus_scrapes_it(push, gateway, tmp_path):
    port = free_port()
    target = urllib.parse.urlsplit(gateway).netloc
    (tmp_path / 'prometheus.yml').write_text(
        'global: {scrape_interval: 1s}\n'
        f'scrape_configs: [{{job_name: push, honor_labels: true, static_configs: [{{targets: ["{target}"]}}]}}]\n')
    assert push({'grouping': {'instance': 'main'},
                 'metrics': [gauge('kpi_scraped', {'labels': {'country': 'México'}, 'value': 42})]})['state'] == 'delivered'
    with open(tmp_path / 'log', 'wb') as log:
        server = Server(['prometheus', f'--config.file={tmp_path}/prometheus.yml', f'--storage.tsdb.path={tmp_path}/tsdb',
                         f'--web.listen-address=127.0.0.1:{port}'], port, log)
        try:
            deadline, result = time.monotonic() + PATIENCE, []
            while not result and time.monotonic() < deadline:
                time.sleep(0.2)
                result = json.loads(get(server.url + '/api/v1/query?query=kpi_scraped'))['data']['result']
        finally:
            server.stop()
    series, = result
    assert series['value'][1] == '42'
    assert series['metric'] == {'__name__': 'kpi_scraped', 'job': 'kpi_ext', 'instance': 'main', 'country': 'México'}
    push({'grouping': {'instance': 'main'}, 'delete': True})
