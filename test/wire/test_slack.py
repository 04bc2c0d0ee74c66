"""The slack sink against a strict fake of ours (slack_fake.py): nobody but Slack runs Slack."""
import base64
import json

import pytest

from slack_fake import TOKEN, SlackFake


@pytest.fixture
def slack(slack_schema):
    """Whatever a test is about, no blocks of the sink may break the schema of Slack's types."""
    with SlackFake(slack_schema) as fake:
        yield fake
    assert not fake.violations


@pytest.fixture
def hook(deliver, slack):
    def run(body):
        outcome = deliver({'kind': 'slack', 'url': slack.webhook}, {'body': body})
        assert 'canary' not in outcome['error'] and slack.url not in outcome['error']
        return outcome
    return run


@pytest.fixture
def bot(deliver, slack):
    def run(body, token=TOKEN, **message):
        sink = {'kind': 'slack', 'secret': {'token': token}, 'options': {'channel': 'C0KPI', 'api': slack.api}}
        outcome = deliver(sink, {'body': body, **message})
        assert 'canary' not in outcome['error'] and slack.url not in outcome['error']
        return outcome
    return run


def section(text):
    return {'type': 'section', 'text': {'type': 'mrkdwn', 'text': text}}


LONG = 'größe &amp; <https://x.example/path|a link> \U0001f600 ' * 400
BIG = {'text': LONG, 'blocks': [{'type': 'header', 'text': {'type': 'plain_text', 'text': 'h' * 500}}, section(LONG),
                                {'type': 'context', 'elements': [{'type': 'mrkdwn', 'text': LONG}]},
                                {'type': 'section', 'fields': [{'type': 'mrkdwn', 'text': LONG}] * 10}, section('end')]}
MANY = {'text': 'many', 'blocks': [section(f'row {at}') for at in range(120)]}


def test_webhook(hook, slack):
    assert hook({'text': '*leads* fell', 'blocks': [section('a'), {'type': 'divider'}]})['state'] == 'delivered'
    assert slack.calls == [('webhook', {'text': '*leads* fell', 'blocks': [section('a'), {'type': 'divider'}]})]


@pytest.mark.parametrize('body', [BIG, MANY, {'plain': '<!channel> & ' * 1000}, {'plain': '\U0001f600' * 5000}])
def test_too_long_is_cut_to_what_slack_takes(hook, bot, slack, body):
    for outcome in (hook(body), bot(body)):
        assert outcome['state'] == 'delivered', outcome
    for _, arguments in slack.calls:
        assert arguments['text'].endswith('…') or body is MANY
        if 'blocks' in body:
            assert 'left out' in json.dumps(arguments['blocks'][-1])


def test_no_value_becomes_a_mention(hook, slack):
    assert hook({'plain': 'country <!channel> <@U1> R&D'})['state'] == 'delivered'
    assert slack.calls[0][1]['text'] == 'country &lt;!channel&gt; &lt;@U1&gt; R&amp;D'


@pytest.mark.parametrize('code, said, state', [
    (400, 'invalid_payload', 'dead'), (400, 'no_text', 'dead'), (400, 'invalid_blocks', 'dead'),
    (400, 'too_many_attachments', 'dead'), (400, 'user_not_found', 'dead'), (403, 'action_prohibited', 'dead'),
    (403, 'posting_to_general_channel_denied', 'dead'), (403, 'team_disabled', 'dead'), (403, 'invalid_token', 'dead'),
    (404, 'channel_not_found', 'dead'), (404, 'no_service', 'dead'), (404, 'no_service_id', 'dead'),
    (404, 'no_team', 'dead'), (404, 'no_active_hooks', 'dead'), (410, 'channel_is_archived', 'dead'), (500, 'rollup_error', 'retry'),
    (429, 'rate_limited', 'retry'), (200, '<html>sign in</html>', 'dead')])
def test_webhook_faults(hook, slack, code, said, state):
    slack.answers.append((code, said, {'Retry-After': '12'}))
    outcome = hook({'text': 'a'})
    assert outcome['state'] == state and said in outcome['error'] and outcome['exchanges'] == 1
    assert outcome.get('retry_after') == (12 if state == 'retry' else None)


