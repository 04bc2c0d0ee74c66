#!/usr/bin/python3
"""Private PostgreSQL clusters under build/clusters, run from the relocated tree of tree.sh.

As a command (what `make server`, `make psql`, `make stop` and the suites use):
    cluster.py start NAME [--preload] [-c setting=value ...] [--database DB]   prints nothing, exits 0 when ready
    cluster.py stop NAME ...       cluster.py stop-all       cluster.py remove NAME ...
    cluster.py psql NAME [DB [psql arguments]]       cluster.py env NAME   prints PGHOST=... PGPORT=... PGUSER=...
    cluster.py is-running NAME     exit code

As a module (test/cluster/conftest.py builds the fixtures on it):
    c = Cluster('name', preload=True, config={'log_min_messages': 'debug1'})
    c.start()                 initdb when new; a free TCP port on 127.0.0.1 and a unix socket; trust; fsync off
    c.create_database()       a fresh database with the extension; returns its name
    c.connect(db)             psycopg2 connection, autocommit; c.connect(db, user='eve', autocommit=False)
    c.sql('SELECT 1', db)     one statement through a short connection: list of tuples ([] without a result)
    c.stop() c.restart() c.reload(kpi_work=...) c.configure({...}) c.crash() c.kill_backend(pid)
    c.standby('name')         a streaming hot standby of c, started; .promote() ends its recovery
    c.log() c.mark() c.log_since(mark) c.wait_for_log(text, mark)
    c.remove()                stop and delete

Servers run as user postgres when the caller is root (PostgreSQL refuses root), directly otherwise. All state is on
disk: any process can stop a cluster that another one started, and only through its own postmaster.pid.
"""
import contextlib
import hashlib
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time

TOOLS = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(TOOLS))

# Small, loud, and able to do everything a test may ask for.
DEFAULTS = {
    'listen_addresses': '127.0.0.1',
    'fsync': 'off',
    'max_connections': '60',
    'max_worker_processes': '16',
    'max_prepared_transactions': '10',
    'wal_level': 'logical',
    'max_wal_senders': '10',
    'max_replication_slots': '10',
    'shared_buffers': '64MB',
    'jit': 'off',  # the relocated tree has no bitcode of the server
    'timezone': 'UTC',
    'log_timezone': 'UTC',
    'lc_messages': 'C',
    'logging_collector': 'off',
    'log_line_prefix': '%m [%p] %b %d %e ',
}


def tree(what):
    return subprocess.run([os.path.join(TOOLS, 'tree.sh'), what], check=True, stdout=subprocess.PIPE,
                          text=True).stdout.strip()


BIN = tree('bin')
AS = shlex.split(tree('as'))
CLUSTERS = os.path.join(tree('place'), 'clusters')
USER = 'postgres' if AS else os.environ.get('USER') or subprocess.getoutput('id -un')


# libpq's variables of the caller (PGHOST, PGOPTIONS, PGSERVICE ...) would send tests elsewhere.
for variable in [name for name in os.environ if name.startswith('PG') and name not in ('PG_MAJOR', 'PG_CONFIG')]:
    del os.environ[variable]


class ClusterError(Exception):
    pass


