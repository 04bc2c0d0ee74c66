#!/usr/bin/python3
"""How fast messages go out and what stays behind.    bench/delivery/run.py [thousands of messages]

The receiver is nginx (Debian: nginx-light) on loopback, which answers 200. Beside the courier, slice by slice in the same run, the
home-made outbox that it replaces: a process that takes a row with FOR UPDATE SKIP LOCKED, posts it on a connection that stays
open, and commits."""
import http.client
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))

import measure  # noqa: E402

SLICE = 5000
POLLED = 1000
BODY = '''jsonb_build_object('text', 'revenue of ' || n || ' is low', 'padding', repeat('x', 300))'''


class Nginx:
    def __init__(self, folder):
        self.port = measure.clusters.free_port()
        config = os.path.join(folder, 'nginx.conf')
        with open(config, 'w') as file:
            file.write(f'''daemon off; pid {folder}/pid; error_log {folder}/error; worker_processes 1;
                events {{ worker_connections 512; }}
                http {{ access_log off; keepalive_requests 10000000; client_body_temp_path {folder}/body;
                        proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
                        server {{ listen 127.0.0.1:{self.port};
                                  location /count {{ stub_status; }}  location / {{ return 200; }} }} }}''')
        self.process = subprocess.Popen(['/usr/sbin/nginx', '-c', config], stderr=subprocess.DEVNULL)
        measure.clusters.wait_until(self.answers, 'nginx')

    def answers(self):
        try:
            return self.requests() > 0
        except OSError:
            return False

    def requests(self):
        with urllib.request.urlopen(f'http://127.0.0.1:{self.port}/count') as answer:
            return int(answer.read().split()[9])

    def stop(self):
        self.process.terminate()
        self.process.wait()


def resident(pid):
    """kB of the process that are its own: shared buffers that it has touched count as everybody's."""
    with open(f'/proc/{pid}/status') as file:
        fields = dict(line.split(':', 1) for line in file)
    return int(fields['RssAnon'].split()[0])


class Delivery(measure.Bench):
    def courier(self):
        return measure.clusters.wait_until(
            lambda: self.sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'kpi_ext courier'"), 'the courier')[0][0]

    def size(self):
        return self.sql("SELECT pg_total_relation_size('kpi.outbox') + pg_total_relation_size('kpi.delivery')")[0][0]

    def send(self, messages):
        """Messages a second, from the commit of all of them to the settlement of the last."""
        before = self.sql("SELECT count(*) FROM kpi.outbox WHERE state = 'delivered'")[0][0]
        self.sql(f"SELECT count(kpi.notify('hook', {BODY})) FROM generate_series(1, {messages}) n")
        start = time.monotonic()
        waiting = "SELECT EXISTS (SELECT FROM kpi.outbox WHERE state IN ('pending', 'sending'))"
        while self.sql(waiting)[0][0]:
            time.sleep(0.02)
        seconds = time.monotonic() - start
        assert self.sql("SELECT count(*) FROM kpi.outbox WHERE state = 'delivered'")[0][0] == before + messages
        return messages / seconds

    def poll(self, port, messages):
        """The same by the home-made outbox."""
        self.sql('TRUNCATE homemade')
        self.sql(f'INSERT INTO homemade (body) SELECT {BODY} FROM generate_series(1, {messages}) n')
        session, http_session = self.connect(autocommit=False), http.client.HTTPConnection('127.0.0.1', port)
        start = time.monotonic()
        with session.cursor() as cursor:
            while True:
                cursor.execute('SELECT id, body::text FROM homemade WHERE NOT sent ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED')
                row = cursor.fetchone()
                if row is None:
                    break
                http_session.request('POST', '/hook', row[1], {'Content-Type': 'application/json'})
                answer = http_session.getresponse()
                answer.read()
                assert answer.status == 200
                cursor.execute('UPDATE homemade SET sent = true WHERE id = %s', (row[0],))
                session.commit()
        seconds = time.monotonic() - start
        session.close()
        http_session.close()
        return messages / seconds


def print_ratio(what, ratios):
    print(f'{what:<76} {statistics.median(ratios):6.2f} ({min(ratios):.2f}-{max(ratios):.2f})')


def pass_of(bench, port, slices):
    """Per slice: rate of ours, of the home-made one, CPU seconds of the courier per 1000, kB of the courier."""
    rows = []
    for _ in range(slices):
        pid = bench.courier()
        used = measure.clusters.cpu(pid)
        ours = bench.send(SLICE)
        rows.append((ours, bench.poll(port, POLLED), (measure.clusters.cpu(pid) - used) / SLICE * 1000, resident(pid)))
    return rows


def main():
    slices = int(sys.argv[1] if len(sys.argv) > 1 else 100) * 1000 // SLICE
    assert slices >= 4, 'at least 20 thousand'
    bench = Delivery('delivery')
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        receiver = Nginx(folder)
        try:
            bench.sql('CREATE TABLE homemade (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body jsonb, sent boolean NOT NULL DEFAULT false)')
            bench.sql('CREATE INDEX ON homemade (id) WHERE NOT sent')
            bench.cluster.reload({'kpi.allowed_hosts': '127.0.0.1'})
            bench.sql("SELECT kpi.add_sink('hook', 'webhook', %s, '{\"parallelism\": 16}')", (f'http://127.0.0.1:{receiver.port}/hook',))
            bench.send(100)
            before = receiver.requests()
            first = pass_of(bench, receiver.port, slices)
            arrived = receiver.requests() - before - slices * POLLED
            size = bench.size()
            bench.sql("SELECT kpi.purge('0 seconds')")
            for table in ('outbox', 'delivery'):
                bench.sql(f'VACUUM kpi.{table}')
            second = pass_of(bench, receiver.port, slices)
            print_ratio('messages a second, courier (16 in flight) / home-made outbox (one at a time)', [row[0] / row[1] for row in first])
            quarter = slices // 4
            print_ratio('messages a second, last quarter / first quarter',
                        [late[0] / early[0] for early, late in zip(first[:quarter], first[-quarter:])])
            print_ratio('CPU a message, last quarter / first quarter',
                        [late[2] / early[2] for early, late in zip(first[:quarter], first[-quarter:])])
            print_ratio('memory of the courier, after each later slice / after the second', [row[3] / first[1][3] for row in first[2:] + second])
            print_ratio('size of outbox and attempts, after a purge and as many messages again / before', [bench.size() / size])
            print(f'{slices * SLICE} messages, {arrived - 1} requests arrived; of this machine: {statistics.median(row[0] for row in first):.0f} messages a second, '
                  f'{statistics.median(row[2] for row in first):.2f} CPU seconds per 1000, courier {first[-1][3] / 1024:.1f} MB, '
                  f'{size / slices / SLICE:.0f} bytes a message on disk')
        finally:
            receiver.stop()
            bench.cluster.remove()


if __name__ == '__main__':
    main()
