"""s3 against OpenStack Swift's s3api, which checks signatures, digests and regions; read back with boto3."""
import base64
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request

import boto3
import botocore.client
import botocore.exceptions
import pytest

KEY, SECRET, REGION = 'kpi:reporter', 's3cretKEY', 'eu-central-1'
PROGRAMS = ['memcached'] + [f'swift-{part}-server' for part in ('account', 'container', 'object', 'proxy')]
RINGS = ('account', 'container', 'object')


def free_ports(count):
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(('127.0.0.1', 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def write_configuration(lab, ports):
    """One device, one replica; the layout of Swift's own deployment guide."""
    etc = lab / 'etc'
    for folder in (etc, lab / 'node' / 'sda', lab / 'cache'):
        folder.mkdir(parents=True)
    (etc / 'swift.conf').write_text('[swift-hash]\nswift_hash_path_prefix = kpi\nswift_hash_path_suffix = ext\n'
                                    '[storage-policy:0]\nname = one\ndefault = yes\n')
    common = f'[DEFAULT]\nbind_ip = 127.0.0.1\nworkers = 0\nuser = root\nswift_dir = {etc}\nlog_address = {lab}/none\n'
    for part in RINGS:
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
        f'[filter:s3api]\nuse = egg:swift#s3api\nlocation = {REGION}\ndns_compliant_bucket_names = true\n'
        'storage_domain = s3.localhost\n'
        f'[filter:tempauth]\nuse = egg:swift#tempauth\nuser_kpi_reporter = {SECRET} .admin\n'
        f'[filter:cache]\nuse = egg:swift#memcache\nmemcache_servers = 127.0.0.1:{ports["memcached"]}\n'
        + ''.join(f'[filter:{name}]\nuse = egg:swift#{name}\n' for name in (
            'catch_errors', 'gatekeeper', 'healthcheck', 'listing_formats', 'bulk', 'slo', 'versioned_writes')))


def wait_until_healthy(servers, url, log):
    for _ in range(600):
        for name, server in servers.items():
            assert server.poll() is None, f'{name} ended:\n' + log.read_text()[-2000:]
        try:
            with urllib.request.urlopen(url + '/healthcheck', timeout=5) as answer:
                assert answer.read() == b'OK'
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail('swift does not answer:\n' + log.read_text()[-2000:])


class Swift:
    def __init__(self, deliver, port):
        self.deliver, self.endpoint = deliver, f'http://127.0.0.1:{port}'
        self.client = boto3.client('s3', endpoint_url=self.endpoint, aws_access_key_id=KEY,
                                   aws_secret_access_key=SECRET, region_name=REGION,
                                   config=botocore.client.Config(s3={'addressing_style': 'path'}))
        self.client.create_bucket(Bucket='reports')

    def sink(self, secret=SECRET, **options):
        return {'kind': 's3', 'url': self.endpoint, 'options': {'bucket': 'reports', 'region': REGION, **options},
                'secret': {'access_key_id': KEY, 'secret_access_key': secret}}

    def send(self, sink, content=b'a,b\n', key='day.csv'):
        return self.deliver(sink, {'content_base64': base64.b64encode(content).decode(), 'content_type': 'text/csv',
                                   'object_key': key, 'idempotency_key': 'night-17'})

    def read(self, key):
        """(bytes, content type, metadata), None when there is no such object."""
        try:
            answer = self.client.get_object(Bucket='reports', Key=key)
        except botocore.exceptions.ClientError as error:
            assert error.response['Error']['Code'] == 'NoSuchKey'
            return None
        return answer['Body'].read(), answer['ContentType'], answer['Metadata']


@pytest.fixture(scope='module')
def swift(deliver, tmp_path_factory):
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        pytest.fail(f'{missing} are missing: install the Debian packages of test/tools/packages.txt')
    lab = tmp_path_factory.mktemp('swift')
    ports = dict(zip(('account', 'container', 'object', 'proxy', 'memcached'), free_ports(5)))
    write_configuration(lab, ports)
    log, servers = lab / 'log', {}
    try:
        with open(log, 'ab') as output:
            for program in PROGRAMS:
                part = program.removeprefix('swift-').removesuffix('-server')
                command = [program, str(lab / 'etc' / f'{part}.conf'), '-v']
                if part == 'memcached':
                    command = [program, '-l', '127.0.0.1', '-p', str(ports[part]), '-U', '0', '-u', 'nobody']
                servers[program] = subprocess.Popen(command, stdout=output, stderr=output)
        wait_until_healthy(servers, f'http://127.0.0.1:{ports["proxy"]}', log)
        yield Swift(deliver, ports['proxy'])
    finally:
        for server in servers.values():
            server.terminate()
        for server in servers.values():
            server.wait(20)


@pytest.mark.parametrize('key', ['day.csv', 'informe día.csv', 'a/b c/d+e&f=g.csv', '100%.csv', '%20',
                                 "it's(1)~!*.csv", '日本/€?#;,:@$.csv', 'a//b'])
def test_any_name(swift, key):
    report = swift.send(swift.sink(prefix='/kpi/2026/'), key.encode(), key)
    assert (report['state'], report['exchanges']) == ('delivered', 1), report
    assert report['result']['key'] == 'kpi/2026/' + key
    assert swift.read('kpi/2026/' + key) == (key.encode(), 'text/csv', {'idempotency-key': 'night-17'})


def test_the_same_key_is_overwritten(swift):
    for content in (b'one', b''):
        assert swift.send(swift.sink(), content, 'twice')['state'] == 'delivered'
        assert swift.read('twice')[0] == content


def test_a_text_and_its_key(swift):
    report = swift.deliver(swift.sink(), {'body': {'key': 'note.txt', 'text': 'día'}})
    assert report['state'] == 'delivered', report
    assert swift.read('note.txt')[:2] == ('día'.encode(), 'text/plain; charset=utf-8')


def test_large_content_goes_in_parts(swift):
    content = os.urandom((10 << 20) + 17)
    report = swift.send(swift.sink(multipart_above=5 << 20, part_size=5 << 20), content, 'large día.bin')
    assert (report['state'], report['exchanges']) == ('delivered', 5), report
    assert swift.read('large día.bin') == (content, 'text/csv', {'idempotency-key': 'night-17'})
    assert 'Uploads' not in swift.client.list_multipart_uploads(Bucket='reports')


def test_a_presigned_link_reads_the_object_and_nothing_else(swift):
    url = swift.send(swift.sink(presign=600), b'linked', 'a b/día+.csv')['result']['url']
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b'linked'
    for wrong in (url.replace('d%C3%ADa', 'dia'), url.replace('Expires=600', 'Expires=6000')):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(wrong)
        assert refused.value.code == 403


def test_the_bucket_in_the_hosts_name(swift):
    sink = swift.sink(path_style=False, presign=600)
    sink['url'] = swift.endpoint.replace('127.0.0.1', 's3.localhost')
    report = swift.send(sink, b'virtual', 'virtual día.csv')
    assert report['state'] == 'delivered', report
    assert report['result']['url'].startswith('http://reports.s3.localhost:')
    assert swift.read('virtual día.csv')[0] == b'virtual'


def test_the_region_is_learnt(swift):
    report = swift.send(swift.sink(region='us-west-2'), b'moved', 'moved.csv')
    assert (report['state'], report['exchanges']) == ('delivered', 2), report
    assert swift.read('moved.csv')[0] == b'moved'


def test_a_wrong_secret_is_dead_and_nothing_is_told(swift):
    report = swift.send(swift.sink('otherKEY'), key='never.csv')
    assert (report['state'], report['status']) == ('dead', 403), report
    assert report['error'] == 'S3 answered 403, SignatureDoesNotMatch'
    assert 'otherKEY' not in str(report) and '127.0.0.1' not in str(report)
    assert swift.read('never.csv') is None


def test_a_bucket_that_is_not_there(swift):
    report = swift.send(swift.sink(bucket='missing'))
    assert (report['state'], report['error']) == ('dead', 'S3 answered 404, NoSuchBucket'), report
