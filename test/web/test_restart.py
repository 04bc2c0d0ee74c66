"""The database goes and comes back; kpi_web ends in good order."""
import os
import re
import signal
import threading
import time

from conftest import make_shop


def test_a_restart_of_the_database_under_load_loses_no_client(make_cluster, start_web, wait_until):
    cluster = make_cluster('web-restart')
    shop = make_shop(cluster)
    web = start_web(shop)
    with web.events() as events:
        while not events.next()[1].get('summary'):
            pass
        statuses, stop = [], threading.Event()

        def ask():
            while not stop.is_set():
                # No two are the same: each is asked of the database, so that some are under way when it goes.
                answer = web.get(f'/api/kpi/query?metric=leads&start_date=40d&aggregate=hourly&limit={1 + len(statuses) % 10000}')
                statuses.append(answer.status)
                if answer.status == 503:
                    assert answer.headers['Retry-After'] and answer.json['error']['message']

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(1)
        began = time.monotonic()
        cluster.restart()
        away = time.monotonic() - began
        assert events.wait('database', 30)[0]['database'] == 'down'
        assert events.wait('database', 60)[0]['database'] == 'up'
        data, _ = events.wait('snapshot', 60)
        assert data['reason'] == 'reconnected' and data['summary']['metrics']
        wait_until(lambda: statuses[-20:] == [200] * 20, 'questions to be answered again')
        stop.set()
        for thread in threads:
            thread.join()
        # A question whose connection was lost is asked again; five seconds it waits for a new one.
        assert set(statuses) == {200} if away < 4 else set(statuses) <= {200, 503}, (set(statuses), away)
        shop.pay(5)
        events.wait('update', 30)


