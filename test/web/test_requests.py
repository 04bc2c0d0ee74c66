"""What HTTP itself brings: malformed, oversized and slow requests, caching, compression, headers."""
import gzip
import time

import pytest


@pytest.mark.parametrize('query,code', [
    ('limit=-1', 'bad_parameter'), ('limit=0', 'bad_parameter'), ('limit=1e3', 'bad_parameter'), ('limit=99999999999999999999', 'bad_parameter'),
    ('limit=10&limit=10', 'bad_parameter'), ('country=MX&country=ES', 'bad_parameter'), ('metrics=revenue', 'unknown_parameter'),
    ('aggregate=minutely', 'bad_parameter'), ('country=%00', 'bad_url'), ('country=a%00b', 'bad_url'), ('country=%ff%fe', 'bad_url'),
    ('country=%c0%80', 'bad_url'), ('country=%ed%a0%80', 'bad_url'), ('country=%', 'bad_url'), ('country=%zz', 'bad_url'), ('country=%0a', 'bad_url'),
    ('start_date=tomorrowish', '22007'), ('metric=no_such', '42704'), ('&'.join(f'a{i}=1' for i in range(70)), 'too_many_parameters'),
])
def test_a_bad_parameter_is_400_and_says_which(web, query, code):
    answer = web.get(f'/api/kpi/query?{query}')
    error = answer.json['error']
    assert (answer.status, error['code']) == (400, code), error
    assert error['message'] and 'kpi_web' not in error['message']


@pytest.mark.parametrize('path,parameter', [
    ('query?metric=no_such', 'metric'), ('query?start_date=tomorrowish', 'start_date'), ('query?end_date=2026-11-27T25:00', 'end_date'),
    ('segments?by=country,nope', 'by'), ('segments?metrics=leads,nope', 'metrics'), ('anomalies?method=bogus', 'method'),
    ('explain?at=someday', 'at'), ('export?by=nope', 'by'), ('timeseries?limit=5', 'limit'), ('forecast?grain=month', 'grain')])
def test_an_error_names_the_parameter_also_where_the_database_found_it(web, path, parameter):
    answer = web.get(f'/api/kpi/{path}')
    assert (answer.status, answer.json['error']['parameter']) == (400, parameter), answer.json


def test_what_two_parameters_may_have_caused_names_none(web):
    assert web.get('/api/kpi/query?start_date=someday&end_date=someday').json['error']['parameter'] is None


@pytest.mark.parametrize('method,path', [('GET', '/healthz?x=1'), ('GET', '/readyz?x=1'), ('GET', '/openapi.json?x=1'), ('GET', '/metrics?x=1'),
                                         ('POST', '/api/kpi/incidents/act?x=1'), ('POST', '/incidents/act?token=a&x=1')])
def test_an_unknown_parameter_is_refused_everywhere(web, method, path):
    body, kind = (None, '') if method == 'GET' else ('token=a', 'application/x-www-form-urlencoded')
    if '/api/' in path:
        body, kind = '{"token": "a"}', 'application/json'
    answer = web.request(method, path, body, {'Content-Type': kind})
    assert (answer.status, answer.json['error']['code']) == (400, 'unknown_parameter')


@pytest.mark.parametrize('query', ['filters=[1]', 'filters={', 'filters={"no_such":1}', 'top=0', 'top=-3', 'band=maybe', 'by=no_such', 'compare=decade'])
def test_bad_parameters_of_a_series_are_400(web, query):
    assert web.get('/api/kpi/timeseries?' + query.replace('{', '%7B').replace('"', '%22').replace('}', '%7D')).status == 400


def test_a_quote_is_a_character_like_any_other(web):
    answer = web.get("/api/kpi/query?country=%27;drop%20table%20leads;--&metric=leads&aggregate=total")
    assert answer.status == 200 and answer.json['data'][0]['value'] == 0
    assert web.get('/api/kpi/export?by=%22;drop').status == 400


