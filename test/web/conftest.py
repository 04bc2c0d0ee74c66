"""Fixtures for the tests of kpi_web: a cluster with a worker, a shop with 40 days of leads and payments, and kpi_web before it.

    shop          database of the session: .sql(text, parameters) .name .cluster; tests add rows, they remove none
    web           kpi_web on the shop, for the session: .get(path, **headers) -> Answer, .port, .url
    start_web     a function: start_web(database=shop, **environment) -> another kpi_web, stopped after the test
    make_cluster  a function: make_cluster(name) -> a cluster of its own, removed afterwards
    wait_until    as in test/cluster
    browser, open_page, site   of the tests in a browser: browser.py

kpi_web connects as role kpi_web: a kpi_reader that may read the facts views, as docs/web.md says.
"""
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'tools'), HERE]

import cluster as clusters  # noqa: E402
from browser import browser, open_page, site  # noqa: E402, F401
from served_web import Web  # noqa: E402

SHOP = '''
CREATE TABLE leads (id bigserial PRIMARY KEY, created_at timestamptz NOT NULL, country text, source text, priority text);
CREATE TABLE payments (id bigserial PRIMARY KEY, created_at timestamptz NOT NULL, country text, source text, status text, amount numeric(12,2));
INSERT INTO leads (created_at, country, source, priority)
SELECT now() - i * interval '37 minutes', (ARRAY['MX','CO','ES'])[1 + i % 3], (ARRAY['google','ads','=SUM(A1)'])[1 + i % 7 % 3],
       (ARRAY['high','medium','low'])[1 + i % 5 % 3]
  FROM generate_series(0, 1600) i;
INSERT INTO payments (created_at, country, source, status, amount)
SELECT now() - i * interval '53 minutes', (ARRAY['MX','CO','ES'])[1 + i % 3], (ARRAY['google','ads','<b>x</b>'])[1 + i % 7 % 3],
       CASE WHEN i % 9 = 0 THEN 'failed' ELSE 'paid' END, 20 + i % 50
  FROM generate_series(0, 1100) i;
CREATE INDEX ON leads (created_at);
CREATE INDEX ON payments (created_at);
ANALYZE;
DO $$ BEGIN PERFORM kpi.install_sales(timezone => 'UTC'); END $$;
'''
ROLE = '''
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'kpi_web') THEN CREATE ROLE kpi_web LOGIN; END IF; END $$;
GRANT kpi_reader TO kpi_web;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO kpi_web;
'''


class Database:
    def __init__(self, cluster, name):
        self.cluster, self.name = cluster, name

    def sql(self, statement, parameters=None, user=clusters.USER):
        return self.cluster.sql(statement, self.name, user, parameters)

    def pay(self, amount=1, country='MX', source='google'):
        self.sql("INSERT INTO payments (created_at, country, source, status, amount) VALUES (now(), %s, %s, 'paid', %s)", (country, source, amount))


def make_shop(cluster):
    database = Database(cluster, cluster.create_database())
    database.sql(SHOP)
    database.sql(ROLE)
    clusters.wait_until(lambda: database.sql('SELECT count(*) = 0 FROM kpi.dirty')[0][0], 'the build of the shop')
    return database


@pytest.fixture(scope='session')
def shop():
    cluster = clusters.Cluster(f'web-{os.getpid()}', preload=True)
    cluster.start()
    yield make_shop(cluster)
    log = cluster.log()
    cluster.remove()
    assert 'PANIC:' not in log and 'terminated by signal' not in log


@pytest.fixture(scope='session')
def web(shop):
    with Web(shop) as served:
        yield served


@pytest.fixture
def start_web(shop):
    begun = []

    def start(database=None, **environment):
        served = Web(database or shop, **environment)
        begun.append(served)
        return served.__enter__()

    yield start
    for served in begun:
        served.__exit__()


@pytest.fixture
def make_cluster():
    made = []

    def make(name):
        cluster = clusters.Cluster(f'{name}-{os.getpid()}', preload=True)
        made.append(cluster)
        return cluster.start()

    yield make
    for cluster in made:
        cluster.remove()


@pytest.fixture
def wait_until():
    return clusters.wait_until
