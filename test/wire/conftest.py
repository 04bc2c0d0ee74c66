"""Tests of sinks against real servers, through the driver build/unit/kpi_deliver: no database.

    outcome = deliver({'kind': 'webhook', 'url': receiver.url}, {'body': {'a': 1}})
    assert outcome['state'] == 'delivered'
"""
import json
import os
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, 'test', 'tools'))

from receiver import make_certificate  # noqa: E402


@pytest.fixture(scope='session')
def deliver():
    def run(sink, message, allowed_hosts='127.0.0.1', **limits):
        task = {'sink': sink, 'message': message, 'allowed_hosts': allowed_hosts, 'limits': limits}
        program = os.path.join(ROOT, 'build', 'unit', 'kpi_deliver')
        done = subprocess.run([program], input=json.dumps(task), capture_output=True, text=True, timeout=120, check=True)
        return json.loads(done.stdout)
    return run


@pytest.fixture(scope='session')
def certificate(tmp_path_factory):
    """A self-signed certificate for 127.0.0.1: (certificate, key)."""
    return make_certificate(tmp_path_factory.mktemp('tls'))


@pytest.fixture(scope='session')
def slack_schema():
    from slack_fake import Schema
    judge = Schema()
    yield judge
    judge.close()
