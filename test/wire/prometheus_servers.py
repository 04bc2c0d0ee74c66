"""Prometheus' own servers on free ports of the loopback: anything that answers /-/ready."""
import contextlib
import http.server
import json
import socket
import subprocess
import threading
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


def prometheus(folder, targets, log, alertmanager=None):
    """Scrapes {job: host:port} each second, as prometheus/prometheus.yml does, and judges folder/rules.yaml as often."""
    port = free_port()
    jobs = [{'job_name': job, 'honor_labels': job == 'pushgateway', 'static_configs': [{'targets': [target]}]} for job, target in targets.items()]
    config = {'global': {'scrape_interval': '1s', 'evaluation_interval': '1s'}, 'rule_files': ['rules.yaml'], 'scrape_configs': jobs}
    if alertmanager:
        config['alerting'] = {'alertmanagers': [{'static_configs': [{'targets': [alertmanager.removeprefix('http://')]}]}]}
    (folder / 'prometheus.yml').write_text(json.dumps(config))  # JSON is YAML
    return Server(['prometheus', f'--config.file={folder}/prometheus.yml', f'--storage.tsdb.path={folder}/tsdb',
                   f'--web.listen-address=127.0.0.1:{port}'], port, log)


def alertmanager(config, folder, log):
    port = free_port()
    # Without a cluster address it would talk to others on the network.
    return Server(['prometheus-alertmanager', f'--config.file={config}', f'--storage.path={folder}/alertmanager',
                   f'--web.listen-address=127.0.0.1:{port}', '--cluster.listen-address='], port, log)


@contextlib.contextmanager
def text_page(text):
    """host:port of a page that shows what text() returns, as an exporter would."""
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = text().encode()
            self.send_response(200)
            self.send_header('Content-Type', 'text/plain; version=0.0.4')
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f'127.0.0.1:{server.server_port}'
    finally:
        server.shutdown()
        server.server_close()
