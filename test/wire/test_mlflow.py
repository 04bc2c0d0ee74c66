"""The mlflow sink against MLflow's real server: what a run holds, sending again after every cut, limits, refusals."""
import base64
import concurrent.futures
import itertools
import json
import os
import re
import subprocess

import pytest
from mlflow_server import LOGIN, MlflowServer, Proxy
from receiver import Receiver

import python_env

NAMES = (f'experiment {number}' for number in itertools.count())
CONTENT = {'content_base64': base64.b64encode(b'country,revenue\r\nM\xc3\xa9xico,12.5\r\n').decode(),
           'object_key': 'reports/june & july (1) é.csv', 'content_type': 'text/csv'}


@pytest.fixture(scope='module', name='server')
def database_server(tmp_path_factory):
    server = MlflowServer(tmp_path_factory.mktemp('mlflow'))
    yield server
    server.stop()


@pytest.fixture(scope='module')
def guarded(tmp_path_factory):
    """With a login, which costs the server a tenth of a second for each request: only for what is about that."""
    server = MlflowServer(tmp_path_factory.mktemp('mlflow-login'), LOGIN)
    yield server
    server.stop()


@pytest.fixture(scope='module')
def append_only(tmp_path_factory):
    server = MlflowServer(tmp_path_factory.mktemp('mlflow-files'), append_only=True)
    yield server
    server.stop()


@pytest.fixture
def experiment():
    return next(NAMES)


@pytest.fixture
def send(deliver, server, experiment):
    """send(body, url=..., login=..., options..., **fields of the message)"""
    def run(body, url=None, secret=None, options=None, limits=None, **message):
        sink = {'kind': 'mlflow', 'url': (url or server.url).removesuffix('hook'), 'options': {'experiment': experiment, **(options or {})},
                'secret': server.login if secret is None else secret}
        outcome = deliver(sink, None if body is None else {'body': body, **message}, **(limits or {}))
        assert 'canary' not in outcome['error'] and '://127' not in outcome['error'] and 'horse' not in outcome['error']
        return outcome
    return run


REPORT = {'report_key': 'june', 'run_name': 'June', 'start_time': '2026-06-30T22:00:00.5+02:00', 'end_time': 1782853201000,
          'metrics': {'revenue': 12.5, 'leads/new': 3, 'größe': 1e-300, 'no': 'NaN', 'up': 'Infinity', 'down': '-Infinity', 'gap': None},
          'params': {'country': 'México 🇲🇽', 'days': 30, 'ratio': 1.5, 'final': True, 'gap': None, 'empty': ''},
          'tags': {'mlflow.note.content': 'one\ntwo', 'a:b c': "it's \"x\""}}


def test_mlflows_own_client_reads_it(send, server, experiment):
    outcome = send(REPORT, **CONTENT)
    assert outcome['state'] == 'delivered', outcome
    assert outcome['result'] == {'run_id': server.runs(experiment)[0]['id'],
                                 'experiment_id': server.experiment(experiment)['experiment_id']}
    quiet = {'MLFLOW_DISABLE_TELEMETRY': 'true', 'DO_NOT_TRACK': 'true'}
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'mlflow_read.py')
    done = subprocess.run([os.path.join(python_env.programs(), 'python'), script, server.url, experiment], capture_output=True,
                          text=True, env={**os.environ, **quiet}, timeout=120, check=True)
    run, = json.loads(done.stdout)
    start = 1782849600500
    point = {'revenue': '12.5', 'leads/new': '3.0', 'größe': '1e-300', 'no': 'nan', 'up': '1.7976931348623157e+308',
             'down': '-1.7976931348623157e+308'}
    assert run['metrics'] == {key: [[value, start, 0]] for key, value in point.items()}
    assert (run['start'], run['end'], run['name'], run['status']) == (start, 1782853201000, 'June', 'FINISHED')
    assert run['params'] == {'country': 'México 🇲🇽', 'days': '30', 'ratio': '1.5', 'final': 'true', 'empty': ''}
    assert run['tags']['mlflow.note.content'] == 'one\ntwo' and run['tags']['a:b c'] == "it's \"x\""
    assert run['tags']['kpi.report_key'] == 'june'
    assert run['artifacts'] == [[CONTENT['object_key'], len(base64.b64decode(CONTENT['content_base64']))]]
    assert server.artifact({'id': run['id']}, CONTENT['object_key']) == base64.b64decode(CONTENT['content_base64'])


