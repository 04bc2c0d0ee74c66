"""Exports: three formats, streamed, with nothing in them that a spreadsheet would run."""
import csv
import io
import json
import socket
import time
import warnings

import openpyxl
import psycopg2
import pytest


def test_csv(web, shop):
    answer = web.get('/api/kpi/export?metric=leads,revenue&start_date=30d&by=source')
    assert answer.headers['Content-Type'].startswith('text/csv') and 'attachment; filename="kpis.csv"' in answer.headers['Content-Disposition']
    rows = list(csv.DictReader(io.StringIO(answer.body.decode(), newline='')))
    expected = shop.sql("SELECT count(*), sum(value)::float8 FROM kpi.query('{leads,revenue}', '30d', by => '{source}', max_rows => NULL)")[0]
    assert len(rows) == expected[0]
    assert "'=SUM(A1)" in {row['source'] for row in rows} and '=SUM(A1)' not in {row['source'] for row in rows}
    assert '<b>x</b>' in {row['source'] for row in rows}


def test_json(web):
    rows = json.loads(web.get('/api/kpi/export?format=json&metric=leads&start_date=7d&compare=week&by=country').body)
    assert len(rows) == 21 and set(rows[0]) == {'day', 'bucket', 'country', 'metric', 'value', 'compared', 'is_complete'}
    assert isinstance(rows[0]['value'], int) and isinstance(rows[0]['is_complete'], bool)


def test_xlsx_is_read_by_others(web, shop):
    answer = web.get('/api/kpi/export?format=xlsx&metric=leads&start_date=7d&by=source')
    with warnings.catch_warnings():
        warnings.simplefilter('error')  # a reader has nothing to mend
        book = openpyxl.load_workbook(io.BytesIO(answer.body))
    rows = list(book['KPIs'].iter_rows(values_only=True))
    assert rows[0] == ('day', 'bucket', 'source', 'metric', 'value', 'is_complete') and book['KPIs'].freeze_panes == 'A2'
    expected = shop.sql("SELECT day, segment ->> 'source', value::float8 FROM kpi.query('{leads}', '7d', by => '{source}') ORDER BY 1, 2")
    assert sorted((row[0].date(), row[2], row[4]) for row in rows[1:]) == sorted(expected)
    cell = next(cell for row in book['KPIs'].iter_rows(min_row=2) for cell in row if cell.value == '=SUM(A1)')
    assert cell.data_type in ('s', 'inlineStr', 'f') and '<f>' not in answer.body.decode('latin-1')


def test_a_large_export_needs_no_setting_of_the_server(start_web, shop, wait_until):
    whole = "SELECT count(*) FROM kpi.query('{revenue,payments}', '200d', by => '{country,source}', grain => 'hour', max_rows => NULL, expected => false)"
    rows = shop.sql(whole)[0][0]
    small = {'work_mem': '64kB', 'maintenance_work_mem': '1MB'}
    for name, value in small.items():
        shop.sql(f"ALTER DATABASE {shop.name} SET {name} = '{value}'")
    try:
        with pytest.raises(psycopg2.errors.ConfigurationLimitExceeded):
            shop.sql(whole)
        web = start_web()
        wait_until(lambda: web.get('/readyz').status == 200, 'the database')
        answer = web.get('/api/kpi/export?metric=revenue,payments&start_date=200d&grain=hour&by=country,source')
        assert abs(answer.body.count(b'\n') - 1 - rows) < 50, 'an hour may have begun'
    finally:
        for name in small:
            shop.sql(f'ALTER DATABASE {shop.name} RESET {name}')


def test_an_empty_export_has_its_head(web):
    assert web.get('/api/kpi/export?metric=leads&by=country&country=nowhere&start_date=yesterday').body.startswith(b'day,bucket,country,metric,value')


def test_a_bad_export_is_refused_before_it_begins(web):
    answer = web.get('/api/kpi/export?metric=no_such')
    assert (answer.status, answer.json['error']['code']) == (400, '42704')


def test_a_client_that_goes_away_frees_its_connection(start_web, shop, wait_until):
    web = start_web()
    # 40 days of hours by two dimensions: some MB.
    path = b'/api/kpi/export?format=json&metric=leads,payments,revenue&start_date=40d&grain=hour&by=country,source'
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.connect(('127.0.0.1', web.port))
    slow.sendall(b'GET ' + path + b' HTTP/1.1\r\nHost: x\r\n\r\n')
    time.sleep(1)
    assert web.get('/api/kpi/query?metric=leads').status == 200  # others are served meanwhile
    slow.close()
    wait_until(lambda: 'broke off' in web.log() or not busy(shop), 'the query to end', 30)
    whole = web.get(path.decode())
    assert whole.status == 200 and len(json.loads(whole.body)) > 10000


def test_a_query_whose_client_has_gone_ends(start_web, shop, wait_until):
    """Before its first row, too: neither connection nor transaction stays for what nobody reads."""
    shop.sql("CREATE OR REPLACE FUNCTION public.long_nap(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM pg_sleep(30); RETURN 1; END'")
    shop.sql("SELECT kpi.define('napping', 'payments * public.long_nap(1)')")
    try:
        web = start_web(KPIS_PG_POOL='3')  # one export at a time
        path = '/api/kpi/export?metric=napping&start_date=today'
        client = web.connect()
        client.sendall(f'GET {path} HTTP/1.1\r\nHost: x\r\n\r\n'.encode())
        wait_until(lambda: napping(shop) == 1, 'the export to begin', 10)
        assert web.get(path).status == 503, 'no second one'
        client.close()
        began = time.monotonic()
        wait_until(lambda: napping(shop) == 0, 'the query to end', 10)
        assert time.monotonic() - began < 8
        assert shop.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'kpi_web' AND state LIKE 'idle in%'")[0][0] == 0
        assert web.get('/api/kpi/export?metric=leads').status == 200, 'its place is free'
        assert web.get('/healthz').status == 200 and web.counter('connections') == 1
    finally:
        shop.sql("SELECT kpi.undefine('napping')")


def test_a_request_that_follows_an_export_is_answered(web):
    reply = web.raw(b'GET /api/kpi/export?metric=leads HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    assert reply.startswith(b'HTTP/1.1 200') and reply.endswith(b'{"status":"alive"}')


def napping(shop):
    return shop.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'kpi_web' AND state <> 'idle' AND query LIKE '%max_rows => 1000000%'")[0][0]


def busy(shop):
    return shop.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'kpi_web' AND state = 'active'")[0][0]