def status_of(reply):
    assert reply.startswith(b'HTTP/1.1 '), reply[:200]
    return int(reply.split(b' ', 2)[1])


def test_ten_megabytes_of_headers_are_431(web):
    assert status_of(web.raw(b'GET / HTTP/1.1\r\nHost: x\r\nX-A: ' + b'a' * 10_000_000 + b'\r\n\r\n')) == 431


def test_many_small_headers_are_431(web):
    assert status_of(web.raw(b'GET / HTTP/1.1\r\nHost: x\r\n' + b'X-A: a\r\n' * 20000 + b'\r\n')) == 431


def test_a_long_url_is_414(web):
    assert status_of(web.raw(b'GET /' + b'a' * 10_000_000 + b' HTTP/1.1\r\n\r\n')) == 414
    assert status_of(web.raw(b'GET /' + b'a' * 9000 + b' HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')) == 414


def test_a_large_body_is_413(web):
    head = b'POST /api/kpi/incidents/act HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
    assert status_of(web.raw(head + b'Content-Length: 10000000\r\n\r\n' + b'a' * 100_000)) == 413
    assert status_of(web.raw(head + b'Transfer-Encoding: chunked\r\n\r\n' + b'fffff\r\n' + b'a' * 0xfffff + b'\r\n0\r\n\r\n')) == 413


