#!/usr/bin/python3
"""clang-tidy over src/.    tidy.py [file...]      all files by default; prints what is wrong, exit code 1 for any

Parsing the headers of json, fmt and PostgreSQL costs more than judging a file, so the files of a folder are judged as one (a fifth of the
time). A file whose private names stand in another one of its folder too is judged by itself; so are files that are named as arguments.
A file is judged again only when it, a header it includes (the compiler's .d file; before the first build: any header), or the rules changed.
clang-tidy is pinned to version 14: another one judges differently. KPI_JOBS (2) folders are judged at once.
"""
import concurrent.futures
import glob
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
STAMPS = os.path.join(ROOT, 'build', 'tidy')
RULES = os.path.join(ROOT, '.clang-tidy')
NOISE = re.compile(r'^(\d+ warnings?( and \d+ errors?)? generated|Suppressed |Use -header-filter|Error while processing)')
CLASH = re.compile(r'^(\S+?):\d+:\d+: (?:fatal )?error: ')


def flags():
    config = subprocess.run([os.path.join(ROOT, 'test/tools/tree.sh'), 'config'], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    includes = [subprocess.run([config, option], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
                for option in ('--includedir-server', '--includedir')]
    # Relative: what headers of src/ say is not asked for, but each file is, which one_file() names whole.
    return ['-std=c++20', '-Isrc', '-isystem', includes[0], '-isystem', includes[1], '-DKPI_VERSION="0"', '-D_GNU_SOURCE',
            '-DBOOST_ASIO_SEPARATE_COMPILATION', '-DBOOST_BEAST_SEPARATE_COMPILATION',
            '-DPGDLLEXPORT=__attribute__((visibility("default")))', '-Wno-register']


def stamp(file):
    return os.path.join(STAMPS, file.replace('/', '_'))


def changed(file, headers):
    try:
        judged = os.stat(stamp(file)).st_mtime_ns
    except FileNotFoundError:
        return True
    try:
        with open(file[:-4] + '.d', encoding='utf-8') as d:
            mine = set(re.findall(r'src/\S+\.hpp', d.read()))
    except FileNotFoundError:
        mine = headers
    return any(not os.path.exists(f) or os.stat(f).st_mtime_ns > judged for f in [RULES, file, *mine])


def one_file(name, files):
    path = os.path.join(STAMPS, name + '.together.cpp')
    with open(path, 'w', encoding='utf-8') as together:
        together.writelines(f'#include "{os.path.join(ROOT, file)}"  // NOLINT\n' for file in files)
    return path


def apart(name, files, options):
    """The files that go together, and those that do not: where one's names clash with another's, the compiler says so."""
    alone = []
    while len(files) > 1:
        path = one_file(name, files)
        parsed = subprocess.run(['clang++-14', '-fsyntax-only', '-w', '-ferror-limit=0', *options, path], stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, check=False)
        if parsed.returncode == 0:
            return path, files, alone
        clashing = {os.path.relpath(hit.group(1), ROOT) for hit in map(CLASH.match, parsed.stdout.splitlines()) if hit}
        clashing = [file for file in files if file in clashing] or files
        alone += clashing
        files = [file for file in files if file not in clashing]
    return None, [], alone + files


def judge(path, files, options):
    done = subprocess.run(['clang-tidy-14', '--quiet', '--config-file=' + RULES, path, '--', *options], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode == 0:
        for file in files:
            with open(stamp(file), 'w', encoding='utf-8'):
                pass
        return ''
    return '\n'.join(line for line in done.stdout.splitlines() if not NOISE.match(line)) or f'clang-tidy failed on {" ".join(files)}'


def judge_folder(folder, files, options):
    name = folder.replace('/', '_')
    path, together, alone = apart(name, files, options)
    said = [judge(path, together, options)] if path else []
    return [text for text in said + [judge(file, [file], options) for file in alone] if text]


def main(arguments):
    os.chdir(ROOT)
    os.makedirs(STAMPS, exist_ok=True)
    options, headers = flags(), set(glob.glob('src/**/*.hpp', recursive=True))
    folders = {}
    for file in sorted(arguments or glob.glob('src/**/*.cpp', recursive=True)):
        if changed(file, headers):
            folders.setdefault(file if arguments else os.path.dirname(file), []).append(file)
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get('KPI_JOBS', '2'))) as pool:
        wrong = [text for said in pool.map(lambda item: judge_folder(*item, options), sorted(folders.items())) for text in said]
    print('\n'.join(wrong), end='\n' if wrong else '')
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
