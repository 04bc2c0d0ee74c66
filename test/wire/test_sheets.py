"""The sheets sink against a fake of Google Sheets (sheets_fake.js), which is held to Google's own client here."""
import base64
import json
import time
import urllib.request

import pytest

from sheets_server import EMAIL, Sheets


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    made = Sheets(tmp_path_factory.mktemp('sheets'))
    yield made
    made.stop()


@pytest.fixture
def sheets(server):
    server.control(reset=True)
    server.control(refuse_tokens=False)
    return server


@pytest.fixture
def send(deliver, sheets):
    def run(body, options=None, account=None, url=None, allowed_hosts='127.0.0.1', **message):
        account = account or sheets.service_account()
        sink = {'kind': 'sheets', 'url': url or sheets.url, 'secret': {'service_account': account},
                'options': {'spreadsheet': 'book', **(options or {})}}
        outcome = deliver(sink, {'body': body, **message}, allowed_hosts=allowed_hosts)
        shown = json.dumps(outcome)
        assert 'canary' not in shown and 'PRIVATE' not in shown and sheets.url not in shown and 'eyJ' not in shown, shown
        return outcome
    return run


def sent(outcome):
    assert outcome['state'] == 'delivered', outcome
    return outcome


REPORT = [['day', 'segment', 'leads'], ['2026-11-24', 'DE', 17], ['2026-11-24', 'größe', 2.5]]


# The fake and Google's client

def test_googles_client_and_the_sink_have_the_same_effect(sheets, send):
    """Each operation once by Google's client on one spreadsheet and once by the sink on another."""
    values = {'values': REPORT, 'majorDimension': 'ROWS'}
    day = "'Día 1'!B2"
    by_client = sheets.client(
        ['spreadsheets.values', 'batchUpdate', {'requestBody': {'valueInputOption': 'RAW', 'data': [
            {'range': "'Leads'!A1", **values}, {'range': day, 'majorDimension': 'ROWS', 'values': [['=1+1', True]]}]}}],
        ['spreadsheets.values', 'append', {'range': "'Leads'!A1", 'valueInputOption': 'RAW', 'insertDataOption': 'INSERT_ROWS',
                                           'requestBody': {'range': "'Leads'!A1", 'majorDimension': 'ROWS', 'values': [['x', '', 3]]}}],
        ['spreadsheets.values', 'batchClear', {'requestBody': {'ranges': ["'Leads'!A2:A2"]}}],
        ['spreadsheets', 'batchUpdate', {'requestBody': {'requests': [{'addSheet': {'properties': {'title': 'New'}}}]}}],
        ['spreadsheets.values', 'get', {'range': day + ':C2', 'valueRenderOption': 'UNFORMATTED_VALUE'}])
    assert by_client[0]['totalUpdatedCells'] == 11 and by_client[1]['updates']['updatedRange'] == "'Leads'!A4:C4"
    assert by_client[4]['values'] == [['=1+1', True]]
    client_calls = sheets.calls()
    sent(send({'data': [{'range': 'Leads!A1', 'values': REPORT}, {'range': day, 'values': [['=1+1', True]]}]}))
    assert sent(send({'mode': 'append', 'range': 'Leads!a1', 'values': [['x', None, 3]]}))['result']['cells'] == 3
    sent(send({'mode': 'replace', 'range': 'Leads!A2:A2', 'values': []}))
    sent(send({'batch': {'requests': [{'addSheet': {'properties': {'title': 'New'}}}]}}))
    state = sheets.control()['sheets']
    state['book'].pop('Hidden')
    assert state['book'].pop('New') and state['other'].pop('New')
    assert state['book'] == state['other'] and state['book']['Leads']['values'][3] == ['x', '', 3]
    # and the requests themselves are those of the client
    ours = [[method, path.replace('/book', '/other'), *rest] for method, path, *rest in sheets.calls()[len(client_calls):]]
    assert ours == client_calls[:4]


