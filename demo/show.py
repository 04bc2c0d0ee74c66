"""Plain terminal output: headings, tables, numbers. No colours, no cursor tricks: the output may go to a file."""
import statistics


def heading(text):
    print(f'\n{text}\n{"-" * len(text)}', flush=True)


def say(text):
    print(text, flush=True)


def table(columns, rows):
    """Numbers to the right, text to the left."""
    cells = [[cell if isinstance(cell, str) else number(cell) for cell in row] for row in rows]
    widths = [max(len(text) for text in column) for column in zip(columns, *cells)]
    right = [all(not isinstance(row[i], str) for row in rows) for i in range(len(columns))]
    for line in [columns, ['-' * width for width in widths], *cells]:
        say('  ' + '  '.join(text.rjust(width) if is_right else text.ljust(width)
                             for text, width, is_right in zip(line, widths, right)).rstrip())


def number(value):
    if value is None:
        return '-'
    if float(value) == int(value):
        return f'{int(value):,}'
    return f'{float(value):,.1f}'


def change(now, before):
    return '-' if now is None or not before else f'{100 * (now - before) / abs(before):+.1f} %'


def milliseconds(seconds):
    return f'{seconds * 1000:,.1f} ms' if seconds < 0.1 else f'{seconds * 1000:,.0f} ms'


def spread(samples):
    """median and worst of a list of seconds"""
    return f'{milliseconds(statistics.median(samples))} (worst {milliseconds(max(samples))})' if samples else '-'