def test_webhook_of_another_team(deliver, slack):
    outcome = deliver({'kind': 'slack', 'url': slack.url + '/services/T1/B1/canary'}, {'body': {'text': 'a'}})
    assert outcome['state'] == 'dead' and outcome['error'] == 'the receiver answered 404: no_service'


def test_bot_posts_edits_and_answers(bot, slack):
    first = bot({'text': 'running', 'blocks': [section('running')]})
    assert first['state'] == 'delivered' and first['result']['channel'] == 'C0KPI'
    key = first['result']['channel'], first['result']['ts']
    edited = bot({'text': 'done', 'edit': 'report-1'}, reference=first['result'])
    assert edited['state'] == 'delivered' and edited['result'] == first['result']
    assert slack.messages == {key: {'channel': 'C0KPI', 'text': 'done', 'blocks': []}}
    answer = bot({'text': 'details', 'thread': 1}, reference=edited['result'])
    assert answer['state'] == 'delivered' and answer['result'] != first['result']
    assert slack.messages[answer['result']['channel'], answer['result']['ts']]['thread_ts'] == key[1]
    assert bot({'text': 'elsewhere', 'channel': 'C0OPS'})['result']['channel'] == 'C0OPS'


def test_bot_posts_anew_without_the_earlier_message(bot, slack):
    assert bot({'text': 'a', 'edit': 'none'})['state'] == 'delivered'
    outcome = bot({'text': 'b', 'edit': 'gone'}, reference={'channel': 'C0KPI', 'ts': '1.000001'})
    assert outcome['state'] == 'delivered' and outcome['exchanges'] == 2
    assert [name for name, _ in slack.calls] == ['chat.postMessage', 'chat.update', 'chat.postMessage']
    assert len(slack.messages) == 2


@pytest.mark.parametrize('name, state', [
    ('ratelimited', 'retry'), ('internal_error', 'retry'), ('fatal_error', 'retry'), ('service_unavailable', 'retry'),
    ('not_in_channel', 'dead'), ('is_archived', 'dead'), ('msg_too_long', 'dead'), ('account_inactive', 'dead')])
def test_bot_faults(bot, slack, name, state):
    said = json.dumps({'ok': False, 'error': name})
    slack.answers.append((429 if name == 'ratelimited' else 200, said, {'Retry-After': '9'}))
    outcome = bot({'text': 'a'})
    assert outcome['state'] == state and name in outcome['error'] and not slack.messages
    assert outcome.get('retry_after') == (9 if state == 'retry' else None)


def test_bot_with_a_bad_token_or_channel(bot):
    assert bot({'text': 'a'}, token='xoxb-canary-other')['error'] == 'Slack answered invalid_auth'
    assert bot({'text': 'a', 'channel': 'C0NONE'})['error'] == 'Slack answered channel_not_found'


def test_content_is_uploaded_in_three_steps(bot, slack):
    content = bytes(range(256)) * 500
    file = {'content_base64': base64.b64encode(content).decode(), 'content_type': 'application/octet-stream',
            'object_key': 'reports/2026/Größe & more.xlsx'}
    outcome = bot({'plain': 'the <report>'}, **file)
    assert outcome['state'] == 'delivered' and outcome['exchanges'] == 3, outcome
    assert outcome['result'] == {'channel': 'C0KPI', 'file': 'F0'}
    stored = slack.files['F0']
    assert stored['name'] == 'Größe & more.xlsx' and stored['bytes'] == content
    assert stored['shared'] == {'channel_id': 'C0KPI', 'initial_comment': 'the &lt;report&gt;',
                                'files': [{'id': 'F0', 'title': 'Größe & more.xlsx'}]}
    parent = bot({'text': 'parent'})['result']
    outcome = bot({'text': 'a', 'blocks': [section('b')], 'thread': 'p', 'title': 'June'}, reference=parent, **file)
    assert outcome['state'] == 'delivered', outcome
    assert slack.files['F1']['shared'] == {'channel_id': 'C0KPI', 'thread_ts': parent['ts'], 'blocks': [section('b')],
                                           'files': [{'id': 'F1', 'title': 'June'}]}


