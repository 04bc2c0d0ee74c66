"""Servers that speak S3 and verify what they are told: OpenStack Swift's s3api, and Ceph's radosgw.

    with swift(folder) as server:    # or ceph(folder): server.endpoint, .access_key, .secret_key, .region

One node each, on free loopback ports, with all data below the folder. KPI_S3_SERVER=ceph chooses radosgw for the tests.
"""
import contextlib
import dataclasses
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
import uuid

import pytest

PATIENCE = 60


@dataclasses.dataclass
class Server:
    endpoint: str
    access_key: str
    secret_key: str
    region: str
    wrong_secret: str  # the code of the refusal
    checks_region: bool
    issues_tokens: bool  # has AssumeRole and GetSessionToken


def free_ports(count):
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(('127.0.0.1', 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


class Lab:
    """Processes whose output goes to one log, ended in the opposite order of their starts."""
    def __init__(self, folder, programs, packages):
        missing = [program for program in programs if shutil.which(program) is None]
        if missing:
            pytest.fail(f'{missing} are missing: install the Debian packages of test/tools/{packages}')
        self.folder, self.log, self.servers = folder, folder / 'log.txt', {}

    def start(self, name, command, env=None):
        with open(self.log, 'ab') as output:
            self.servers[name] = subprocess.Popen(command, stdout=output, stderr=output, env=env)

    def tail(self):
        return self.log.read_text(errors='replace')[-3000:]

    def wait_until_up(self, url):
        for _ in range(10 * PATIENCE):
            for name, server in self.servers.items():
                assert server.poll() is None, f'{name} ended:\n' + self.tail()
            try:
                with urllib.request.urlopen(url, timeout=5):
                    return
            except urllib.error.HTTPError as answer:
                answer.close()
            except OSError:
                pass
            time.sleep(0.1)
        pytest.fail('the server does not answer:\n' + self.tail())

    def stop(self):
        for server in reversed(self.servers.values()):
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


# --- OpenStack Swift

SWIFT_RINGS = ('account', 'container', 'object')
SWIFT_PROGRAMS = ['memcached'] + [f'swift-{part}-server' for part in (*SWIFT_RINGS, 'proxy')]


def configure_swift(lab, ports, secret, region):
    """One device, one replica; the layout of Swift's own deployment guide."""
    etc = lab / 'etc'
    for folder in (etc, lab / 'node' / 'sda', lab / 'cache'):
        folder.mkdir(parents=True)
    (etc / 'swift.conf').write_text('[swift-hash]\nswift_hash_path_prefix = kpi\nswift_hash_path_suffix = ext\n'
                                    '[storage-policy:0]\nname = one\ndefault = yes\n')
    common = f'[DEFAULT]\nbind_ip = 127.0.0.1\nworkers = 0\nuser = root\nswift_dir = {etc}\nlog_address = {lab}/none\n'
    for part in SWIFT_RINGS:
        (etc / f'{part}.conf').write_text(
            f'{common}bind_port = {ports[part]}\ndevices = {lab}/node\nmount_check = false\nfallocate_reserve = 0\n'
            f'recon_cache_path = {lab}/cache\n[pipeline:main]\npipeline = {part}-server\n'
            f'[app:{part}-server]\nuse = egg:swift#{part}\nrecon_cache_path = {lab}/cache\n')
        for step in (['create', '4', '1', '1'], ['add', f'r1z1-127.0.0.1:{ports[part]}/sda', '1'], ['rebalance']):
            subprocess.run(['swift-ring-builder', str(etc / f'{part}.builder'), *step], check=True, capture_output=True)
    (etc / 'proxy.conf').write_text(
        f'{common}bind_port = {ports["proxy"]}\n[pipeline:main]\npipeline = catch_errors gatekeeper healthcheck cache '
        'listing_formats bulk s3api tempauth slo versioned_writes proxy-server\n'
        '[app:proxy-server]\nuse = egg:swift#proxy\nallow_account_management = true\naccount_autocreate = true\n'
        f'[filter:s3api]\nuse = egg:swift#s3api\nlocation = {region}\ndns_compliant_bucket_names = true\n'
        'storage_domain = s3.localhost\n'
        f'[filter:tempauth]\nuse = egg:swift#tempauth\nuser_kpi_reporter = {secret} .admin\n'
        f'[filter:cache]\nuse = egg:swift#memcache\nmemcache_servers = 127.0.0.1:{ports["memcached"]}\n'
        + ''.join(f'[filter:{name}]\nuse = egg:swift#{name}\n' for name in (
            'catch_errors', 'gatekeeper', 'healthcheck', 'listing_formats', 'bulk', 'slo', 'versioned_writes')))


@contextlib.contextmanager
def swift(folder):
    lab = Lab(folder, SWIFT_PROGRAMS, 'packages.txt')
    ports = dict(zip((*SWIFT_RINGS, 'proxy', 'memcached'), free_ports(5)))
    server = Server(f'http://127.0.0.1:{ports["proxy"]}', 'kpi:reporter', 's3cretKEY', 'eu-central-1', 'SignatureDoesNotMatch', True, False)
    configure_swift(folder, ports, server.secret_key, server.region)
    try:
        for program in SWIFT_PROGRAMS:
            part = program.removeprefix('swift-').removesuffix('-server')
            command = [program, str(folder / 'etc' / f'{part}.conf'), '-v']
            if part == 'memcached':
                command = [program, '-l', '127.0.0.1', '-p', str(ports[part]), '-U', '0', '-u', 'nobody']
            lab.start(program, command)
        lab.wait_until_up(server.endpoint + '/healthcheck')
        yield server
    finally:
        lab.stop()


# --- Ceph: a monitor, one OSD that keeps objects in memory, radosgw. Source: Ceph's guide to manual deployment.

CEPH_PROGRAMS = ['ceph', 'ceph-authtool', 'monmaptool', 'ceph-mon', 'ceph-osd', 'radosgw', 'radosgw-admin']


def configure_ceph(folder, fsid, monitor, port):
    for part in ('run', 'logs', 'mon', 'osd', 'rgw'):
        (folder / part).mkdir()
    (folder / 'ceph.conf').write_text(
        f'[global]\nfsid = {fsid}\nmon host = {monitor}\nmon initial members = a\n'
        'public addr = 127.0.0.1\ncluster addr = 127.0.0.1\n'
        'auth cluster required = cephx\nauth service required = cephx\nauth client required = cephx\n'
        f'keyring = {folder}/keyring\nrun dir = {folder}/run\nadmin socket =\npid file =\n'
        f'log file = {folder}/logs/$name.log\nmon data = {folder}/mon\nosd data = {folder}/osd\n'
        'osd objectstore = memstore\nmemstore device bytes = 1073741824\nosd crush chooseleaf type = 0\n'
        'osd pool default size = 1\nosd pool default min size = 1\nosd pool default pg num = 8\n'
        'osd pool default pg autoscale mode = off\nmon allow pool size one = true\n'
        f'[client.rgw]\nrgw data = {folder}/rgw\nrgw frontends = beast endpoint=127.0.0.1:{port}\n'
        'rgw thread pool size = 16\nrgw dns name = s3.localhost\n'
        'rgw sts key = abcdefghijklmnop\nrgw s3 auth use sts = true\n')


@contextlib.contextmanager
def ceph(folder):
    lab = Lab(folder, CEPH_PROGRAMS, 'packages-ceph.txt')
    v2, v1, port = free_ports(3)
    fsid, monitor = str(uuid.uuid4()), f'[v2:127.0.0.1:{v2},v1:127.0.0.1:{v1}]'
    server = Server(f'http://127.0.0.1:{port}', 'KPIKEY', 's3cretKEY', 'eu-central-1', 'AccessDenied', False, True)
    configure_ceph(folder, fsid, monitor, port)
    env = {**os.environ, 'CEPH_CONF': str(folder / 'ceph.conf')}

    def run(*command, given=None):
        done = subprocess.run(command, cwd=folder, env=env, input=given, capture_output=True, text=True, timeout=2 * PATIENCE)
        assert done.returncode == 0, f'{command[0]} failed:\n{done.stderr[-2000:]}\n{lab.tail()}'
        return done.stdout.strip()

    try:
        everything = [word for part in ('mon', 'osd', 'mgr') for word in ('--cap', part, 'allow *')]
        run('ceph-authtool', '--create-keyring', 'keyring', '--gen-key', '-n', 'mon.', '--cap', 'mon', 'allow *')
        run('ceph-authtool', 'keyring', '--gen-key', '-n', 'client.admin', *everything)
        run('monmaptool', '--create', '--fsid', fsid, '--addv', 'a', monitor, 'monmap')
        run('ceph-mon', '-i', 'a', '--mkfs', '--monmap', 'monmap', '--keyring', 'keyring')
        lab.log.touch()
        lab.start('ceph-mon', ['ceph-mon', '-i', 'a', '-f'], env)
        osd, key = str(uuid.uuid4()), run('ceph-authtool', '--gen-print-key')
        number = run('ceph', 'osd', 'new', osd, '-i', '-', given=json.dumps({'cephx_secret': key}))
        run('ceph-authtool', '--create-keyring', 'osd/keyring', '-n', f'osd.{number}', '--add-key', key)
        run('ceph-osd', '-i', number, '--mkfs', '--osd-uuid', osd, '--keyring', 'osd/keyring')
        run('ceph', 'osd', 'crush', 'add', f'osd.{number}', '1.0', 'root=default', 'host=kpi')
        lab.start('ceph-osd', ['ceph-osd', '-i', number, '-f', '--keyring', str(folder / 'osd' / 'keyring')], env)
        run('ceph', 'auth', 'get-or-create', 'client.rgw', 'mon', 'allow rwx', 'osd', 'allow rwx', '-o', 'rgw/keyring')
        run('radosgw-admin', 'user', 'create', '--uid=kpi', '--display-name=kpi', '--caps=user-policy=*',
            f'--access-key={server.access_key}', f'--secret-key={server.secret_key}')
        lab.start('radosgw', ['radosgw', '-n', 'client.rgw', '--keyring', str(folder / 'rgw' / 'keyring'), '-f'], env)
        lab.wait_until_up(server.endpoint)
        yield server
    finally:
        lab.stop()
