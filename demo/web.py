#!/usr/bin/python3
"""kpi_web before the demo's database: it stays until `make demo-stop`.   web.py stop   ends it, by its own pid."""
import os
import re
import signal
import socket
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAM = os.path.join(ROOT, 'build', 'web', 'kpi_web')
PAGE = os.path.join(ROOT, 'build', 'page')
PID, LOG = os.path.join(ROOT, 'build', 'demo-web.pid'), os.path.join(ROOT, 'build', 'demo-web.log')
ROLE = '''
    DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'kpi_web') THEN CREATE ROLE kpi_web LOGIN; END IF; END $$;
    GRANT kpi_reader TO kpi_web;
    GRANT SELECT ON lead_facts, payment_facts TO kpi_web;'''


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(('127.0.0.1', port))
        except OSError:
            return False
    return True


def start(cluster, database):
    """Starts it on port 8080, or on another one where that is taken. Returns its address."""
    stop()
    cluster.sql(ROLE, database)
    environment = {**os.environ, 'KPIS_PG_HOST': cluster.socket, 'KPIS_PG_PORT': str(cluster.port), 'KPIS_PG_DB': database, 'KPIS_PG_USER': 'kpi_web',
                   'KPIS_WEB_LISTEN': f'127.0.0.1:{8080 if is_free(8080) else 0}'}
    if os.path.exists(os.path.join(PAGE, 'index.html')):
        environment['KPIS_WEB_PAGE'] = PAGE
    with open(LOG, 'w') as log:
        process = subprocess.Popen([PROGRAM], env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    with open(PID, 'w') as file:
        file.write(str(process.pid))
    deadline = time.monotonic() + 30
    while True:
        with open(LOG) as log:
            found = re.search(r'serving (http://\S+/)', log.read())
        if found:
            return found[1]
        if process.poll() is not None or time.monotonic() > deadline:
            raise TimeoutError(f'kpi_web does not start, see {LOG}')
        time.sleep(0.05)


def stop():
    try:
        with open(PID) as file:
            pid = int(file.read())
        # A stale file may name a pid that somebody else has now.
        if os.path.samefile(f'/proc/{pid}/exe', PROGRAM):
            os.kill(pid, signal.SIGTERM)
        os.unlink(PID)
    except (OSError, ValueError):
        pass


if __name__ == '__main__':
    if sys.argv[1:] != ['stop']:
        sys.exit(__doc__)
    stop()
