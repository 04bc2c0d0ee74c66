#!/usr/bin/python3
"""Wraps comment lines of C++ that pass 100 columns, which clang-format would do by reflowing tables and lists too.

The words that do not fit go to the next line: in front of it when it continues the same paragraph (same indent inside
the comment), else to a line of their own. A trailing comment moves above its code when that makes it fit.
    wrap.py FILE...          rewrites          wrap.py --check FILE...   prints lines that are too long, exit 1
"""
import re
import sys

WIDTH = 100
RAW = re.compile(r'R"(\w*)\(')  # SQL and other text keeps the lines of its author
COMMENT = re.compile(r'^(\s*//)(\s*)(.*)$')
TRAILING = re.compile(r'^(\s*)(\S.*?\S)\s{2,}(// .*)$')
ITEM = re.compile(r'^([-*]|\d+\.|\S+ {2,})')


def continues(line, indent):
    match = COMMENT.match(line)
    return bool(match) and match[1] + match[2] == indent and bool(match[3]) and not ITEM.match(match[3])


def raw_lines(lines):
    """Numbers (from 0) of the lines that lie in raw string literals, whole or in part."""
    found, end = set(), None
    for number, line in enumerate(lines):
        start = 0
        if end is None:
            match = RAW.search(line)
            if not match:
                continue
            end, start = f'){match[1]}"', match.end()
        found.add(number)
        if end in line[start:]:
            end = None
    return found


def wrap(lines):
    out, todo = [], list(lines)
    while todo:
        line = todo.pop(0)
        match = COMMENT.match(line)
        if len(line) <= WIDTH:
            out.append(line)
            continue
        if not match:
            trailing = TRAILING.match(line)
            if trailing and '"' not in trailing[3]:
                todo[0:0] = [trailing[1] + trailing[3], trailing[1] + trailing[2]]
            else:
                out.append(line)
            continue
        indent = match[1] + match[2]
        cut = line.rfind(' ', len(indent) + 1, WIDTH + 1)
        if cut < 0:
            out.append(line)
            continue
        rest = line[cut + 1:]
        out.append(line[:cut].rstrip())
        # An item of a list (`- text`, `name   text`) continues under its text.
        item = ITEM.match(match[3])
        below = indent + ' ' * (item.end() + (1 if item[0] in '-*' else 0) if item else 0)
        if todo and continues(todo[0], below):
            todo[0] = below + rest + ' ' + todo[0][len(below):]
        else:
            todo.insert(0, below + rest)
    return out


def main(arguments):
    check = arguments[:1] == ['--check']
    bad = 0
    for path in arguments[1:] if check else arguments:
        with open(path) as file:
            lines = file.read().split('\n')
        if check:
            raw = raw_lines(lines)
            for number, line in enumerate(lines):
                if len(line) > WIDTH and number not in raw:
                    bad += 1
                    print(f'{path}:{number + 1}: {len(line)} columns')
            continue
        wrapped = wrap(lines)
        if wrapped != lines:
            with open(path, 'w') as file:
                file.write('\n'.join(wrapped))
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
