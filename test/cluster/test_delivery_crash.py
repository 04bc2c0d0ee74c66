"""Crashes at every step of a delivery. Nothing committed is lost, nothing is sent before its commit, and what is sent twice has
the same key and fell between a send and its settlement."""
import json
import os
import random
import signal
import threading
import time
from collections import Counter

import psycopg2
import pytest
from receiver import Receiver, status

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


def kill_courier(database, wait_until):
    pid, = wait_until(lambda: courier(database), 'a courier')
    os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize('victim', ['courier', 'server'])
def test_killed_during_the_send(server, wait_until, victim):
    release = threading.Event()

    def answer(connection, request):
        release.wait(60)
        return status(200)(connection, request)

    with Receiver(answer) as receiver:
        add_sink(server, receiver)
        server.sql("""SELECT kpi.notify('hook', '{"n": 1}')""")
        wait_until(lambda: receiver.requests, 'the request')
        if victim == 'courier':
            kill_courier(server, wait_until)
        else:
            server.cluster.crash()
            server.cluster.start()
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
