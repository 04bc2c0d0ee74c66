"""The webhook, and what every answer of a receiver comes to."""
import hashlib
import hmac
import json
import socket
import subprocess
import threading
import time

import pytest

from receiver import Receiver, status


def webhook(receiver, **more):
    return {'kind': 'webhook', 'url': receiver.url, **more}


def test_body_is_the_message(deliver):
    body = {'größe': 1.50, 'list': [1, None], 'text': 'a"b\n'}
    with Receiver(status(200)) as receiver:
        outcome = deliver(webhook(receiver), {'body': body, 'idempotency_key': 'key-1'})
    assert outcome['state'] == 'delivered' and outcome['status'] == 200
    request, = receiver.requests
    assert request.method == 'POST' and request.path == '/hook'
    assert json.loads(request.body) == body
    assert request.headers['content-type'] == 'application/json'
    assert request.headers['idempotency-key'] == 'key-1'
    assert 'expect' not in request.headers


def test_signature_is_over_timestamp_and_body(deliver):
    with Receiver(status(204)) as receiver:
        outcome = deliver(webhook(receiver, secret={'hmac_key': 'k3y'}, options={'headers': {'X-Team': 'growth'}}),
                          {'body': {'a': 1}, 'unix_time': 1800000000})
    assert outcome['state'] == 'delivered'
    headers = receiver.requests[0].headers
    assert headers['x-kpi-timestamp'] == '1800000000' and headers['x-team'] == 'growth'
    expected = hmac.new(b'k3y', b'1800000000.' + receiver.requests[0].body, hashlib.sha256).hexdigest()
    assert headers['x-kpi-signature'] == 'sha256=' + expected


def test_content_is_sent_as_it_is(deliver):
    with Receiver(status(200)) as receiver:
        deliver(webhook(receiver), {'content_base64': 'AAEC/w==', 'content_type': 'application/octet-stream'})
    assert receiver.requests[0].body == b'\x00\x01\x02\xff'
    assert receiver.requests[0].headers['content-type'] == 'application/octet-stream'


@pytest.mark.parametrize('headers', [{'Idempotency-Key': 'x'}, {'Host': 'x'}, {'A': 'b\r\nC: d'}, {'a b': 'c'}, {'A': 1}])
def test_bad_headers_are_refused(deliver, headers):
    outcome = deliver({'kind': 'webhook', 'url': 'http://127.0.0.1:1', 'options': {'headers': headers}}, {'body': {}})
    assert outcome['sqlstate'] == '22023' and outcome['exchanges'] == 0


@pytest.mark.parametrize('code, state', [(200, 'delivered'), (301, 'dead'), (307, 'dead'), (400, 'dead'), (404, 'dead'),
                                         (408, 'retry'), (425, 'retry'), (429, 'retry'), (500, 'retry'), (503, 'retry')])
def test_statuses(deliver, code, state):
    answer = status(code, b'said so', ['Location: http://127.0.0.1:1/elsewhere', 'Retry-After: 7'])
    with Receiver(answer) as receiver:
        outcome = deliver(webhook(receiver), {'body': {}})
    assert outcome['state'] == state and outcome['status'] == code
    assert len(receiver.requests) == 1  # a redirect is not followed
    assert outcome.get('retry_after') == (7 if state == 'retry' else None)
    assert '/hook' not in outcome['error'] and '/elsewhere' not in outcome['error']


def test_oversized_answer(deliver):
    with Receiver(status(200, b'x' * 200_000)) as receiver:
        outcome = deliver(webhook(receiver), {'body': {}}, response_bytes=100_000)
    assert outcome['state'] == 'dead' and 'larger than 100000 bytes' in outcome['error']


def test_endless_headers(deliver):
    def answer(connection, _):
        connection.sendall(b'HTTP/1.1 200 OK\r\n')
        for number in range(100_000):
            connection.sendall(b'X-%d: %s\r\n' % (number, b'x' * 1000))
        return 'close'
    with Receiver(answer) as receiver:
        outcome = deliver(webhook(receiver), {'body': {}})
    assert outcome['state'] == 'dead' and 'larger' in outcome['error']


