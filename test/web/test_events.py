"""The event stream: what a client sees, and what many and slow ones cost."""
import select
import socket
import time

import pytest


def test_a_client_sees_the_cards_first_and_then_each_change_within_a_second(web, shop):
    with web.events() as events:
        assert 'text/event-stream' in events.head and 'X-Accel-Buffering: no' in events.head
        event, data, _ = events.next()
        assert (event, data['reason'], data['database']) == ('snapshot', 'first', 'up')
        assert data['summary']['metrics']
        time.sleep(1)
        began = time.monotonic()
        shop.pay(7)
        data, _ = events.wait('update')
        assert time.monotonic() - began < 1
        assert 'payments' in data['sources'] and data['summary']['metrics']


def test_who_comes_back_gets_what_was_missed(web, shop):
    with web.events() as events:
        events.next()
        shop.pay(1)
        _, seen = events.wait('update')
    with web.events() as events:
        shop.pay(2)
        events.wait('update')
        events.close()
    with web.events(last_id=seen) as events:
        event, data, number = events.next()
        assert event == 'update' and int(number.split('-')[1]) == int(seen.split('-')[1]) + 1


@pytest.mark.parametrize('last_id', ['nonsense', '0123456789ab-5', '-1'])
def test_an_unknown_id_gets_everything(web, last_id):
    with web.events(last_id=last_id) as events:
        event, data, number = events.next()
        assert (event, data['reason']) == ('snapshot', 'gap') and data['summary']


def test_an_id_of_the_future_gets_everything(web):
    with web.events() as events:
        run = events.next()[2].split('-')[0]
    with web.events(last_id=f'{run}-999999') as events:
        assert events.next()[1]['reason'] == 'gap'


def test_an_update_costs_one_query_however_many_clients(start_web, shop):
    web = start_web()
    clients = [web.events() for _ in range(200)]
    for client in clients:
        while not client.next()[1].get('summary'):
            pass
    time.sleep(1.5)
    before = web.counter('queries_total'), web.counter('updates_total')
    shop.pay(1)
    for client in clients:
        client.wait('update')
    time.sleep(1)
    updates = web.counter('updates_total') - before[1]
    # Two for the two times that /metrics was read.
    assert web.counter('queries_total') - before[0] <= updates + 3
    for client in clients:
        client.close()


def test_a_client_that_does_not_read_is_dropped_and_the_others_go_on(start_web, shop, wait_until):
    web = start_web()
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.connect(('127.0.0.1', web.port))
    slow.sendall(b'GET /api/kpi/events HTTP/1.1\r\nHost: x\r\n\r\n')
    with web.events() as quick:
        while not quick.next()[1].get('summary'):
            pass

        def noisy():
            # A notice of ours, without a change: each is an update with the cards.
            shop.sql("SELECT pg_notify('kpi_update', '{\"sources\": {\"x%s\": null}}')" % ('y' * 7000))
            quick.wait('update')
            return web.counter('dropped_streams_total') == 1
        wait_until(noisy, 'the slow client to be dropped', 120)
        assert web.counter('streams') == 1
        shop.pay(1)
        quick.wait('update')
    slow.close()


def test_who_comes_before_the_database_hears_of_it(start_web):
    web = start_web()
    with web.events() as events:
        _, data, _ = events.next()
        while not data.get('summary'):
            event, data, _ = events.next()
        assert data['database'] == 'up'


def test_who_acknowledges_by_sql_is_seen_by_all(web, shop):
    shop.sql("SELECT kpi._observe('of the notice', 'data', 'Rows are missing', 'warning', true, '{}', 'postgres')")
    number = shop.sql("SELECT id FROM kpi.incident WHERE fingerprint = 'of the notice' AND state = 'firing'")[0][0]

    def listed():
        return {one['id']: one['state'] for one in web.get('/api/kpi/incidents').json['incidents']}.get(number)

    def told(events, state):
        while events.wait('update', 5)[0].get('incidents') is None or listed() != state:
            pass

    try:
        with web.events() as events:
            events.next()
            shop.sql('SELECT kpi.comment(%s, %s)', (number, 'changes nothing that is shown'))
            time.sleep(1.5)  # the opening's own notice
            assert listed() == 'firing'  # kept from now on, for 5 s
            began = time.monotonic()
            shop.sql('SELECT kpi.ack(%s)', (number,))
            told(events, 'acknowledged')
            assert time.monotonic() - began < 3
            silence = shop.sql("SELECT kpi.silence('{}', now() + interval '1 hour', 'of the test')")[0][0]
            assert events.wait('update', 5)[0]['incidents'] >= 1
            shop.sql('SELECT kpi.drop_silence(%s)', (silence,))
            events.wait('update', 5)
    finally:
        shop.sql("SELECT kpi._observe('of the notice', 'data', 'Rows are back', 'warning', false, '{}', 'postgres')")


def test_pings_keep_it_alive(start_web):
    web = start_web(KPIS_WEB_PING_MS='200')
    with web.events() as events:
        events.next()
        with pytest.raises(TimeoutError):
            events.wait('nothing', 1)
        assert b': ping' in events.buffer or events.pings >= 2


def test_five_thousand_clients(start_web, shop, wait_until):
    count = 5000
    web = start_web(KPIS_WEB_CLIENTS='6000')
    wait_until(lambda: web.get('/readyz').status == 200, 'the database')
    memory = resident(web)
    poller = select.epoll()
    clients = {}
    for _ in range(count):
        client = socket.create_connection(('127.0.0.1', web.port))
        client.sendall(b'GET /api/kpi/events HTTP/1.1\r\nHost: x\r\n\r\n')
        client.setblocking(False)
        clients[client.fileno()] = client
        poller.register(client, select.EPOLLIN)
    wait_until(lambda: web.counter('streams') == count, 'all clients to be in', 120)

    def drain(seconds):
        until, got = time.monotonic() + seconds, {}
        while time.monotonic() < until and len(got) < count:
            for number, _ in poller.poll(0.1):
                data = clients[number].recv(1 << 20)
                assert data, 'a client was dropped'
                if b'event: update' in data:
                    got.setdefault(number, time.monotonic())
        return got

    drain(3)
    each = (resident(web) - memory) / count
    began = time.monotonic()
    shop.pay(1)
    got = drain(30)
    assert len(got) == count
    times = sorted(got.values())
    spread = times[int(count * 0.99)] - times[0]
    print(f'{count} clients: first after {1000 * (times[0] - began):.0f} ms, 99 % within {1000 * spread:.0f} ms of it, last after {1000 * (times[-1] - began):.0f} ms, {each / 1024:.1f} KiB each')
    assert each < 16 * 1024
    assert spread < 10  # of a busy machine; alone it is far less
    for client in clients.values():
        client.close()
    wait_until(lambda: web.counter('streams') == 0, 'all clients to be out', 60)


def resident(web):
    with open(f'/proc/{web.process.pid}/statm') as file:
        return int(file.read().split()[1]) * 4096