@pytest.mark.parametrize('data', [
    b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' + b'\x00' * 60 + b'\r\n\r\n', b'GET\r\n\r\n', b'GET / HTTP/9.9\r\n\r\n', b'\x00\r\n\r\n',
    b'GET / HTTP/1.1\r\nHost x\r\n\r\n', b'GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n', b'GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
    b'GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello', b'GET /\xff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    b'GET no-slash HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', b'POST /api/kpi/incidents/act HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n'])
def test_what_is_no_request_is_400(web, data):
    assert status_of(web.raw(data)) == 400


def test_slow_bytes_are_408(start_web):
    web = start_web(KPIS_WEB_REQUEST_MS='500')
    with web.connect() as connection:
        began = time.monotonic()
        reply = b''
        connection.settimeout(0.1)
        for byte in b'GET /healthz HTTP/1.1\r\nX-Slow: ' + b'a' * 100:
            connection.sendall(bytes([byte]))
            try:
                reply = connection.recv(4096)
                break
            except TimeoutError:
                continue
        assert status_of(reply) == 408
        assert time.monotonic() - began < 10


def test_a_body_that_never_comes_is_408(start_web):
    web = start_web(KPIS_WEB_REQUEST_MS='300')
    head = b'POST /api/kpi/incidents/act HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{'
    assert status_of(web.raw(head)) == 408


def test_methods(web):
    assert web.request('DELETE', '/api/kpi/summary').status == 405
    refused = web.request('POST', '/api/kpi/summary')
    assert (refused.status, 'GET' in refused.headers['Allow']) == (405, True)
    assert web.request('BREW', '/').status in (400, 405)
    assert web.request('POST', '/healthz').status == web.request('POST', '/readyz').status == 405
    assert web.request('OPTIONS', '/api/kpi/summary').status == 204
    head, whole = web.request('HEAD', '/api/kpi/query'), web.get('/api/kpi/query')
    assert (head.status, head.body, head.headers['Content-Length']) == (200, b'', str(len(whole.body)))


def test_head_tells_no_length_and_no_etag_that_it_does_not_know(web):
    for path in ('/api/kpi/export?format=json', '/api/kpi/events'):
        head = web.request('HEAD', path)
        assert (head.status, head.headers['Content-Length'], head.headers['ETag']) == (200, None, None), path
    assert web.get('/api/kpi/export').headers['ETag'] is None
    assert web.get('/api/kpi/export', If_None_Match='*').status == 200
    head, got = web.request('HEAD', '/openapi.json'), web.get('/openapi.json')
    assert (head.headers['Content-Length'], head.headers['ETag']) == (str(len(got.body)), got.headers['ETag'])


@pytest.mark.parametrize('header,packed', [('gzip', True), ('GZIP', True), ('br, gzip;q=0.5', True), ('*', True), ('gzip;q=0, *', False), ('gzip; q=0.000', False),
                                           ('identity', False), ('gzipped', False), ('*;q=0', False), ('gzip;q=0.001', True), ('', False)])
def test_gzip_is_sent_to_whoever_takes_it(web, header, packed):
    assert (web.get('/openapi.json', Accept_Encoding=header).headers['Content-Encoding'] == 'gzip') is packed


def test_an_etag_answers_304_until_something_changes(web, shop, wait_until):
    path = '/api/kpi/query?metric=revenue&start_date=today&aggregate=total'
    first = web.get(path)
    tag = first.headers['ETag']
    again = web.get(path, If_None_Match=f'"other", {tag}')
    assert (again.status, again.body, again.headers['ETag']) == (304, b'', tag)
    assert 'no-cache' in first.headers['Cache-Control']
    shop.pay(3)
    wait_until(lambda: web.get(path, If_None_Match=tag).status == 200, 'the change to be seen', 10)


def test_gzip(web):
    path = '/api/kpi/query?start_date=30d'
    plain, packed = web.get(path), web.get(path, Accept_Encoding='br, gzip;q=0.8')
    assert packed.headers['Content-Encoding'] == 'gzip' and 'Accept-Encoding' in packed.headers['Vary']
    assert gzip.decompress(packed.body) == plain.body and len(packed.body) < len(plain.body) / 3
    assert web.get(path, Accept_Encoding='gzip;q=0').headers['Content-Encoding'] is None


def test_security_headers_are_on_every_answer(web):
    for path in ('/healthz', '/api/kpi/summary', '/nothing', '/api/kpi/query?limit=x', '/incidents/act?token=x'):
        headers = web.get(path).headers
        assert headers['X-Content-Type-Options'] == 'nosniff'
        assert "default-src 'none'" in headers['Content-Security-Policy'] and 'unsafe' not in headers['Content-Security-Policy']
        assert headers['X-Frame-Options'] == 'DENY' and headers['Referrer-Policy'] == 'no-referrer'
        assert headers['Access-Control-Allow-Origin'] is None


def test_requests_of_one_connection_are_answered_in_order(web):
    one = b'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'
    last = b'GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
    reply = web.raw(one * 20 + last)
    assert reply.count(b'HTTP/1.1 200') == 20 and reply.count(b'HTTP/1.1 404') == 1
    assert b'HTTP/1.1 200' in web.raw(b'GET /healthz HTTP/1.0\r\n\r\n')


def test_the_files_of_the_page(start_web, tmp_path):
    (tmp_path / 'assets').mkdir()
    (tmp_path / 'index.html').write_text('<!doctype html><title>KPIs</title>')
    (tmp_path / 'assets' / 'app-abc123.js').write_text('export {}')
    web = start_web(KPIS_WEB_PAGE=str(tmp_path))
    page = web.get('/')
    assert b'KPIs' in page.body and page.headers['Content-Type'].startswith('text/html') and page.headers['Cache-Control'] == 'no-cache'
    script = web.get('/assets/app-abc123.js')
    assert 'immutable' in script.headers['Cache-Control'] and script.headers['Content-Type'].startswith('text/javascript')
    for path in ('/../etc/passwd', '/assets/../../etc/passwd', '/%2e%2e/etc/passwd', '/assets/', '/.git/config'):
        assert web.get(path).status == 404


def test_more_clients_than_allowed_are_503(start_web, wait_until):
    web = start_web(KPIS_WEB_CLIENTS='5')
    wait_until(lambda: web.get('/readyz').status == 200, 'the database')
    held = [web.connect() for _ in range(5)]
    wait_until(lambda: b' 503 ' in web.raw(b'GET /healthz HTTP/1.1\r\n\r\n'), 'the door to be shut')
    for connection in held:
        connection.close()
    wait_until(lambda: web.raw(b'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n').startswith(b'HTTP/1.1 200'), 'it to be open again')
