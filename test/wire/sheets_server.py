"""The fake of Google Sheets (sheets_fake.js) as a server, with the key of its service account, and Google's own client."""
import json
import os
import subprocess
import urllib.request

from node import environment

HERE = os.path.dirname(os.path.abspath(__file__))
EMAIL = 'kpi@project.iam.gserviceaccount.com'


class Sheets:
    def __init__(self, folder):
        self.folder, self.environment = str(folder), environment()
        key = self.path('key.pem')
        for name in ('key.pem', 'other.pem'):
            self.openssl('genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', self.path(name))
        self.openssl('pkey', '-in', key, '-pubout', '-out', self.path('public.pem'))
        self.process = subprocess.Popen(['node', os.path.join(HERE, 'sheets_fake.js'), self.path('public.pem'), EMAIL],
                                        env=self.environment, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        self.url = f'http://127.0.0.1:{self.port}'

    def path(self, name):
        return os.path.join(self.folder, name)

    def openssl(self, *words):
        subprocess.run(['openssl', *words], check=True, capture_output=True)

    def control(self, **orders):
        request = urllib.request.Request(self.url + '/control', json.dumps(orders).encode())
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def cells(self, sheet='Leads', book='book'):
        return self.control()['sheets'][book][sheet]['values']

    def calls(self):
        return self.control()['calls']

    def service_account(self, key='key.pem', **fields):
        with open(self.path(key)) as file:
            return json.dumps({'type': 'service_account', 'private_key_id': 'kid1', 'private_key': file.read(),
                               'client_email': EMAIL, 'token_uri': self.url + '/token', **fields})

    def client(self, *operations, book='other', key='key.pem', **claims):
        """What Google's client gets: the answers, or the error and its status."""
        with open(self.path('account.json'), 'w') as file:
            file.write(self.service_account(key))
        run = subprocess.run(['node', os.path.join(HERE, 'sheets_client.js'), str(self.port), file.name, book, json.dumps(claims)],
                             input=json.dumps(operations), env=self.environment, capture_output=True, text=True, timeout=60)
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout)

    def stop(self):
        self.process.terminate()
        self.process.wait()
