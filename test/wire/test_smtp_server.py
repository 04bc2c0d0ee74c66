"""smtp against npm's smtp-server: both ways to log in, refusals at every step of a conversation, and what a reader sees."""
import base64
import email
import email.policy
import json
import os
import queue
import subprocess
import threading

import pytest

from node import HERE, environment

USER = {'username': 'kpi', 'password': 'päss: word'}


class Server:
    def __init__(self, deliver, certificate, methods=('PLAIN',), **options):
        config = {'cert': certificate[0], 'key': certificate[1], 'methods': methods, **options}
        self.process = subprocess.Popen(['node', os.path.join(HERE, 'smtp_server.js'), json.dumps(config)], text=True,
                                        env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.deliver, self.cacert, self.told = deliver, certificate[0], queue.Queue()
        self.reader = threading.Thread(target=self.read)
        self.reader.start()
        self.url = f'smtp://127.0.0.1:{self.told.get(timeout=30)["port"]}'

    def read(self):
        for line in self.process.stdout:
            self.told.put(json.loads(line))

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.reader.join(10)
        self.process.stdout.close()

    def send(self, body=None, secret=None, **message):
        sink = {'kind': 'smtp', 'url': self.url, 'secret': USER if secret is None else secret,
                'options': {'from': 'KPI <kpi@example.com>', 'to': ['ana@example.com']}}
        message['body'] = {'subject': 's', 'text': 't', **(body or {})}
        return self.deliver(sink, message, cacert=self.cacert)

    def events(self, kind):
        """What has happened until now, of one kind."""
        self.process.stdin.write('?')
        self.process.stdin.flush()
        found = list(iter(lambda: self.told.get(timeout=10), {'mark': True}))
        return [one[kind] for one in found if kind in one]

    def letter(self):
        """The next letter: (envelope, parsed)."""
        told = {}
        while 'letter' not in told:
            told = self.told.get(timeout=10)
        letter = told['letter']
        return letter, email.message_from_bytes(base64.b64decode(letter['raw']), policy=email.policy.default)


@pytest.fixture
def start(deliver, certificate):
    servers = []

    def run(**options):
        servers.append(Server(deliver, certificate, **options))
        return servers[-1]
    yield run
    for server in servers:
        server.close()


@pytest.fixture(scope='module')
def shared(deliver, certificate):
    server = Server(deliver, certificate)
    yield server
    server.close()


@pytest.fixture
def server(shared):
    shared.events('letter')
    return shared


@pytest.mark.parametrize('method', ['PLAIN', 'LOGIN'])
def test_logs_in_after_starttls(start, method):
    server = start(methods=[method])
    report = server.send()
    assert (report['state'], report['status']) == ('delivered', 250), report
    seen = [server.told.get(timeout=10) for _ in range(2)]
    assert seen[0] == {'login': {'method': method, 'user': 'kpi', 'encrypted': True}}
    letter = seen[1]['letter']
    assert (letter['encrypted'], letter['user'], letter['from'], letter['to']) == (
        True, 'kpi', 'kpi@example.com', ['ana@example.com'])


@pytest.mark.parametrize('method', ['PLAIN', 'LOGIN'])
def test_a_wrong_password_is_dead(start, method):
    server = start(methods=[method])
    report = server.send(secret={'username': 'kpi', 'password': 'wrong-password'})
    assert report['state'] == 'dead' and 'wrong-password' not in str(report), report
    assert not server.events('letter')


def test_a_login_that_fails_for_now_is_tried_again(server):
    report = server.send(secret={**USER, 'username': 'later'})
    assert (report['state'], report['status']) == ('retry', 454), report
    assert len(server.events('login')) == 1


def test_without_starttls_no_password_leaves(start):
    server = start(disabledCommands=['STARTTLS'], allowInsecureAuth=True)
    assert server.send()['state'] == 'retry'
    assert server.told.empty()


def test_one_refused_recipient(server):
    report = server.send({'to': ['ana@example.com', 'nobody@example.com'], 'cc': 'later@example.com',
                          'bcc': ['leo@example.com']})
    assert report['state'] == 'delivered', report
    assert report['result'] == {'recipients': 2, 'refused': [
        {'recipient': 'nobody@example.com', 'reply': '550 no such user here'},
        {'recipient': 'later@example.com', 'reply': '451 come back later'}]}
    assert 'nobody@example.com: 550' in report['error']
    letter, _ = server.letter()
    assert letter['to'] == ['ana@example.com', 'leo@example.com']


@pytest.mark.parametrize('body, state, status', [
    ({'to': 'nobody@example.com'}, 'dead', 550), ({'to': 'later@example.com'}, 'retry', 451),
    ({'from': 'later@example.com'}, 'retry', 451), ({'to': 'busy@example.com'}, 'retry', 451),
    ({'to': 'picky@example.com'}, 'dead', 554)])
def test_refused_at_every_step(server, body, state, status):
    report = server.send(body)
    assert (report['state'], report['status']) == (state, status), report
    assert str(status) in report['error'] and not server.events('letter')


def test_greylisting_passes_at_the_second_attempt(server):
    first = server.send({'to': 'greylisted@example.com'}, idempotency_key='key-9')
    assert (first['state'], first['status']) == ('retry', 451), first
    second = server.send({'to': 'greylisted@example.com'}, idempotency_key='key-9')
    assert second['state'] == 'delivered', second
    _, parsed = server.letter()
    assert parsed['Message-ID'] == '<key-9@example.com>'


@pytest.mark.parametrize('announced', [True, False])
def test_too_large(start, announced):
    """Announced, it is refused before the bytes are sent; else after them. Neither is tried again."""
    server = start(size=20_000, hideSize=not announced)
    file = {'content_base64': base64.b64encode(b'x' * 40_000).decode(), 'object_key': 'big.txt'}
    report = server.send({}, **file)
    assert (report['state'], report['status']) == ('dead', 552), report
    assert not server.events('letter')
    assert server.send()['state'] == 'delivered'


def test_a_reader_sees_what_was_written(server):
    content = bytes(range(256)) * 30
    text = 'Hola, qué día\n.\n..dos puntos\n' + 'muy largo ' * 120 + '\nfin'
    report = server.send({'subject': 'Informe del día: ' + 'ñ€' * 40, 'text': text, 'html': '<p>día & <b>más</b></p>',
                          'to': 'Ana Núñez <ana@example.com>'},
                         content_base64=base64.b64encode(content).decode(), content_type='application/pdf',
                         object_key='2026/informe día €.pdf')
    assert report['state'] == 'delivered', report
    _, parsed = server.letter()
    assert parsed['Subject'] == 'Informe del día: ' + 'ñ€' * 40
    assert [(one.display_name, one.addr_spec) for one in parsed['To'].addresses] == [('Ana Núñez', 'ana@example.com')]
    assert [part.get_content_type() for part in parsed.walk()] == [
        'multipart/mixed', 'multipart/alternative', 'text/plain', 'text/html', 'application/pdf']
    assert parsed.get_body(('plain',)).get_content().replace('\r\n', '\n').rstrip('\n') == text
    assert parsed.get_body(('html',)).get_content().strip() == '<p>día & <b>más</b></p>'
    attachment, = parsed.iter_attachments()
    assert attachment.get_filename() == 'informe día €.pdf'
    assert attachment.get_payload(decode=True) == content
    assert not any(part.defects for part in parsed.walk())
