"""Reading beside other processes: on a hot standby, and while merges move the sums."""
import json
import re
import threading
import time

FACTS = """
CREATE TABLE pay (at timestamptz, country text, amount numeric);
CREATE VIEW pay_facts AS SELECT at, country, amount AS takings, 1 AS pays FROM pay;
SELECT kpi.track('pay_facts', 'at', '{country}', name => 'pay', timezone => 'UTC');
SELECT kpi.define('average', 'takings / pays');
"""

READS = {
    'kpi.query': "SELECT day, segment, metric, value FROM kpi.query('{takings,average}', '2026-03-01', '2026-03-03', by => '{country}')",
    'open day': "SELECT metric, value, compared, expected_so_far FROM kpi.query('{pays}', 'today', compare => 'week')",
    'hours': "SELECT bucket, value FROM kpi.query('{pays}', '2026-03-01', '2026-03-01', grain => 'hour')",
    'kpi.value': "SELECT kpi.value('average', '2026-03-02 12:00+00', '{\"country\": \"MX\"}')",
    'kpi.query_json': "SELECT kpi.query_json('takings', '2026-03-01', '2026-03-02', country => 'MX') #>> '{data,0,value}'",
    'kpi.summary': "SELECT metric, yesterday, days_30 FROM kpi.summary()",
    'daily': "SELECT day, country, row_count, takings FROM kpi_data.pay_daily ORDER BY 1, 2",
    'hourly': "SELECT hour, country, takings FROM kpi_data.pay_hourly ORDER BY 1, 2",
}


def test_every_reading_function_works_on_a_hot_standby(make_cluster, wait_until):
    primary = make_cluster(preload=False)
    primary.sql('CREATE EXTENSION kpi_ext')
    for statement in FACTS.strip().split(';\n'):
        primary.sql(statement)
    primary.sql("INSERT INTO pay SELECT '2026-03-01'::timestamptz + i * interval '5 h', (ARRAY['MX', 'ES'])[1 + i % 2], i "
                "FROM generate_series(0, 20) i")
    primary.sql("INSERT INTO pay SELECT date_trunc('day', now(), 'UTC') - i * interval '1 day', 'MX', i FROM generate_series(0, 59) i")
    standby = primary.standby()

    def agree(state):
        wait_until(lambda: standby.sql('SELECT count(*) FROM pay') == primary.sql('SELECT count(*) FROM pay')
                   and standby.sql('SELECT count(*) FROM kpi.dirty') == primary.sql('SELECT count(*) FROM kpi.dirty'),
                   f'the standby, {state}')
        for name, read in READS.items():
            assert standby.sql(read) == primary.sql(read), f'{name}, {state}'

    agree('being built')
    primary.sql("SELECT kpi.rebuild('pay')")
    agree('built')
    primary.sql("INSERT INTO pay VALUES ('2026-03-02 10:00+00', 'FR', 1000)")
    agree('with deltas')
    # The sums that the worker keeps of past days are in an unlogged table: no standby has them.
    for _ in range(2):
        primary.sql('CALL kpi.work()')
    assert primary.sql("SELECT bool_and(expected_so_far = 1) FROM kpi.query('{pays}', 'today')") == [(True,)]
    agree('with kept sums')


def test_a_merge_never_shows_in_a_read_committed_reader(unattended):
    for statement in FACTS.strip().split(';\n'):
        unattended.sql(statement)
    unattended.sql("SELECT kpi.rebuild('pay')")
    stop = threading.Event()

    def write():
        connection = unattended.connect()
        cursor = connection.cursor()
        i = 0
        while not stop.is_set():
            i += 1
            # Moves one between countries: the sum over all never changes.
            cursor.execute("INSERT INTO pay VALUES ('2026-03-02', 'MX', %s), ('2026-03-02', 'ES', %s)", (i, -i))
        connection.close()

    def merge():
        connection = unattended.connect()
        cursor = connection.cursor()
        while not stop.is_set():
            cursor.execute("SELECT kpi.merge('pay')")
            time.sleep(0.01)
        connection.close()

    threads = [threading.Thread(target=write), threading.Thread(target=merge)]
    for thread in threads:
        thread.start()
    try:
        connection = unattended.connect()
        cursor = connection.cursor()
        wrong, previous = [], 0
        end = time.monotonic() + 5
        while time.monotonic() < end:
            cursor.execute("SELECT metric, value FROM kpi.query('{takings,pays}', '2026-03-02', '2026-03-02')")
            takings, pays = [value for _, value in cursor.fetchall()]
            if takings != 0 or pays < previous or pays % 2:
                wrong.append((takings, pays, previous))
            previous = pays
        connection.close()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert previous > 0
    assert wrong == []


def work_of(cluster, cursor, statement):
    """How many rows the executor touched below the statement: everything that any node of any plan gave or threw away. From the
    log, because code of owners runs without notices."""
    def touched(node):
        rows = node['Actual Rows'] + node.get('Rows Removed by Join Filter', 0) + node.get('Rows Removed by Filter', 0)
        return rows * node['Actual Loops'] + sum(touched(child) for child in node.get('Plans', []))
    mark = cluster.mark()
    cursor.execute(statement)
    rows = len(cursor.fetchall())
    decoder = json.JSONDecoder()
    log = cluster.log_since(mark).replace('\n\t', '\n')
    plans = [decoder.raw_decode(log, found.end() - 1)[0] for found in re.finditer(r'plan:\s*\{', log)]
    assert any('_rollup_' in plan['Query Text'] for plan in plans), 'the statement that scans is not in the log'
    return rows, sum(touched(plan['Plan']) for plan in plans)


def test_the_work_of_a_read_grows_with_its_rows_whatever_the_statistics_say(database):
    for statement in FACTS.strip().split(';\n'):
        database.sql(statement)
    database.sql("INSERT INTO pay SELECT '2026-01-01'::timestamptz + i * interval '20 min', 'c' || i % 40, i FROM generate_series(0, 8639) i")
    database.sql("SELECT kpi.rebuild('pay')")
    connection = database.connect()
    with connection.cursor() as cursor:
        cursor.execute("LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_analyze = on; "
                       "SET auto_explain.log_timing = off; SET auto_explain.log_nested_statements = on; SET auto_explain.log_format = json; "
                       "SET auto_explain.log_level = log")
        for what, read in {
                'hours': "SELECT * FROM kpi.query('{{takings,average}}', '2026-01-01', '{}', grain => 'hour', compare => 'week', max_rows => NULL)",
                'days by segment': "SELECT * FROM kpi.query('{{takings,average}}', '2026-01-01', '{}', by => '{{country}}', compare => 'week', max_rows => NULL)",
                'hours of a segment': "SELECT * FROM kpi.query('{{takings}}', '2026-01-01', '{}', '{{\"country\": \"c1\"}}', grain => 'hour', max_rows => NULL)"}.items():
            few, little = work_of(database.cluster, cursor, read.format('2026-01-15'))
            many, much = work_of(database.cluster, cursor, read.format('2026-04-30'))
            assert many / few == 8, what
            assert much / little < 12, f'{what}: {few} rows touch {little}, {many} touch {much}'
            assert much < 20 * many + 5000, f'{what}: {many} rows touch {much}'
    connection.close()
