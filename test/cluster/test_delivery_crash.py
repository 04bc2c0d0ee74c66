"""Crashes at every step of a delivery. Nothing committed is lost, nothing is sent before its commit, and what is sent twice has
the same key and fell between a send and its settlement."""
import json
import os
import random
import signal
import socket
import threading
import time
from collections import Counter

import psycopg2
import pytest
from receiver import Receiver, held, make_certificate, status

from watched import On

pytestmark = pytest.mark.crashes


@pytest.fixture
def server(make_cluster):
    cluster = make_cluster(config={'kpi.allowed_hosts': '127.0.0.1', 'fsync': 'on', 'restart_after_crash': 'on'})
    return On(cluster, cluster.create_database())


def courier(database):
    return [pid for pid, in database.sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'kpi_ext courier'")]


def add_sink(database, receiver, options='{}'):
    database.sql("SELECT kpi.add_sink('hook', 'webhook', %s, %s)", (receiver.url, options))


def patiently(database, statement):
    """During crash recovery nobody can connect; None: not now."""
    try:
        return database.sql(statement)
    except (psycopg2.OperationalError, psycopg2.InterfaceError, FileNotFoundError):
        return None


def all_delivered(database):
    return patiently(database, "SELECT count(*) FROM kpi.outbox WHERE state <> 'delivered'") == [(0,)]


def keys(receiver):
    return [request.headers['idempotency-key'] for request in receiver.requests]


def state(database, message):
    return database.sql('SELECT state FROM kpi.outbox WHERE id = %s', (message,))[0][0]


def kill(database, victim, wait_until):
    """SIGKILL; whoever connects next finds a server that has recovered, or is about to."""
    if victim == 'courier':
        pid, = wait_until(lambda: courier(database), 'a courier')
        database.cluster.kill_backend(pid)
    else:
        database.cluster.crash()
        database.cluster.start()


@pytest.mark.parametrize('victim', ['courier', 'server'])
def test_killed_during_the_send(server, wait_until, victim):
    release = threading.Event()

    with Receiver(held(release)) as receiver:
        add_sink(server, receiver)
        server.sql("""SELECT kpi.notify('hook', '{"n": 1}')""")
        wait_until(lambda: receiver.requests, 'the request')
        kill(server, victim, wait_until)
        wait_until(lambda: len(receiver.requests) == 2, 'the message is sent again, without a hand')
        release.set()
        wait_until(lambda: all_delivered(server), 'its delivery')
        assert len(set(keys(receiver))) == 1
        rows = server.sql('SELECT attempt, status, error FROM kpi.delivery ORDER BY attempt')
        assert [row[0] for row in rows] == [1, 2] and rows[1][1] == 200
        assert rows[0][1] is None and rows[0][2], 'the attempt that nobody finished is on record'


def test_killed_before_the_claim(server, wait_until):
    """The server dies right after the commit: the message is delivered after the restart, once."""
    with Receiver(status(200)) as receiver:
        add_sink(server, receiver)
        wait_until(lambda: courier(server), 'a courier')
        server.sql("SELECT kpi.notify('hook', '{}', not_before => now() + interval '1 second')")
        server.cluster.crash()
        server.cluster.start()
        wait_until(lambda: all_delivered(server), 'the delivery')
        assert len(receiver.requests) == 1


@pytest.mark.parametrize('victim', ['courier', 'server'])
def test_killed_between_claim_and_send(server, wait_until, victim):
    """The receiver takes the connection and does not finish the handshake: the message is claimed and nothing of it is sent."""
    certificate = make_certificate(server.cluster.path)
    mute = socket.create_server(('127.0.0.1', 0))
    port = mute.getsockname()[1]
    server.sql("SELECT kpi.add_sink('hook', 'webhook', %s, %s)",
               (f'https://127.0.0.1:{port}/hook', json.dumps({'cacert': certificate[0]})))
    message = server.sql("SELECT kpi.notify('hook', '{}')")[0][0]
    connection, _ = mute.accept()
    assert state(server, message) == 'sending'
    kill(server, victim, wait_until)
    connection.close()
    mute.close()
    with Receiver(status(200), certificate, port) as receiver:
        wait_until(lambda: all_delivered(server), 'the delivery, without a hand', seconds=120)
        assert len(receiver.requests) == 1


@pytest.mark.parametrize('victim', ['courier', 'server'])
def test_killed_between_send_and_settlement(server, wait_until, victim):
    """The receiver has said 200 and nobody has noted it: the one window in which a message is sent twice, with the same key."""
    holder = server.connect(autocommit=False)

    def answer(connection, request):
        if len(receiver.requests) == 1:
            # the settlement waits for this lock
            holder.cursor().execute('SELECT FROM kpi.outbox FOR UPDATE')
        return status(200)(connection, request)

    with Receiver(answer) as receiver:
        add_sink(server, receiver)
        message = server.sql("SELECT kpi.notify('hook', '{}')")[0][0]
        wait_until(lambda: server.sql("""SELECT count(*) FROM pg_stat_activity
                                          WHERE backend_type = 'kpi_ext courier' AND wait_event_type = 'Lock'""") == [(1,)],
                   'the settlement that waits')
        assert state(server, message) == 'sending'
        kill(server, victim, wait_until)
        wait_until(lambda: all_delivered(server), 'the second delivery', seconds=120)
        assert len(receiver.requests) == 2 and len(set(keys(receiver))) == 1
        assert server.sql('SELECT attempt, outcome FROM kpi.delivery ORDER BY attempt') == [(1, 'lost'), (2, 'delivered')]
    holder.close()


@pytest.mark.parametrize('victim', ['courier', 'server'])
def test_killed_after_the_settlement(server, wait_until, victim):
    with Receiver(status(200)) as receiver:
        add_sink(server, receiver)
        server.sql("SELECT kpi.notify('hook', '{}')")
        wait_until(lambda: all_delivered(server), 'the delivery')
        kill(server, victim, wait_until)
        # A later message goes through, so the successor has looked at the outbox.
        wait_until(lambda: patiently(server, "SELECT kpi.notify('hook', '{}', dedupe_key => 'later')"), 'the server')
        wait_until(lambda: len(receiver.requests) == 2 and all_delivered(server), 'the later message', seconds=120)
        assert len(set(keys(receiver))) == 2, 'the first one was not sent again'


def test_the_receiver_dies_and_comes_back(server, wait_until):
    with Receiver(status(200)) as receiver:
        port = receiver.port
        add_sink(server, receiver)
    for number in range(20):
        server.sql("SELECT kpi.notify('hook', %s)", (json.dumps({'n': number}),))
    wait_until(lambda: server.sql('SELECT count(*) > 5 FROM kpi.delivery')[0][0], 'failures')
    assert server.sql("SELECT breaker FROM kpi.outbox_stats WHERE sink = 'hook'") != [('closed',)]
    with Receiver(status(200), port=port) as receiver:
        wait_until(lambda: all_delivered(server), 'all of them', seconds=120)
        assert Counter(keys(receiver)).most_common(1)[0][1] == 1
        assert server.sql("SELECT breaker FROM kpi.outbox_stats WHERE sink = 'hook'") == [('closed',)]


def test_a_message_that_kills_its_sender_goes_dead(server, wait_until):
    """Attempts count at the claim: a message whose every send ends in a crash is given up."""
    killed = []

    def answer(connection, request):
        pid, = wait_until(lambda: patiently(server, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'kpi_ext courier'"),
                          'the courier')[0]
        killed.append(pid)
        os.kill(pid, signal.SIGKILL)
        return 'close'

    with Receiver(answer) as receiver:
        add_sink(server, receiver, '{"max_attempts": 2}')
        server.sql("SELECT kpi.notify('hook', '{}')")
        wait_until(lambda: patiently(server, 'SELECT state, attempts FROM kpi.outbox') == [('dead', 2)], 'the end', seconds=120)
        assert len(killed) == 2


def test_kills_at_random(server, wait_until, seed):
    """Writers commit and roll back while courier and server are killed: what was committed arrives, nothing else does."""
    chance = random.Random(seed)
    committed, rolled_back = set(), set()
    stop = threading.Event()

    def write():
        number = 0
        while not stop.is_set():
            number += 1
            try:
                session = server.connect(autocommit=False)
                with session.cursor() as cursor:
                    cursor.execute("SELECT kpi.notify('hook', %s)", (json.dumps({'n': number}),))
                    if chance.random() < 0.2:
                        rolled_back.add(number)
                        session.rollback()
                    else:
                        session.commit()
                        committed.add(number)
                session.close()
            except (psycopg2.Error, FileNotFoundError):  # no server, no postmaster.pid
                time.sleep(0.1)  # a commit whose answer was lost counts as neither

    with Receiver(status(200)) as receiver:
        add_sink(server, receiver)
        writer = threading.Thread(target=write)
        writer.start()
        kills = 0
        for _ in range(5):
            time.sleep(chance.uniform(0.3, 1.5))
            if chance.random() < 0.6:
                pids = patiently(server, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'kpi_ext courier'")
                if pids:
                    os.kill(pids[0][0], signal.SIGKILL)
                    kills += 1
            else:
                server.cluster.crash()
                server.cluster.start()
                kills += 1
        stop.set()
        writer.join()
        wait_until(lambda: all_delivered(server), 'all of them', seconds=120)
        seen = Counter(json.loads(request.body)['n'] for request in receiver.requests)
        assert committed <= set(seen), 'something committed was lost'
        assert not rolled_back & set(seen), 'something was sent that was never committed'
        assert committed and kills
        body_of = {}
        for request in receiver.requests:
            assert body_of.setdefault(request.headers['idempotency-key'], request.body) == request.body
        duplicates = sum(seen.values()) - len(seen)
        assert len(body_of) == len(seen) and duplicates <= kills * 4, 'at most what was in flight (parallelism 4) at each kill'
