"""Fixtures for tests that need servers of their own: crashes, restarts, standbys, several databases, many sessions.

How to write one: a file test/cluster/test_<topic>.py, functions named after the behaviour they prove. Ask for

    database        a fresh database with the extension on a shared preloaded server: .sql(text) .connect() .name .cluster
                    (dropped afterwards; cheap; never crash or restart its server)
    unattended      the same on a server without preload: nothing is merged or built unless the test does it
    make_cluster    a function: make_cluster(preload=True, config={...}, name=None) -> a running Cluster of its own,
                    removed afterwards, its standbys too; crash it, restart it, promote it
    wait_until      wait_until(lambda: condition, 'what is awaited', seconds=60): polls, returns the true value, raises
                    TimeoutError. Use it instead of sleeping; never assert absolute times

Cluster is test/tools/cluster.py; its first comment lists what it can do. sql() opens a connection for one statement;
for sessions that overlap use connect() and psycopg2 (autocommit unless connect(..., autocommit=False)).

After every test the server logs are read: PANIC, failed assertions and "terminated by signal" fail it, unless it is marked
    @pytest.mark.crashes     the test kills server processes on purpose (PANIC still fails)
On failure the tail of every log is printed.
Random tests take the fixture `seed`: printed on failure, replayed with KPI_SEED=<n> make cluster.
    make cluster                          all          make cluster TESTS='test_worker.py -k drop'      some
"""
import os
import random
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ('wire', 'tools'):  # slack_fake; cluster, receiver
    sys.path.insert(0, os.path.join(HERE, '..', folder))

import cluster as clusters  # noqa: E402
from clocks import clock, clocked  # noqa: E402, F401

SHARED = []  # clusters of the session


def pytest_configure(config):
    config.addinivalue_line('markers', 'crashes: kills server processes on purpose')


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for cluster, mark in getattr(item, 'watched', []):
            report.sections.append((f'log of {cluster.name}', cluster.log_since(mark)[-6000:]))


@pytest.fixture(autouse=True)
def watched(request):
    """The clusters of the test as (cluster, mark of its log): the test fails if one of them crashed; own ones are removed."""
    request.node.watched = [(cluster, cluster.mark()) for cluster in SHARED]
    yield request.node.watched
    fatal = ['PANIC:', 'TRAP:']
    if request.node.get_closest_marker('crashes') is None:
        fatal.append('terminated by signal')
    crashes = [f'{cluster.name}: {line}' for cluster, mark in request.node.watched
               for line in cluster.log_since(mark).splitlines() if any(word in line for word in fatal)]
    for cluster, _ in reversed(request.node.watched):
        if cluster not in SHARED:
            cluster.remove()
    assert not crashes, 'crashed: ' + crashes[0]


@pytest.fixture(scope='session')
def shared():
    cluster = clusters.Cluster(f'shared-{os.getpid()}', preload=True)
    cluster.start()
    SHARED.append(cluster)
    yield cluster
    SHARED.remove(cluster)
    cluster.remove()


class Database:
    def __init__(self, cluster, name):
        self.cluster = cluster
        self.name = name

    def sql(self, statement, parameters=None, user=clusters.USER):
        return self.cluster.sql(statement, self.name, user, parameters)

    def connect(self, user=clusters.USER, autocommit=True):
        return self.cluster.connect(self.name, user, autocommit)


@pytest.fixture
def database(shared):
    name = shared.create_database()
    yield Database(shared, name)
    shared.sql(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def unattended(make_cluster):
    cluster = make_cluster(preload=False)
    return Database(cluster, cluster.create_database())


@pytest.fixture
def make_cluster(watched):
    class Watched(clusters.Cluster):
        """Every cluster of the test, standbys too, is watched from its first log line on."""

        def start(self):
            if all(cluster is not self for cluster, _ in watched):
                watched.append((self, 0))
            return super().start()

        def standby(self, name=None, config=None):
            return super().standby(name or f'{self.name}-standby', config)

    def make(preload=True, config=None, name=None):
        return Watched(name or f'own-{os.getpid()}-{len(watched)}', preload, config).start()

    return make


@pytest.fixture
def wait_until():
    return clusters.wait_until


@pytest.fixture
def seed(request):
    value = int(os.environ.get('KPI_SEED', random.SystemRandom().randrange(1 << 31)))
    print(f'seed {value}: replay with KPI_SEED={value} make cluster TESTS="-k {request.node.name}"')
    return value
