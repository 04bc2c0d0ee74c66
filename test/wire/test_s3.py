"""s3 against a server that verifies signatures, digests and times; read back with boto3.

OpenStack Swift in every run; Ceph's radosgw with KPI_S3_SERVER=ceph (make check-s3-ceph), which verifies session tokens too.
"""
import base64
import hashlib
import http.client
import http.server
import json
import os
import pathlib
import shutil
import time
import urllib.error
import urllib.request

import boto3
import botocore.client
import botocore.exceptions
import pytest

import s3_servers
from served import Served

PART = 5 << 20


class S3:
    def __init__(self, deliver, server):
        self.deliver, self.server, self.endpoint = deliver, server, server.endpoint
        self.client = self.service('s3', config=botocore.client.Config(s3={'addressing_style': 'path'}))
        self.client.create_bucket(Bucket='reports')

    def service(self, name, **options):
        return boto3.client(name, endpoint_url=self.endpoint, aws_access_key_id=self.server.access_key,
                            aws_secret_access_key=self.server.secret_key, region_name=self.server.region, **options)

    def sink(self, secret=None, url=None, **options):
        keys = {'access_key_id': self.server.access_key, 'secret_access_key': secret or self.server.secret_key}
        return {'kind': 's3', 'url': url or self.endpoint, 'secret': keys,
                'options': {'bucket': 'reports', 'region': self.server.region, **options}}

    def send(self, sink, content=b'a,b\n', key='day.csv', **message):
        return self.deliver(sink, {'content_base64': base64.b64encode(content).decode(), 'content_type': 'text/csv',
                                   'object_key': key, 'idempotency_key': 'night-17', **message})

    def read(self, key):
        """(bytes, content type, metadata), None when there is no such object."""
        try:
            answer = self.client.get_object(Bucket='reports', Key=key)
        except botocore.exceptions.ClientError as error:
            assert error.response['Error']['Code'] == 'NoSuchKey'
            return None
        return answer['Body'].read(), answer['ContentType'], answer['Metadata']

    def uploads(self):
        return self.client.list_multipart_uploads(Bucket='reports').get('Uploads', [])


@pytest.fixture(scope='module')
def s3(deliver, tmp_path_factory):
    name = os.environ.get('KPI_S3_SERVER', 'swift')
    if name == 'swift':
        with s3_servers.swift(tmp_path_factory.mktemp('swift')) as server:
            yield S3(deliver, server)
        return
    assert name == 'ceph', f'KPI_S3_SERVER is swift or ceph, not {name}'
    folder = pathlib.Path(__file__).parents[2] / 'build' / 'ceph'
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with s3_servers.ceph(folder) as server:
        yield S3(deliver, server)
    shutil.rmtree(folder)


class Damage(Served):
    """Passes requests on to a server; in those whose path holds `where` one byte of the body is another."""
    def __init__(self, endpoint, where):
        self.where, self.requests = where, []
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def pass_on(self):
                body = self.rfile.read(int(self.headers.get('Content-Length', 0)))
                proxy.requests.append((self.path, dict(self.headers), body))
                if proxy.where and proxy.where in self.path:
                    body = body[:-1] + bytes([body[-1] ^ 1])
                server = http.client.HTTPConnection(endpoint.removeprefix('http://'), timeout=60)
                server.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():  # Host as it was signed
                    server.putheader(name, value)
                server.endheaders(body)
                answer = server.getresponse()
                said = answer.read()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ('content-length', 'transfer-encoding', 'connection'):
                        self.send_header(name, value)
                self.send_header('Content-Length', str(len(said)))
                self.end_headers()
                self.wfile.write(said)
                server.close()

            do_PUT = do_POST = do_DELETE = pass_on

            def log_message(self, *_):
                pass

        super().__init__(Handler)


def refusal(url):
    """The status with which a link is refused, None when it is not."""
    try:
        with urllib.request.urlopen(url):
            return None
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.mark.parametrize('key', ['day.csv', 'informe día.csv', 'a/b c/d+e&f=g.csv', '100%.csv', '%20',
                                 "it's(1)~!*.csv", '日本/€?#;,:@$.csv', 'a//b'])
def test_any_name(s3, key):
    report = s3.send(s3.sink(prefix='/kpi/2026/'), key.encode(), key)
    assert (report['state'], report['exchanges']) == ('delivered', 1), report
    assert report['result']['key'] == 'kpi/2026/' + key
    assert s3.read('kpi/2026/' + key) == (key.encode(), 'text/csv', {'idempotency-key': 'night-17'})


def test_the_same_key_is_overwritten(s3):
    for content in (b'one', b''):
        assert s3.send(s3.sink(), content, 'twice')['state'] == 'delivered'
        assert s3.read('twice')[0] == content


def test_a_text_and_its_key(s3):
    report = s3.deliver(s3.sink(), {'body': {'key': 'note.txt', 'text': 'día'}})
    assert report['state'] == 'delivered', report
    assert s3.read('note.txt')[:2] == ('día'.encode(), 'text/plain; charset=utf-8')


def test_large_content_goes_in_parts(s3):
    content = os.urandom((10 << 20) + 17)
    report = s3.send(s3.sink(multipart_above=PART, part_size=PART), content, 'large día.bin')
    assert (report['state'], report['exchanges']) == ('delivered', 5), report
    assert s3.read('large día.bin') == (content, 'text/csv', {'idempotency-key': 'night-17'})
    assert not s3.uploads()


