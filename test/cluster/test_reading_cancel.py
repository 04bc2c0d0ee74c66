"""A read that is cancelled ends at once wherever it stands: while rows come in, while buckets are filled, while rows go out.
Counted in CPU time of the backend, against the whole read in the same run."""
import datetime
import os

import psycopg2
import pytest

FACTS = """
CREATE TABLE beat (at timestamptz NOT NULL, device text);
INSERT INTO beat SELECT '2023-01-01 00:30Z'::timestamptz + h * interval '1 hour', 'd' || i FROM generate_series(1, 400) i, generate_series(0, {hours} - 1) h;
CREATE VIEW beat_facts AS SELECT at, device, 1 AS beats FROM beat;
SELECT kpi.track('beat_facts', 'at', '{{device}}', 'beats', 'UTC', hour_retention => '10 years');
SELECT kpi.rebuild('beats')
"""
# Hours with rows, days that are read: a row in every cell, and hardly any cell with a row.
SHAPES = {'every cell has rows': (720, 30), 'hardly any cell has rows': (1, 180)}


def cpu(pid):
    """Seconds of CPU time that a process has used."""
    with open(f'/proc/{pid}/stat') as file:
        fields = file.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


@pytest.mark.parametrize('shape', SHAPES)
def test_a_cancel_is_heeded_in_every_part_of_a_read(make_cluster, shape):
    hours, days = SHAPES[shape]
    cluster = make_cluster(preload=False)
    database = cluster.create_database()
    for statement in FACTS.format(hours=hours).strip().split(';\n'):
        cluster.sql(statement, database)
    end = (datetime.date(2023, 1, 1) + datetime.timedelta(days=days - 1)).isoformat()
    read = "SELECT count(*) FROM kpi.query('{beats}', '2023-01-01', '%s', grain => 'hour', by => '{device}', max_rows => NULL)" % end
    cursor = cluster.connect(database).cursor()
    cursor.execute('SELECT pg_backend_pid()')
    pid = cursor.fetchone()[0]
    cursor.execute(read)
    assert cursor.fetchone()[0] == 400 * days * 24
    begin = cpu(pid)
    cursor.execute(read)
    whole = cpu(pid) - begin
    for part in (0.05, 0.2, 0.35, 0.5, 0.65):
        cursor.execute(f'SET statement_timeout = {int(whole * part * 1000)}')
        begin = cpu(pid)
        with pytest.raises(psycopg2.errors.QueryCanceled):
            cursor.execute(read)
        used = cpu(pid) - begin
        assert used < (part + 0.2) * whole, f'cancelled at {part:.0%} of the read, ended at {used / whole:.0%}'
