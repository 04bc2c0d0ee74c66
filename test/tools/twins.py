#!/usr/bin/python3
"""Finds twins in src/: one name, in one namespace, defined in two files. The linker keeps either of two inline functions, also the
members of two classes, without a word (C++'s one-definition rule), and memory is read by the other's layout.

Looks at definitions that begin a line, as clang-format leaves them: classes, structs, enums, unions, inline functions with their
parameters. What stands in a nameless namespace is a file's own.
Prints one line per pair, exit 1 if there is any.  twins.py [DIR]; twins.py --test  checks that it sees what it should.
"""
import os
import re
import sys

NAMESPACE = re.compile(r'^(?:inline )?namespace\s*([\w:]*)\s*\{')
TYPE = re.compile(r'^(?:template <.*> )?(?:class|struct|union|enum class|enum struct|enum) (?:alignas\(.*?\) )?(\w+(?:::\w+)*)(?: final)?(?:\s*:[^;]*|)\s*(?:\{|$)')
FUNCTION = re.compile(r'^(?:constexpr |\[\[\w+\]\] )*inline (?:constexpr )?[^=;]*?\b(\w+\([^;{]*\))[^;{]*(?:\{|$)')


def definitions(text):
    """Names with their namespaces, as 'kpi::engine::Days' or 'kpi::engine::sum(int a)'."""
    spaces = []
    for line in text.split('\n'):
        opened = NAMESPACE.match(line)
        if opened:
            # `namespace x { struct Y; }` opens nothing that stays
            if '}' not in line:
                spaces.append(opened[1])
            continue
        if line.startswith('}  // namespace') and spaces:
            spaces.pop()
            continue
        if '' in spaces:
            continue
        found = TYPE.match(line) or FUNCTION.match(line)
        if found and ('{' in line or not line.rstrip().endswith(';')):
            yield '::'.join([*spaces, found[1]])


def twins(files):
    """files: path -> text. Pairs as lines."""
    first = {}
    for path, text in sorted(files.items()):
        for name in definitions(text):
            other = first.setdefault(name, path)
            if other != path:
                yield f'{name}: {other} and {path}'


def check_itself():
    head = 'namespace kpi::engine {\n\n'
    foot = '\n}  // namespace kpi::engine\n'
    own = 'namespace kpi::engine {\nnamespace {\n'
    cases = [  # name, the same text in two files, seen?
        ('a struct', head + 'struct Days {\n    int a;\n};' + foot, True),
        ('a class with a base', head + 'class Days final : public Base {\n};' + foot, True),
        ('an enum', head + 'enum class Grain { hour, day };' + foot, True),
        ('an inline function', head + 'inline int twice(int a) {\n    return 2 * a;\n}' + foot, True),
        ('a declaration', head + 'struct Days;\ninline int twice(int a);' + foot, False),
        ('a nameless namespace', own + 'struct Days {\n};\n\n}  // namespace' + foot, False),
        ('after a nameless namespace', own + '}  // namespace\n\nstruct Days {\n};' + foot, True),
        ('nested', head + 'int a;' + foot, False),
    ]
    wrong = [name for name, text, seen in cases if bool(list(twins({'a.hpp': text, 'b.hpp': text}))) != seen]
    other = cases[0][1].replace('kpi::engine', 'kpi::pg')
    if list(twins({'a.hpp': cases[0][1], 'b.hpp': other})):
        wrong.append('another namespace')
    return wrong


def main(arguments):
    if arguments[:1] == ['--test']:
        found = check_itself()
    else:
        src = arguments[0] if arguments else os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'src')
        files = {}
        for folder, _, names in os.walk(src):
            for name in names:
                if name.endswith(('.cpp', '.hpp')):
                    path = os.path.join(folder, name)
                    with open(path) as file:
                        files[os.path.relpath(path, src)] = file.read()
        found = list(twins(files))
    print('\n'.join(found), end='\n' if found else '')
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