def test_points_in_time(send, server, experiment):
    series = [{'key': 'revenue', 'value': step * 1.5, 'step': step, 'timestamp': 1782849600000 + 1000 * step} for step in range(-1, 3)]
    assert send({'metrics': series, 'start_time': 1782849600000, 'status': 'FAILED'})['state'] == 'delivered'
    run, = server.runs(experiment)
    assert run['status'] == 'FAILED'
    assert run['metrics']['revenue'] == sorted((str(step * 1.5), 1000 * step, step) for step in range(-1, 3))
    # without a report_key it is the message's idempotency key
    assert run['tags']['kpi.report_key'] == '0c7f3a52-0000-4000-8000-000000000001'


# Two batches: a hundred parameters are the most of one.
LONG = {'report_key': 'cut', 'run_name': 'cut', 'status': 'KILLED', 'params': {f'p{at:03}': f'value {at}' for at in range(150)},
        'metrics': [{'key': 'revenue', 'value': at, 'step': at} for at in range(5)] + [{'key': 'leads', 'value': 1}],
        'tags': {'team': 'growth'}}
# get-by-name, create, get-by-name, search, create, log-batch, log-batch, upload, update
EXCHANGES = 9
TIME = 1_800_000_000


def comparable(run, server):
    tags = {key: value for key, value in run['tags'].items() if not key.startswith('mlflow.')}
    return {**run, 'id': None, 'start': None, 'end': None, 'tags': tags, 'file': server.artifact(run, CONTENT['object_key'])}


@pytest.fixture(scope='module')
def whole():
    """What a report leaves that is sent without a fault, for each store: filled by the first test that needs it."""
    return {}


# The file store keeps every point that it is sent: there only what was not there as a whole may be sent again.
CUTS = [('server', how, at) for how in ('before', 'after') for at in range(EXCHANGES)] + [
    ('server', 'silently', 4), ('server', 'silently', 5), ('append_only', 'before', 6), ('append_only', 'after', 5),
    ('append_only', 'after', 6), ('append_only', 'after', 8), ('append_only', 'silently', 4), ('append_only', 'silently', 5),
    ('append_only', 'silently', 6)]


@pytest.mark.parametrize('store, how, at', CUTS)
def test_sending_again_leaves_the_same(request, send, experiment, whole, store, how, at):
    server = request.getfixturevalue(store)
    if store not in whole:
        name = next(NAMES)
        with Receiver(Proxy(server)) as proxy:
            assert send(LONG, proxy.url, server.login, {'experiment': name}, unix_time=TIME, **CONTENT)['exchanges'] == EXCHANGES
        whole[store] = comparable(server.runs(name)[0], server)
    with Receiver(Proxy(server, at, how)) as proxy:
        first = send(LONG, proxy.url, server.login, unix_time=TIME, **CONTENT)
        assert (first['state'], first['exchanges']) == ('retry', at + 1)
    with Receiver(Proxy(server)) as proxy:
        again = send(LONG, proxy.url, server.login, unix_time=TIME + 60, **CONTENT)
        assert again['state'] == 'delivered', again
        batches = [ask.path.rsplit('/', 1)[-1] for ask in proxy.requests].count('log-batch')
    run, = server.runs(experiment)
    assert comparable(run, server) == whole[store]
    assert len(run['metrics']['revenue']) == 5 and len(run['params']) == 150
    assert again['result'] == {'run_id': run['id'], 'experiment_id': server.experiment(experiment)['experiment_id']}
    # a batch that is there as a whole is not sent again
    assert batches == 2 - min(max(0, at - 5 + (how != 'before')), 2)


def test_a_batch_that_is_there_in_part(send, server, experiment):
    number = server.api('experiments/create', {'name': experiment})['experiment_id']
    made = server.api('runs/create', {'experiment_id': number, 'start_time': 1000, 'tags': [{'key': 'kpi.report_key', 'value': 'cut'}]})
    server.api('runs/log-batch', {'run_id': made['run']['info']['run_id'], 'params': [{'key': 'p001', 'value': 'value 1'}],
                                  'metrics': [{'key': 'revenue', 'value': 2, 'step': 2, 'timestamp': 1000}]})
    assert send(LONG)['state'] == 'delivered'
    run, = server.runs(experiment)
    assert run['metrics']['revenue'] == [(f'{at}.0', 0, at) for at in range(5)] and len(run['params']) == 150