def test_the_fake_keeps_cells_for_googles_client(sheets):
    def on(method, where, **more):
        return ['spreadsheets.values', method, {'range': where, **more}]

    def write(values):
        return {'valueInputOption': 'USER_ENTERED', 'requestBody': {'values': values}}
    answers = sheets.client(on('update', 'A1:B2', **write([['a', '5'], [None, '=A1']])), on('get', 'A1:C3'),
                            on('clear', 'A1:A1'), on('get', 'A1:C3'), on('update', 'A2', **write([[None, '']])), on('get', 'A1:C3'))
    assert answers[0]['updatedCells'] == 3
    assert answers[1]['values'] == [['a', 5], ['', {'formula': '=A1'}]]
    assert answers[2]['clearedRange'] == "'Leads'!A1:A1"
    assert answers[3]['values'] == [['', 5], ['', {'formula': '=A1'}]] and answers[5]['values'] == [['', 5]]


@pytest.mark.parametrize('operation, said', [
    (['spreadsheets.values', 'get', {'range': 'None!A1'}], 'Unable to parse range: None!A1'),
    (['spreadsheets.values', 'get', {'range': 'A21'}], 'Range (A21) exceeds grid limits. Max rows: 20, max columns: 6'),
    (['spreadsheets.values', 'update', {'range': 'A1', 'valueInputOption': 'RAW', 'requestBody': {'values': [['a' * 50001]]}}], '50000'),
    (['spreadsheets.values', 'update', {'range': 'A1', 'requestBody': {'values': [[1]]}}], 'valueInputOption'),
    (['spreadsheets.values', 'update', {'range': 'A1:B1', 'valueInputOption': 'RAW', 'requestBody': {'values': [[1], [2]]}}], 'beyond'),
    (['spreadsheets.values', 'update', {'range': 'A1', 'valueInputOption': 'RAW', 'requestBody': {'values': [[{}]]}}], 'Invalid values'),
    (['spreadsheets.values', 'update', {'range': 'A1', 'valueInputOption': 'RAW', 'requestBody': {'value': [[1]]}}], 'Invalid JSON payload'),
    (['spreadsheets.values', 'batchClear', {'requestBody': {'ranges': 'A1'}}], 'Invalid JSON payload'),
    (['spreadsheets', 'batchUpdate', {'requestBody': {'requests': [{'addShet': {}}]}}], 'Invalid JSON payload'),
    (['spreadsheets', 'batchUpdate', {'requestBody': {'requests': [{'addSheet': {'properties': {'title': 5}}}]}}], 'Invalid JSON payload')])
def test_the_fake_refuses_what_google_refuses(sheets, operation, said):
    before = sheets.control()['sheets']
    answer = sheets.client(operation)
    assert answer['status'] == 400 and said in answer['error'], answer
    assert sheets.control()['sheets'] == before


@pytest.mark.parametrize('claims, said', [
    ({'key': 'other.pem'}, 'invalid_grant: Invalid JWT Signature.'),
    ({'aud': 'https://oauth2.googleapis.com/token'}, 'invalid_grant: Invalid JWT: Failed audience check.'),
    ({'iat': 1, 'exp': 3601}, 'invalid_grant: Invalid JWT: Token must be a short-lived token'),
    ({'exp': int(time.time()) + 7200}, 'invalid_grant: Invalid JWT: Token must be a short-lived token'),
    ({'iss': 'x@y'}, 'invalid_grant: Invalid grant: account not found'),
    ({'scope': 'https://www.googleapis.com/auth/drive'}, 'invalid_scope: Invalid OAuth scope')])
def test_the_fake_refuses_jwts(sheets, claims, said):
    answer = sheets.client(['spreadsheets.values', 'get', {'range': 'A1'}], **claims)
    assert answer['status'] == 400 and said in answer['error'] and sheets.calls() == []


def test_the_fake_refuses_requests_without_a_good_token(sheets):
    for header in ({}, {'Authorization': 'Bearer canary-token-9'}):
        request = urllib.request.Request(sheets.url + '/v4/spreadsheets/book/values/A1', headers=header)
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=20)
        assert refused.value.code == 401
    assert sheets.client(['spreadsheets.values', 'get', {'range': 'A1'}], book='private')['status'] == 403
    assert sheets.client(['spreadsheets.values', 'get', {'range': 'A1'}], book='none')['status'] == 404


# What the sink writes

def test_update_in_place(sheets, send):
    outcome = sent(send({'values': REPORT}, {'range': 'Leads!B2'}))
    assert outcome['result'] == {'spreadsheet': 'book', 'cells': 9} and outcome['exchanges'] == 2
    assert sheets.cells() == [[], *[['', *row] for row in REPORT]]
    sent(send({'range': 'Leads!B2', 'values': [[None, '=A1', -1e-7]]}))
    assert sheets.cells()[1] == ['', '', '=A1', -1e-7]
    sent(send({'range': 'A1', 'values': [['first']]}))
    assert sheets.cells()[0] == ['first'] and sheets.cells('Hidden') == []


