"""What a read takes in memory, measured by the kernel: a read of more than work_mem times hash_mem_multiplier, or maintenance_work_mem, ends with an error before it has taken it."""
import psycopg2

FACTS = """
CREATE TABLE beat (at timestamptz NOT NULL, device text);
INSERT INTO beat SELECT at, 'd' || i FROM generate_series(1, 400) i, generate_series('2023-01-01 00:30Z'::timestamptz, '2023-04-30 12:00Z', '10 days') at;
CREATE VIEW beat_facts AS SELECT at, device, 1 AS beats FROM beat;
SELECT kpi.track('beat_facts', 'at', '{device}', 'beats', 'UTC', hour_retention => '10 years');
SELECT kpi.rebuild('beats')
"""
READ = "SELECT count(*) FROM kpi.query('{beats}', '2023-01-01', '2023-04-30', grain => 'hour', by => '{device}', max_rows => NULL)"


def peak(pid):
    """Most of its own memory that a process ever had, in kB."""
    with open(f'/proc/{pid}/status') as file:
        return next(int(line.split()[1]) for line in file if line.startswith('VmHWM:'))


def test_a_read_takes_no_more_memory_than_it_may(unattended):
    for statement in FACTS.strip().split(';\n'):
        unattended.sql(statement)

    def taken(work_mem):
        cursor = unattended.connect().cursor()
        cursor.execute("SET hash_mem_multiplier = 1; SET maintenance_work_mem = '1MB'")
        # Whatever the first read of a session brings: code, caches, plans.
        cursor.execute("SELECT count(*) FROM kpi.query('{beats}', '2023-01-01', '2023-01-02', grain => 'hour', by => '{device}', max_rows => NULL)")
        cursor.execute(f"SET work_mem = '{work_mem}'")
        cursor.execute('SELECT pg_backend_pid()')
        pid = cursor.fetchone()[0]
        before = peak(pid)
        error = None
        try:
            cursor.execute(READ)
        except psycopg2.Error as caught:
            error = caught.pgcode
        return peak(pid) - before, error

    whole, error = taken('1GB')
    assert error is None and whole > 40_000, 'too small a read to tell'
    bounded, error = taken('4MB')
    assert error == '53400'
    assert bounded < 12_000, f'{bounded} kB with a bound of 4 MB, {whole} kB without'
