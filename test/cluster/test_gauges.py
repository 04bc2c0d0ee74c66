"""Today's numbers on their way to a real Pushgateway: pushed when one changes, by a process of its own; forgotten when it ends."""
import re

import pytest
from prometheus_servers import get, pushgateway

from watched import On


@pytest.fixture
def gateway(tmp_path):
    with open(tmp_path / 'pushgateway.log', 'wb') as log:
        server = pushgateway(log)
        yield server.url
        server.stop()


def gauge(url, name):
    """Values by their labels, as the gateway has them."""
    text = get(url + '/metrics')
    return {labels: float(value) for labels, value in re.findall(rf'^{name}{{(.*?)}} (\S+)$', text, re.M)}


def test_a_changed_number_reaches_the_gateway(make_cluster, wait_until, gateway):
    cluster = make_cluster(preload=True, config={'kpi.allowed_hosts': '127.0.0.1'})
    database = On(cluster, cluster.create_database())
    database.sql('CREATE TABLE sale (at timestamptz NOT NULL DEFAULT now(), country text, amount int)')
    database.sql('CREATE VIEW sale_facts AS SELECT at, country, amount AS takings FROM sale')
    database.sql("SELECT kpi.track('sale_facts', 'at', '{country}', 'sale', 'UTC')")
    database.sql("INSERT INTO sale SELECT now() - interval '1 day' * d, c, 70 FROM generate_series(1, 7) d, unnest('{MX,ES}'::text[]) c")
    database.sql("INSERT INTO sale (country, amount) VALUES ('MX', 5)")
    database.sql("SELECT kpi.add_sink('gateway', 'pushgateway', %s)", (gateway,))
    database.sql("SELECT kpi.publish('gateway', '{takings}', '{country}', every => '1 second')")

    def today():
        return list(gauge(gateway, 'kpi_takings_today').values())

    wait_until(lambda: today() == [5], 'the first push')
    segments = gauge(gateway, 'kpi_takings_by_segment')
    assert sorted(segments.values()) == [0, 5] and any('country="ES"' in labels for labels in segments)
    assert list(gauge(gateway, 'kpi_takings_avg7d').values()) == [140]
    assert len(gauge(gateway, 'kpi_worker_heartbeat_timestamp_seconds')) == 1
    database.sql("INSERT INTO sale (country, amount) VALUES ('ES', 37)")
    wait_until(lambda: today() == [42], 'the changed number')
    database.sql("DELETE FROM sale WHERE country = 'ES' AND amount = 37")
    wait_until(lambda: today() == [5], 'the number that was taken back')
    pushes = database.sql("SELECT count(*) FROM kpi.outbox WHERE sink = 'gateway'")[0][0]
    assert pushes <= 5, 'numbers that did not change are not pushed'
    database.sql("SELECT kpi.unpublish('gateway')")
    wait_until(lambda: 'kpi_takings' not in get(gateway + '/metrics'), 'the gateway to forget')
