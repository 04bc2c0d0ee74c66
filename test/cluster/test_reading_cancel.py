"""A read that is cancelled ends soon, whatever it is busy with: counted in CPU time of the backend, against the whole read in the
same run."""
import cluster as clusters
import psycopg2
import pytest

BEGIN, END = '2023-01-01', '2023-04-30'
FACTS = f"""
CREATE TABLE beat (at timestamptz NOT NULL, device text);
INSERT INTO beat SELECT at, 'd' || i FROM generate_series(1, 100) i, generate_series('{BEGIN} 00:30Z'::timestamptz, '{END} 12:00Z', '10 days') at;
CREATE VIEW beat_facts AS SELECT at, device, 1 AS beats FROM beat;
SELECT kpi.track('beat_facts', 'at', '{{device}}', 'beats', 'UTC', hour_retention => '10 years');
SELECT kpi.rebuild('beats')
"""
# Hardly any cell of the grid has a row, so that the time goes into what is made of it (top: of rows, before there is a grid).
READS = {
    'plain': '',
    'running total and share': "show => '{running,share}'",
    'wide average': "show => '{avg1000}'",
    'ordered': "order_by => 'value desc'",
    'compared': "compare => 'week'",
}


@pytest.fixture
def beats(unattended):
    for statement in FACTS.strip().split(';\n'):
        unattended.sql(statement)
    return unattended


@pytest.mark.parametrize('what', READS)
def test_a_cancel_is_heeded_whatever_a_read_is_busy_with(beats, what):
    arguments = ', '.join(filter(None, ["'{beats}'", f"'{BEGIN}', '{END}'", "grain => 'hour'", "by => '{device}'", 'max_rows => NULL', READS[what]]))
    read = f'SELECT count(*) FROM kpi.query({arguments})'
    cursor = beats.connect().cursor()
    cursor.execute("SET work_mem = '1GB'")
    cursor.execute('SELECT pg_backend_pid()')
    pid = cursor.fetchone()[0]

    def used_by_read():
        begin = clusters.cpu(pid)
        try:
            cursor.execute(read)
            cancelled = False
        except psycopg2.errors.QueryCanceled:
            cancelled = True
        return clusters.cpu(pid) - begin, cancelled

    used_by_read()
    assert cursor.fetchone()[0] > 0
    whole, _ = used_by_read()
    assert whole > 0.2, 'too short a read to be cancelled at a part of it'
    for part in (0.05, 0.2, 0.35, 0.5, 0.65):
        cursor.execute(f'SET statement_timeout = {int(whole * part * 1000)}')
        used, cancelled = used_by_read()
        assert cancelled and used < (part + 0.2) * whole, f'cancelled at {part:.0%} of the read, ended at {used / whole:.0%}'