def test_user_entered_runs_formulas(sheets, send):
    sent(send({'range': 'Leads!A1', 'values': [['=1+1', '5']]}, {'value_input': 'USER_ENTERED'}))
    assert sheets.cells() == [[{'formula': '=1+1'}, 5]]


def test_replace_leaves_nothing_of_before(sheets, send):
    old = [['old'] * 6] * 15
    sent(send({'range': 'Leads!A1', 'values': old}))
    sent(send({'mode': 'replace', 'range': 'Leads!B2:E', 'values': [['a'], ['b', 1]]}))
    cells = sheets.cells()
    assert cells[0] == ['old'] * 6 and cells[1] == ['old', 'a', '', '', '', 'old'] and cells[2] == ['old', 'b', 1, '', '', 'old']
    assert cells[3:] == [['old', '', '', '', '', 'old']] * 12
    sent(send({'mode': 'replace', 'range': 'Leads!F14:F14', 'values': [[7]]}))
    sent(send({'mode': 'replace', 'range': 'Leads!A2:A3', 'values': []}))
    cells = sheets.cells()
    assert cells[13] == ['old', '', '', '', '', 7] and cells[14][5] == 'old' and cells[1][0] == '' and cells[3][0] == 'old'


def test_replace_never_empties_first(sheets, send):
    sent(send({'range': 'Leads!A1', 'values': [['old']] * 5}))
    sheets.control(answers=[None, [503, {}, {}]])
    assert send({'mode': 'replace', 'range': 'Leads!A:B', 'values': [['new']]})['state'] == 'retry'
    assert sheets.cells() == [['new'], *[['old']] * 4]
    sent(send({'mode': 'replace', 'range': 'Leads!A:B', 'values': [['new']]}))
    assert sheets.cells() == [['new']]


KEYED = {'mode': 'append', 'range': 'Leads!A1', 'key_columns': 2, 'values': REPORT}


def test_append_with_a_key_writes_a_row_once(sheets, send):
    for _ in range(2):
        sent(send(KEYED))
        assert sheets.cells() == REPORT
    changed = [REPORT[0], ['2026-11-24', 'größe', 3], ['2026-11-25', 'DE', 18], [5, True, 'x']]
    for _ in range(2):
        sent(send({**KEYED, 'values': changed}))
        assert sheets.cells() == [*REPORT[:2], *changed[1:]]
    assert [call[1].rpartition('/')[2] for call in sheets.calls()[-2:]] == ["'Leads'!A1:B", 'values:batchUpdate']


def test_append_whose_answer_was_lost(sheets, send):
    sheets.control(lost=2)
    assert send(KEYED)['state'] == 'retry' and sheets.cells() == REPORT
    sent(send(KEYED))
    assert sheets.cells() == REPORT
    plain = {'mode': 'append', 'range': 'Leads!A1', 'values': [['plain']]}
    sheets.control(lost=1)
    assert send(plain)['state'] == 'retry'
    sent(send(plain))  # at least once, as documented
    assert sheets.cells() == [*REPORT, ['plain'], ['plain']]


def test_append_makes_room(sheets, send):
    sent(send({'data': [{'range': "'Día 1'!B2", 'values': [['head']]}, {'range': "'Día 1'!B4", 'values': [['total']]}]}))
    sent(send({'mode': 'append', 'range': "Día 1!B2", 'values': [[i] for i in range(30)]}))
    assert sheets.cells('Día 1') == [[], ['', 'head'], *[['', i] for i in range(30)], [], ['', 'total']]


@pytest.mark.parametrize('body, size', [
    ({'range': 'Leads!C19', 'values': [[1, 2, 3, 4, 5]] * 10}, (28, 7)),
    ({'mode': 'replace', 'range': 'Leads!A1:H', 'values': [[1]] * 20}, (21, 8)),
    ({'mode': 'replace', 'range': 'Leads!A1:B40', 'values': [[1]]}, (40, 6)),
    ({**KEYED, 'range': 'Leads!F1'}, (23, 8))])
