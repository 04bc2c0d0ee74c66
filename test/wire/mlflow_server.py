"""MLflow's real server for the tests of the sink, a view of what it holds, and a proxy that cuts connections."""
import base64
import http.client
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import python_env

PATIENCE = 90  # seconds for a server to be ready
LOGIN = {'username': 'kpi', 'password': 'correct horse: battery'}
AUTH = """[mlflow]
default_permission = READ
database_uri = sqlite:///{folder}/auth.db
admin_username = {username}
admin_password = {password}
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
"""


class MlflowServer:
    """`login`: a server with its basic-auth app. `append_only`: with the old file store, which keeps every point it is sent."""
    def __init__(self, folder, login=None, append_only=False):
        with socket.create_server(('127.0.0.1', 0)) as probe:
            port = probe.getsockname()[1]
        self.login, self.url = login or {}, f'http://127.0.0.1:{port}'
        self.address = '127.0.0.1', port
        store = f'{folder}/store' if append_only else f'sqlite:///{folder}/store.db'
        command = [os.path.join(python_env.programs(), 'mlflow'), 'server', '--backend-store-uri', store, '--artifacts-destination',
                   f'{folder}/artifacts', '--host', '127.0.0.1', '--port', str(port), '--workers', '1']
        settings = {'MLFLOW_DISABLE_TELEMETRY': 'true', 'DO_NOT_TRACK': 'true', 'MLFLOW_SERVER_ENABLE_JOB_EXECUTION': 'false',
                    'MLFLOW_ALLOW_FILE_STORE': 'true'}
        if login:
            (folder / 'auth.ini').write_text(AUTH.format(folder=folder, **login))
            settings.update(MLFLOW_AUTH_CONFIG_PATH=str(folder / 'auth.ini'), MLFLOW_FLASK_SERVER_SECRET_KEY='of the tests')
            command += ['--app-name', 'basic-auth']
        self.log = open(folder / 'log', 'wb')  # pylint: disable=consider-using-with
        self.process = subprocess.Popen(command, cwd=folder, env={**os.environ, **settings}, stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self.call('GET', '/health')
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise
                time.sleep(0.2)

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
        self.log.close()

    def call(self, method, path, body=None):
        request = urllib.request.Request(self.url + path, method=method, headers={'Content-Type': 'application/json'},
                                         data=None if body is None else json.dumps(body).encode())
        if self.login:
            pair = f'{self.login["username"]}:{self.login["password"]}'.encode()
            request.add_header('Authorization', 'Basic ' + base64.b64encode(pair).decode())
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read()

    def api(self, call, body=None):
        method = 'GET' if body is None else 'POST'
        return json.loads(self.call(method, '/api/2.0/mlflow/' + call, body))

    def experiment(self, name):
        return self.api('experiments/get-by-name?experiment_name=' + urllib.parse.quote(name, safe=''))['experiment']

    def runs(self, name):
        """All runs of an experiment, with every point of each metric as (value, milliseconds after the start, step)."""
        number = self.experiment(name)['experiment_id']
        return [self.run(raw) for raw in self.api('runs/search', {'experiment_ids': [number]}).get('runs', [])]

    def run(self, raw):
        info, data = raw['info'], raw['data']

        def points(key):
            query = urllib.parse.urlencode({'run_id': info['run_id'], 'metric_key': key})
            return sorted((str(point['value']), point['timestamp'] - info['start_time'], point['step'])
                          for point in self.api('metrics/get-history?' + query)['metrics'])
        return {'id': info['run_id'], 'name': info['run_name'], 'status': info['status'], 'start': info['start_time'],
                'end': info.get('end_time'),
                'metrics': {metric['key']: points(metric['key']) for metric in data.get('metrics', [])},
                'params': {param['key']: param['value'] for param in data.get('params', [])},
                'tags': {tag['key']: tag['value'] for tag in data.get('tags', [])}}

    def artifact(self, run, path):
        raw = self.api('runs/get?run_id=' + run['id'])['run']['info']['artifact_uri'].removeprefix('mlflow-artifacts:/')
        return self.call('GET', f'/api/2.0/mlflow-artifacts/artifacts/{raw}/{urllib.parse.quote(path)}')


class Proxy:
    """For receiver.Receiver: passes on what it gets, but ends the connection at exchange number `at` (from 0): "before" the server
    has acted, "after" that, both within its answer, or "silently" after that, without a byte. `answers`: what the server said."""
    def __init__(self, server, at=None, how='after'):
        self.server, self.at, self.how, self.answers = server, at, how, []

    def __call__(self, connection, request):
        cut = self.how if len(self.answers) == self.at else None
        status, body = (200, b'') if cut == 'before' else self.passed_on(request)
        self.answers.append(body)
        if cut != 'silently':
            connection.sendall(f'HTTP/1.1 {status} x\r\nContent-Length: {len(body) + bool(cut)}\r\n\r\n'.encode() + body)
        return 'close' if cut else None

    def passed_on(self, request):
        upstream = http.client.HTTPConnection(*self.server.address, timeout=60)
        headers = {name: value for name, value in request.headers.items() if name in ('content-type', 'authorization')}
        upstream.request(request.method, request.path, request.body, headers)
        answer = upstream.getresponse()
        body = answer.read()
        upstream.close()
        return answer.status, body
