"""Rules end to end: a collapse in live data becomes one message in a chat, which changes when it is taken and when it is over;
nothing is lost or said twice over a restart of the server."""
import concurrent.futures
import json

import psycopg2
import pytest
from slack_fake import SlackFake, TOKEN
from watched import On

SHOP = """
SET client_min_messages = error;
CREATE TABLE sale (at timestamptz NOT NULL, country text, amount numeric);
CREATE VIEW sale_facts AS SELECT at, country, 1 AS sales, amount AS takings FROM sale;
INSERT INTO sale SELECT d + i * interval '14 minutes', (ARRAY['MX', 'ES'])[1 + i % 2], 10
  FROM generate_series(date_trunc('day', now()) - interval '60 days', date_trunc('day', now()) - interval '1 day', '1 day') d, generate_series(0, 99) i;
SELECT kpi.track('sale_facts', 'at', '{country}', 'sale', 'UTC', build => 'now');
"""
YESTERDAY = "at >= date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' - interval '1 day'"


def state(database):
    return database.sql("SELECT state FROM kpi.incident ORDER BY id")


def shown(slack):
    return [message['text'].split('\n')[0] for message in slack.messages.values()]


def a_shop(database, slack):
    database.sql(f"ALTER DATABASE {database.name} SET kpi.allowed_hosts = '127.0.0.1'")
    database.sql(f"ALTER DATABASE {database.name} SET timezone = 'UTC'")
    database.sql(SHOP)
    database.sql("SELECT kpi.add_sink('chat', 'slack', NULL, %s, %s)",
                 (json.dumps({'api': slack.api, 'channel': 'C0KPI'}), json.dumps({'token': TOKEN})))
    database.sql("SELECT kpi.add_rule('LowTakings', 'takings', 'ratio', 0.7, sinks => '{chat}', severity => 'critical', owner => '@ana')")


def test_a_collapse_becomes_one_message_that_is_taken_and_ends(database, wait_until):
    with SlackFake() as slack:
        a_shop(database, slack)
        (changed,), = database.sql(f"ALTER DATABASE {database.name} SET kpi.public_url = 'http://kpi.test'; SELECT clock_timestamp()")
        wait_until(lambda: database.sql("""SELECT 1 FROM pg_stat_activity WHERE backend_type = 'kpi_ext worker' AND datname = current_database()
                                              AND backend_start > %s""", (changed,)), 'a worker that knows the address')
        wait_until(lambda: database.sql('SELECT 1 FROM kpi.rule_state'), 'a look at the rule')
        assert state(database) == []
        lost = database.sql(f"DELETE FROM sale WHERE {YESTERDAY} AND country = 'MX' RETURNING at, country, amount")
        wait_until(lambda: slack.messages, 'the message')
        first, = shown(slack)
        assert first.startswith('🔴 CRITICAL takings is 50 % below expected (#K-'), first
        text = next(iter(slack.messages.values()))['text']
        assert 'Drivers: MX -500 (100 %)' in text and 'Owner @ana' in text and '▇' in text, text
        button = next(iter(slack.messages.values()))['blocks'][1]['elements'][0]
        address, token = button['url'].split('?token=')
        assert (button['text']['text'], address) == ('Acknowledge', 'http://kpi.test/incidents/act')
        database.sql('CREATE ROLE pressing LOGIN; GRANT kpi_reader TO pressing')
        database.sql('SELECT kpi.follow_link(%s)', (token,), user='pressing')
        wait_until(lambda: 'acknowledged by link' in next(iter(slack.messages.values()))['text'], 'the message to say who took it')
        with database.connect() as connection, connection.cursor() as cursor:
            cursor.executemany('INSERT INTO sale VALUES (%s, %s, %s)', lost)
        wait_until(lambda: shown(slack)[0].startswith('✅ RESOLVED takings'), 'the message to say that it is over')
        assert len(slack.messages) == 1, 'it was changed, not said again'
        assert state(database) == [('resolved',)]


@pytest.mark.crashes
def test_a_crash_neither_loses_nor_repeats(make_cluster, wait_until):
    from conftest import Database
    cluster = make_cluster()
    database = Database(cluster, cluster.create_database())
    with SlackFake() as slack:
        a_shop(database, slack)
        database.sql("""SELECT kpi.alter_rule('LowTakings', '{"for_": "5 seconds"}')""")
        database.sql(f"DELETE FROM sale WHERE {YESTERDAY}")
        wait_until(lambda: state(database) == [('pending',)], 'the incident to be pending')
        started = database.sql('SELECT started_at FROM kpi.incident')
        database.sql('CHECKPOINT')  # what the worker has committed is on disk
        cluster.crash()
        cluster.start()
        wait_until(lambda: slack.messages, 'the message')
        assert database.sql('SELECT started_at FROM kpi.incident') == started, 'it is the same incident'
        database.sql('CHECKPOINT')
        cluster.crash()
        cluster.start()
        database.sql('CALL kpi.work()')  # looks at the rules too
        assert state(database) == [('firing',)] and len(slack.messages) == 1


