"""A strict HTTP receiver of ours: answers what a test asks for, byte by byte, and keeps what it was sent."""
import os
import socket
import ssl
import subprocess
import threading
import time


class Receiver:
    """Serves on a free loopback port. `answer` is called with (connection, request) and writes whatever it wants.

        with Receiver(status(200)) as receiver:
            receiver.url
            receiver.requests[0].headers['idempotency-key']
    """

    def __init__(self, answer, certificate=None, port=0):
        self.answer = answer
        self.requests = []
        self.socket = socket.create_server(('127.0.0.1', port), reuse_port=False)
        self.scheme = 'https' if certificate else 'http'
        self.tls = None
        if certificate:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*certificate)
        self.port = self.socket.getsockname()[1]
        self.url = f'{self.scheme}://127.0.0.1:{self.port}/hook'

    def __enter__(self):
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        # shutdown, not only close: the thread that waits in accept() keeps the port otherwise
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.converse, args=(connection,), daemon=True).start()

    def converse(self, connection):
        try:
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            with connection:
                while request := Request.read(connection):
                    self.requests.append(request)
                    if self.answer(connection, request) == 'close':
                        return
        except (OSError, ssl.SSLError):
            pass  # the client went away: what it saw of us is the test


class Request:
    def __init__(self, line, headers, body):
        self.method, self.path, _ = line.split(' ')
        self.headers = headers
        self.body = body
        self.at = time.monotonic()

    @staticmethod
    def read(connection):
        data = b''
        while b'\r\n\r\n' not in data:
            part = connection.recv(65536)
            if not part:
                return None
            data += part
        head, body = data.split(b'\r\n\r\n', 1)
        line, *rest = head.decode('latin-1').split('\r\n')
        headers = {name.lower(): value.strip() for name, value in (header.split(':', 1) for header in rest)}
        while len(body) < int(headers.get('content-length', 0)):
            body += connection.recv(65536)
        return Request(line, headers, body)


def status(code, body=b'', headers=()):
    """An answer with this status, to every request."""
    def answer(connection, _):
        lines = [f'HTTP/1.1 {code} Said', f'Content-Length: {len(body)}', *headers]
        connection.sendall('\r\n'.join(lines).encode() + b'\r\n\r\n' + body)
    return answer


def held(release, when=lambda request: True):
    """200 when the event `release` is set; to requests that `when` does not name, at once."""
    def answer(connection, request):
        if when(request):
            release.wait(60)
        return status(200)(connection, request)
    return answer


def make_certificate(folder):
    """A self-signed certificate for 127.0.0.1 and its key, in a folder: their paths."""
    pair = os.path.join(folder, 'cert.pem'), os.path.join(folder, 'key.pem')
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1',
                    '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost', '-out', pair[0], '-keyout', pair[1]],
                   check=True, capture_output=True)
    return pair
