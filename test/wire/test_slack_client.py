"""The fake of Slack as Slack's own clients see it: they and the sink must make the same calls and read the same answers.

What a fake of ours accepts proves little; that @slack/web-api and @slack/webhook can use it proves that it answers as Slack does.
"""
import base64
import json
import os
import subprocess

import pytest

from node import HERE, environment
from slack_fake import TOKEN, SlackFake

BLOCKS = [{'type': 'header', 'text': {'type': 'plain_text', 'text': 'Größe &amp; more'}},
          {'type': 'section', 'fields': [{'type': 'mrkdwn', 'text': '*a*'}, {'type': 'mrkdwn', 'text': '<https://x.example|b>'}]},
          {'type': 'context', 'elements': [{'type': 'mrkdwn', 'text': 'c \U0001f600'}]}]
CONTENT = bytes(range(256)) * 40
FILE = {'content_base64': base64.b64encode(CONTENT).decode(), 'content_type': 'application/octet-stream',
        'object_key': '2026/Größe & more.xlsx'}
FIRST = {'channel': 'C0KPI', 'ts': '1700000000.000001'}


@pytest.fixture
def pair(slack_schema):
    """(a fake for the sink, a fake for the clients)"""
    with SlackFake(slack_schema) as ours, SlackFake(slack_schema) as theirs:
        yield ours, theirs
    assert not ours.violations and not theirs.violations


def client(**job):
    run = subprocess.run(['node', os.path.join(HERE, 'slack_client.js')], input=json.dumps(job), env=environment(),
                         capture_output=True, text=True, timeout=60)
    assert run.returncode == 0 and run.stdout, run.stderr
    return json.loads(run.stdout)


def web(slack, *calls, token=TOKEN):
    return client(api=slack.api, token=token, calls=calls)


@pytest.fixture
def bot(deliver):
    def run(slack, body, token=TOKEN, **message):
        sink = {'kind': 'slack', 'secret': {'token': token}, 'options': {'channel': 'C0KPI', 'api': slack.api}}
        return deliver(sink, {'body': body, **message})
    return run


def assert_same(ours, theirs):
    assert ours.calls == theirs.calls and ours.calls
    assert ours.messages == theirs.messages and ours.files == theirs.files


def test_webhook(deliver, pair):
    ours, theirs = pair
    for message in ({'text': 'a <!here>'}, {'text': 'b', 'blocks': BLOCKS, 'unfurl_links': False, 'unfurl_media': True}):
        assert deliver({'kind': 'slack', 'url': ours.webhook}, {'body': message})['state'] == 'delivered'
        assert client(webhook=theirs.webhook, message=message) == [{'answer': {'text': 'ok'}}]
    assert_same(ours, theirs)


def test_post_edit_and_thread(bot, pair):
    ours, theirs = pair
    done = [bot(ours, {'text': 'running', 'blocks': BLOCKS, 'unfurl_links': False}),
            bot(ours, {'text': 'half', 'blocks': BLOCKS[:1], 'edit': 1}, reference=FIRST),
            bot(ours, {'text': 'done', 'edit': 1}, reference=FIRST),
            bot(ours, {'text': 'details', 'thread': 1}, reference=FIRST),
            bot(ours, {'text': 'elsewhere', 'channel': 'C0OPS'})]
    answers = web(theirs,
                  ('chat.postMessage', {'channel': 'C0KPI', 'text': 'running', 'blocks': BLOCKS, 'unfurl_links': False}),
                  ('chat.update', {**FIRST, 'text': 'half', 'blocks': BLOCKS[:1]}),
                  ('chat.update', {**FIRST, 'text': 'done', 'blocks': []}),
                  ('chat.postMessage', {'channel': 'C0KPI', 'text': 'details', 'thread_ts': FIRST['ts']}),
                  ('chat.postMessage', {'channel': 'C0OPS', 'text': 'elsewhere'}))
    assert_same(ours, theirs)
    assert [one['result'] for one in done] == [{name: one['answer'][name] for name in ('channel', 'ts')} for one in answers]


