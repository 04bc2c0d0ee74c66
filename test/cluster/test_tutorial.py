"""The tutorial shows what it promises: its SQL is run statement by statement, as a role that owns its tables and is a member of kpi_admin."""
import os
import re

import pytest

TUTORIAL = os.path.join(os.path.dirname(__file__), '..', '..', 'docs', 'tutorial.md')


def statements():
    """(heading, statement) in order; no statement of the tutorial has a semicolon in a literal."""
    with open(TUTORIAL) as file:
        text = file.read()
    for section in re.split(r'^## ', text, flags=re.M)[1:]:
        heading = section.splitlines()[0]
        for block in re.findall(r'^```sql\n(.*?)^```', section, re.M | re.S):
            for statement in re.sub(r'--.*', '', block).split(';'):
                if statement.strip():
                    yield heading, ' '.join(statement.split())


@pytest.fixture
def told(unattended):
    """Every statement with what it answered: heading, statement, rows."""
    role = 'shop'
    unattended.sql(f'CREATE ROLE {role} LOGIN; GRANT kpi_admin TO {role}; GRANT CREATE ON SCHEMA public TO {role}')
    connection = unattended.connect(role)
    answers = []
    for heading, statement in statements():
        with connection.cursor() as cursor:
            cursor.execute(statement)
            rows = cursor.fetchall() if cursor.description else cursor.rowcount
        answers.append((heading, statement, rows))
    connection.close()
    return answers


def answers_of(told, heading, pattern):
    found = [rows for title, statement, rows in told if title.startswith(heading) and re.search(pattern, statement)]
    assert found, (heading, pattern)
    return found


def test_the_tutorial_shows_what_it_promises(told):
    assert answers_of(told, '6.', r'^UPDATE')[0] > 0, 'the UPDATE changes rows'
    before, inside, after = [rows[0][0] for rows in answers_of(told, '6.', r"kpi\.value\('revenue'")]
    assert before == after < inside, 'with the change, and without it after ROLLBACK'
    assert answers_of(told, '6.', r'kpi\.verify') == [[]]
    assert answers_of(told, '3.', r'FROM kpi\.dirty') == [[]]
    weeks = answers_of(told, '5.', r"compare => 'previous'")[0]
    assert len(weeks) >= 16 and all(compared > 0 for *_, compared in weeks), 'every week has one to compare with'
    assert {segment['country'] for _, segment, _, _ in weeks} == {'MX', 'CO', 'PE', 'unknown'}
    assert all(value > 0 for _, segment, value, _ in weeks[:4]), 'every country has revenue, the unknown one too'
    assert all(revenue > 0 for _, _, revenue in answers_of(told, '5.', r'payment_facts_daily')[0][4:])
    assert answers_of(told, '7.', r"kpi\.value\('visits'\)") == [[(1,)]]
    assert [(state, rows) for state, _, rows in answers_of(told, '7.', r'kpi\.capture_error')[0]] == [('22012', 1)]
    assert len(answers_of(told, '9.', r'FROM mv_kpi_daily')[0]) == 7