def test_an_ended_run_is_left_alone(send, server, experiment):
    first = send(REPORT)
    before = server.runs(experiment)
    again = send({**REPORT, 'metrics': {'other': 1}, 'params': {'days': 31}, 'status': 'FAILED'}, idempotency_key='another')
    assert again['state'] == 'delivered' and again['result'] == first['result'] and again['exchanges'] == 2
    assert server.runs(experiment) == before


def test_another_message_continues_an_unfinished_run_from_its_beginning(send, server, experiment):
    with Receiver(Proxy(server, 6)) as proxy:  # one batch is there
        assert send({**LONG, 'status': 'FINISHED'}, proxy.url)['state'] == 'retry'
    other = {'report_key': 'cut', 'metrics': {'other': 1}}
    assert send(other, idempotency_key='another')['state'] == 'delivered'
    run, = server.runs(experiment)
    assert set(run['metrics']) == {'revenue', 'leads', 'other'} and run['tags']['kpi.logged'] == '1 another'


@pytest.mark.parametrize('starts, oldest', [((3000, 1000, 2000), 1), ((1000, 1000, 1000), None)])
def test_the_oldest_of_several_runs(send, server, experiment, starts, oldest):
    number = server.api('experiments/create', {'name': experiment})['experiment_id']
    runs = [server.api('runs/create', {'experiment_id': number, 'start_time': start,
                                       'tags': [{'key': 'kpi.report_key', 'value': 'june'}]})['run']['info']['run_id'] for start in starts]
    wanted = min(runs) if oldest is None else runs[oldest]
    for _ in range(2):
        assert send(REPORT)['result']['run_id'] == wanted
    assert sorted(run['status'] for run in server.runs(experiment)) == ['FINISHED', 'RUNNING', 'RUNNING']


def test_first_messages_at_once_share_the_experiment(send, server, experiment):
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(lambda at: send({'report_key': f'key {at}', 'metrics': {'a': at}}), range(6)))
    assert {outcome['state'] for outcome in outcomes} == {'delivered'}, outcomes
    assert len({outcome['result']['experiment_id'] for outcome in outcomes}) == 1
    assert len(server.runs(experiment)) == 6


KEYS = ['plain', "it's", 'say "x"', 'back`tick', 'ünï ☃ 𝄞', '%_', 'back\\', "\\'", 'a;b', "a' OR 'b", "''", '-- x', '/* x', ' lead ',
        'tab\tx', 'line\nx', '$$', '`', 'x' * 250, 'Plain', 'it`s']


def test_report_keys_find_their_own_run(send, server, experiment):
    found = {key: send({'report_key': key})['result']['run_id'] for key in KEYS}
    assert len(set(found.values())) == len(KEYS)
    assert {key: send({'report_key': key})['result']['run_id'] for key in KEYS} == found
    assert {run['tags']['kpi.report_key']: run['id'] for run in server.runs(experiment)} == found


def test_within_the_limits_of_a_batch(send, server, experiment):
    report = {'report_key': 'large', 'metrics': {f'métric {at:04}': at for at in range(2500)},
              'params': {f'param {at:03}': 'é"\n' * 2000 for at in range(250)},
              'tags': {f'tag {at:03}': '☃' * (8000 if at < 3 else 10) for at in range(120)}}
    refused = send(report)
    assert refused['sqlstate'] == '22023' and refused['exchanges'] == 0
    room = int(re.search('an answer of ([0-9]+) bytes', refused['error'])[1])
    wide = {'options': {'response_bytes': room}, 'limits': {'response_bytes': room}}
    with Receiver(Proxy(server, 9)) as proxy:  # before the last but one batch
        assert send(report, proxy.url, **wide)['state'] == 'retry'
    proxy = Proxy(server)
    with Receiver(proxy) as receiver:
        outcome = send(report, receiver.url, **wide)
    assert outcome['state'] == 'delivered', outcome
    batches = [json.loads(ask.body) for ask in receiver.requests if ask.path.endswith('log-batch')]
    assert batches
    for batch in batches:
        assert len(batch['metrics']) <= 1000 and len(batch['params']) <= 100 and len(batch['tags']) <= 100
        assert sum(len(batch[part]) for part in ('metrics', 'params', 'tags')) <= 1000
    assert all(len(ask.body) <= 1_000_000 for ask in receiver.requests)
    with Receiver(whole := Proxy(server)) as receiver:  # and what the server then says of the whole run is within the room
        assert send(report, receiver.url, **wide)['exchanges'] == 2
    assert 0.5 * room < len(whole.answers[1]) <= room
    held, = json.loads(whole.answers[1])['runs']
    assert {one['key']: one['value'] for one in held['data']['metrics']} == report['metrics']
    assert {one['key']: one['value'] for one in held['data']['params']} == report['params']
    assert report['tags'].items() <= {one['key']: one['value'] for one in held['data']['tags']}.items()
    assert server.experiment(experiment)


