"""A fake of Slack, stricter than Slack: no server of Slack's can be had for tests.

Written from Slack's documentation, and held to Slack's own clients, which must be able to use it (slack_client.js).
Blocks are also judged by a schema made from Slack's types (slack_schema.js). The documentation: the guides "Sending messages using incoming webhooks" and
"Working with files", the reference of chat.postMessage, chat.update, files.getUploadURLExternal and
files.completeUploadExternal, of block elements and composition objects (lengths and counts), and "Rate limits". Where
Slack cuts or forgives, this fake refuses, so that what it takes is within every documented limit.

    with SlackFake(schema) as slack:             schema: judges blocks, see Schema; none: they are not
        slack.url, slack.webhook, slack.api      URLs
        slack.messages                           {(channel, ts): arguments of the last post or update}
        slack.files                              {file id: {'name', 'bytes', 'shared'}}
        slack.calls                              [(method, arguments)], a webhook's and an upload's too
        slack.violations                         what the schema found wrong with blocks
        slack.tokens_at_upload                   how often a token came with the bytes of a file
        slack.shares_at_once                     a file's message is told in the answer (Slack: often not yet)
        slack.answers.append((429, body, {}))    the next request gets this and is not judged
"""
import email.parser
import email.policy
import http.server
import json
import os
import re
import subprocess
import threading
import urllib.parse

from node import FOLDER, HERE, environment
from served import Served

TOKEN = 'xoxb-canary-token'
CHANNELS = {'C0KPI', 'C0OPS'}
TEXT, BLOCKS, TOTAL = 4000, 50, 13_000
ELEMENTS = {'context': 10, 'actions': 25}


class Refusal(Exception):
    pass


def units(text):
    return len(text.encode('utf-16-le')) // 2


def need(condition, fault):
    if not condition:
        raise Refusal(fault)


def check_mrkdwn(text, most, fault):
    """Text within its limit in which & < > are only found in whole entities and links."""
    need(isinstance(text, str) and 1 <= units(text) <= most, fault)
    rest = re.sub(r'<[^<>\n]+>|&(amp|lt|gt);', '', text)
    need(not re.search(r'[<>&]', rest), fault)


def check_text(text, most, types=('mrkdwn', 'plain_text')):
    need(isinstance(text, dict) and text.get('type') in types, 'invalid_blocks')
    need(set(text) <= {'type', 'text', 'emoji', 'verbatim'}, 'invalid_blocks')
    check_mrkdwn(text.get('text'), most, 'invalid_blocks')


def check_element(element):
    need(isinstance(element, dict) and units(element.get('action_id', '')) <= 255, 'invalid_blocks')
    if element.get('type') == 'image':
        need(0 < units(element.get('image_url', '')) <= 3000, 'invalid_blocks')
        need(0 < units(element.get('alt_text', '')) <= 2000, 'invalid_blocks')
    elif element.get('type') == 'button':
        check_text(element.get('text'), 75, ('plain_text',))
        need(units(element.get('url', '')) <= 3000 and units(element.get('value', '')) <= 2000, 'invalid_blocks')
    else:
        raise Refusal('invalid_blocks')


def check_block(block):
    need(isinstance(block, dict) and units(block.get('block_id', '')) <= 255, 'invalid_blocks')
    kind = block.get('type')
    if kind == 'section':
        need('text' in block or 'fields' in block, 'invalid_blocks')
        if 'text' in block:
            check_text(block['text'], 3000)
        if 'fields' in block:
            need(1 <= len(block['fields']) <= 10, 'invalid_blocks')
            for field in block['fields']:
                check_text(field, 2000)
        if 'accessory' in block:
            check_element(block['accessory'])
    elif kind == 'header':
        check_text(block.get('text'), 150, ('plain_text',))
    elif kind in ELEMENTS:
        elements = block.get('elements', [])
        need(1 <= len(elements) <= ELEMENTS[kind], 'invalid_blocks')
        for element in elements:
            if kind == 'context' and element.get('type') != 'image':
                check_text(element, 3000)
            else:
                check_element(element)
    elif kind == 'image':
        check_element(block)
    # of other blocks the schema knows more than the documentation of limits


