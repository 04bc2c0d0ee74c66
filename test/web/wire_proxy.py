"""A proxy between browser and kpi_web whose event streams a test can cut, as a router or a proxy does, while everything else works."""
import socket
import threading

STREAM = b'GET /api/kpi/events'


class Proxy:
    def __init__(self, port):
        self.target = port
        self.is_cut = False
        self.streams = 0
        self._open, self._lock = set(), threading.Lock()
        self._listener = socket.create_server(('127.0.0.1', 0))
        self.url = f'http://127.0.0.1:{self._listener.getsockname()[1]}'
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(('127.0.0.1', self.target))
            except OSError:
                return
            pair = [client, server]
            threading.Thread(target=self._pump, args=(client, server, pair), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, None), daemon=True).start()

    def _pump(self, source, sink, asking):
        try:
            while data := source.recv(65536):
                if asking and STREAM in data:
                    with self._lock:
                        self.streams += 1
                        self._open.add(tuple(asking))
                    if self.is_cut:
                        break
                sink.sendall(data)
        except OSError:
            pass
        close(source, sink)

    def cut(self):
        """Streams end now, and new ones fail, until mend()."""
        self.is_cut = True
        with self._lock:
            pairs, self._open = self._open, set()
        for pair in pairs:
            close(*pair)

    def mend(self):
        self.is_cut = False

    def close(self):
        self.cut()
        close(self._listener)


def close(*sockets):
    for one in sockets:
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        one.close()