@pytest.mark.parametrize('at_once', [False, True])
def test_files(bot, pair, at_once):
    ours, theirs = pair
    ours.shares_at_once = theirs.shares_at_once = at_once
    done = [bot(ours, {'text': 'parent'}), bot(ours, {'text': 'the report'}, **FILE),
            bot(ours, {'text': 'x', 'blocks': BLOCKS, 'thread': 1, 'title': 'June'}, reference=FIRST, **FILE)]
    assert [one['state'] for one in done] == ['delivered'] * 3, done
    file = {'file_base64': FILE['content_base64'], 'filename': 'Größe & more.xlsx', 'channel_id': 'C0KPI'}
    answers = web(theirs, ('chat.postMessage', {'channel': 'C0KPI', 'text': 'parent'}),
                  ('files.uploadV2', {**file, 'initial_comment': 'the report'}),
                  ('files.uploadV2', {**file, 'blocks': BLOCKS, 'thread_ts': FIRST['ts'], 'title': 'June'}))
    assert_same(ours, theirs)
    assert [name for name, _ in ours.calls[1:4]] == ['files.getUploadURLExternal', 'upload', 'files.completeUploadExternal']
    assert ours.files['F0']['bytes'] == CONTENT
    assert ours.tokens_at_upload == 0  # theirs sends the token along; the address alone is enough
    for one, answer in zip(done[1:], answers[1:]):
        told, = answer['answer']['files'][0]['files']
        assert one['result']['file'] == told['id'] and ('ts' in one['result']) == at_once
        assert not at_once or told['shares']['public']['C0KPI'][0]['ts'] == one['result']['ts']


@pytest.mark.parametrize('code, said', [(400, 'invalid_blocks'), (403, 'action_prohibited'), (404, 'no_service'),
                                        (410, 'channel_is_archived'), (429, 'rate_limited'), (500, 'rollup_error')])
def test_refusals_of_a_webhook(deliver, pair, code, said):
    for slack in pair:
        slack.answers.append((code, said, {'Retry-After': '12'}))
    ours, theirs = pair
    outcome = deliver({'kind': 'slack', 'url': ours.webhook}, {'body': {'text': 'a'}})
    refused, = client(webhook=theirs.webhook, message={'text': 'a'})
    assert (refused['status'], refused['fault']) == (code, said)
    assert outcome['status'] == code and said in outcome['error'] and outcome['state'] != 'delivered'


def test_refusals_of_the_fake_itself(bot, pair):
    """The fake judges both alike: a bad token, channel, thread, text and block."""
    ours, theirs = pair
    kind = {'type': 'sektion'}
    done = [bot(ours, {'text': 'a'}, token='xoxb-other'), bot(ours, {'text': 'a', 'channel': 'C0NONE'}),
            bot(ours, {'text': 'a', 'thread': 1}, reference=FIRST), bot(ours, {'text': 'a & b'}),
            bot(ours, {'text': 'a', 'blocks': [kind]})]
    answers = web(theirs, ('chat.postMessage', {'channel': 'C0KPI', 'text': 'a'}), token='xoxb-other') + web(
        theirs, ('chat.postMessage', {'channel': 'C0NONE', 'text': 'a'}),
        ('chat.postMessage', {'channel': 'C0KPI', 'text': 'a', 'thread_ts': FIRST['ts']}),
        ('chat.postMessage', {'channel': 'C0KPI', 'text': 'a & b'}),
        ('chat.postMessage', {'channel': 'C0KPI', 'text': 'a', 'blocks': [kind]}))
    faults = ['invalid_auth', 'channel_not_found', 'thread_not_found', 'msg_too_long', 'invalid_blocks']
    assert [one['fault'] for one in answers] == faults
    assert [(one['state'], one['error']) for one in done] == [('dead', 'Slack answered ' + fault) for fault in faults]
    assert_same_calls_and_forget(ours, theirs)


def assert_same_calls_and_forget(*pair):
    """For a test that breaks the schema on purpose."""
    ours, theirs = pair
    assert ours.calls == theirs.calls and len(ours.violations) == len(theirs.violations) == 1
    ours.violations.clear()
    theirs.violations.clear()


def test_too_many_calls(bot, pair):
    ours, theirs = pair
    for slack in pair:
        slack.answers.append((429, json.dumps({'ok': False, 'error': 'ratelimited'}), {'Retry-After': '7'}))
    outcome = bot(ours, {'text': 'a'})
    refused, = web(theirs, ('chat.postMessage', {'channel': 'C0KPI', 'text': 'a'}))
    assert refused['fault'] == 'slack_webapi_rate_limited_error' and refused['retry_after'] == 7
    assert (outcome['state'], outcome['retry_after']) == ('retry', 7)
    assert not ours.messages and not theirs.messages