def test_slow_drip(deliver):
    def answer(connection, _):
        connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n')
        for _ in range(200):
            connection.sendall(b'x')
            time.sleep(0.1)
        return 'close'
    with Receiver(answer) as receiver:
        outcome = deliver(webhook(receiver), {'body': {}}, total_timeout=800)
    assert outcome['state'] == 'retry' and outcome['error'] == 'no complete answer within 800 ms'


@pytest.mark.parametrize('said', [b'', b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf', b'HTTP/1.1 20'])
def test_closed_half_way(deliver, said):
    def answer(connection, _):
        connection.sendall(said)
        return 'close'
    with Receiver(answer) as receiver:
        outcome = deliver(webhook(receiver), {'body': {}})
    assert outcome['state'] in ('retry', 'dead') and outcome['error']
    assert outcome['state'] == 'retry'


def test_nobody_listens(deliver):
    with socket.create_server(('127.0.0.1', 0)) as free:
        port = free.getsockname()[1]
    outcome = deliver({'kind': 'webhook', 'url': f'http://127.0.0.1:{port}/hook'}, {'body': {}})
    assert outcome['state'] == 'retry' and outcome['receiver_down']
    assert outcome['error'] == 'no connection to the receiver: Connection refused'


def test_tls_is_verified(deliver, certificate):
    with Receiver(status(200), certificate) as receiver:
        outcome = deliver(webhook(receiver), {'body': {}})
        assert outcome['state'] == 'retry'
        assert outcome['error'] == 'TLS failed: the certificate of "127.0.0.1" is self-signed; option cacert may name its file'
        assert not receiver.requests
        outcome = deliver(webhook(receiver), {'body': {}}, cacert=certificate[0])
    assert outcome['state'] == 'delivered'


def test_a_certificate_for_another_name(deliver, certificate, tmp_path):
    signed = certificate_by(certificate, tmp_path, ('20200101000000Z', '20900101000000Z'), 'DNS:other.example')
    with Receiver(status(200), signed) as receiver:
        outcome = deliver(webhook(receiver), {'body': {}}, cacert=certificate[0])
    assert outcome['state'] == 'retry'
    assert outcome['error'] == 'TLS failed: the certificate is for another host than "127.0.0.1"'


@pytest.mark.parametrize('dates, why', [
    (('20200101000000Z', '20200102000000Z'), 'has expired'),
    (('20900101000000Z', '20910102000000Z'), 'is not valid yet: is the clock right?'),
    (None, "is from an authority that is not trusted here; option cacert may name the authority's file"),
])
def test_a_certificate_of_an_authority(deliver, certificate, tmp_path, dates, why):
    signed = certificate_by(certificate, tmp_path, dates or ('20200101000000Z', '20900101000000Z'))
    with Receiver(status(200), signed) as receiver:
        outcome = deliver(webhook(receiver), {'body': {}}, **({'cacert': certificate[0]} if dates else {}))
    assert outcome['state'] == 'retry' and outcome['error'] == f'TLS failed: the certificate of "127.0.0.1" {why}'


def certificate_by(authority, folder, dates, names='IP:127.0.0.1'):
    """A certificate for 127.0.0.1 that an authority signed, valid between two dates, and its key."""
    key, request, signed = (str(folder / name) for name in ('key.pem', 'request.pem', 'signed.pem'))
    (folder / 'index').write_text('')
    (folder / 'serial').write_text('01')
    (folder / 'ca.conf').write_text(f"""
[ca]
default_ca = own
[own]
database = {folder}/index
serial = {folder}/serial
new_certs_dir = {folder}
default_md = sha256
policy = any
x509_extensions = names
[any]
commonName = supplied
[names]
subjectAltName = {names}
""")
    for command in (['req', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=signed', '-keyout', key, '-out', request],
                    ['ca', '-batch', '-config', str(folder / 'ca.conf'), '-cert', authority[0], '-keyfile', authority[1],
                     '-startdate', dates[0], '-enddate', dates[1], '-in', request, '-out', signed]):
        subprocess.run(['openssl', *command], check=True, capture_output=True)
    return signed, key


def test_tls_to_a_port_without(deliver):
    def greet(listener):
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b'220 plain text here\r\n')
            connection.recv(65536)
    with socket.create_server(('127.0.0.1', 0)) as plain:
        threading.Thread(target=greet, args=(plain,), daemon=True).start()
        outcome = deliver({'kind': 'webhook', 'url': f'https://127.0.0.1:{plain.getsockname()[1]}/hook'}, {'body': {}})
    assert outcome['state'] == 'retry' and outcome['error'] == 'TLS failed: "127.0.0.1" does not speak TLS on this port'


def test_an_authority_that_cannot_be_read(deliver, certificate):
    with Receiver(status(200), certificate) as receiver:
        outcome = deliver(webhook(receiver), {'body': {}}, cacert='/nowhere/ca.pem')
    assert outcome['error'] == 'TLS failed: the file of option cacert cannot be read or holds no certificate'


def test_dns_failure(deliver):
    outcome = deliver({'kind': 'webhook', 'url': 'https://no.such.host.invalid/x'}, {'body': {}}, '*', total_timeout=20_000)
    assert outcome['state'] == 'retry'
    assert outcome['error'] == 'the name "no.such.host.invalid" does not resolve'


@pytest.mark.parametrize('url, allowed', [
    ('http://127.0.0.1:{port}/x', ''),
    ('http://127.0.0.1:{port}/x', 'example.com 10.0.0.0/8'),
    ('http://localhost:{port}/x', '10.0.0.0/8'),             # by the address that it resolves to
    ('http://localhost:{port}/x', '* !127.0.0.0/8 !::1'),
    ('http://2130706433:{port}/x', '* !127.0.0.0/8'),        # 127.0.0.1 in one number
    ('http://0x7f.1:{port}/x', '* !127.0.0.0/8'),
    ('http://[::ffff:127.0.0.1]:{port}/x', '* !127.0.0.0/8'),
    ('http://169.254.169.254/latest/meta-data/', '*'),
    ('http://[::ffff:a9fe:a9fe]/latest/meta-data/', '*, 169.254.0.0/16'),
    ('http://2852039166/latest/meta-data/', '*'),
    ('http://0.0.0.0:{port}/x', '*'),
])
def test_blocked_hosts(deliver, url, allowed):
    with Receiver(status(200)) as receiver:
        outcome = deliver({'kind': 'webhook', 'url': url.format(port=receiver.port)}, {'body': {}}, allowed)
    assert outcome['state'] == 'dead' and 'kpi.allowed_hosts' in outcome['error']
    assert not receiver.requests


def test_name_allowed_by_its_address(deliver):
    with Receiver(status(200)) as receiver:
        url = receiver.url.replace('127.0.0.1', 'localhost')
        assert deliver({'kind': 'webhook', 'url': url}, {'body': {}}, '127.0.0.0/8')['state'] == 'delivered'


@pytest.mark.parametrize('url', ['file:///etc/passwd', 'gopher://127.0.0.1/x', 'ftp://127.0.0.1/x', 'http://', 'nonsense',
                                 'http://user:pw@127.0.0.1:1/x', 'smtp://127.0.0.1/'])
def test_urls_that_cannot_be_called(deliver, url):
    outcome = deliver({'kind': 'webhook', 'url': url}, {'body': {}})
    assert outcome['state'] == 'dead' and outcome['error']
    assert 'pw' not in outcome['error'].replace('password', '')


def test_proxies_of_the_environment_are_ignored(deliver, monkeypatch):
    with Receiver(status(200)) as proxy, Receiver(status(200)) as receiver:
        monkeypatch.setenv('http_proxy', proxy.url)
        assert deliver(webhook(receiver), {'body': {}})['state'] == 'delivered'
    assert receiver.requests and not proxy.requests
