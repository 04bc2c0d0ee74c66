#!/usr/bin/python3
"""Runs one suite of server tests on a private cluster and ends with "<suite>: N passed, N failed".

    suite.py regress [name...]     test/sql/<name>.sql against expected/<name>.out, by pg_regress
    suite.py isolation [name...]   test/specs/<name>.spec against expected/<name>.out, by pg_isolation_regress
    suite.py pgtap [name...]       test/pgtap/<name>.sql, by pg_prove: as superuser, and again as a plain role
    suite.py docs-check [file...]  the SQL of README.md and docs/*.md runs, each file in a database of its own without
                                   the extension; docs/reference.md is current
    suite.py cluster [pytest arguments]   test/cluster, by pytest
    suite.py wire [pytest arguments]      test/wire, by pytest: sinks against real servers, without a database
    suite.py web-check [pytest arguments] test/web, by pytest: kpi_web before a live database

Every test file gets a fresh database with the extension, so that files cannot disturb each other. The server does not preload the
library: nothing happens behind a test's back, CALL kpi.work() and kpi.merge() are called by the test. Tests of the
worker are in test/cluster.
regress and isolation: output in build/<suite>/<name>/; when it differs the diff is printed. To accept new output:
    cp build/regress/<name>/results/<name>.out expected/
pgtap: the plain role owns the database. A file whose first line is "-- as: superuser" runs as superuser only.
"""
import difflib
import glob
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys

import reference
from cluster import BIN, ROOT, USER, Cluster, ClusterError

PATIENCE = 300  # seconds for one file: a test that hangs is a failure, not the end of the run
PLAIN_ROLE = 'kpi_plain'


class Suite:
    def __init__(self, name):
        self.name = name
        self.passed = self.failed = 0

    def report(self, what, ok, output=''):
        self.passed += ok
        self.failed += not ok
        print(('ok - ' if ok else 'not ok - ') + what, flush=True)
        if not ok and output:
            print('    ' + output.rstrip().replace('\n', '\n    '), flush=True)

    def finish(self):
        print(f'{self.name}: {self.passed} passed, {self.failed} failed')
        return 1 if self.failed else 0


def patient(command, env=None, cwd=None, stdin=None):
    """Runs a command; one that takes too long is killed with its children. Returns (ok, output)."""
    process = subprocess.Popen(command, env={**os.environ, **(env or {})}, cwd=cwd, text=True, start_new_session=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        output, _ = process.communicate(stdin, PATIENCE)
        return process.returncode == 0, output
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        return False, output + f'\nstopped after {PATIENCE} s'


def files(folder, ending, names):
    if names:
        return [os.path.join(ROOT, folder, name + ending) for name in names]
    return sorted(glob.glob(os.path.join(ROOT, folder, '*' + ending)))


def psql(cluster, database, sql, user=USER, *options):
    return patient([os.path.join(BIN, 'psql'), '-Xq', '-v', 'ON_ERROR_STOP=1', *options, '-d', database, '-U', user,
                    '-f', '-'], cluster.environment(), ROOT, sql)


def fresh_database(cluster, name, owner=USER, extensions=('kpi_ext',)):
    ok, output = psql(cluster, 'postgres', f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE);\n'
                      f'CREATE DATABASE "{name}" OWNER "{owner}" TEMPLATE template0;')
    if ok:
        ok, output = psql(cluster, name, ''.join(f'CREATE EXTENSION {extension};\n' for extension in extensions))
    if not ok:
        raise ClusterError(output)


def regress(suite, cluster, names):
    isolation = suite.name == 'isolation'
    program, folder, ending = (('isolation/pg_isolation_regress', 'test/specs', '.spec') if isolation else
                               ('regress/pg_regress', 'test/sql', '.sql'))
    pgxs = os.path.join(os.path.dirname(BIN), 'lib', 'pgxs', 'src', 'test')
    for path in files(folder, ending, names):
        name = os.path.basename(path)[:-len(ending)]
        output_folder = os.path.join(ROOT, 'build', suite.name, name)
        shutil.rmtree(output_folder, ignore_errors=True)
        os.makedirs(output_folder)
        environment = cluster.environment()
        ok, output = patient([os.path.join(pgxs, program), f'--inputdir={ROOT}/test', f'--outputdir={output_folder}',
                              f'--bindir={BIN}', f'--host={environment["PGHOST"]}', f'--port={environment["PGPORT"]}',
                              f'--user={USER}', f'--dbname={suite.name}_{name}', '--load-extension=kpi_ext',
                              name])
        differences = os.path.join(output_folder, 'regression.diffs')
        if os.path.exists(differences):
            with open(differences, errors='replace') as file:
                output = file.read()[:8000] or output
        suite.report(name, ok, output)