def texts(value):
    if isinstance(value, str):
        return units(value)
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return sum(texts(one) for one in inner)


def from_form(text):
    """Arguments of a form: what is no text is JSON there (Slack's guide "Using the Slack Web API")."""
    arguments = dict(urllib.parse.parse_qsl(text, strict_parsing=True, keep_blank_values=True))
    for name in ('blocks', 'files', 'unfurl_links', 'unfurl_media'):
        if name in arguments:
            arguments[name] = json.loads(arguments[name])
    return arguments


def uploaded(headers, body):
    """The bytes as they are, or the one part of a multipart form."""
    kind = headers.get('Content-Type', '')
    if not kind.startswith('multipart/form-data'):
        return body
    head = f'Content-Type: {kind}\r\n\r\n'.encode()
    form = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    part, = form.iter_parts()
    return part.get_payload(decode=True)


class Schema:
    """The validator, a process for the whole run: fault(blocks) is '' when they are valid."""
    def __init__(self):
        self.lock = threading.Lock()
        self.process = subprocess.Popen(['node', os.path.join(HERE, 'slack_schema.js'), FOLDER], text=True,
                                        env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def fault(self, blocks):
        with self.lock:
            self.process.stdin.write(json.dumps(blocks) + '\n')
            self.process.stdin.flush()
            return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


class SlackFake(Served):
    def __init__(self, schema=None):
        self.schema, self.violations, self.tokens_at_upload, self.shares_at_once = schema, [], 0, False
        self.messages, self.files, self.calls, self.answers, self.clock = {}, {}, [], [], 0
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_POST(self):
                body = self.rfile.read(int(self.headers['Content-Length']))
                status, said, headers = fake.answers.pop(0) if fake.answers else fake.answer(self.path, self.headers, body)
                said = said.encode()
                self.send_response(status)
                kind = 'application/json' if self.path.startswith('/api/') else 'text/html'
                for name, value in {**headers, 'Content-Type': kind, 'Content-Length': str(len(said))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_):
                pass

        super().__init__(Handler)
        self.webhook, self.api = self.url + '/services/T0/B0/canary', self.url + '/api'

    def answer(self, path, headers, body):
        if path.startswith('/services/'):
            return self.by_webhook(path, headers, body)
        if path.startswith('/upload/'):
            file, content = path.rpartition('/')[2], uploaded(headers, body)
            self.calls.append(('upload', {'file': file, 'bytes': content}))
            self.tokens_at_upload += 'Authorization' in headers
            found = self.files.get(file)
            if not found or len(content) != found['length']:
                return 400, 'bad upload', {}
            found['bytes'] = content
            return 200, f'OK - {len(content)}', {}
        try:
            return 200, json.dumps({'ok': True, **self.call(path, headers, body)}), {}
        except Refusal as refusal:
            return 200, json.dumps({'ok': False, 'error': str(refusal)}), {}

    def by_webhook(self, path, headers, body):
        if not self.webhook.endswith(path):
            return 404, 'no_service', {}
        try:
            need(headers['Content-Type'].startswith('application/json'), 'invalid_payload')
            arguments = json.loads(body)
            self.calls.append(('webhook', arguments))
            self.check_message(arguments, {'text', 'blocks', 'unfurl_links', 'unfurl_media'})
        except Refusal as refusal:
            return 400, str(refusal), {}
        except ValueError:
            return 400, 'invalid_payload', {}
        return 200, 'ok', {}

    def call(self, path, headers, body):
        need('Authorization' in headers, 'not_authed')
        need(headers['Authorization'] == 'Bearer ' + TOKEN, 'invalid_auth')
        method = path.removeprefix('/api/')
        kind = headers['Content-Type'].split(';')[0]
        if kind == 'application/x-www-form-urlencoded':
            arguments = from_form(body.decode())
        else:
            # of the calls here it is the one that takes no JSON
            need(method != 'files.getUploadURLExternal', 'invalid_form_data')
            need(kind == 'application/json', 'invalid_post_type')
            arguments = json.loads(body)
        self.calls.append((method, arguments))
        calls = {'chat.postMessage': self.post, 'chat.update': self.update, 'files.getUploadURLExternal': self.place,
                 'files.completeUploadExternal': self.complete}
        need(method in calls, 'unknown_method')
        return calls[method](arguments)

    def post(self, arguments):
        self.check_message(arguments, {'channel', 'text', 'blocks', 'thread_ts', 'unfurl_links', 'unfurl_media'})
        self.check_place(arguments['channel'], arguments.get('thread_ts'))
        ts = self.tick()
        self.messages[arguments['channel'], ts] = arguments
        return {'channel': arguments['channel'], 'ts': ts, 'message': {'text': arguments['text']}}

    def update(self, arguments):
        self.check_message(arguments, {'channel', 'ts', 'text', 'blocks', 'unfurl_links', 'unfurl_media'})
        key = arguments.get('channel'), arguments.get('ts')
        self.check_place(key[0], None)
        need(key in self.messages, 'message_not_found')
        before = self.messages[key]
        self.messages[key] = {**before, **{name: arguments[name] for name in arguments if name != 'ts'}}
        return {'channel': key[0], 'ts': key[1], 'text': arguments['text']}

    def place(self, arguments):
        need(set(arguments) == {'filename', 'length'} and int(arguments['length']) > 0, 'missing_argument')
        file = f'F{len(self.files)}'
        self.files[file] = {'name': arguments['filename'], 'length': int(arguments['length']), 'bytes': None, 'shared': None}
        return {'upload_url': f'{self.url}/upload/v1/{file}', 'file_id': file}

    def complete(self, arguments):
        need(set(arguments) <= {'files', 'channel_id', 'thread_ts', 'initial_comment', 'blocks'}, 'invalid_arguments')
        need(not ('blocks' in arguments and 'initial_comment' in arguments), 'invalid_arguments')
        channel = arguments['channel_id']
        self.check_place(channel, arguments.get('thread_ts'))
        self.check_blocks(arguments.get('blocks', []))
        files = []
        for file in arguments['files']:
            found = self.files.get(file['id'])
            need(found and found['bytes'] is not None, 'file_not_found')
            found['shared'] = arguments
            files.append({'id': file['id'], 'title': file['title']})
        if self.shares_at_once:
            ts = self.tick()
            self.messages[channel, ts] = arguments
            for file in files:
                file['shares'] = {'public': {channel: [{'ts': ts}]}}
        return {'files': files}

    def tick(self):
        self.clock += 1
        return f'1700000000.{self.clock:06}'

    def check_place(self, channel, thread):
        need(channel in CHANNELS, 'channel_not_found')
        need(thread is None or (channel, thread) in self.messages, 'thread_not_found')

    def check_message(self, arguments, known):
        need(isinstance(arguments, dict) and set(arguments) <= known, 'invalid_payload')
        need(arguments.get('text'), 'no_text')
        check_mrkdwn(arguments['text'], TEXT, 'msg_too_long')
        self.check_blocks(arguments.get('blocks', []))

    def check_blocks(self, blocks):
        need(isinstance(blocks, list) and len(blocks) <= BLOCKS, 'invalid_blocks')
        for block in blocks:
            check_block(block)
        if fault := self.schema and self.schema.fault(blocks):
            self.violations.append(fault)
            raise Refusal('invalid_blocks')
        need(texts(blocks) < TOTAL, 'msg_blocks_too_long')
