"""smtp against aiosmtpd: STARTTLS with a certificate of our own, AUTH, a refused recipient, and what a reader sees."""
import asyncio
import base64
import email
import email.policy
import socket
import ssl
import threading

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult



class Inbox:
    """Keeps what arrives; refuses the recipients nobody@ and full@."""
    def __init__(self):
        self.letters = []

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith('nobody@'):
            return '550 5.1.1 no such user'
        if address.startswith('full@'):
            return '452 4.2.2 mailbox full'
        envelope.rcpt_tos.append(address)
        return '250 OK'

    async def handle_DATA(self, server, session, envelope):
        self.letters.append((envelope.mail_from, list(envelope.rcpt_tos), envelope.content,
                             session.ssl is not None))
        return '250 2.0.0 queued'


def authenticator(server, session, envelope, mechanism, data):
    return AuthResult(handled=False, success=data.login == b'kpi' and data.password == b'p\xc3\xa4ss: word')


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


class Server:
    def __init__(self, deliver, port, cacert, inbox):
        self.deliver, self.url, self.cacert, self.inbox = deliver, f'smtp://127.0.0.1:{port}', cacert, inbox

    def sink(self, **options):
        return {'kind': 'smtp', 'url': self.url,
                'options': {'from': 'KPI Bot <kpi@example.com>', 'to': ['ana@example.com'], **options},
                'secret': {'username': 'kpi', 'password': 'päss: word'}}

    def send(self, body, sink=None, cacert=None, **message):
        message['body'] = {'subject': 's', 'text': 't', **body}
        return self.deliver(sink or self.sink(), message, cacert=self.cacert if cacert is None else cacert)

    def letter(self):
        assert len(self.inbox.letters) == 1
        return email.message_from_bytes(self.inbox.letters[0][2], policy=email.policy.default)


@pytest.fixture
def server(deliver, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    inbox, port = Inbox(), free_port()
    controller = Controller(inbox, hostname='127.0.0.1', port=port, tls_context=context, require_starttls=True,
                            auth_required=True, authenticator=authenticator)
    controller.start()
    yield Server(deliver, port, certificate[0], inbox)
    controller.stop()


@pytest.fixture
def plain_server(deliver):
    """No STARTTLS, no AUTH."""
    inbox, port = Inbox(), free_port()
    controller = Controller(inbox, hostname='127.0.0.1', port=port)
    controller.start()
    yield Server(deliver, port, '', inbox)
    controller.stop()


def test_a_reader_sees_what_was_written(server):
    text = 'Línea uno\n.\n..dos\nFrom here\n' + 'largo ' * 60 + '\ntrailing \n'
    content = bytes(range(256)) * 40
    report = server.send(
        {'subject': 'Informe día ' + '€' * 60, 'text': text, 'html': '<p>día</p>',
         'to': ['"Ruiz, Ana" <ana@example.com>', 'Día <dia@example.com>'],
         'cc': 'cc@example.com', 'bcc': 'hidden@example.com', 'reply_to': 'ops@example.com'},
        content_base64=base64.b64encode(content).decode(), content_type='text/csv',
        object_key='2026/informe día.csv', idempotency_key='key-7')
    assert report['state'] == 'delivered', report
    assert report['status'] == 250 and report['result'] == {'recipients': 4}
    sender, recipients, raw, encrypted = server.inbox.letters[0]
    assert encrypted
    assert sender == 'kpi@example.com'
    assert recipients == ['ana@example.com', 'dia@example.com', 'cc@example.com', 'hidden@example.com']
    assert b'hidden' not in raw
    assert all(len(line) <= 998 for line in raw.split(b'\r\n')) and raw.replace(b'\r\n', b'').count(b'\n') == 0
    letter = server.letter()
    assert letter['Subject'] == 'Informe día ' + '€' * 60
    assert letter['Message-ID'] == '<key-7@example.com>'
    assert [(a.display_name, a.addr_spec) for a in letter['To'].addresses] == [
        ('Ruiz, Ana', 'ana@example.com'), ('Día', 'dia@example.com')]
    assert letter['Date'].datetime.utcoffset().total_seconds() == 0
    assert letter['Reply-To'] == 'ops@example.com'
    assert letter.get_content_type() == 'multipart/mixed'
    assert letter.get_body(('plain',)).get_content().replace('\r\n', '\n').rstrip('\n') == text.rstrip('\n')
    assert letter.get_body(('html',)).get_content().strip() == '<p>día</p>'
    attachment, = letter.iter_attachments()
    assert attachment.get_filename() == 'informe día.csv'
    assert attachment.get_content_type() == 'text/csv'
    assert attachment.get_payload(decode=True) == content
    assert not letter.defects


def test_the_others_get_it_when_one_is_refused(server):
    report = server.send({'to': ['ana@example.com', 'nobody@example.com', 'full@example.com', 'leo@example.com']})
    assert report['state'] == 'delivered', report
    assert server.inbox.letters[0][1] == ['ana@example.com', 'leo@example.com']
    assert report['result'] == {'recipients': 2, 'refused': [
        {'recipient': 'nobody@example.com', 'reply': '550 5.1.1 no such user'},
        {'recipient': 'full@example.com', 'reply': '452 4.2.2 mailbox full'}]}
    assert 'nobody@example.com: 550' in report['error']


def test_nobody_left_is_dead(server):
    report = server.send({'to': ['nobody@example.com']})
    assert (report['state'], report['status']) == ('dead', 550), report
    assert not server.inbox.letters


def test_a_full_mailbox_is_tried_again(server):
    report = server.send({'to': ['full@example.com']})
    assert (report['state'], report['status']) == ('retry', 452), report


def test_a_wrong_password_is_dead_and_not_told(server):
    sink = server.sink()
    sink['secret']['password'] = 'wrong-password'
    report = server.send({}, sink)
    assert report['state'] == 'dead', report
    assert 'wrong-password' not in str(report)
    assert not server.inbox.letters


def test_an_unknown_certificate_is_refused(server):
    report = server.send({}, cacert='')
    assert report['state'] == 'retry' and not server.inbox.letters, report


def test_tls_from_the_first_byte(deliver, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    inbox, port = Inbox(), free_port()
    listener = asyncio.new_event_loop()
    thread = threading.Thread(target=listener.run_forever)
    thread.start()
    try:
        opened = listener.create_server(lambda: SMTP(inbox, loop=listener), '127.0.0.1', port, ssl=context)
        asyncio.run_coroutine_threadsafe(opened, listener).result(10)
        server = Server(deliver, port, certificate[0], inbox)
        sink = {**server.sink(), 'url': f'smtps://127.0.0.1:{port}', 'secret': {}}
        report = server.send({}, sink)
        assert report['state'] == 'delivered', report
        assert server.letter()['Subject'] == 's'
    finally:
        listener.call_soon_threadsafe(listener.stop)
        thread.join(10)


def test_nothing_is_sent_in_clear(plain_server):
    report = plain_server.send({}, {**plain_server.sink(), 'secret': {}})
    assert report['state'] != 'delivered', report
    assert not plain_server.inbox.letters


def test_plain_only_where_asked_for(plain_server):
    report = plain_server.send({}, {**plain_server.sink(tls='none'), 'secret': {}})
    assert report['state'] == 'delivered', report
    assert plain_server.letter().get_content().strip() == 't'


def test_a_header_cannot_be_smuggled_in(server):
    report = server.send({'subject': 'x\r\nBcc: evil@example.com'})
    assert (report['state'], report['sqlstate'], report['exchanges']) == ('dead', '22023', 0)
