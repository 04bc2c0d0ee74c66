"""HTML reports in a browser: the samples of the unit tests, as build/unit/kpi_render writes them, at three widths, in both themes, what
axe finds in them, and where everything stands: the golden files hold no style sheet, so what it does is measured here. Pictures are kept in build/results/page: look at them after a change."""
import glob
import os
import re
import subprocess

import pytest
from browser import ROOT, axe, picture

WIDTHS = (360, 768, 1280)
# What is seen and yet beyond its card, and labels of one chart that touch: [what, ...]. A table that is pushed sideways may be wider.
MISPLACED = '''() => {
    const faults = [], box = (one) => one.getBoundingClientRect(), seen = (one) => box(one).width > 0;
    for (const card of document.querySelectorAll('.card, .tiles > li')) {
        const room = box(card);
        for (const one of card.querySelectorAll('svg text, p, span, h3, b, .bars td, .bars th'))
            if (seen(one) && (box(one).left < room.left - 0.5 || box(one).right > room.right + 0.5) && !one.closest('.scroll'))
                faults.push(`"${one.textContent}" is beyond its card`);
    }
    for (const plot of document.querySelectorAll('.plot')) {
        const labels = [...plot.querySelectorAll('text')].filter(seen).map((one) => [one.textContent, box(one)]);
        if (labels.length < 4) faults.push('a chart has no labels');
        labels.forEach(([name, a], i) => labels.slice(i + 1).forEach(([other, b]) => {
            if (a.left < b.right + 2 && b.left < a.right + 2 && a.top < b.bottom - 1 && b.top < a.bottom - 1) faults.push(`"${name}" touches "${other}"`);
        }));
    }
    return faults;
}'''
COLUMNS = '''() => new Set([...document.querySelectorAll('.charts .card')].map((one) => Math.round(one.getBoundingClientRect().left))).size'''


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp('reports')
    place.chmod(0o755)
    subprocess.run([os.path.join(ROOT, 'build', 'unit', 'kpi_render'), str(place)], check=True, timeout=120)
    # The golden reports of a hotel, which have several charts in a section, with the style sheet that they are kept without.
    style = re.search('<style>.*?</style>', (place / 'daily.en.html').read_text(encoding='utf-8'), re.DOTALL)[0]
    for path in glob.glob(os.path.join(ROOT, 'test', 'data', 'hotel_resort', 'reports', '*.html')):
        with open(path, encoding='utf-8') as file:
            page = file.read()
        assert '</head>' in page
        (place / f'hotel-{os.path.basename(path)}').write_text(page.replace('</head>', style + '</head>', 1), encoding='utf-8')
    return place


def pages(folder):
    return [path for path in sorted(glob.glob(os.path.join(folder, '*.html'))) if not path.endswith('.mail.html')]


@pytest.mark.parametrize('dark', [False, True])
def test_reports_fit_and_are_accessible(browser, folder, dark):
    paths = [path for path in pages(folder) if 'hotel-' not in path]
    assert len(paths) >= 6
    faults = []
    for path in paths:
        name = os.path.basename(path).removesuffix('.html')
        page = browser.new_page(color_scheme='dark' if dark else 'light')
        page.goto(f'file://{path}')
        for width in WIDTHS:
            page.set_viewport_size({'width': width, 'height': 900})
            if page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth'):
                faults.append(f'{name} is wider than {width}')
            if not dark and name in ('daily.en', 'weekly.en', 'monthly.en'):
                picture(page, f'report-{name}-{width}')
        faults += [f'{name}: {fault}' for fault in axe(page)]
        page.close()
    assert not faults, '\n'.join(faults)


def test_everything_stands_in_its_place(browser, folder):
    faults = []
    page = browser.new_page()
    for path in pages(folder):
        name = os.path.basename(path).removesuffix('.html')
        page.goto(f'file://{path}')
        for width in WIDTHS:
            page.set_viewport_size({'width': width, 'height': 900})
            faults += [f'{name} at {width}: {fault}' for fault in page.evaluate(MISPLACED)]
            if page.query_selector('.charts') and page.evaluate(COLUMNS) != (2 if width >= 1000 else 1):
                faults.append(f'{name} at {width}: charts are not in the columns they should be')
    page.close()
    assert not faults, '\n'.join(faults)


def test_on_paper_nothing_is_cut_off(browser, folder):
    """A4 without its margins is 182 mm wide, 688 pixels."""
    faults = []
    page = browser.new_page(viewport={'width': 688, 'height': 1000})
    page.emulate_media(media='print')
    for path in pages(folder):
        name = os.path.basename(path).removesuffix('.html')
        page.goto(f'file://{path}')
        faults += [f'{name}: {fault}' for fault in page.evaluate(MISPLACED)]
        if page.evaluate('Math.max(...[...document.querySelectorAll("body *")].map((one) => one.getBoundingClientRect().right)) > 689'):
            faults.append(f'{name} is wider than the paper')
    page.close()
    assert not faults, '\n'.join(faults)