def test_a_sheet_that_is_too_small_grows(sheets, send, body, size):
    sent(send(body))
    leads = sheets.control()['sheets']['book']['Leads']
    assert (leads['rows'], leads['columns']) == size and leads['values'][-1][-1] == body['values'][-1][-1]
    sent(send(body))
    again = sheets.control()['sheets']['book']['Leads']
    assert again == leads


@pytest.mark.parametrize('body', [
    {'range': "It's new!A1", 'values': REPORT}, {**KEYED, 'range': "'It''s new'!A1"},
    {'mode': 'append', 'range': "It's new!A:C", 'values': REPORT}, {'mode': 'replace', 'range': "It's new!A:C", 'values': REPORT}])
def test_a_sheet_that_is_not_there(sheets, send, body):
    outcome = send(body)
    assert outcome['state'] == 'dead', outcome
    assert outcome['error'] == 'the spreadsheet has no sheet "It\'s new"; option create_sheet makes it'
    for _ in range(2):
        sent(send(body, {'create_sheet': True}))
    made = sheets.control()['sheets']['book']["It's new"]
    assert made['values'][:3] == REPORT and made['rows'] >= 1000
    assert len(made['values']) == (6 if body.get('mode') == 'append' and 'key_columns' not in body else 3)


def test_many_rows_at_once(sheets, send):
    rows = [[f'key {i}', i, i / 7] for i in range(3000)]
    sent(send({'mode': 'replace', 'range': 'Big!A:C', 'values': rows}, {'create_sheet': True}))
    sent(send({'mode': 'append', 'range': 'Big!A1', 'key_columns': 1, 'values': rows[::2]}))
    assert sheets.cells('Big') == rows


def test_several_spreadsheets_by_address(sheets, send):
    sent(send({'spreadsheet': 'https://docs.google.com/spreadsheets/d/other/edit#gid=0', 'range': 'Leads!A1', 'values': [[1]]}))
    assert sheets.cells(book='other') == [[1]] and sheets.cells() == []


def test_check_changes_nothing(sheets, send):
    sent(send({'range': 'Leads!A1', 'values': [['kept']]}))
    before = sheets.control()['sheets']
    sent(send({'mode': 'check'}))
    assert sheets.control()['sheets'] == before and len(sheets.calls()) == 2
    assert send({'mode': 'check', 'spreadsheet': 'private'})['state'] == 'dead'


# Tokens

CELL = {'range': 'Leads!A1', 'values': [[1]]}


def test_a_key_that_google_does_not_know(sheets, send):
    outcome = send(CELL, account=sheets.service_account('other.pem'))
    assert outcome['state'] == 'dead' and outcome['exchanges'] == 1
    assert 'the token server answered 400, invalid_grant: Invalid JWT Signature.' in outcome['error']


def test_a_clock_that_is_wrong(sheets, send):
    for skew in (-7200, 7200):
        sheets.control(reset=True, skew=skew)
        assert sent(send(CELL))['exchanges'] == 3
    wrong = json.dumps({'error': 'invalid_grant'})
    far = {'Date': 'Tue, 24 Nov 2020 10:00:00 GMT'}
    sheets.control(reset=True, token_answers=[[400, wrong, far], [400, wrong, far]])
    outcome = send(CELL)
    assert outcome['state'] == 'dead' and outcome['exchanges'] == 2 and 'clock' in outcome['error']


def test_a_token_that_is_refused_is_asked_for_again_once(sheets, send):
    sheets.control(answers=[[401, {'error': {'status': 'UNAUTHENTICATED'}}, {}]])
    assert sent(send(CELL))['exchanges'] == 4 and sheets.control()['tokens'] == 2
    sheets.control(refuse_tokens=True)
    outcome = send(CELL)
    assert outcome['state'] == 'dead' and outcome['exchanges'] == 4 and sheets.control()['tokens'] == 4
    assert outcome['error'].startswith('Google answered 401, UNAUTHENTICATED: Request had')


@pytest.mark.parametrize('answer, state, said', [
    ([503, 'busy', {'Retry-After': '7'}], 'retry', 'no access token: the token server answered 503'),
    ([200, '<html>', {}], 'dead', 'no access token: the token server answered 200'),
    ([302, '', {'Location': 'https://x'}], 'dead', 'a redirect'),
    ([401, {'error': 'invalid_client', 'error_description': 'see https://x/y'}, {}], 'dead', 'invalid_client: see (a link)')])