@pytest.mark.parametrize('where', ['partNumber=2', 'damaged.bin'])
def test_bytes_that_were_damaged_on_their_way(s3, where):
    """The server refuses them, nothing is left of the upload, and the next attempt gets through."""
    content = os.urandom(PART + 100)
    options = {'multipart_above': PART, 'part_size': PART} if 'part' in where else {}
    with Damage(s3.endpoint, where) as proxy:
        report = s3.send(s3.sink(url=proxy.url, **options), content, 'damaged.bin')
        assert (report['state'], report['status']) == ('retry', 400), report
        assert s3.read('damaged.bin') is None and not s3.uploads()
        if 'part' in where:
            digests = [headers.get('Content-MD5') for path, headers, _ in proxy.requests if 'partNumber' in path]
            assert digests == [base64.b64encode(hashlib.md5(part).digest()).decode()
                               for part in (content[:PART], content[PART:])]
        proxy.where = ''
        report = s3.send(s3.sink(url=proxy.url, **options), content, 'damaged.bin')
        assert report['state'] == 'delivered' and s3.read('damaged.bin')[0] == content, report
    s3.client.delete_object(Bucket='reports', Key='damaged.bin')


def test_a_presigned_link_reads_the_object_and_nothing_else(s3):
    url = s3.send(s3.sink(presign=600), b'linked', 'a b/día+.csv')['result']['url']
    assert s3.send(s3.sink(), b'other', 'a b/dia+.csv')['state'] == 'delivered'
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b'linked'
    last = url[-1]
    for wrong in (url.replace('d%C3%ADa', 'dia'), url.replace('Expires=600', 'Expires=6000'),
                  url[:-1] + ('0' if last != '0' else '1')):
        assert wrong != url and refusal(wrong) == 403
    assert refusal(url.split('?')[0]) is not None
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(urllib.request.Request(url, data=b'x', method='PUT'))
    assert refused.value.code == 403


def test_a_presigned_link_runs_out(s3):
    """Links that were good for 30 and 600 s when they were made, a minute ago; and one that runs out while we wait."""
    ago = int(time.time()) - 60
    old, good = (s3.send(s3.sink(presign=lifetime), b'linked', 'link.csv', unix_time=ago)['result']['url']
                 for lifetime in (30, 600))
    assert refusal(old) == 403 and refusal(good) is None
    short = s3.send(s3.sink(presign=1), b'linked', 'link.csv')['result']['url']
    time.sleep(2.5)
    assert refusal(short) == 403


def test_a_session_token_of_the_server(s3):
    """Temporary credentials that the server has issued: good with their own token, with no other and not without."""
    if not s3.server.issues_tokens:
        pytest.skip('Swift issues no session tokens; radosgw does (make check-s3-ceph), and see test_s3_signer.py')
    statement = {'Effect': 'Allow', 'Action': ['sts:GetSessionToken'], 'Resource': ['*']}
    s3.service('iam').put_user_policy(UserName='kpi', PolicyName='tokens', PolicyDocument=json.dumps(
        {'Version': '2012-10-17', 'Statement': [statement]}))
    issued = s3.service('sts').get_session_token(DurationSeconds=900)['Credentials']
    sink = s3.sink(presign=600)
    sink['secret'] = {'access_key_id': issued['AccessKeyId'], 'secret_access_key': issued['SecretAccessKey']}
    wrong = issued['SessionToken'][:-12] + 'A' * 11 + '='
    for token in ({}, {'session_token': wrong}):
        report = s3.send({**sink, 'secret': {**sink['secret'], **token}}, key='token.csv')
        assert (report['state'], report['status']) == ('dead', 403), report
        assert s3.read('token.csv') is None and 'AAAA' not in str(report)
    sink['secret']['session_token'] = issued['SessionToken']
    report = s3.send(sink, b'by token', 'token.csv')
    assert report['state'] == 'delivered' and s3.read('token.csv')[0] == b'by token', report
    assert refusal(report['result']['url']) is None
    large = {**sink, 'options': {**sink['options'], 'multipart_above': PART, 'part_size': PART}}
    assert s3.send(large, b'x' * (PART + 1), 'token.bin')['exchanges'] == 4
    assert len(s3.read('token.bin')[0]) == PART + 1


def test_the_bucket_in_the_hosts_name(s3):
    sink = s3.sink(path_style=False, presign=600)
    sink['url'] = s3.endpoint.replace('127.0.0.1', 's3.localhost')
    report = s3.send(sink, b'virtual', 'virtual día.csv')
    assert report['state'] == 'delivered', report
    assert report['result']['url'].startswith('http://reports.s3.localhost:')
    assert s3.read('virtual día.csv')[0] == b'virtual'


def test_the_region_is_learnt(s3):
    if not s3.server.checks_region:
        pytest.skip('radosgw takes any region')
    report = s3.send(s3.sink(region='us-west-2'), b'moved', 'moved.csv')
    assert (report['state'], report['exchanges']) == ('delivered', 2), report
    assert s3.read('moved.csv')[0] == b'moved'


def test_a_wrong_secret_is_dead_and_nothing_is_told(s3):
    report = s3.send(s3.sink('otherKEY'), key='never.csv')
    assert (report['state'], report['status']) == ('dead', 403), report
    assert report['error'] == 'S3 answered 403, ' + s3.server.wrong_secret
    assert 'otherKEY' not in str(report) and '127.0.0.1' not in str(report)
    assert s3.read('never.csv') is None


def test_a_bucket_that_is_not_there(s3):
    report = s3.send(s3.sink(bucket='missing'))
    assert (report['state'], report['error']) == ('dead', 'S3 answered 404, NoSuchBucket'), report
