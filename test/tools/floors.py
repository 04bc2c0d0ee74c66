#!/usr/bin/python3
"""Proves the floors of the house (docs/design.md, "Rooms") from the includes of src/.

    floor 3  entry/                                  sees everything
    floor 2  engine/ monitor/ pack/ reporting/ delivery/ worker/  see floors 1 and 0; worker/ its neighbours, monitor/
                                                     engine/, pack/ both of them
    floor 1  pg/ net/ detect/ environment/ report/   see core/ only
    floor 0  core/                                   std, fmt, nlohmann, OpenSSL's digests
             web/                                    kpi_web, a program of its own: sees core/ only

Inside engine/ and net/ arrows point one way too (INSIDE below): nobody sees a folder that is not named for it.
PostgreSQL is seen, through any chain of includes, only in pg/, entry/ and the folders of engine/ that work
inside the executor (view, capture, facts, rewrite). Its headers are named in pg/prelude.hpp and pg/bulk.hpp alone. curl is named only in net/, OpenSSL in
core/, net/ and web/, Boost, libpq and zlib only in web/, yaml-cpp only in environment/, libxlsxwriter only in report/.
Prints one line per fault, exit 1 if there is any.  floors.py [DIR]  checks another src folder (used by its own test).
"""
import os
import re
import sys

ONE = {'pg', 'net', 'detect', 'environment', 'report'}
SEES = {
    'core': set(), 'web': {'core'}, 'pg': {'core'}, 'net': {'core'}, 'detect': {'core'}, 'environment': {'core'},
    'report': {'core'},
    'engine': ONE | {'core'}, 'delivery': ONE | {'core'},
    'monitor': ONE | {'core', 'engine'},
    'pack': ONE | {'core', 'engine', 'monitor'},
    'reporting': ONE | {'core'},
    'worker': ONE | {'core', 'engine', 'monitor', 'delivery', 'reporting'},
    'entry': ONE | {'core', 'engine', 'monitor', 'pack', 'delivery', 'worker', 'reporting'},
}
# Rooms in layers: which of its neighbours each folder may see. Rooms that are not here have one folder.
KINDS = ('azure', 'file', 'mlflow', 'pushgateway', 's3', 'sheets', 'slack', 'smtp', 'webhook')
INSIDE = {
    'engine/registry': set(),
    'engine/view': set(),
    'engine/capture': {'engine/view'},
    'engine/facts': {'engine/capture', 'engine/view'},
    'engine/query': {'engine/registry', 'engine/capture'},
    'engine/rewrite': {'engine/facts', 'engine/capture', 'engine/view'},
    'engine/rollup': {'engine/registry', 'engine/rewrite'},
    'engine/source': {'engine/registry', 'engine/view', 'engine/query', 'engine/rollup'},
    'monitor/config': set(),
    'monitor/schedule': {'monitor', 'monitor/config'},
    'net/text': set(),
    'net/wire': {'net/text'},
    'net/sign': {'net/wire', 'net/text'},
    'net/sink': {'net/wire', 'net/text'},
    **{f'net/sink/{kind}': {'net/sink', 'net/sign', 'net/wire', 'net/text'} for kind in KINDS},
    'monitor/judge': set(),
    'monitor/incident': {'monitor', 'monitor/judge'},
    'monitor/history': {'monitor', 'monitor/check'},
    'monitor/rule': {'monitor', 'monitor/history', 'monitor/incident', 'monitor/judge'},
    'monitor/check': {'monitor'},
    'monitor/probe': {'monitor', 'monitor/check'},
    'monitor/publication': {'monitor/check'},
    'monitor': set(),
}
# Third-party headers: first part of the path -> the only room, or rooms, that may name it (None: every room).
OWNER = {'fmt': None, 'nlohmann': None, 'curl': 'net', 'openssl': ('core', 'net', 'web'), 'yaml-cpp': 'environment', 'xlsxwriter.h': 'report',
         'boost': 'web', 'libpq-fe.h': 'web', 'zlib.h': 'web'}
C_HEADERS = {'sys', 'pthread.h', 'unistd.h', 'poll.h', 'fcntl.h', 'netinet', 'arpa', 'netdb.h', 'signal.h'}
PRELUDES = ('pg/prelude.hpp', 'pg/bulk.hpp')
POSTGRES_ROOMS = ('pg/', 'entry/', 'engine/view/', 'engine/capture/', 'engine/facts/', 'engine/rewrite/')
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def read_tree(src):
    """path relative to src -> list of (quote, name)"""
    files = {}
    for folder, _, names in os.walk(src):
        for name in names:
            if name.endswith(('.cpp', '.hpp', '.h')):
                path = os.path.join(folder, name)
                with open(path) as file:
                    files[os.path.relpath(path, src)] = INCLUDE.findall(file.read())
    return files


def room_of(path):
    return path.split('/')[0]


def sideways(path, name):
    """An include from one folder of a room into another one that it must not see."""
    here, there = os.path.dirname(path), os.path.dirname(name)
    return here != there and room_of(path) == room_of(name) and there not in INSIDE.get(here, set())


def faults(files):
    for path, includes in sorted(files.items()):
        room = room_of(path)
        if room not in SEES or '/' not in path:
            yield f'{path}: no room of the house'
            continue
        for quote, name in includes:
            if path in PRELUDES and name not in files:
                continue
            if quote == '"':
                if name not in files:
                    yield f'{path}: "{name}" is not in src/ (PostgreSQL is included by pg/prelude.hpp only)'
                elif room_of(name) not in SEES[room] | {room}:
                    yield f'{path}: {room}/ must not see {room_of(name)}/ ({name})'
                elif sideways(path, name):
                    yield f'{path}: {os.path.dirname(path)}/ must not see {os.path.dirname(name)}/ ({name})'
                continue
            first = name.split('/')[0]
            if first in OWNER:
                owners = OWNER[first] if isinstance(OWNER[first], tuple) else (OWNER[first],)
                if None not in owners and room not in owners:
                    yield f'{path}: only {"/, ".join(owners)}/ may include <{name}>'
            elif ('.' in name or '/' in name) and first not in C_HEADERS:
                yield f'{path}: <{name}> belongs to no room'
        if not path.startswith(POSTGRES_ROOMS):
            chain = way_to(files, path, 'pg/prelude.hpp')
            if chain:
                yield f'{path}: sees PostgreSQL ({" -> ".join(chain)})'


def way_to(files, start, target):
    """The chain of includes from start to target, or None."""
    seen, todo = {start}, [[start]]
    while todo:
        chain = todo.pop(0)
        for quote, name in files.get(chain[-1], []):
            if quote != '"' or name in seen:
                continue
            if name == target:
                return [*chain, name]
            seen.add(name)
            todo.append([*chain, name])
    return None


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    src = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, '..', '..', 'src')
    found = list(faults(read_tree(src)))
    print('\n'.join(found), end='\n' if found else '')
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
