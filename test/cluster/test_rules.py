"""Rules end to end: a collapse in live data becomes one message in a chat, which changes when it is taken and when it is over;
nothing is lost or said twice over a restart of the server."""
import json

import psycopg2
import pytest
from slack_fake import SlackFake, TOKEN

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
