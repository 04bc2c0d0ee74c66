"""What a read costs, counted in instructions and not in time: four times the rows are four times the instructions, whatever the
planner believes of the rollups. A join that compares every bucket with every cell would cost sixteen times as many."""
import datetime
import os
import re
import subprocess

import cluster as clusters
import pytest

FACTS = """
CREATE TABLE flight (at timestamptz NOT NULL, origin text, delay int);
CREATE INDEX ON flight (at);
INSERT INTO flight SELECT '2022-01-01 00:30Z'::timestamptz + d * interval '1 day' + d % 24 * interval '1 hour', 'o' || o, d % 60
    FROM generate_series(0, 799) d, generate_series(1, 10) o;
CREATE VIEW flight_facts AS SELECT at, origin, 1 AS flights, delay FROM flight;
SELECT kpi.track('flight_facts', 'at', '{origin}', 'flights', 'UTC', hour_retention => '10 years');
SELECT kpi.rebuild('flights')
"""
# Days from 2022-01-01 on; each read returns `days` times a constant.
READS = {
    'by day and segment': ("SELECT * FROM kpi.query('{{flights,delay}}', '2022-01-01', '{end}', by => '{{origin}}', max_rows => NULL)", 800),
    'by hour': ("SELECT * FROM kpi.query('{{flights}}', '2022-01-01', '{end}', grain => 'hour', max_rows => NULL)", 200),
    'against the year before': ("SELECT * FROM kpi.query('{{flights}}', '2022-01-01', '{end}', by => '{{origin}}', compare => 'year', max_rows => NULL)", 800),
}
BELIEFS = {
    'one row': "UPDATE pg_class SET reltuples = 1 WHERE relnamespace = 'kpi_data'::regnamespace AND relkind = 'r'",
    'very many rows': "UPDATE pg_class SET reltuples = 1e9, relpages = 1e7 WHERE relnamespace = 'kpi_data'::regnamespace AND relkind = 'r'",
}


def instructions(cluster, database, statement):
    """Of kpi.query alone, in a single-user server under callgrind."""
    folder = os.path.join(cluster.path, 'callgrind')
    os.makedirs(folder, exist_ok=True)
    os.chmod(folder, 0o777)
    command = [*clusters.AS, 'valgrind', '--tool=callgrind', f'--callgrind-out-file={folder}/out', '--collect-atstart=no',
               '--toggle-collect=kpi_ext_query', os.path.join(clusters.BIN, 'postgres'), '--single', '-D', cluster.data,
               '-c', 'shared_preload_libraries=', database]
    done = subprocess.run(command, input=statement + '\n', text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd='/')
    assert done.returncode == 0 and 'ERROR' not in done.stdout, done.stdout[-3000:]
    return int(re.search(r'Collected : (\d+)', done.stdout)[1])


@pytest.mark.parametrize('belief', BELIEFS)
def test_four_times_the_rows_cost_four_times_the_instructions(make_cluster, belief):
    cluster = make_cluster(preload=False, config={'autovacuum': 'off'})
    database = cluster.create_database()
    for statement in [*FACTS.strip().split(';\n'), *BELIEFS[belief].split(';')]:
        cluster.sql(statement, database)
    cluster.stop()
    for what, (read, days) in READS.items():
        few, many = (instructions(cluster, database, read.format(end=end(part))) for part in (days // 4, days))
        assert few > 100_000, what
        assert many < 4.6 * few, f'{what}: {many / few:.1f} times the instructions for four times the rows'


def test_a_wide_average_costs_as_much_as_a_narrow_one(make_cluster):
    cluster = make_cluster(preload=False, config={'autovacuum': 'off'})
    database = cluster.create_database()
    for statement in FACTS.strip().split(';\n'):
        cluster.sql(statement, database)
    cluster.stop()
    # Both ranges are widened by themselves: by as much as the other one is longer.
    narrow, wide = (instructions(cluster, database, f"SELECT * FROM kpi.query('{{flights}}', '{begin}', '{end(800)}', show => '{{avg{width}}}')")
                    for width, begin in ((10, end(292)), (300, end(582))))
    assert narrow > 100_000
    assert wide < 1.3 * narrow, f'{wide / narrow:.1f} times the instructions for a window of 300 days instead of 10'


def end(days):
    return (datetime.date(2022, 1, 1) + datetime.timedelta(days=days - 1)).isoformat()
