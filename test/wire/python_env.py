"""Python packages for the tests of sinks, as requirements.txt has them, in a virtual environment of their own: build/mlflow.

    folder = programs()     # installed once, again only when requirements.txt or Python changes
    subprocess.Popen([os.path.join(folder, 'mlflow'), 'server'])
"""
import os
import shutil
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.normpath(os.path.join(HERE, '..', '..', 'build', 'mlflow'))


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.fail(f'{" ".join(command[:4])} failed:\n' + (done.stdout + done.stderr)[-2000:])


def programs():
    """Returns build/mlflow/bin."""
    requirements, done = os.path.join(HERE, 'requirements.txt'), os.path.join(FOLDER, 'installed.txt')
    with open(requirements, encoding='utf-8') as wanted:
        text = f'{sys.version}\n{wanted.read()}'
    if not os.path.exists(done) or open(done, encoding='utf-8').read() != text:
        shutil.rmtree(FOLDER, ignore_errors=True)
        run(sys.executable, '-m', 'venv', FOLDER)
        run(os.path.join(FOLDER, 'bin', 'pip'), 'install', '--quiet', '--no-input', '--disable-pip-version-check', '--no-deps',
            '-r', requirements)
        with open(done, 'w', encoding='utf-8') as mark:
            mark.write(text)
    return os.path.join(FOLDER, 'bin')
