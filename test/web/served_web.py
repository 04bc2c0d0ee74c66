"""kpi_web as a process of a test, and the HTTP that tests speak: by hand where the request is to be malformed."""
import http.client
import json
import os
import re
import select
import signal
import socket
import subprocess
import tempfile
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
PROGRAM = os.environ.get('KPI_WEB', os.path.join(ROOT, 'build', 'web', 'kpi_web'))


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    @property
    def json(self):
        return json.loads(self.body)


class Web:
    def __init__(self, database, **environment):
        cluster = database.cluster
        self.environment = {'KPIS_PG_HOST': cluster.socket, 'KPIS_PG_PORT': str(cluster.port), 'KPIS_PG_DB': database.name,
                            'KPIS_PG_USER': 'kpi_web', 'KPIS_WEB_LISTEN': '127.0.0.1:0', 'PATH': os.environ['PATH'], **environment}
        self.process = None

    def __enter__(self):
        self.log_file = tempfile.NamedTemporaryFile('w+', prefix='kpi_web-')
        self.process = subprocess.Popen([PROGRAM], env=self.environment, stderr=self.log_file, stdout=self.log_file)
        deadline = time.monotonic() + 30
        while not (found := re.search(r'serving http://\S+:(\d+)/', self.log())):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f'kpi_web does not start: {self.log()}')
            time.sleep(0.02)
        self.port = int(found[1])
        self.url = f'http://127.0.0.1:{self.port}'
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)
        self.log_file.close()

    def log(self):
        with open(self.log_file.name, errors='replace') as file:
            return file.read()

    def stop(self):
        """Asks it to end; returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def request(self, method, path, body=None, headers=None, timeout=30):
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def get(self, path, **headers):
        return self.request('GET', path, headers={name.replace('_', '-'): value for name, value in headers.items()})

    def connect(self):
        return socket.create_connection(('127.0.0.1', self.port), timeout=30)

    def raw(self, data):
        """Bytes as they are; what comes back until the connection is closed."""
        with self.connect() as connection:
            try:
                connection.sendall(data)
            except (BrokenPipeError, ConnectionResetError):
                pass
            return until_closed(connection)

    def counter(self, name):
        text = self.get('/metrics').body.decode()
        return float(re.search(rf'^kpi_web_{name} (\S+)$', text, re.M)[1])

    def events(self, last_id=None, **headers):
        return Events(self, last_id, headers)


def until_closed(connection):
    data = b''
    try:
        while chunk := connection.recv(65536):
            data += chunk
    except ConnectionResetError:
        pass
    return data


class Events:
    """A client of the event stream: next() gives (event, data, id)."""

    def __init__(self, web, last_id=None, headers=None):
        self.socket = web.connect()
        lines = ['GET /api/kpi/events HTTP/1.1', 'Host: x', *(f'{name.replace("_", "-")}: {value}' for name, value in (headers or {}).items())]
        if last_id:
            lines.append(f'Last-Event-ID: {last_id}')
        self.socket.sendall('\r\n'.join([*lines, '', '']).encode())
        self.buffer, self.raw, self.is_chunked = b'', b'', False
        self.last_id = last_id
        self.pings = 0
        self.head = self._until(b'\r\n\r\n', 30).decode()
        self.is_chunked = 'transfer-encoding: chunked' in self.head.lower()  # by a proxy
        self.buffer = self._decoded(self.buffer)

    def _decoded(self, data):
        if not self.is_chunked:
            return data
        self.raw += data
        out = b''
        while b'\r\n' in self.raw:
            size, rest = self.raw.split(b'\r\n', 1)
            if len(rest) < int(size, 16) + 2:
                break
            out += rest[:int(size, 16)]
            self.raw = rest[int(size, 16) + 2:]
        return out

    def _until(self, mark, seconds):
        deadline = time.monotonic() + seconds
        while mark not in self.buffer:
            left = deadline - time.monotonic()
            # TLS may hold bytes that the system's socket has given up already.
            held = getattr(self.socket, 'pending', lambda: 0)()
            if not held and (left <= 0 or not select.select([self.socket], [], [], left)[0]):
                raise TimeoutError(f'no event in {seconds} s')
            chunk = self.socket.recv(65536)
            if not chunk:
                raise ConnectionError('the stream ended')
            self.buffer += self._decoded(chunk)
        part, self.buffer = self.buffer.split(mark, 1)
        return part

    def next(self, seconds=30):
        deadline = time.monotonic() + seconds
        while True:
            fields = {}
            for line in self._until(b'\n\n', max(0.001, deadline - time.monotonic())).decode().split('\n'):
                if line.startswith(':'):
                    self.pings += 1
                elif line:
                    name, value = line.split(': ', 1)
                    fields[name] = value
            if 'event' in fields:
                self.last_id = fields['id']
                return fields['event'], json.loads(fields['data']), fields['id']

    def wait(self, wanted, seconds=30):
        deadline = time.monotonic() + seconds
        while True:
            event, data, number = self.next(deadline - time.monotonic())
            if event == wanted:
                return data, number

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