def test_without_a_database_it_lives_and_says_so(make_cluster, start_web, wait_until):
    cluster = make_cluster('web-away')
    shop = make_shop(cluster)
    web = start_web(shop)
    wait_until(lambda: web.get('/readyz').status == 200, 'the database')
    cluster.stop('immediate')
    assert web.get('/healthz').status == 200
    wait_until(lambda: web.get('/readyz').status == 503, 'it to notice')
    began = time.monotonic()
    assert web.get('/readyz').status == 503 and time.monotonic() - began < 1, 'a load balancer does not wait'
    answer = web.get('/api/kpi/forecast')
    assert (answer.status, answer.json['error']['code']) == (503, 'database_away')
    assert b'kpi_web_database_up 0' in web.get('/metrics').body
    with web.events() as events:
        assert events.next()[1]['database'] == 'down'
    log = web.log().splitlines()
    assert log and all(re.match(r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC kpi_web: ', line) for line in log), 'libpq prints nothing of its own'


def test_it_starts_before_the_database(make_cluster, start_web, wait_until):
    cluster = make_cluster('web-first')
    shop = make_shop(cluster)
    port = cluster.port
    cluster.stop()
    web = start_web(shop_at(shop, port))
    assert web.get('/readyz').status == 503
    cluster.config['port'] = str(port)
    cluster._write_config()
    import cluster as clusters
    clusters.run('pg_ctl', 'start', '-w', '-t', '60', '-s', '-D', cluster.data, '-l', cluster.logfile)
    wait_until(lambda: web.get('/readyz').status == 200, 'the database to be found')
    assert web.get('/api/kpi/summary').status == 200


def shop_at(shop, port):
    class At:
        name = shop.name

        class cluster:
            socket = shop.cluster.socket
    At.cluster.port = port
    return At


def test_it_ends_in_good_order(start_web, shop):
    web = start_web()
    with web.events() as events, web.connect() as idle:
        events.next()
        idle.sendall(b'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')
        assert idle.recv(4096).startswith(b'HTTP/1.1 200')
        began = time.monotonic()
        assert web.stop() == 0
        assert time.monotonic() - began < 5
        assert idle.recv(4096) == b''
    assert 'stopped' in web.log()
    # Its sessions are gone from the server as well.
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if shop.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'kpi_web' AND client_port = %s", (web.port,))[0][0] == 0:
            break


def test_an_answer_that_comes_too_late_reaches_nobody(start_web, shop, wait_until):
    """Backends that stand still answer after their client, or kpi_web's patience, has gone."""
    web = start_web(KPIS_PG_STMT_TIMEOUT_MS='300', KPIS_PG_POOL='2')
    wait_until(lambda: web.get('/readyz').status == 200, 'the database')
    backends = "SELECT pid FROM pg_stat_activity WHERE application_name = 'kpi_web' AND query NOT LIKE 'LISTEN%'"
    stopped = set()

    def stand_still():
        for pid, in shop.sql(backends):
            os.kill(pid, signal.SIGSTOP)
            stopped.add(pid)

    def go_on():
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)

    def ask(days):
        return web.get(f'/api/kpi/query?metric=leads&start_date={days}d')

    ask(40)  # a connection that is at rest
    try:
        stand_still()
        with web.connect() as impatient:
            impatient.sendall(b'GET /api/kpi/query?metric=leads&start_date=3d HTTP/1.1\r\nHost: x\r\n\r\n')
            time.sleep(0.3)
        go_on()
        assert [ask(days).json['count'] for days in (3, 4, 5)] == [3, 4, 5]
        stand_still()
        began = time.monotonic()
        answer = ask(7)
        assert (answer.status, answer.json['count']) == (200, 7), 'asked again on another connection'
        assert time.monotonic() - began > 2
    finally:
        go_on()
    assert [ask(days).json['count'] for days in range(8, 30)] == list(range(8, 30))
    assert web.counter('connections') == 1 and web.process.poll() is None


def test_a_connection_that_ends_with_its_answer_is_not_asked(start_web, shop, wait_until):
    """Answer and end arrive as one: the connection is found lost on its way to rest, and never rests."""
    others = shop.sql("SELECT coalesce(array_agg(pid), '{}') FROM pg_stat_activity WHERE application_name = 'kpi_web'")[0][0]  # of another kpi_web
    web = start_web(KPIS_PG_POOL='1')
    wait_until(lambda: web.get('/readyz').status == 200, 'the database')
    ask = '/api/kpi/query?metric=leads&start_date={}d'
    assert web.get(ask.format(40)).json['count'] == 40

    def connections():
        found = shop.sql("SELECT pid, state_change FROM pg_stat_activity WHERE application_name = 'kpi_web' AND query NOT LIKE 'LISTEN%%' AND NOT pid = ANY(%s)", (others,))
        return len(found) == 1 and found

    (backend, before), = wait_until(connections, 'its only connection')

    def look(what):
        return shop.sql(f'SELECT {what} FROM pg_stat_activity WHERE pid = %s', (backend,))

    os.kill(backend, signal.SIGSTOP)
    try:
        with web.connect() as client:
            client.sendall(f'GET {ask.format(3)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'.encode())
            time.sleep(0.3)  # the question is sent
            os.kill(web.process.pid, signal.SIGSTOP)
            os.kill(backend, signal.SIGCONT)
            wait_until(lambda: look(f"state = 'idle' AND state_change > '{before}'") == [(True,)], 'the answer')
            shop.sql('SELECT pg_terminate_backend(%s)', (backend,))
            wait_until(lambda: look('true') == [], 'the end of the connection')
            os.kill(web.process.pid, signal.SIGCONT)
            reply = b''
            while part := client.recv(65536):
                reply += part
            assert reply.startswith(b'HTTP/1.1 200') and b'"count" : 3,' in reply
    finally:
        os.kill(web.process.pid, signal.SIGCONT)
        if look('true'):
            os.kill(backend, signal.SIGCONT)
    assert [web.get(ask.format(days)).json['count'] for days in (4, 5, 6)] == [4, 5, 6]
    assert web.process.poll() is None
