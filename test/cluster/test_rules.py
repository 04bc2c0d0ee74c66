"""Rules end to end: a collapse in live data becomes one message in a chat, which changes when it is taken and when it is over;
nothing is lost or said twice over a restart of the server."""
import json

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
        wait_until(lambda: database.sql('SELECT 1 FROM kpi.rule_state'), 'a look at the rule')
        assert state(database) == []
        lost = database.sql(f"DELETE FROM sale WHERE {YESTERDAY} AND country = 'MX' RETURNING at, country, amount")
        wait_until(lambda: slack.messages, 'the message')
        first, = shown(slack)
        assert first.startswith('🔴 CRITICAL takings is 50 % below expected (#K-'), first
        text = next(iter(slack.messages.values()))['text']
        assert 'Drivers: MX -500 (100 %)' in text and 'Owner @ana' in text and '▇' in text, text
        incident, = database.sql('SELECT id FROM kpi.open_incident')
        database.sql('SELECT kpi.ack(%s)', incident)
        wait_until(lambda: 'acknowledged by' in next(iter(slack.messages.values()))['text'], 'the message to say who took it')
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