def test_a_token_server_that_is_not_well(sheets, send, answer, state, said):
    sheets.control(token_answers=[answer])
    outcome = send(CELL)
    assert outcome['state'] == state and said in outcome['error'], outcome
    assert outcome.get('retry_after') == (7 if state == 'retry' else None) and sheets.cells() == []


def test_both_hosts_are_judged(sheets, send):
    elsewhere = sheets.url.replace('127.0.0.1', 'localhost')
    outcome = send(CELL, url=elsewhere, allowed_hosts='localhost !127.0.0.0/8')
    assert outcome['state'] == 'dead' and outcome['error'] == 'host "127.0.0.1" is not in kpi.allowed_hosts', outcome
    assert sheets.control()['tokens'] == 0
    outcome = send(CELL, url=elsewhere, allowed_hosts='127.0.0.1 !localhost')
    assert outcome['state'] == 'dead' and outcome['error'] == 'host "localhost" is not in kpi.allowed_hosts', outcome
    assert sheets.control()['tokens'] == 1


# Answers of Google's

def fault(code, status, message='m', **more):
    return [code, {'error': {'code': code, 'status': status, 'message': message, **more}}, {'Retry-After': '9'}]


@pytest.mark.parametrize('answer, state, said', [
    (fault(429, 'RESOURCE_EXHAUSTED', "Quota exceeded for quota metric 'Write requests'"), 'retry', '429, RESOURCE_EXHAUSTED: Quota exceeded'),
    (fault(503, 'UNAVAILABLE'), 'retry', '503, UNAVAILABLE: m'),
    (fault(500, 'INTERNAL'), 'retry', '500, INTERNAL'),
    (fault(409, 'ABORTED'), 'retry', '409, ABORTED'),
    (fault(403, 'PERMISSION_DENIED', details=[{'reason': 'RATE_LIMIT_EXCEEDED'}]), 'retry', '403'),
    (fault(403, 'PERMISSION_DENIED', errors=[{'reason': 'rateLimitExceeded'}]), 'retry', '403'),
    (fault(403, 'PERMISSION_DENIED', 'use https://console.example/x now', details=[{'reason': 'SERVICE_DISABLED'}]), 'dead',
     'use (a link) now; enable the Google Sheets API'),
    (fault(403, 'PERMISSION_DENIED', 'You are trying to edit a protected cell'), 'dead', f'protected cell; share the spreadsheet with {EMAIL}'),
    (fault(404, 'NOT_FOUND', 'Requested entity was not found.'), 'dead', '404, NOT_FOUND: Requested entity was not found.'),
    (fault(400, 'INVALID_ARGUMENT', 'This action would exceed 10000000 cells with canary-token-1'), 'dead', 'cells with ***'),
    ([200, '<html>sign in</html>', {}], 'dead', 'the answer is not one of Google Sheets'),
    ([502, '<html>canary</html>', {'Retry-After': '9'}], 'retry', 'Google answered 502')])
def test_faults(sheets, send, answer, state, said):
    sheets.control(answers=[answer])
    outcome = send(CELL)
    assert outcome['state'] == state and said in outcome['error'], outcome
    assert outcome.get('retry_after') == (9 if state == 'retry' else None) and sheets.cells() == []


def test_a_spreadsheet_that_is_not_shared_or_not_there(send):
    assert f'PERMISSION_DENIED: The caller does not have permission; share the spreadsheet with {EMAIL} as an editor' in \
        send({**CELL, 'spreadsheet': 'private'})['error']
    assert send({**CELL, 'spreadsheet': 'gone'})['error'] == 'Google answered 404, NOT_FOUND: Requested entity was not found.'


@pytest.mark.parametrize('step', range(3))
def test_whatever_step_fails_is_done_again(sheets, send, step):
    body = {**KEYED, 'values': [['a', 'b', 1], ['c', 'd', 2]]}
    sent(send({'range': 'Leads!A1', 'values': [['a', 'b', 0]]}))
    sheets.control(answers=[None] * step + [fault(503, 'UNAVAILABLE')])
    assert send(body)['state'] == 'retry'
    assert sent(send(body)) and sheets.cells() == body['values']


def test_files_are_refused(sheets, send):
    outcome = send({}, content_base64=base64.b64encode(b'a,b').decode(), content_type='text/csv')
    assert outcome['sqlstate'] == '22023' and outcome['error'] == 'a spreadsheet takes no files' and outcome['exchanges'] == 0
