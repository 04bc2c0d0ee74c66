"""Environments: the server's variables, what a dump keeps, and the shell's way of loading one."""
import os
import re
import subprocess

import cluster as clusters
from conftest import HERE

ROOT = os.path.dirname(os.path.dirname(HERE))


def shown(cluster, database, name):
    return cluster.sql('SELECT value, source FROM kpi.config() WHERE name = %s', database, parameters=(name,))[0]


def test_variables_of_the_old_stack_count(make_cluster, monkeypatch):
    monkeypatch.setenv('KPI_REFRESH_SCHEDULE', '15 */2 * * *')
    monkeypatch.setenv('KPI_ANALYZE_AFTER_REFRESH', '1')
    monkeypatch.setenv('KPIS_PG_DSN', 'postgresql://kpi:p@ss?w@db.example:5432/shop?sslmode=require')
    cluster = make_cluster(preload=False)
    database = cluster.create_database()
    assert shown(cluster, database, 'refresh_schedule') == ('15 */2 * * *', 'variable KPI_REFRESH_SCHEDULE')
    assert shown(cluster, database, 'analyze_after_refresh') == ('true', 'variable KPI_ANALYZE_AFTER_REFRESH')
    assert shown(cluster, database, 'pg_dsn') == ('postgresql://db.example:5432/shop', 'variable KPIS_PG_DSN')
    # They count before the file of the environment.
    cluster.sql("""SELECT kpi.load_environment('dev', 'refresh_schedule: "0 6 * * *"')""", database)
    cluster.sql(f"ALTER DATABASE {database} SET kpi.environment = 'dev'")
    assert shown(cluster, database, 'refresh_schedule')[0] == '15 */2 * * *'


def test_a_variable_that_cannot_be_used_is_ignored_aloud(make_cluster, monkeypatch):
    monkeypatch.setenv('KPI_REFRESH_SCHEDULE', 'every 4 hours')
    monkeypatch.setenv('KPIS_PG_DSN', "host=db dbname=shop user=kpi password='a b'")
    cluster = make_cluster(preload=False)
    database = cluster.create_database()
    assert shown(cluster, database, 'refresh_schedule') == ('0 */4 * * *', 'default')
    note = cluster.sql("SELECT note FROM kpi.config() WHERE name = 'refresh_schedule'", database)[0][0]
    assert 'variable KPI_REFRESH_SCHEDULE is ignored: "every 4 hours"' in note
    assert shown(cluster, database, 'pg_dsn') == ('(set)', 'variable KPIS_PG_DSN')


def test_a_dump_keeps_thresholds(unattended):
    cluster = unattended.cluster
    unattended.sql("SELECT kpi.load_environment('prod', 'leads_critical: 44')")
    copy = cluster.create_database(extension=False)
    clusters.run('pg_dump', '-Fc', '-f', '/tmp/' + copy, '-d', cluster.conninfo(unattended.name))
    try:
        clusters.run('pg_restore', '-e', '-d', cluster.conninfo(copy), '/tmp/' + copy)
    finally:
        os.unlink('/tmp/' + copy)
    assert cluster.sql('SELECT environment, name, value FROM kpi.threshold', copy) == [('prod', 'leads_critical', '44')]
    assert cluster.sql("SET kpi.environment = prod; SELECT kpi.threshold_value('leads_critical')", copy) == [(44,)]


def test_the_documented_shell_command_loads_a_file(unattended):
    with open(os.path.join(ROOT, 'docs', 'environments.md')) as file:
        commands = re.findall(r'^```sh\n(.*?)^```', file.read(), re.M | re.S)
    environment = {**os.environ, **unattended.cluster.environment(), 'PGDATABASE': unattended.name,
                   'PATH': clusters.BIN + ':' + os.environ['PATH']}
    assert len(commands) == 1
    done = subprocess.run(['bash', '-euc', commands[0]], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, '')
    assert unattended.sql("SELECT count(*) FROM kpi.threshold WHERE environment = 'prod'") == [(19,)]
