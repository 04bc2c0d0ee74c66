"""What the benchmarks share: a server of their own, pgbench with several scripts drawn at random in one run, ratios with
median and spread. A ratio compares two things of one run, transaction against transaction drawn in turn or slices next to
each other, so that the machine's moods hit both."""
import glob
import os
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'test', 'tools'))

import cluster as clusters  # noqa: E402

# As in production: changes reach the disk, the worker merges meanwhile.
CONFIG = {'fsync': 'on', 'shared_buffers': '256MB', 'max_wal_size': '4GB', 'checkpoint_timeout': '30min', 'wal_level': 'replica',
          'max_connections': '120', 'jit': 'off'}
CHUNKS = 8


class Bench:
    def __init__(self, name, preload=True):
        self.cluster = clusters.Cluster(f'bench-{name}', preload=preload, config=CONFIG)
        self.cluster.remove()
        self.cluster.start()
        self.database = self.cluster.create_database('bench')

    def sql(self, statement, parameters=None):
        return self.cluster.sql(statement, self.database, parameters=parameters)

    def connect(self, autocommit=True):
        return self.cluster.connect(self.database, autocommit=autocommit)

    def drain(self, sources):
        """Waits until nothing is dirty and every delta is merged."""
        pending = ' + '.join(f'(SELECT count(*) FROM kpi_data.{source}_delta)' for source in sources)
        clusters.wait_until(lambda: self.sql(f'SELECT (SELECT count(*) FROM kpi.dirty) + {pending} = 0')[0][0], 'the worker', 300)

    def pgbench(self, scripts, clients=1, seconds=10, options=''):
        """Runs {name: script} drawn at random; returns {name: [(second of the run, latency in s), ...]}."""
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o777)
            files = []
            for name, script in scripts.items():
                path = os.path.join(folder, name + '.sql')
                with open(path, 'w') as file:
                    file.write(script)
                files += ['-f', f'{path}@1']
            command = ['pgbench', '-n', '-M', 'prepared', '-c', str(clients), '-j', str(min(clients, 2)), '-T', str(seconds), '-l',
                       '--log-prefix', os.path.join(folder, 'log'), *files, *options.split(), self.database]
            environment = {**os.environ, **self.cluster.environment()}
            done = subprocess.run([os.path.join(clusters.BIN, command[0]), *command[1:]], env=environment, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=folder)
            if done.returncode != 0 or 'aborted' in done.stdout:
                raise SystemExit(done.stdout)
            out, names = {name: [] for name in scripts}, list(scripts)
            for path in glob.glob(os.path.join(folder, 'log*')):
                with open(path) as log:
                    for line in log:
                        _, _, latency, script, at, micro = line.split()[:6]
                        out[names[int(script)]].append((int(at) + int(micro) / 1e6, int(latency) / 1e6))
            return out

    def close(self):
        self.cluster.remove()


def ratio_of_latencies(variant, base):
    """Ratio of the median latencies in each of CHUNKS parts of the run."""
    began = min(at for at, _ in variant + base)
    length = (max(at for at, _ in variant + base) - began) / CHUNKS
    ratios = []
    for chunk in range(CHUNKS):
        parts = [[took for at, took in samples if chunk <= (at - began) / length < chunk + 1] for samples in (variant, base)]
        if all(len(part) > 2 for part in parts):
            ratios.append(statistics.median(parts[0]) / statistics.median(parts[1]))
    return ratios


def slices(bench, base, variant, clients, pairs=4, seconds=2):
    """Ratios of throughput, variant ÷ base, in slices next to each other."""
    ratios = []
    for pair in range(pairs):
        done = {}
        for name, script in (('base', base), ('variant', variant))[::1 if pair % 2 else -1]:
            done[name] = sum(len(part) for part in bench.pgbench({name: script}, clients, seconds).values())
        ratios.append(done['variant'] / done['base'])
    return ratios


def shown(ratios):
    if not ratios:
        return 'too few'
    return f'{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})'


def head(columns):
    row(columns)
    row(['---'] * len(columns))


def row(cells):
    """At once: a run that takes minutes shows how far it is."""
    print('| ' + ' | '.join(cells) + ' |', flush=True)


def table(columns, rows):
    head(columns)
    for cells in rows:
        row(cells)


def timed(action):
    began = time.perf_counter()
    action()
    return time.perf_counter() - began
