"""A cancel is heeded inside every long loop of ours: a debugger stops the backend in the loop, asks for a cancel, and counts how often the loop goes round
before PostgreSQL looks at it. Without a look it would go round until it is done: thousands of times, and many minutes with real data."""
import re
import subprocess
import tempfile
import threading

import psycopg2

SOURCE = """
CREATE TABLE beat (at timestamptz NOT NULL, device text, place text);
INSERT INTO beat SELECT '2023-01-01 00:30Z'::timestamptz + h * interval '1 hour', 'd' || i, 'p' || i % 7 FROM generate_series(0, 29) h, generate_series(1, 700) i;
CREATE VIEW beat_facts AS SELECT at, device, place, 1 AS beats FROM beat;
SELECT kpi.track('beat_facts', 'at', '{device,place}', 'beats', 'UTC', hour_retention => '10 years');
SELECT kpi.define('beats_twice', 'beats * 2');
SELECT kpi.rebuild('beats')
"""
EMPTY = 'TRUNCATE kpi_data.beats_rollup_hour, kpi_data.beats_rollup_day'
REBUILD = "SELECT kpi.rebuild('beats')"
READ = ("SELECT * FROM kpi.query('{{{metric}}}', '2023-01-01', '2023-01-02', grain => 'hour', by => '{{device}}', max_rows => NULL{more})")


def read(metric='beats', more=''):
    return [], READ.format(metric=metric, more=more)


# Of each loop: what it calls each time round, how often that may be called after the cancel, and a statement that runs it.
LOOPS = {
    'adding up days and levels': ('kpi::rewrite::add_up', 4096 * 4, ([EMPTY], REBUILD)),
    'hashing segments': ('kpi::rewrite::segment_hash', 1, ([EMPTY], REBUILD)),
    'writing rows': ('heap_multi_insert', 1, ([EMPTY], REBUILD)),
    'sorting what memory does not hold': ('tuplesort_puttupleslot', 1, (['SET work_mem = 64', 'SET maintenance_work_mem = 1024'], REBUILD)),
    'taking it back': ('kpi::rewrite::peek_row', 2, (['SET work_mem = 64', 'SET maintenance_work_mem = 1024'], REBUILD)),
    'deleting what is wrong': ('kpi::rewrite::delete_row', 1, ([REBUILD, 'UPDATE kpi_data.beats_rollup_hour SET n = n + 1'], REBUILD)),
    'labels of segments': ('kpi::pg::Expression::evaluate', 1, read()),
    'formulas': ('kpi::pg::Evaluator::operator()', 1, read('beats_twice')),
    'running totals': ('kpi::pg::sum', 1, read(more=", show => '{running}'")),
    'order': ('kpi::pg::compare', 1, read(more=", order_by => 'value'")),
    'rows of the answer': ('kpi::pg::ResultSet::append', 1, read()),
}
SKIPPED = 50  # rounds before the cancel


def rounds_after_cancel(pid, function, begin):
    """The debugger waits in the loop's function; begin() starts the statement."""
    script = f"""
set pagination off
set breakpoint pending on
handle SIGUSR1 SIGUSR2 SIGINT SIGALRM nostop noprint pass
break {function}
ignore 1 {SKIPPED}
python print('ready', flush=True)
continue
set var *(volatile int *) &QueryCancelPending = 1
set var *(volatile int *) &InterruptPending = 1
ignore 1 1000000
break ProcessInterrupts
continue
info breakpoints
delete
detach
"""
    with tempfile.NamedTemporaryFile('w', suffix='.gdb') as file:
        file.write(script)
        file.flush()
        debugger = subprocess.Popen(['gdb', '-q', '-nx', '-readnever', '-p', str(pid), '-x', file.name, '-batch'], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        said = []
        for line in debugger.stdout:
            said.append(line)
            if line.startswith('ready'):
                break
        else:
            raise AssertionError(''.join(said)[-3000:])
        begin()
        try:
            seen, _ = debugger.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            debugger.terminate()
            raise AssertionError(f'{function} was not called {SKIPPED} times') from None
    hits = re.search(r'breakpoint already hit (\d+) times', seen)
    assert hits, seen[-3000:]
    return int(hits[1]) - SKIPPED - 1


def cancelled_in(database, function, before, statement):
    cursor = database.connect().cursor()
    # The library is loaded, so that the debugger knows its functions.
    cursor.execute("SELECT kpi.value('beats', '2023-01-01 05:00Z')")
    for one in before:
        cursor.execute(one)
    cursor.execute('SELECT pg_backend_pid()')
    pid = cursor.fetchone()[0]
    outcome = []

    def run():
        try:
            cursor.execute(statement)
            outcome.append('done')
        except psycopg2.errors.QueryCanceled:
            outcome.append('cancelled')

    thread = threading.Thread(target=run)
    rounds = rounds_after_cancel(pid, function, thread.start)
    thread.join(60)
    assert outcome == ['cancelled'], function
    return rounds


def test_a_cancel_is_heeded_in_every_loop(unattended):
    for one in SOURCE.strip().split(';\n'):
        unattended.sql(one)
    rounds = {loop: cancelled_in(unattended, function, *how) for loop, (function, _, how) in LOOPS.items()}
    print(rounds)
    late = {loop: rounds[loop] for loop, (_, most, _) in LOOPS.items() if rounds[loop] > most}
    assert not late, f'rounds after a cancel: {late}'