def pgtap(suite, cluster, names):
    psql(cluster, 'postgres', f'CREATE ROLE {PLAIN_ROLE} LOGIN;')
    for path in files('test/pgtap', '.sql', names):
        name = os.path.basename(path)[:-4]
        with open(path) as file:
            roles = [USER] if file.readline().startswith('-- as: superuser') else [USER, PLAIN_ROLE]
        for role in roles:
            fresh_database(cluster, 'pgtap', role, ('pgtap', 'kpi_ext'))
            ok, output = patient(['pg_prove', '--verbose', '--psql-bin', os.path.join(BIN, 'psql'), '-d', 'pgtap',
                                  '-U', role, path], cluster.environment(), ROOT)
            bad = len(re.findall(r'^not ok ', output, re.M))
            suite.passed += len(re.findall(r'^ok ', output, re.M))
            suite.failed += bad if bad or ok else 1
            print(f'{"ok" if ok else "not ok"} - {name} as {role}', flush=True)
            if not ok:
                print('    ' + output.rstrip().replace('\n', '\n    '), flush=True)


def sql_blocks(document):
    with open(os.path.join(ROOT, document)) as file:
        return re.findall(r'^```sql\n(.*?)^```', file.read(), re.M | re.S)


def docs(suite, cluster, names):
    """Each document is run from its first block of SQL to its last, as a reader would, in one session. README and tutorial
    start from nothing, also as an ordinary role that is a member of kpi_admin; the others from what the tutorial has built,
    before its first kpi.untrack takes it down."""
    complete = ('README.md', 'docs/tutorial.md')
    psql(cluster, 'postgres', f'CREATE ROLE {PLAIN_ROLE} LOGIN;')
    others = sorted(f'docs/{name}' for name in os.listdir(f'{ROOT}/docs') if name.endswith('.md'))
    for document in names or sorted({*complete, *others}):
        blocks = sql_blocks(document)
        if not blocks and document not in complete:
            continue  # nothing to run in it
        built = itertools.takewhile(lambda block: 'kpi.untrack' not in block, sql_blocks('docs/tutorial.md'))
        before = [] if document in complete else list(built)
        fresh_database(cluster, 'docs', extensions=())
        ok, output = psql(cluster, 'docs', '\n'.join([*before, *blocks]), USER, '-o', '/dev/null')
        suite.report(f'{document}: {len(blocks)} blocks of SQL run', ok and bool(blocks), output or 'no SQL found')
        if document not in complete:
            continue
        fresh_database(cluster, 'docs')
        psql(cluster, 'docs', f'GRANT kpi_admin TO {PLAIN_ROLE}; GRANT CREATE ON SCHEMA public TO {PLAIN_ROLE};')
        ok, output = psql(cluster, 'docs', '\n'.join(blocks), PLAIN_ROLE, '-o', '/dev/null')
        suite.report(f'{document}: runs as a member of kpi_admin too', ok, output)
    if not names:
        fresh_database(cluster, 'docs')
        difference = difflib.unified_diff(reference.committed().splitlines(), reference.generate(cluster, 'docs').splitlines(),
                                          'docs/reference.md', 'the catalog', lineterm='', n=1)
        output = '\n'.join(difference)
        suite.report('docs/reference.md is what the catalog says (if not: make docs)', not output, output[:3000])


def pytest_tests(suite, arguments):
    # Two files of the long suite side by side, each with servers of its own: most of their time they wait for them.
    side_by_side = ['-n', '2', '--dist', 'loadfile'] if suite.name == 'cluster' and not arguments else []
    command = ['/usr/bin/python3', '-m', 'pytest', '-q', '-p', 'no:cacheprovider', *side_by_side, *arguments]
    process = subprocess.Popen(command, cwd=os.path.join(ROOT, 'test', suite.name.removesuffix('-check')), text=True, stdout=subprocess.PIPE)
    last = ''
    for line in process.stdout:
        print(line, end='', flush=True)
        last = line if line.strip() else last
    counted = {word: int(number) for number, word in re.findall(r'(\d+) (passed|failed|error)', last)}
    suite.passed = counted.get('passed', 0)
    suite.failed = counted.get('failed', 0) + counted.get('error', 0)
    if process.wait() != 0 and not suite.failed:
        suite.failed = 1


def main(arguments):
    if not arguments or arguments[0] not in ('regress', 'isolation', 'pgtap', 'docs-check', 'cluster', 'wire', 'web-check'):
        print(__doc__, file=sys.stderr)
        return 2
    suite = Suite(arguments[0])
    if suite.name in ('cluster', 'wire', 'web-check'):
        pytest_tests(suite, arguments[1:])
        return suite.finish()
    cluster = Cluster(f'suite-{suite.name}')
    cluster.remove()
    cluster.start()
    try:
        {'regress': regress, 'isolation': regress, 'pgtap': pgtap, 'docs-check': docs}[suite.name](suite, cluster, arguments[1:])
        crashed = [line for line in cluster.log().splitlines()
                   if 'PANIC:' in line or 'TRAP:' in line or 'terminated by signal' in line]
        suite.report('the server did not crash', not crashed, '\n'.join(crashed))
    finally:
        cluster.stop()
    return suite.finish()


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