@pytest.mark.parametrize('step', [0, 1, 2])
def test_upload_is_tried_again_whatever_step_fails(bot, slack, step):
    file = {'content_base64': 'YQ==', 'content_type': 'text/plain', 'object_key': 'a.txt'}
    real, seen = slack.answer, []

    def answer(*request):
        seen.append(request[0])
        return (503, 'busy', {}) if len(seen) == step + 1 else real(*request)
    slack.answer = answer
    assert bot({'text': 'a'}, **file)['state'] == 'retry'
    assert len(seen) == step + 1
    slack.answer = real
    assert bot({'text': 'a'}, **file)['state'] == 'delivered'


def test_a_file_can_be_answered_when_slack_says_where_it_is(bot, slack):
    file = {'content_base64': 'YQ==', 'content_type': 'text/plain', 'object_key': 'a.txt'}
    slack.shares_at_once = True
    first = bot({'text': 'report'}, **file)['result']
    assert first == {'channel': 'C0KPI', 'file': 'F0', 'ts': '1700000000.000001'}
    answer = bot({'text': 'details', 'thread': 1}, reference=first)
    assert answer['state'] == 'delivered', answer
    assert slack.calls[-1][1]['thread_ts'] == first['ts']


def test_a_message_that_may_not_be_changed_is_posted_anew(bot, slack):
    first = bot({'text': 'a'})['result']
    slack.answers.append((200, json.dumps({'ok': False, 'error': 'cant_update_message'}), {}))
    outcome = bot({'text': 'b', 'edit': 1}, reference=first)
    assert outcome['state'] == 'delivered' and outcome['result']['ts'] != first['ts'], outcome


def test_fake_is_strict(slack):
    """What the sink avoids is refused here, or the tests above prove nothing."""
    def post(arguments):
        body = json.dumps(arguments).encode()
        return slack.by_webhook('/services/T0/B0/canary', {'Content-Type': 'application/json'}, body)
    assert post({'text': 'a & b'})[1] == 'msg_too_long' and post({'text': 'a &amp; b <@U1>'})[1] == 'ok'
    assert post({'text': 'a' * 4001})[1] == 'msg_too_long' and post({'text': ''})[1] == 'no_text'
    assert post({'text': 'a', 'blocks': [section('a')] * 51})[1] == 'invalid_blocks'
    assert post({'text': 'a', 'blocks': [section('a' * 3001)]})[1] == 'invalid_blocks'
    assert post({'text': 'a', 'blocks': [section('a' * 3000)] * 5})[1] == 'msg_blocks_too_long'


@pytest.mark.parametrize('block', [
    {'type': 'sektion', 'text': {'type': 'mrkdwn', 'text': 'a'}},
    {'type': 'rich_text'},
    {'type': 'rich_text', 'elements': [{'type': 'rich_text_section', 'elements': [{'type': 'text', 'txt': 'a'}]}]},
    {'type': 'divider', 'colour': 'red'},
    {'type': 'video', 'alt_text': 'a', 'video_url': 'https://x.example/v'}])
def test_the_schema_refuses_what_slacks_types_do_not_have(deliver, slack_schema, block):
    """Blocks the sink passes on as they are, so that Slack judges them: dead, and the schema saw it."""
    with SlackFake(slack_schema) as slack:
        outcome = deliver({'kind': 'slack', 'url': slack.webhook}, {'body': {'text': 'a', 'blocks': [block]}})
        assert (outcome['state'], outcome['status']) == ('dead', 400), outcome
        assert 'invalid_blocks' in outcome['error'] and len(slack.violations) == 1


def test_the_schema_takes_blocks_of_every_kind(hook):
    rich = {'type': 'rich_text', 'elements': [{'type': 'rich_text_section', 'elements': [{'type': 'text', 'text': 'a'}]}]}
    button = {'type': 'button', 'text': {'type': 'plain_text', 'text': 'Open'}, 'url': 'https://x.example', 'action_id': 'a'}
    image = {'type': 'image', 'image_url': 'https://x.example/a.png', 'alt_text': 'a chart'}
    outcome = hook({'text': 'a', 'blocks': [rich, {'type': 'actions', 'elements': [button]}, image,
                                            {**section('a'), 'accessory': image, 'block_id': 'one'}]})
    assert outcome['state'] == 'delivered', outcome
