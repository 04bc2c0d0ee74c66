"""The outbox from kpi.notify to a strict receiver of ours: by the courier, and by CALL kpi.work()."""
import json
import os
import random
import subprocess
import threading
import time
from collections import defaultdict

import psycopg2
import pytest
from cluster import BIN
from receiver import Receiver, held, status
from slack_fake import TOKEN, SlackFake

from watched import On, make_source, running, set_for, worker

CANARY = 'c4n4ry-s3cr3t'


def add_sink(database, receiver, name='hook', options='{}', secret='{}', url=None):
    database.sql('SELECT kpi.add_sink(%s, %s, %s, %s, %s)', (name, 'webhook', url or receiver.url, options, secret))


def notify(database, body, sink='hook', **more):
    names = ''.join(f', {name} => %s' for name in more)
    return database.sql(f'SELECT kpi.notify(%s, %s{names})', (sink, json.dumps(body), *more.values()))[0][0]


def state(database, message):
    return database.sql('SELECT state FROM kpi.outbox WHERE id = %s', (message,))[0][0]


def delivered(database):
    return database.sql("SELECT count(*) FROM kpi.outbox WHERE state = 'delivered'")[0][0]


def bodies(receiver):
    return [json.loads(request.body) for request in receiver.requests]


@pytest.fixture
def open_to_loopback(database, wait_until):
    running(database, wait_until)
    set_for(database, 'kpi.allowed_hosts', '127.0.0.1', wait_until)
    return database


@pytest.fixture
def by_hand(unattended):
    unattended.sql(f"ALTER DATABASE {unattended.name} SET kpi.allowed_hosts = '127.0.0.1'")
    return unattended


def test_the_courier_delivers_what_was_committed(open_to_loopback, wait_until):
    database = open_to_loopback
    with Receiver(status(200)) as receiver:
        add_sink(database, receiver)
        session = database.connect(autocommit=False)
        with session.cursor() as cursor:
            cursor.execute("""SELECT kpi.notify('hook', '{"n": 1}')""")
            session.rollback()
            cursor.execute("""SELECT kpi.notify('hook', '{"n": 2}')""")
            time.sleep(0.5)
            assert not receiver.requests, 'nothing is sent before its commit'
            session.commit()
        session.close()
        wait_until(lambda: delivered(database) == 1, 'the delivery')
        assert bodies(receiver) == [{'n': 2}]
        assert worker(database)['courier_pid'] not in (None, worker(database)['pid'])
        attempt, = database.sql('SELECT attempt, status, error, bytes_sent FROM kpi.delivery')
        assert attempt == (1, 200, None, len(receiver.requests[0].body))


def test_work_by_hand_delivers(by_hand):
    with Receiver(status(200)) as receiver:
        add_sink(by_hand, receiver)
        for number in range(50):
            notify(by_hand, {'n': number})
        by_hand.sql('CALL kpi.work()')
        assert sorted(body['n'] for body in bodies(receiver)) == list(range(50))
        assert delivered(by_hand) == 50


def test_a_failure_is_tried_again_with_the_same_key(open_to_loopback, wait_until):
    database = open_to_loopback
    answers = [status(503, b'later', ['Retry-After: 1']), status(500), status(200)]

    def answer(connection, request):
        return answers.pop(0)(connection, request)

    with Receiver(answer) as receiver:
        add_sink(database, receiver)
        message = notify(database, {'n': 1})
        wait_until(lambda: state(database, message) == 'delivered', 'the third attempt')
        assert len({request.headers['idempotency-key'] for request in receiver.requests}) == 1
        assert receiver.requests[1].at - receiver.requests[0].at >= 1, 'Retry-After is obeyed'
        assert database.sql('SELECT attempt, status FROM kpi.delivery ORDER BY attempt') == [(1, 503), (2, 500), (3, 200)]


def test_a_permanent_failure_is_dead_at_once_and_can_be_redelivered(by_hand):
    code = 404
    with Receiver(lambda connection, request: status(code, b'no such hook')(connection, request)) as receiver:
        add_sink(by_hand, receiver)
        message = notify(by_hand, {'n': 1})
        by_hand.sql('CALL kpi.work()')
        assert by_hand.sql('SELECT state, attempts, error FROM kpi.outbox') == [
            ('dead', 1, 'the receiver answered 404: no such hook')]
        code = 200
        by_hand.sql('SELECT kpi.redeliver(%s)', (message,))
        by_hand.sql('CALL kpi.work()')
        assert state(by_hand, message) == 'delivered' and len(receiver.requests) == 2
        assert by_hand.sql('SELECT attempt, outcome FROM kpi.delivery ORDER BY attempt') == [(1, 'dead'), (2, 'delivered')]


