"""s3 with a session token against an independent signer: botocore signs the same requests, and must come to the same headers.

No server that runs in every test verifies such a token (Swift knows none); make check-s3-ceph has one that does.
"""
import base64
import datetime
import re
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest

from receiver import Receiver

KEY, SECRET, REGION = 'ASIAKPI', 'secret/KEY+x', 'eu-central-1'
TOKEN = 'FwoGZXIvYXdzE+/Ab==' * 40
INITIATED = b'<InitiateMultipartUploadResult><UploadId>up/1 +</UploadId></InitiateMultipartUploadResult>'


def answer(connection, request):
    body = INITIATED if request.path.endswith('?uploads=') else b''
    connection.sendall(b'HTTP/1.1 200 OK\r\nETag: "abc"\r\nContent-Length: %d\r\n\r\n' % len(body) + body)


@pytest.fixture
def server():
    with Receiver(answer) as receiver:
        yield receiver


@pytest.fixture
def send(deliver, server):
    def run(content, token=TOKEN, **options):
        sink = {'kind': 's3', 'url': f'http://127.0.0.1:{server.port}',
                'options': {'bucket': 'reports', 'region': REGION, 'prefix': 'día', **options},
                'secret': {'access_key_id': KEY, 'secret_access_key': SECRET, **({'session_token': token} if token else {})}}
        report = deliver(sink, {'content_base64': base64.b64encode(content).decode(), 'content_type': 'text/csv; charset=utf-8',
                                'object_key': "a b/it's (1)+~.csv", 'idempotency_key': 'night-17'})
        assert report['state'] == 'delivered' and (not token or token not in report['error']), report
        return report
    return run


def at(monkeypatch, date):
    """botocore's clock stands at an X-Amz-Date."""
    class Clock(datetime.datetime):
        @classmethod
        def utcnow(cls):
            return cls.strptime(date, '%Y%m%dT%H%M%SZ')
    monkeypatch.setattr(botocore.auth.datetime, 'datetime', Clock)


def signed_by_botocore(monkeypatch, request, token):
    names = re.search('SignedHeaders=([^,]*)', request.headers['authorization']).group(1).split(';')
    ours = {'authorization', 'x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256', 'host'}
    given = {name: request.headers[name] for name in names if name not in ours}
    again = botocore.awsrequest.AWSRequest(request.method, f'http://{request.headers["host"]}{request.path}', given, request.body)
    at(monkeypatch, request.headers['x-amz-date'])
    signer = botocore.auth.S3SigV4Auth(botocore.credentials.Credentials(KEY, SECRET, token), 's3', REGION)
    signer.add_auth(again)
    return {name.lower(): value for name, value in again.headers.items()}


@pytest.mark.parametrize('token', [TOKEN, None], ids=['with', 'without'])
@pytest.mark.parametrize('large', [False, True])
def test_every_header_is_what_botocore_makes_of_it(send, server, monkeypatch, large, token):
    size = (5 << 20) + 7 if large else 7
    send(b'x' * size, token, multipart_above=5 << 20, part_size=5 << 20)
    assert [request.method for request in server.requests] == (['POST', 'PUT', 'PUT', 'POST'] if large else ['PUT'])
    for request in server.requests:
        theirs = signed_by_botocore(monkeypatch, request, token)
        assert ('x-amz-security-token' in theirs) == (token is not None) == ('x-amz-security-token' in request.headers)
        assert {name: request.headers[name] for name in theirs} == theirs


@pytest.mark.parametrize('token', [TOKEN, None], ids=['with', 'without'])
def test_a_presigned_link_is_what_botocore_makes_of_it(send, server, monkeypatch, token):
    url = send(b'x', token, presign=900)['result']['url']
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query, strict_parsing=True))
    at(monkeypatch, query['X-Amz-Date'])
    again = botocore.awsrequest.AWSRequest('GET', url.split('?')[0])
    botocore.auth.S3SigV4QueryAuth(botocore.credentials.Credentials(KEY, SECRET, token), 's3', REGION, expires=900).add_auth(again)
    theirs = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(again.url).query, strict_parsing=True))
    assert query == theirs and ('X-Amz-Security-Token' in query) == (token is not None)