def run(*command, check=True, quiet=True):
    """Runs a program of the tree as the server's user."""
    done = subprocess.run([*AS, os.path.join(BIN, command[0]), *command[1:]], cwd='/', stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if check and done.returncode != 0:
        raise ClusterError(f'{" ".join(command)}: exit {done.returncode}\n{done.stdout}')
    if not quiet:
        print(done.stdout, end='')
    return done


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def prepare_folder():
    """build/clusters, writable for the server's user."""
    os.makedirs(CLUSTERS, exist_ok=True)
    if AS:
        shutil.chown(CLUSTERS, 'postgres', 'postgres')
    return CLUSTERS


def template():
    """initdb once per PostgreSQL version; clusters start as copies of it."""
    path = os.path.join(prepare_folder(), f'.template-{tree("major")}')
    if not os.path.isdir(path):
        mine = f'{path}.{os.getpid()}'
        run('initdb', '-D', mine, '-A', 'trust', '-N', '-E', 'UTF8', '--locale=C.UTF-8', '-U', USER)
        if os.path.isdir(path):  # a parallel run was faster
            shutil.rmtree(mine)
        else:
            os.rename(mine, path)
    return path


class Cluster:
    def __init__(self, name, preload=False, config=None):
        self.name = name
        self.path = os.path.join(CLUSTERS, name)
        self.data = os.path.join(self.path, 'data')
        self.logfile = os.path.join(self.path, 'log')
        self.socket = self.path
        if len(self.socket) > 80:  # a unix socket's path holds 107 bytes
            self.socket = '/tmp/kpi-' + hashlib.md5(self.path.encode()).hexdigest()[:12]
        self.config = dict(DEFAULTS)
        if preload:
            self.config['shared_preload_libraries'] = 'kpi_ext'
        self.config.update({key: str(value) for key, value in (config or {}).items()})
        self._databases = 0

    # --- life
    def init(self):
        if os.path.isdir(self.data):
            return
        self._make_folders()
        subprocess.run(['cp', '-a', template(), self.data], check=True)
        with open(os.path.join(self.data, 'postgresql.conf'), 'a') as conf:
            conf.write("include_if_exists 'kpi.conf'\n")

    def _make_folders(self):
        for folder in (prepare_folder(), self.path, self.socket):
            os.makedirs(folder, exist_ok=True)
            if AS:
                shutil.chown(folder, 'postgres', 'postgres')

    def start(self):
        """Starts and waits until connections are accepted. A port taken meanwhile is tried again with another."""
        self.init()
        for attempt in range(3):
            self.config['port'] = str(free_port())
            self.config['unix_socket_directories'] = self.socket
            self._write_config()
            done = run('pg_ctl', 'start', '-w', '-t', '60', '-s', '-D', self.data, '-l', self.logfile, check=False)
            if done.returncode == 0:
                return self
            if attempt == 2 or 'Address already in use' not in self.log()[-2000:]:
                raise ClusterError(f'{self.name} does not start: {done.stdout}\n{self.log()[-4000:]}')

    def stop(self, mode='fast'):
        if self.running():
            run('pg_ctl', 'stop', '-w', '-t', '60', '-s', '-m', mode, '-D', self.data)

    def restart(self):
        """Same port, so that clients may come back."""
        self._write_config()
        run('pg_ctl', 'restart', '-w', '-t', '60', '-s', '-m', 'fast', '-D', self.data, '-l', self.logfile)

    def crash(self):
        """SIGKILL for the postmaster and every process of it: a power loss, as far as processes can have one."""
        postmaster = self.pid()
        # Stopped first: it must not see its children die and start new ones.
        os.kill(postmaster, signal.SIGSTOP)
        children = self.children()
        for pid in [postmaster, *children]:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not any(alive(pid) for pid in [postmaster, *children]), 'processes to die')
        # As after a reboot. Where nobody reaps the zombie, PostgreSQL would take it for a live server.
        os.unlink(os.path.join(self.data, 'postmaster.pid'))

    def kill_backend(self, pid):
        """SIGKILL for one server process: PostgreSQL restarts the whole cluster. Returns when it accepts connections."""
        if pid not in self.children():
            raise ClusterError(f'{pid} is no process of {self.name}')
        mark = self.mark()
        os.kill(pid, signal.SIGKILL)
        self.wait_for_log('database system is ready to accept connections', mark)

    def standby(self, name, config=None):
        """A hot standby that streams from this cluster."""
        other = type(self)(name, config={**self.config, **(config or {})})
        other._make_folders()
        run('pg_basebackup', '-D', other.data, '-R', '-X', 'stream', '-c', 'fast', '-d', self.conninfo('postgres'))
        return other.start()

    def promote(self):
        run('pg_ctl', 'promote', '-w', '-t', '60', '-s', '-D', self.data)

    def remove(self):
        self.stop('immediate')
        for folder in {self.path, self.socket}:
            if os.path.isdir(folder):
                shutil.rmtree(folder)

    # --- settings
    def configure(self, settings):
        """Changes settings on disk (None removes); follow with reload() or restart()."""
        for key, value in settings.items():
            if value is None:
                self.config.pop(key, None)
            else:
                self.config[key] = str(value)
        self._write_config()

    def reload(self, settings=None):
        self.configure(settings or {})
        run('pg_ctl', 'reload', '-s', '-D', self.data)

    def _write_config(self):
        lines = ['%s = \'%s\'\n' % (key, value.replace("'", "''")) for key, value in self.config.items()]
        with open(os.path.join(self.data, 'kpi.conf'), 'w') as conf:
            conf.writelines(lines)

    # --- state
    def pid(self):
        """The postmaster's pid, None when it does not run."""
        try:
            with open(os.path.join(self.data, 'postmaster.pid')) as file:
                pid = int(file.readline())
        except (FileNotFoundError, ValueError):
            return None
        return pid if alive(pid) and is_postgres(pid) else None

    def running(self):
        return self.pid() is not None

    def children(self):
        listed = subprocess.run(['ps', '-o', 'pid=', '--ppid', str(self.pid())], stdout=subprocess.PIPE, text=True)
        return [int(pid) for pid in listed.stdout.split()]

    @property
    def port(self):
        """Read from disk, so that a process that did not start the cluster can use it."""
        with open(os.path.join(self.data, 'postmaster.pid')) as file:
            return int(file.read().split('\n')[3])

    def conninfo(self, dbname='postgres', user=USER):
        return f'host={self.socket} port={self.port} dbname={dbname} user={user}'

    def environment(self):
        return {'PGHOST': self.socket, 'PGPORT': str(self.port), 'PGUSER': USER}

    # --- SQL
    def connect(self, dbname='postgres', user=USER, autocommit=True):
        import psycopg2
        connection = psycopg2.connect(self.conninfo(dbname, user))
        connection.autocommit = autocommit
        return connection

    def sql(self, statement, dbname='postgres', user=USER, parameters=None):
        connection = self.connect(dbname, user)
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, parameters)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def create_database(self, name=None, extension=True):
        if name is None:
            self._databases += 1
            name = f'db{self._databases}'
        self.sql(f'CREATE DATABASE "{name}"')
        if extension:
            self.sql('CREATE EXTENSION kpi_ext', name)
        return name

    # --- log
    def log(self):
        try:
            with open(self.logfile, errors='replace') as file:
                return file.read()
        except FileNotFoundError:
            return ''

    def mark(self):
        return len(self.log())

    def log_since(self, mark):
        return self.log()[mark:]

    def wait_for_log(self, text, mark=0, seconds=60):
        wait_until(lambda: text in self.log_since(mark), f'"{text}" in the log of {self.name}', seconds)


