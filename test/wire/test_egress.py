"""Names that resolve to where nothing may be sent: test/tools/resolver.cpp answers for the system's resolver."""
import os
import subprocess

import pytest

from receiver import Receiver, status

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'tools', 'resolver.cpp')


@pytest.fixture(scope='module')
def resolver(tmp_path_factory):
    library = str(tmp_path_factory.mktemp('resolver') / 'resolver.so')
    subprocess.run(['g++', '-std=c++20', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC', '-o', library, SOURCE, '-ldl'], check=True)
    return library


@pytest.fixture
def named(deliver, resolver, monkeypatch):
    """named(addresses, allowed_hosts): the outcome of a message to a name that has these addresses, and what arrived."""
    def run(addresses, allowed_hosts):
        monkeypatch.setenv('LD_PRELOAD', resolver)
        monkeypatch.setenv('KPI_NAMES', f'hook.test={addresses}')
        with Receiver(status(200)) as receiver:
            outcome = deliver({'kind': 'webhook', 'url': f'http://hook.test:{receiver.port}/x'}, {'body': {}}, allowed_hosts)
            return outcome, receiver.requests
    return run


def test_a_name_may_lead_to_an_allowed_address(named):
    outcome, requests = named('127.0.0.1', 'hook.test')
    assert outcome['state'] == 'delivered' and len(requests) == 1


@pytest.mark.parametrize('address', ['169.254.169.254', '::ffff:a9fe:a9fe', '64:ff9b::a9fe:a9fe', '2002:a9fe:a9fe::', 'fe80::1',
                                     'fd00:ec2::254', '0.0.0.0', '::', '255.255.255.255'])
@pytest.mark.parametrize('allowed_hosts', ['hook.test', '*', '* 169.254.0.0/16 ::/0'])
def test_no_name_leads_to_metadata(named, address, allowed_hosts):
    outcome, _ = named(address, allowed_hosts)
    assert outcome['state'] == 'dead' and outcome['error'] == 'the address of host "hook.test" is not allowed by kpi.allowed_hosts'


def test_the_address_decides_where_the_list_holds_addresses(named):
    assert named('127.0.0.1', '127.0.0.0/8')[0]['state'] == 'delivered'
    assert named('127.0.0.1', '10.0.0.0/8')[0]['state'] == 'dead'
    assert named('127.0.0.1', 'hook.test !127.0.0.0/8')[0]['state'] == 'dead'
    # decimal and hexadecimal forms of 169.254.169.254 are addresses too
    assert named('2852039166', '*')[0]['state'] == 'dead'
    assert named('0xa9fea9fe', '*')[0]['state'] == 'dead'


def test_a_forbidden_address_among_others_is_passed_over(named):
    outcome, requests = named('169.254.169.254,127.0.0.1', 'hook.test')
    assert outcome['state'] == 'delivered' and len(requests) == 1
