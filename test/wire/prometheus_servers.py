"""Prometheus' own servers on free ports of the loopback: anything that answers /-/ready."""
import socket
import subprocess
import time
import urllib.request

PATIENCE = 20  # seconds for a server to be ready


def free_port():
    with socket.create_server(('127.0.0.1', 0)) as probe:
        return probe.getsockname()[1]


def get(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read().decode()


class Server:
    """A process that answers /-/ready; ended by its own number."""
    def __init__(self, command, port, log):
        self.url = f'http://127.0.0.1:{port}'
        self.process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                get(self.url + '/-/ready')
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise
                time.sleep(0.05)

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


def pushgateway(log):
    port = free_port()
    # Debian's keeps its groups in /var/lib otherwise, for the next one that starts.
    return Server(['prometheus-pushgateway', f'--web.listen-address=127.0.0.1:{port}', '--persistence.file='], port, log)