def test_a_dump_keeps_rules_silences_and_what_is_over_and_messages_nobody(make_cluster):
    import cluster as clusters
    from conftest import Database
    server, other = make_cluster(preload=False), make_cluster(preload=False)
    database, copy = Database(server, server.create_database()), Database(other, other.create_database(extension=False))
    database.sql(SHOP)
    database.sql("SELECT kpi.add_sink('hook', 'webhook', 'http://127.0.0.1:9/')")
    database.sql("SELECT kpi.add_rule('Low', 'takings', 'below', 1e9, by => '{country}', sinks => '{hook}', options => '{\"escalate_after\": \"1 hour\"}')")
    database.sql("""SELECT kpi.silence('{"rule": "Low"}', now() + interval '1 day', 'a test')""")
    database.sql("SELECT kpi._observe('gone', 'data', 'was late', 'warning', failing, '{hook}', current_user::regrole) FROM unnest('{t,f}'::bool[]) failing")
    database.sql('CALL kpi.work()')
    rules, silences = "SELECT to_jsonb(r) - 'changed_at' FROM kpi.rule r", 'SELECT id, matcher, until, why, role::text FROM kpi.silence'
    assert database.sql("SELECT count(*) FROM kpi.incident WHERE state <> 'resolved'") != [(0,)]
    link, = database.sql("SET kpi.public_url = 'http://kpi.test'; SELECT split_part(kpi.incident_link(max(id)), '=', 2) FROM kpi.incident")
    assert database.sql('SELECT kpi.read_link(%s)', link)[0][0]['action'] == 'acknowledge'
    path = f'{server.path}/dump.sql'
    clusters.run('pg_dump', '-d', server.conninfo(database.name), '-f', path)
    clusters.run('psql', '-d', other.conninfo(copy.name), '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', path)
    for query in (rules, silences):
        assert copy.sql(query) == database.sql(query) and len(copy.sql(query)) == 1, query
    assert copy.sql('SELECT title, state FROM kpi.incident') == [('was late', 'resolved')]
    with pytest.raises(psycopg2.Error, match='the token of the link is not valid'):
        copy.sql('SELECT kpi.read_link(%s)', link)
    assert copy.sql('SELECT count(*) FROM kpi.outbox') == [(0,)]
    copy.sql('CALL kpi.work()')
    assert copy.sql("SELECT count(*) FROM kpi.incident WHERE state = 'firing' AND rule = 'Low'") == [(2,)], 'the copy watches, and the silence holds'
    assert copy.sql('SELECT count(*) FROM kpi.outbox') == [(0,)]


WAITS = """
CREATE FUNCTION waits(numeric) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
    WHILE EXISTS (SELECT FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND objid = 42 AND granted) LOOP PERFORM pg_catalog.pg_sleep(0.02); END LOOP;
    RETURN $1; END $$;
SELECT kpi.define('slow', 'public.waits(sales)');
SELECT kpi.add_rule('First', 'slow', 'above', 1000000), kpi.add_rule('Second', 'sales', 'above', 500, by => '{country}');
"""


def test_all_rules_of_a_look_see_one_snapshot(make_cluster, wait_until):
    """While the first is read rows come and are merged: the second does not see them either, but the next look does. (What is read: the
    snapshot around the look. What is written, and what functions of users see: the isolation, in the next test.)"""
    cluster = make_cluster(preload=False)
    database = On(cluster, cluster.create_database())
    database.sql(f"ALTER DATABASE {database.name} SET timezone = 'UTC'")
    database.sql(SHOP)
    database.sql(WAITS)
    with database.connect() as holder, holder.cursor() as cursor, concurrent.futures.ThreadPoolExecutor() as pool:
        cursor.execute('SELECT pg_advisory_lock(42)')
        looking = pool.submit(database.sql, 'CALL kpi.work()')
        wait_until(lambda: database.sql("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"), 'the first rule')
        database.sql(f"INSERT INTO sale SELECT at, 'MX', 1 FROM sale, generate_series(1, 20) WHERE {YESTERDAY} AND country = 'MX'")
        assert database.sql("SELECT kpi.merge('sale')")[0][0] > 0
        cursor.execute('SELECT pg_advisory_unlock(42)')
        looking.result(60)
    assert database.sql('SELECT rule, error FROM kpi.rule_state ORDER BY rule') == [('First', None), ('Second', None)]
    assert state(database) == [], 'the second rule saw what was not there for the first'
    database.sql('CALL kpi.work()')
    assert database.sql('SELECT rule, state FROM kpi.incident') == [('Second', 'firing')]


def test_the_worker_looks_on_one_snapshot_and_whose_error_it_is_stays_clear(database, wait_until):
    database.sql(SHOP)
    database.sql("""CREATE FUNCTION tells(numeric) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS
        $$ BEGIN IF current_setting('application_name') = 'kpi_ext worker' THEN RAISE '%', current_setting('transaction_isolation'); END IF; RETURN $1; END $$""")
    database.sql("""CREATE FUNCTION clashes(numeric) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS
        $$ BEGIN IF current_setting('application_name') = 'kpi_ext worker' THEN RAISE 'not yours' USING errcode = '40001'; END IF; RETURN $1; END $$""")
    line = "SELECT details -> 'lines' ->> 0 FROM kpi.incident WHERE kind = 'error' AND state = 'firing'"
    database.sql("SELECT kpi.define('tells', 'public.tells(sales)'), kpi.define('clashes', 'public.clashes(sales)')")
    database.sql("SELECT kpi.add_rule('tells', 'tells', 'below', 1)")
    wait_until(lambda: database.sql(line), 'the look')
    assert database.sql(line) == [('P0001: repeatable read',)]
    database.sql("SELECT kpi.drop_rule('tells')")
    database.sql("SELECT kpi.add_rule('clashes', 'clashes', 'below', 1), kpi.add_rule('Few', 'sales', 'below', 1000)")
    wait_until(lambda: database.sql(line) == [('40001: not yours',)], 'the rule that clashes')
    wait_until(lambda: database.sql("SELECT 1 FROM kpi.incident WHERE rule = 'Few' AND state = 'firing'"), 'the others are judged')