def test_a_host_that_is_not_allowed_is_never_called(by_hand):
    with Receiver(status(200)) as receiver:
        add_sink(by_hand, receiver, url=receiver.url.replace('127.0.0.1', '127.0.0.2'))
        message = notify(by_hand, {'n': 1})
        by_hand.sql('CALL kpi.work()')
        assert not receiver.requests and state(by_hand, message) == 'dead'
        assert 'kpi.allowed_hosts' in by_hand.sql('SELECT error FROM kpi.outbox')[0][0]


def test_order_inside_a_group(open_to_loopback, wait_until, seed):
    """10,000 messages, twenty groups, two writers, two claimers, a receiver that fails now and then: the first acceptance of the
    messages of a group comes in the order of their ids, which is that of the commits."""
    database = open_to_loopback
    total, calls, committed = 10_000, [], defaultdict(list)

    def answer(connection, request):
        calls.append(request)
        return status(503 if len(calls) % 500 == 0 else 200)(connection, request)

    with Receiver(answer) as receiver:
        add_sink(database, receiver, options='{"parallelism": 32}')

        def write(writer):
            chance = random.Random(seed + writer)
            session = database.connect(autocommit=False)
            with session.cursor() as cursor:
                for _ in range(total // 20):
                    group = f'g{chance.randrange(20)}'
                    cursor.execute("""SELECT array_agg(kpi.notify('hook', jsonb_build_object('group', %s), group_key => %s))
                                        FROM generate_series(1, 10)""", (group, group))
                    ids = cursor.fetchone()[0]
                    committed[group].append(ids)  # before the commit: nobody else has this group's lock
                    session.commit()
            session.close()

        def claim():
            while any(writer.is_alive() for writer in writers) or delivered(database) < total:
                database.sql('CALL kpi.work()')

        writers = [threading.Thread(target=write, args=(writer,)) for writer in range(2)]
        second = threading.Thread(target=claim)
        for thread in (*writers, second):
            thread.start()
        for thread in (*writers, second):
            thread.join()
        assert delivered(database) == total
        ids = dict(database.sql('SELECT idempotency_key::text, id FROM kpi.outbox'))
        last = defaultdict(int)
        for request in receiver.requests:
            group, message = json.loads(request.body)['group'], ids[request.headers['idempotency-key']]
            assert message >= last[group], 'a message overtook another one of its group'
            last[group] = message
        for transactions in committed.values():
            flat = [message for transaction in transactions for message in transaction]
            assert flat == sorted(flat), 'ids of a group are not in the order of its commits'
        assert database.sql('SELECT count(*) > 0 FROM kpi.outbox WHERE attempts > 1') == [(True,)], 'some were tried again'


def test_a_hung_receiver_delays_nobody(open_to_loopback, shared, wait_until):
    database = open_to_loopback
    make_source(database)
    release = threading.Event()

    with Receiver(held(release)) as hung, Receiver(status(200)) as receiver:
        for sink in ('hung', 'hung_too'):  # with as many in flight as may be
            add_sink(database, hung, sink, '{"parallelism": 100, "timeout": 300}')
        add_sink(database, receiver, 'last')  # by name, so that the others take what they can first
        for number in range(300):
            notify(database, {}, ('hung', 'hung_too')[number % 2])
        in_flight = "SELECT count(*) FROM kpi.outbox WHERE state = 'sending'"
        wait_until(lambda: database.sql(in_flight) == [(128,)], 'the hung receiver has all it can have')
        for number in range(100):
            notify(database, {'n': number}, 'last')
        wait_until(lambda: delivered(database) == 100, 'the other sink')
        database.sql("INSERT INTO pay (country, amount) SELECT 'x', i FROM generate_series(1, 100) i")
        wait_until(lambda: database.sql('SELECT count(*) FROM kpi_data.pay_delta')[0][0] == 0, 'the merge')
        open_transactions = database.sql("""SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'kpi_ext courier'
                                               AND (xact_start IS NOT NULL OR backend_xmin IS NOT NULL)""")
        assert open_transactions == [(0,)], 'nothing is held while a request is in flight'
        other = shared.create_database()
        shared.sql(f'DROP DATABASE "{other}" WITH (FORCE)')  # waits for every process of the server to answer
        assert not release.is_set() and hung.requests
        release.set()
        wait_until(lambda: delivered(database) == 400, 'the hung receiver too')


def test_secrets_are_shown_nowhere(make_cluster, wait_until, tmp_path):
    cluster = make_cluster(config={'log_statement': 'ddl', 'kpi.allowed_hosts': '127.0.0.1'})
    database = On(cluster, cluster.create_database())

    def quote_it(connection, request):
        # once whole, and once where a long text would be cut
        return status(400, CANARY.encode() + request.path.encode() + b'x' * 160 + CANARY.encode() * 3)(connection, request)

    with Receiver(quote_it) as receiver:
        session = database.connect()
        with session.cursor() as cursor:
            with pytest.raises(psycopg2.errors.InvalidParameterValue):
                cursor.execute('SELECT kpi.add_sink(%s, %s, %s, %s, %s)',
                               ('hook', 'webhook', receiver.url, '{"method": "GET"}', json.dumps({'hmac_key': CANARY})))
            cursor.execute('SELECT kpi.add_sink(%s, %s, %s, secret => %s)',
                           ('hook', 'webhook', f'http://127.0.0.1:{receiver.port}/{CANARY}/path', json.dumps({'hmac_key': CANARY})))
        message = notify(database, {'n': 1})
        wait_until(lambda: state(database, message) == 'dead', 'the refusal')
        shown = [str(database.sql(f'SELECT * FROM {table}')) for table in
                 ('kpi.outbox', 'kpi.delivery', 'kpi.sink', 'kpi.outbox_stats', 'pg_stat_activity')]
        shown.append(cluster.log())
        dump = subprocess.run([os.path.join(BIN, 'pg_dump'), '-d', database.name], env={**os.environ, **cluster.environment()},
                              capture_output=True, text=True, check=True)
        shown.append(dump.stdout)
        assert 'hook' in dump.stdout and '***' in shown[0], 'the sink is dumped, what the receiver said is kept'
        for text in shown:
            assert CANARY[:4] not in text
        session.close()


def test_what_needs_a_superuser_or_kpi_admin(open_to_loopback):
    database = open_to_loopback
    database.sql("""DO $$ BEGIN CREATE ROLE eve LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$""")
    database.sql("""DO $$ BEGIN CREATE ROLE keeper LOGIN IN ROLE kpi_admin; EXCEPTION WHEN duplicate_object THEN NULL; END $$""")
    with Receiver(status(200)) as receiver:
        add = f"SELECT kpi.add_sink('hook', 'webhook', '{receiver.url}')"
        for statement in (add, "SELECT kpi.notify('hook', '{}')", "SELECT kpi.drop_sink('hook')", 'SELECT * FROM kpi.outbox',
                          'SELECT * FROM kpi.sink', 'SELECT * FROM kpi.delivery', 'SELECT kpi.purge()', "SELECT kpi.test_sink('hook')",
                          "SET kpi.allowed_hosts = '*'"):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                database.sql(statement, user='eve')
        database.sql(add, user='keeper')
        database.sql("SELECT kpi.notify('hook', '{}')", user='keeper')
        assert database.sql("SELECT kpi.test_sink('hook')", user='keeper')
        for statement in ('SELECT * FROM kpi.sink_secret', "SET kpi.allowed_hosts = '*'", "SET kpi.file_directory = '/'",
                          "SELECT kpi.add_sink('x', 'webhook', 'env:HOME')",
                          "SELECT kpi.add_sink('x', 'webhook', 'http://127.0.0.1/', secret => '{\"hmac_key\": \"file:/etc/passwd\"}')"):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                database.sql(statement, user='keeper')


def test_the_outcome_of_a_test_message(by_hand):
    with Receiver(status(200)) as receiver:
        add_sink(by_hand, receiver)
        assert by_hand.sql("SELECT state, status, error FROM kpi.test_sink('hook')") == [('delivered', 200, None)]
        assert bodies(receiver)[0]['test'] is True
    with Receiver(status(410, b'gone')) as receiver:
        add_sink(by_hand, receiver)
        assert by_hand.sql("SELECT state, status, error FROM kpi.test_sink('hook')") == [
            ('dead', 410, 'the receiver answered 410: gone')]


def test_an_answer_that_comes_too_late_changes_nothing(open_to_loopback, wait_until):
    """The lease of a message on its way is lost: another sender takes it, and what the first attempt comes to is only recorded."""
    database = open_to_loopback
    release = threading.Event()

    def answer(connection, request):
        if len(receiver.requests) == 1:
            release.wait(60)
            return status(404)(connection, request)
        return status(200)(connection, request)

    with Receiver(answer) as receiver:
        add_sink(database, receiver)
        message = notify(database, {'n': 1})
        wait_until(lambda: receiver.requests, 'the first attempt')
        database.sql("UPDATE kpi.outbox SET lease_until = now() - interval '1 second' WHERE id = %s", (message,))
        database.sql('CALL kpi.work()')
        assert state(database, message) == 'delivered', 'the second attempt'
        release.set()
        wait_until(lambda: database.sql('SELECT count(*) FROM kpi.delivery')[0][0] == 3, 'the end of the first attempt')
        assert database.sql('SELECT attempt, status, outcome, error FROM kpi.delivery ORDER BY started_at, outcome') == [
            (1, None, 'lost', 'the lease of the attempt was lost'), (1, 404, 'late', 'the receiver answered 404'),
            (2, 200, 'delivered', None)]
        assert database.sql('SELECT state, attempts, status, error FROM kpi.outbox') == [('delivered', 2, 200, None)]


def test_a_slack_message_is_edited_and_answered(by_hand):
    """What Slack said of the first message comes with those that name it, by dedupe key or by id. A fake of Slack."""
    with SlackFake() as slack:
        by_hand.sql('SELECT kpi.add_sink(%s, %s, NULL, %s, %s)', (
            'slack', 'slack', json.dumps({'api': slack.api, 'channel': 'C0KPI'}), json.dumps({'token': TOKEN})))
        first = notify(by_hand, {'plain': 'revenue is low'}, 'slack', dedupe_key='incident-1')
        by_hand.sql('CALL kpi.work()')
        notify(by_hand, {'plain': 'revenue is back', 'edit': 'incident-1'}, 'slack')
        by_hand.sql('CALL kpi.work()')
        (key, shown), = slack.messages.items()
        assert shown['text'] == 'revenue is back'
        notify(by_hand, {'plain': 'the cause', 'thread': first}, 'slack')
        by_hand.sql('CALL kpi.work()')
        assert delivered(by_hand) == 3 and len(slack.messages) == 2
        assert [post['thread_ts'] for post in slack.messages.values() if 'thread_ts' in post] == [key[1]]


def test_a_connection_that_ends_without_an_answer_is_one_attempt(by_hand):
    """libcurl sends a request again by itself when a connection that it kept ends without a word: Slack would show it twice."""
    def answer(connection, request):
        return status(200, b'ok')(connection, request) if 'first' in request.body.decode() else 'close'

    with Receiver(answer) as receiver:
        by_hand.sql('SELECT kpi.add_sink(%s, %s, %s, %s)', ('slack', 'slack', receiver.url, '{"parallelism": 1}'))
        notify(by_hand, {'text': 'first'}, 'slack')
        second = notify(by_hand, {'text': 'second'}, 'slack')
        by_hand.sql('CALL kpi.work()')
        attempts, = by_hand.sql('SELECT attempts FROM kpi.outbox WHERE id = %s', (second,))
        assert attempts[0] and [b'second' in request.body for request in receiver.requests].count(True) == attempts[0]


def test_new_settings_do_not_wait_for_a_hung_receiver(open_to_loopback, wait_until):
    """The courier with the old settings finishes what it has in flight; its successor delivers meanwhile."""
    database = open_to_loopback
    release = threading.Event()

    with Receiver(held(release)) as hung, Receiver(status(200)) as receiver:
        add_sink(database, hung, 'hung')
        add_sink(database, receiver)
        waiting = notify(database, {}, 'hung')
        wait_until(lambda: hung.requests, 'the hung receiver has a request')
        old = worker(database)['courier_pid']
        set_for(database, 'kpi.merge_interval', '400ms', wait_until)
        message = notify(database, {'n': 1})
        wait_until(lambda: state(database, message) == 'delivered', 'the other sink')
        assert worker(database)['courier_pid'] not in (None, old)
        assert state(database, waiting) == 'sending'
        release.set()
        wait_until(lambda: state(database, waiting) == 'delivered', 'the message on its way')
        assert len(hung.requests) == 1, 'it was not sent again'
