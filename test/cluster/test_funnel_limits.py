"""A funnel over many keys ends soon after a cancel, sorts on disk what work_mem does not hold, and says so where that cannot help."""
import cluster as clusters
import psycopg2
import pytest

SOURCE = '''
CREATE TABLE visit (at timestamptz NOT NULL, page text, visitor int);
INSERT INTO visit SELECT '2026-01-01Z'::timestamptz + i % 700 * interval '1 hour', 'p' || i % 3, i / 2 FROM generate_series(1, 200000) i;
INSERT INTO visit SELECT '2026-01-01Z'::timestamptz + i % 700 * interval '1 hour', 'q' || i, -1 FROM generate_series(1, 20000) i;
CREATE VIEW visit_facts AS SELECT at, page, 1 AS visits, visitor FROM visit;
SELECT kpi.track('visit_facts', 'at', '{page}', 'visits', 'UTC', hour_retention => '100 years', aggregates => '{"visitors": {"distinct": "visitor"}}');
SELECT kpi.rebuild('visits')
'''
FUNNEL = "SELECT step, reached FROM kpi.funnel('{visitors,visitors}', '2026-01-01', '2026-01-31', filters => '[{\"page\": [\"p0\", \"p1\"]}, {\"page\": \"p2\"}]') ORDER BY 1"


@pytest.fixture
def visits(unattended):
    for statement in SOURCE.strip().split(';\n'):
        unattended.sql(statement)
    return unattended


def test_a_funnel_keeps_to_its_memory_and_heeds_a_cancel(visits):
    cursor = visits.connect().cursor()
    cursor.execute("SET work_mem = '64kB'; SET log_temp_files = 0")
    mark = visits.cluster.mark()
    cursor.execute(FUNNEL)
    small = cursor.fetchall()
    assert 'temporary file' in visits.cluster.log_since(mark), 'it was sorted on disk'
    # What one key has by segment and hour is held at once.
    with pytest.raises(psycopg2.errors.ConfigurationLimitExceeded, match='work_mem'):
        cursor.execute("SELECT kpi.funnel('{visitors,visitors}', '2026-01-01', '2026-01-31', by => '{page}', max_rows => NULL)")
    cursor.execute("SET work_mem = '64MB'; SELECT pg_backend_pid()")
    pid = cursor.fetchone()[0]
    begin = clusters.cpu(pid)
    cursor.execute(FUNNEL)
    assert cursor.fetchall() == small and small[1][1] > 10000
    whole = clusters.cpu(pid) - begin
    for part in (0.3, 0.6, 0.9):
        begin = clusters.cpu(pid)
        cursor.execute(f'SET statement_timeout = {max(1, int(whole * part * 1000))}')
        with pytest.raises(psycopg2.errors.QueryCanceled):
            cursor.execute(FUNNEL)
        cursor.execute('SET statement_timeout = 0')
        assert clusters.cpu(pid) - begin < whole * (part + 0.2), f'cancelled after {part} of {whole} s'
