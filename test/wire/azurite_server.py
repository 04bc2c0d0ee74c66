"""Azurite, Microsoft's emulator of Azure Storage, which verifies signatures.

    with serving() as port:    # http://127.0.0.1:port/ACCOUNT
"""
import base64
import contextlib
import os
import socket
import subprocess
import time

import pytest
from node import modules

ACCOUNT, KEY = 'kpiacct', base64.b64encode(b'k' * 64).decode()


@contextlib.contextmanager
def serving():
    packages = modules()
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        ['node', os.path.join(packages, 'azurite/dist/src/blob/main.js'), '--inMemoryPersistence',
         '--blobHost', '127.0.0.1', '--blobPort', str(port), '--silent', '--disableTelemetry'],
        env={**os.environ, 'AZURITE_ACCOUNTS': f'{ACCOUNT}:{KEY}'}, cwd=packages, stdout=subprocess.DEVNULL)
    try:
        for _ in range(600):
            assert server.poll() is None, 'azurite ended'
            with socket.socket() as probe:
                if probe.connect_ex(('127.0.0.1', port)) == 0:
                    break
            time.sleep(0.1)
        else:
            pytest.fail('azurite does not listen')
        yield port
    finally:
        server.terminate()
        server.wait(20)
