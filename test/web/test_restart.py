"""The database goes and comes back; kpi_web ends in good order."""
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
                answer = web.get(f'/api/kpi/query?metric=leads&start_date={1 + len(statuses) % 30}d')
                statuses.append(answer.status)
                if answer.status == 503:
                    assert answer.headers['Retry-After'] and answer.json['error']['message']

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(1)
        cluster.restart()
        assert events.wait('database', 30)[0]['database'] == 'down'
        assert events.wait('database', 60)[0]['database'] == 'up'
        data, _ = events.wait('snapshot', 60)
        assert data['reason'] == 'reconnected' and data['summary']['metrics']
        wait_until(lambda: statuses[-20:] == [200] * 20, 'questions to be answered again')
        stop.set()
        for thread in threads:
            thread.join()
        assert set(statuses) <= {200, 503}, set(statuses)
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
    answer = web.get('/api/kpi/forecast')
    assert (answer.status, answer.json['error']['code']) == (503, 'database_away')
    assert b'kpi_web_database_up 0' in web.get('/metrics').body
    with web.events() as events:
        assert events.next()[1]['database'] == 'down'


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
