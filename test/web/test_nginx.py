"""kpi_web behind nginx, configured by the very block that docs/web.md shows."""
import gzip
import http.client
import os
import re
import socket
import ssl
import subprocess
import time

import pytest

from served_web import ROOT, Answer, Events

AROUND = '''daemon off; master_process off; pid {folder}/pid; error_log {folder}/log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
{block}
}}
'''


def documented(**replacements):
    with open(os.path.join(ROOT, 'docs', 'web.md')) as file:
        block = re.search(r'```\n(server \{\n.*?\n\})\n```', file.read(), re.S)[1]
    for old, new in replacements.values():
        assert old in block
        block = block.replace(old, new)
    return block


def free_port():
    with socket.create_server(('127.0.0.1', 0)) as server:
        return server.getsockname()[1]


class Nginx:
    def __init__(self, web, folder, change=lambda block: block):
        self.port = free_port()
        key = os.path.join(folder, 'key.pem')
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=kpis.example.com', '-keyout', key,
                        '-out', key + '.crt'], check=True, capture_output=True)
        block = documented(listen=('listen 443 ', f'listen 127.0.0.1:{self.port} '), certificate=('/etc/ssl/kpis.pem', key + '.crt'),
                           key=('/etc/ssl/private/kpis.key', key), target=('http://127.0.0.1:8080', web.url))
        configuration = os.path.join(folder, 'nginx.conf')
        with open(configuration, 'w') as file:
            file.write(AROUND.format(folder=folder, block=change(block)))
        self.process = subprocess.Popen(['nginx', '-e', os.path.join(folder, 'log'), '-c', configuration, '-p', folder])
        self.context = ssl.create_default_context()
        self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE
        deadline = time.monotonic() + 20
        while True:
            try:
                return self.connect().close()
            except OSError:
                assert self.process.poll() is None and time.monotonic() < deadline, open(os.path.join(folder, 'log')).read()
                time.sleep(0.05)

    def connect(self):
        return self.context.wrap_socket(socket.create_connection(('127.0.0.1', self.port), timeout=30), server_hostname='kpis.example.com')

    def get(self, path, **headers):
        connection = http.client.HTTPSConnection('127.0.0.1', self.port, timeout=30, context=self.context)
        try:
            connection.request('GET', path, headers={name.replace('_', '-'): value for name, value in headers.items()})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


@pytest.fixture
def nginx(tmp_path):
    begun = []

    def start(web, **options):
        begun.append(Nginx(web, str(tmp_path), **options))
        return begun[-1]

    yield start
    for one in begun:
        one.stop()


def without_the_streams_own_part(block):
    shorter = re.sub(r'\n    location = /api/kpi/events \{.*?\n    \}', '', block, flags=re.S)
    assert shorter != block
    return shorter


@pytest.mark.parametrize('change', [lambda block: block, without_the_streams_own_part], ids=['as documented', 'not told of the stream'])
def test_events_and_pings_pass_at_once_and_the_stream_lives(start_web, shop, nginx, change):
    web = start_web(KPIS_WEB_PING_MS='300')
    proxy = nginx(web, change=change)
    with Events(proxy) as events:
        assert 'text/event-stream' in events.head
        while not events.next()[1].get('summary'):
            pass
        with pytest.raises(TimeoutError):
            events.wait('nothing', 2)
        assert events.pings >= 4, 'pings wait in a buffer'
        for _ in range(2):
            began = time.monotonic()
            shop.pay(1)
            data, number = events.wait('update')
            assert data['summary'] and time.monotonic() - began < 2
    with Events(proxy, last_id=number) as events:
        shop.pay(1)
        assert events.wait('update')[1].split('-')[0] == number.split('-')[0], 'Last-Event-ID passes'


def test_the_rest_passes_as_it_is(start_web, nginx):
    proxy = nginx(start_web(KPIS_WEB_URL='https://kpis.example.com'))
    assert 'Secure' in proxy.get('/api/meta').headers['Set-Cookie']
    path = '/api/kpi/query?metric=leads&start_date=30d'
    packed = proxy.get(path, Accept_Encoding='gzip')
    assert b'"data"' in gzip.decompress(packed.body)
    assert proxy.get(path, If_None_Match=packed.headers['ETag']).status == 304
    assert proxy.get('/api/kpi/export?format=csv&start_date=7d').body.count(b'\n') > 7


def test_the_stream_over_http_2(start_web, shop, nginx):
    proxy = nginx(start_web(KPIS_WEB_PING_MS='300'))
    done = subprocess.run(['curl', '-skN', '--http2', '--max-time', '3', '-w', '%{http_version}', f'https://127.0.0.1:{proxy.port}/api/kpi/events'],
                          capture_output=True, text=True)
    assert done.returncode == 28, 'it lives until we go'
    assert 'event: snapshot' in done.stdout and done.stdout.count(': ping') >= 4 and done.stdout.endswith('2')
