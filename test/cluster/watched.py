"""What the worker tests share: a small source, and the worker's state as kpi.status() tells it."""
import json


class On:
    """A database of a cluster, with the interface of the fixture `database`."""

    def __init__(self, cluster, name):
        self.cluster = cluster
        self.name = name

    def sql(self, statement, parameters=None, user='postgres'):
        return self.cluster.sql(statement, self.name, user, parameters)

    def connect(self, user='postgres', autocommit=True):
        return self.cluster.connect(self.name, user, autocommit)


def new_database(cluster, name=None):
    return On(cluster, cluster.create_database(name))


def make_source(database, name='pay', options=''):
    """Table `name`, facts view `name`_facts, tracked as `name`."""
    database.sql(f'CREATE TABLE {name} (id serial PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(), country text, amount numeric)')
    database.sql(f'CREATE VIEW {name}_facts AS SELECT at, country, 1 AS {name}s, amount AS {name}_revenue FROM {name}')
    track(database, name, options)


def track(database, name='pay', options=''):
    database.sql(f"SELECT kpi.track('{name}_facts', 'at', '{{country}}', name => '{name}'{options})")


def status(database):
    return database.sql('SELECT kpi.status()')[0][0]


def worker(database):
    return status(database)['worker']


def deltas(database, name='pay'):
    return database.sql(f'SELECT count(*) FROM kpi_data.{name}_delta')[0][0]


def drained(database, name='pay'):
    """Built and merged: the rollups alone hold every fact."""
    return database.sql(f"""SELECT NOT EXISTS (SELECT FROM kpi.dirty WHERE source = '{name}')
                               AND NOT EXISTS (SELECT FROM kpi_data.{name}_delta)
                               AND (SELECT coalesce(sum(n), 0) FROM kpi_data.{name}_rollup_day WHERE level = 0)
                                 = (SELECT count(*) FROM {name})""")[0][0]


def verified(database, name='pay'):
    return database.sql(f"SELECT count(*) FROM kpi.verify('{name}')")[0][0] == 0


def running(database, wait_until, other_than=None):
    """The worker's state once one runs (another one than pid `other_than`) and has made a round."""
    def state():
        now = worker(database)
        return now if now['running'] and now['pid'] != other_than and now['heartbeat_age_seconds'] is not None else None
    return wait_until(state, 'a running worker')


def workers(cluster):
    """Databases with a worker, from the list of processes."""
    rows = cluster.sql("SELECT datname FROM pg_stat_activity WHERE backend_type = 'kpi_ext worker'")
    return {row[0] for row in rows}


def set_for(database, setting, value, wait_until):
    """ALTER DATABASE ... SET kpi.*, and the worker that has read it."""
    before = worker(database)['pid']
    database.sql(f'ALTER DATABASE "{database.name}" SET {setting} = \'{value}\'')
    return running(database, wait_until, other_than=before)


def update_payload(text):
    payload = json.loads(text)
    assert set(payload) == {'sources', 'views'}
    return payload