@contextlib.contextmanager
def scratch(name):
    """A cluster of what writes a file: started from nothing, removed afterwards; what is wrong with it ends the program with its words."""
    cluster = Cluster(name)
    cluster.remove()
    try:
        yield cluster.start()
    except ClusterError as error:
        sys.exit(str(error))
    finally:
        cluster.remove()


def alive(pid):
    try:
        with open(f'/proc/{pid}/stat') as file:
            return file.read().rsplit(')', 1)[1].split()[0] != 'Z'
    except (FileNotFoundError, ProcessLookupError):
        return False


def cpu(pid):
    """Seconds of CPU time that a process has used."""
    with open(f'/proc/{pid}/stat') as file:
        fields = file.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def is_postgres(pid):
    """A stale postmaster.pid may name a pid that somebody else has now."""
    try:
        with open(f'/proc/{pid}/comm') as file:
            return file.read().strip().startswith('postgres')
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(condition, what, seconds=60):
    """Polls until condition() is true; TimeoutError names what never came."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f'waited {seconds} s for {what}')
        time.sleep(0.05)


def existing():
    if not os.path.isdir(CLUSTERS):
        return []
    return [Cluster(name) for name in sorted(os.listdir(CLUSTERS)) if os.path.isdir(os.path.join(CLUSTERS, name, 'data'))]


def command_start(arguments):
    import argparse
    parser = argparse.ArgumentParser(prog='cluster.py start')
    parser.add_argument('name')
    parser.add_argument('--preload', action='store_true')
    parser.add_argument('--database', help='created with the extension when missing')
    parser.add_argument('-c', action='append', default=[], metavar='setting=value')
    options = parser.parse_args(arguments)
    cluster = Cluster(options.name, options.preload, dict(setting.split('=', 1) for setting in options.c))
    if not cluster.running():
        cluster.start()
    if options.database:
        psql = ['psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-h', cluster.socket, '-p', str(cluster.port), '-U', USER]
        known = run(*psql, '-d', 'postgres', '-c', 'SELECT datname FROM pg_database').stdout.split()
        if options.database not in known:
            run(*psql, '-d', 'postgres', '-c', f'CREATE DATABASE "{options.database}"')
            run(*psql, '-d', options.database, '-c', 'CREATE EXTENSION kpi_ext')


def main(arguments):
    verb, names = (arguments[0], arguments[1:]) if arguments else ('', [])
    if verb == 'start':
        command_start(names)
    elif verb == 'stop':
        for name in names:
            Cluster(name).stop()
    elif verb == 'stop-all':
        for cluster in existing():
            cluster.stop()
    elif verb == 'remove':
        for name in names:
            Cluster(name).remove()
    elif verb == 'is-running':
        return 0 if Cluster(names[0]).running() else 1
    elif verb == 'env':
        print('\n'.join(f'export {key}={shlex.quote(value)}' for key, value in Cluster(names[0]).environment().items()))
    elif verb == 'psql':
        os.environ.update(Cluster(names[0]).environment())
        os.environ['PGDATABASE'] = names[1] if len(names) > 1 else 'postgres'
        os.execv(os.path.join(BIN, 'psql'), ['psql', *names[2:]])
    else:
        print(__doc__.split('\n\nAs a module')[0], file=sys.stderr)
        return 2
    return 0


if __name__ == '__main__':
    try:
        sys.exit(main(sys.argv[1:]))
    except (ClusterError, TimeoutError) as error:
        sys.exit(f'cluster.py: {error}')
