"""The server's clock is set while messages are on their way and while nothing happens: test/tools/clock.cpp, preloaded, gives
the server's processes a time of day that the test sets."""
import json
import threading

import pytest
from clocks import offset
from receiver import Receiver, held, status

from watched import make_source


@pytest.fixture
def server(clocked):
    return clocked


def add_sink(database, receiver, options='{}'):
    database.sql("SELECT kpi.add_sink('hook', 'webhook', %s, %s)", (receiver.url, options))


def notify(database, number):
    return database.sql("SELECT kpi.notify('hook', %s)", (json.dumps({'n': number}),))[0][0]


def state(database, message):
    return database.sql('SELECT state FROM kpi.outbox WHERE id = %s', (message,))[0][0]


@pytest.mark.parametrize('hours', [-30, 30])
def test_a_message_on_its_way_is_not_sent_again(server, clock, wait_until, hours):
    """Its lease looks over, or longer than a lease can be; who sends it knows better."""
    release = threading.Event()

    with Receiver(held(release, lambda request: json.loads(request.body)['n'] == 1)) as receiver:
        add_sink(server, receiver)
        waiting = notify(server, 1)
        wait_until(lambda: receiver.requests, 'the request')
        clock.set(hours)
        wait_until(lambda: offset(server) == hours, 'the new time')
        for number in (2, 3):
            message = notify(server, number)
            wait_until(lambda: state(server, message) == 'delivered', 'later messages')
        # Longer than the courier waits between two looks for lost messages.
        server.sql('SELECT pg_sleep(7)')
        assert notify(server, 4) and state(server, waiting) == 'sending'
        release.set()
        wait_until(lambda: state(server, waiting) == 'delivered', 'its answer')
        assert [json.loads(request.body)['n'] for request in receiver.requests].count(1) == 1
        assert server.sql("SELECT count(*) FROM kpi.delivery WHERE outcome <> 'delivered'") == [(0,)]


def test_a_lease_of_the_future_is_no_lease(server, clock, wait_until):
    """The sender died and the clock was set back: its lease would hold for a day."""
    clock.set(30)
    release = threading.Event()

    with Receiver(held(release)) as receiver:
        add_sink(server, receiver)
        waiting = notify(server, 1)
        wait_until(lambda: receiver.requests, 'the request')
        # In the name of a live process, as if the courier had stopped in the middle of it.
        server.sql("""UPDATE kpi.outbox SET attempts = attempts + 1, claimed_by = (
                          SELECT format('%s %s', pid, extract(epoch FROM backend_start)) FROM pg_stat_activity
                           WHERE backend_type = 'checkpointer')""")
        clock.set(0)
        wait_until(lambda: offset(server) == 0, 'the new time')
        wait_until(lambda: len(receiver.requests) == 2, 'it is sent again')
        release.set()
        wait_until(lambda: state(server, waiting) == 'delivered', 'its delivery')


def test_a_clock_that_is_set_back_stops_nothing(server, clock, wait_until):
    """Pauses are counted by a clock that nobody sets: deltas are merged and messages sent at the usual pace."""
    with Receiver(status(200)) as receiver:
        add_sink(server, receiver)
        make_source(server)
        clock.set(30)
        wait_until(lambda: offset(server) == 30, 'the new time')
        server.sql("INSERT INTO pay (country, amount) VALUES ('x', 1)")
        wait_until(lambda: server.sql('SELECT count(*) FROM kpi_data.pay_delta') == [(0,)], 'the merge')
        wait_until(lambda: state(server, notify(server, 1)) == 'delivered', 'a message')
        clock.set(0)
        wait_until(lambda: offset(server) == 0, 'the new time')
        server.sql("INSERT INTO pay (country, amount) VALUES ('x', 1)")
        message = notify(server, 2)
        wait_until(lambda: server.sql('SELECT count(*) FROM kpi_data.pay_delta') == [(0,)], 'the merge')
        wait_until(lambda: state(server, message) == 'delivered', 'the message')
