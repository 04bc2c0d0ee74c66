"""Reports as other programs read them: the sample reports of the unit tests, written by build/unit/kpi_render, opened by Python's csv
and json, by openpyxl (a reader of workbooks that shares nothing with the library that wrote them) and by a parser of HTML.
"""
import csv
import datetime
import glob
import html.parser
import json
import os
import subprocess
from decimal import Decimal

import openpyxl
import pytest

from conftest import ROOT


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp('reports')
    subprocess.run([os.path.join(ROOT, 'build', 'unit', 'kpi_render'), str(place)], check=True, timeout=120)
    return str(place)


def files(folder, ending):
    found = sorted(glob.glob(os.path.join(folder, '*' + ending)))
    assert found
    return found


def read_csv(folder, name):
    with open(os.path.join(folder, name), encoding='utf-8', newline='') as file:
        return list(csv.reader(file, strict=True))


def read_json(folder, name):
    with open(os.path.join(folder, name), encoding='utf-8') as file:
        return json.load(file, parse_float=Decimal, parse_int=Decimal)


def test_csv_and_json_have_the_same_digits(folder):
    rows, data = read_csv(folder, 'daily.en.csv'), read_json(folder, 'daily.en.json')['data']
    assert rows[0] == data['columns']
    assert rows[0] == ['day', 'leads', 'conversion_pct', 'revenue', 'payments_count', 'payments_success_rate']
    assert len(rows) == 31
    for line, values in zip(rows[1:], data['rows']):
        assert line == ['' if value is None else str(value) for value in values]


def test_every_json_is_json(folder):
    for path in files(folder, '.json'):
        read_json(folder, path)


def test_a_workbook_has_dates_numbers_and_no_formula(folder):
    for path in files(folder, '.xlsx'):
        book = openpyxl.load_workbook(path)
        names = book.sheetnames
        assert len({name.lower() for name in names}) == len(names)
        for sheet in book:
            assert 0 < len(sheet.title) <= 31
            for row in sheet.iter_rows():
                assert all(cell.data_type != 'f' for cell in row), (path, sheet.title)
            if sheet is not book.worksheets[0]:
                assert sheet.freeze_panes == 'B2'
                assert sheet.auto_filter.ref == sheet.dimensions


def test_the_data_of_a_workbook_is_that_of_the_csv(folder):
    sheet = openpyxl.load_workbook(os.path.join(folder, 'daily.en.xlsx'))['Data']
    rows = read_csv(folder, 'daily.en.csv')
    for line, cells in zip(rows[1:], sheet.iter_rows(min_row=2)):
        assert isinstance(cells[0].value, datetime.datetime)
        assert cells[0].value.date().isoformat() == line[0]
        assert [cell.value for cell in cells[1:]] == [None if field == '' else float(field) for field in line[1:]]
    assert sheet['D2'].number_format == '"€"#,##0.00;-"€"#,##0.00'


def test_charts_of_a_workbook_are_its_own(folder):
    book = openpyxl.load_workbook(os.path.join(folder, 'weekly.en.xlsx'))
    assert {sheet.title: len(sheet._charts) for sheet in book if sheet._charts} == {
        'Revenue': 1, 'Sources and countries': 1, 'Leads': 1}
    chart = book['Revenue']._charts[0]
    assert chart.series[0].val.numRef.f == 'Revenue!$B$2:$B$29'


class Balance(html.parser.HTMLParser):
    """Every element is closed in its order; ids are there once."""
    def __init__(self):
        super().__init__()
        self.open, self.ids, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.ids += [value for name, value in attrs if name == 'id']
        assert len({name for name, _ in attrs}) == len(attrs)
        self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        assert tag in {'meta', 'br', 'path', 'rect', 'line', 'circle'}

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)



def test_a_page_is_well_formed_and_shows_names_as_they_are(folder):
    for path in files(folder, '.html'):
        with open(path, encoding='utf-8') as file:
            page = file.read()
        parser = Balance()
        parser.feed(page)
        parser.close()
        assert parser.open == []
        assert len(set(parser.ids)) == len(parser.ids)
        assert '<script' not in page
        if 'weekly' in path:
            assert any('<script>alert(1)</script>' in text for text in parser.text)