def test_a_deleted_experiment(send, server, experiment):
    assert send(REPORT)['state'] == 'delivered'
    server.api('experiments/delete', {'experiment_id': server.experiment(experiment)['experiment_id']})
    outcome = send(REPORT)
    assert outcome['state'] == 'dead' and 'deleted' in outcome['error'] and 'restore' in outcome['error']
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda at: send({'report_key': f'{at}'}, options={'restore': True}), range(4)))
    assert {outcome['state'] for outcome in outcomes} == {'delivered'}, outcomes
    assert server.experiment(experiment)['lifecycle_stage'] == 'active' and len(server.runs(experiment)) == 5


def test_artifacts_that_the_server_does_not_keep(send, server, experiment, tmp_path):
    server.api('experiments/create', {'name': experiment, 'artifact_location': str(tmp_path)})
    outcome = send(REPORT, **CONTENT)
    assert outcome['state'] == 'dead' and 'takes no content' in outcome['error']
    assert server.runs(experiment) == []
    assert send(REPORT)['state'] == 'delivered'


def test_login(send, guarded):
    assert send(REPORT, guarded.url, guarded.login)['state'] == 'delivered'
    wrong = send(REPORT, guarded.url, secret={'username': 'kpi', 'password': 'canary'})
    assert wrong['state'] == 'dead' and wrong['status'] == 401 and wrong['exchanges'] == 1
    assert send(REPORT, guarded.url, secret={})['status'] == 401
    with Receiver(Proxy(guarded)) as proxy:
        send(REPORT, proxy.url, {'token': 'canary'})
        assert [ask.headers.get('authorization') for ask in proxy.requests] == ['Bearer canary']


def test_faults_of_the_server_are_named(send, server, experiment):
    outcome = send({'report_key': 'a', 'metrics': {'snow ☃': 1}})
    assert outcome['state'] == 'dead' and outcome['status'] == 400
    assert outcome['error'].startswith('MLflow answered 400 INVALID_PARAMETER_VALUE: Invalid value'), outcome
    other = {'report_key': 'a', 'params': {'days': 1}}
    with Receiver(Proxy(server, 2)) as proxy:  # the run is there: its batch is written, its end is not
        assert send(other, proxy.url)['state'] == 'retry'
    run, = server.runs(experiment)
    assert run['params'] == {'days': '1'}
    outcome = send({**other, 'params': {'days': 2}}, idempotency_key='another')
    assert outcome['state'] == 'dead' and 'INVALID_PARAMETER_VALUE: Changing param values' in outcome['error']


@pytest.mark.parametrize('status, said, state', [
    (200, '<html>sign in</html>', 'dead'), (200, '{}', 'dead'), (200, '{"experiment": [1]}', 'dead'), (200, '[]', 'dead'),
    (404, '<html>not found</html>', 'dead'), (404, '{"error_code": 5}', 'dead'), (403, 'Invalid Host header', 'dead'),
    (503, '{"error_code": "TEMPORARILY_UNAVAILABLE", "message": "busy"}', 'retry'), (500, '{"error_code": "INTERNAL_ERROR"}', 'retry'),
    (429, '{"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "slow"}', 'retry'), (302, '', 'dead')])
def test_what_is_no_mlflow_server(send, status, said, state):
    def answer(connection, _):
        connection.sendall(f'HTTP/1.1 {status} x\r\nRetry-After: 7\r\nContent-Length: {len(said)}\r\n\r\n{said}'.encode())
    with Receiver(answer) as other:
        outcome = send(REPORT, other.url)
    assert outcome['state'] == state and outcome['exchanges'] == 1
    assert outcome.get('retry_after') == (7 if state == 'retry' else None)


def test_the_message_of_test_sink(send, server, experiment):
    for _ in range(2):
        assert send(None)['state'] == 'delivered'
    run, = server.runs(experiment)
    assert run['name'] == 'kpi_ext test' and run['status'] == 'FINISHED' and run['metrics'] == {'kpi_ext_test': [('1.0', 0, 0)]}
