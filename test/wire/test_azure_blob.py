"""azure_blob against Azurite: SharedKey, SAS, blocks, containers made on demand; read back over HTTP with a SAS."""
import base64
import datetime
import hashlib
import hmac
import os
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

from azurite_server import ACCOUNT, KEY, serving

VERSION = '2021-08-06'


def account_sas():
    """A SAS for reading and writing blobs (Microsoft's reference: Create an account SAS)."""
    expiry = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)).strftime('%Y-%m-%dT%H:%M:%SZ')
    fields = {'sv': VERSION, 'ss': 'b', 'srt': 'sco', 'sp': 'rwdlac', 'se': expiry}
    signed = '\n'.join([ACCOUNT, fields['sp'], fields['ss'], fields['srt'], '', expiry, '', '', VERSION, '', ''])
    fields['sig'] = base64.b64encode(hmac.new(base64.b64decode(KEY), signed.encode(), hashlib.sha256).digest()).decode()
    return urllib.parse.urlencode(fields)


class Azurite:
    def __init__(self, deliver, port):
        self.deliver, self.endpoint = deliver, f'http://127.0.0.1:{port}/{ACCOUNT}'

    def connection(self, key=KEY):
        return f'defaultendpointsprotocol=http;AccountName={ACCOUNT};AccountKey={key};BlobEndpoint={self.endpoint}/;'

    def sink(self, container, secret=None, **options):
        return {'kind': 'azure_blob', 'options': {'container': container, 'create_container': True, **options},
                'secret': secret or {'connection_string': self.connection()}}

    def send(self, sink, content=b'a,b\n', key='day.csv', **limits):
        return self.deliver(sink, {'content_base64': base64.b64encode(content).decode(), 'content_type': 'text/csv',
                                   'object_key': key}, **limits)

    def read(self, path):
        """(bytes, content type) of a blob, None when there is none."""
        try:
            with urllib.request.urlopen(f'{self.endpoint}/{urllib.parse.quote(path)}?{account_sas()}') as answer:
                return answer.read(), answer.headers['Content-Type']
        except urllib.error.HTTPError as error:
            assert error.code == 404
            return None


@pytest.fixture(scope='module')
def azurite(deliver):
    with serving() as port:
        yield Azurite(deliver, port)


def test_the_container_is_made_once(azurite):
    first = azurite.send(azurite.sink('made'))
    assert (first['state'], first['status'], first['exchanges']) == ('delivered', 201, 3), first
    assert first['result']['container'] == 'made' and first['result']['blob'] == 'day.csv'
    assert azurite.send(azurite.sink('made'), b'again')['exchanges'] == 1
    assert azurite.read('made/day.csv') == (b'again', 'text/csv')


def test_without_create_container_the_reason_is_told(azurite):
    report = azurite.send(azurite.sink('missing', create_container=False))
    assert (report['state'], report['status']) == ('dead', 404)
    assert report['error'] == 'Azure Storage answered 404, ContainerNotFound'


@pytest.mark.parametrize('key', ['informe día.csv', 'a/b c/d+e&f=g.csv', '100%.csv', "it's(1)~!*.csv", '€?#;.csv'])
def test_any_name(azurite, key):
    report = azurite.send(azurite.sink('names', prefix='/kpi/2026/'), key.encode(), key)
    assert report['state'] == 'delivered', report
    assert report['result']['blob'] == 'kpi/2026/' + key
    assert azurite.read('names/kpi/2026/' + key) == (key.encode(), 'text/csv')


def test_the_json_is_stored_when_there_is_no_content(azurite):
    report = azurite.deliver(azurite.sink('json'), {'body': {'a': 1}, 'object_key': 'a.json'})
    assert report['state'] == 'delivered', report
    assert azurite.read('json/a.json') == (b'{"a":1}', 'application/json')


def test_an_empty_blob(azurite):
    assert azurite.send(azurite.sink('empty'), b'')['state'] == 'delivered'
    assert azurite.read('empty/day.csv') == (b'', 'text/csv')


@pytest.mark.parametrize('size', [65536, 65537, 5 * 65536, 5 * 65536 + 17])
def test_large_content_goes_in_blocks(azurite, size):
    content = os.urandom(size)
    report = azurite.send(azurite.sink('blocks', block_bytes=65536), content, f'{size}.bin')
    assert report['state'] == 'delivered', report
    assert report['exchanges'] >= (1 if size == 65536 else -(-size // 65536) + 1)
    assert azurite.read(f'blocks/{size}.bin') == (content, 'text/csv')


def test_account_and_key_and_endpoint(azurite):
    sink = azurite.sink('options', {'account_key': KEY}, account=ACCOUNT, endpoint=azurite.endpoint)
    assert azurite.send(sink)['state'] == 'delivered'
    assert azurite.read('options/day.csv') is not None


def test_shared_access_signature(azurite):
    connection = f'BlobEndpoint={azurite.endpoint};SharedAccessSignature={account_sas()}'
    for container, secret, options in [('sas1', {'sas': '?' + account_sas()}, {'endpoint': azurite.endpoint}),
                                       ('sas2', {'connection_string': connection}, {})]:
        report = azurite.send(azurite.sink(container, secret, block_bytes=65536, **options), b'x' * 70000)
        assert report['state'] == 'delivered', report
        assert azurite.read(container + '/day.csv') == (b'x' * 70000, 'text/csv')


def test_a_wrong_key_is_dead_and_nothing_is_told(azurite):
    other = base64.b64encode(b'o' * 64).decode()
    report = azurite.send(azurite.sink('wrong', {'connection_string': azurite.connection(other)}))
    assert (report['state'], report['status']) == ('dead', 403), report
    assert 'AuthorizationFailure' in report['error'] or 'AuthenticationFailed' in report['error']
    assert other not in str(report) and '127.0.0.1' not in str(report)


def fetched(url, *more):
    """What plain curl gets: (status, bytes)."""
    found = subprocess.run(['curl', '-sS', '--noproxy', '*', '-w', '\n%{http_code}', *more, url], check=True, capture_output=True).stdout
    body, _, code = found.rpartition(b'\n')
    return int(code), body


def test_a_link_reads_the_blob_and_nothing_else(azurite):
    content = bytes(range(256)) * 3
    url = azurite.send(azurite.sink('linked', presign=600), content, 'a b/día+.csv')['result']['url']
    assert azurite.send(azurite.sink('linked'), b'other', 'a b/dia+.csv')['result'].get('url') is None
    assert fetched(url) == (200, content)
    assert fetched(url, '-X', 'DELETE')[0] == 403 and fetched(url, '-X', 'PUT', '--data-binary', 'x', '-H', 'x-ms-blob-type: BlockBlob')[0] == 403
    assert fetched(url.replace('d%C3%ADa', 'dia'))[0] == 403 and fetched(url.split('?')[0])[0] in (403, 404)
    short = azurite.send(azurite.sink('linked', presign=1), b'x', 'link.csv')['result']['url']
    time.sleep(2.5)
    assert fetched(short)[0] == 403


def test_without_the_accounts_key_there_is_no_link(azurite):
    report = azurite.send(azurite.sink('nolink', {'sas': account_sas()}, endpoint=azurite.endpoint, presign=600))
    assert report['state'] == 'delivered' and 'url' not in report['result']


def test_a_wrong_signature_in_a_sas_is_dead(azurite):
    secret = account_sas().replace('sig=', 'sig=AA')
    report = azurite.send(azurite.sink('wrong', {'sas': secret}, endpoint=azurite.endpoint))
    assert (report['state'], report['status']) == ('dead', 403), report
    assert 'sig=' not in str(report)
