"""Node's packages for the tests of sinks, as package-lock.json has them, in build/npm.

    folder = modules()                                 # installed once, again only when the lock changes
    subprocess.Popen(['node', SCRIPT], env=environment())   # a script outside build/npm finds them by NODE_PATH
"""
import fcntl
import os
import shutil
import subprocess

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.normpath(os.path.join(HERE, '..', '..', 'build', 'npm'))


def modules():
    """Returns build/npm/node_modules."""
    if shutil.which('npm') is None or shutil.which('node') is None:
        pytest.fail('npm is missing: install the Debian packages nodejs and npm (test/tools/packages.txt)')
    os.makedirs(FOLDER, exist_ok=True)
    # Suites run side by side: the second waits for what the first installs.
    with open(os.path.join(FOLDER, 'installing'), 'w') as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)
        install()
    return os.path.join(FOLDER, 'node_modules')


def install():
    lock, done = os.path.join(HERE, 'package-lock.json'), os.path.join(FOLDER, 'installed.json')
    with open(lock, 'rb') as wanted:
        text = wanted.read()
    if os.path.exists(done):
        with open(done, 'rb') as installed:
            if installed.read() == text:
                return
    for name in ('package.json', 'package-lock.json'):
        shutil.copy(os.path.join(HERE, name), FOLDER)
    run = subprocess.run(['npm', 'ci', '--no-audit', '--no-fund'], cwd=FOLDER, capture_output=True, text=True)
    if run.returncode != 0:
        pytest.fail('npm ci failed:\n' + run.stderr[-2000:])
    shutil.copy(lock, done)


def environment():
    """For a script of ours (CommonJS: require) that uses the packages."""
    return {**os.environ, 'NODE_PATH': modules()}
