"""HTML reports in a browser: the samples of the unit tests, as build/unit/kpi_render writes them, at three widths, in both themes, and what
axe finds in them. Pictures are kept in build/results/page: look at them after a change."""
import glob
import os
import subprocess

import pytest
from browser import ROOT, axe, picture

WIDTHS = (360, 768, 1280)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp('reports')
    place.chmod(0o755)
    subprocess.run([os.path.join(ROOT, 'build', 'unit', 'kpi_render'), str(place)], check=True, timeout=120)
    return place


@pytest.mark.parametrize('dark', [False, True])
def test_reports_fit_and_are_accessible(browser, folder, dark):
    paths = [path for path in sorted(glob.glob(os.path.join(folder, '*.html'))) if not path.endswith('.mail.html')]
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
