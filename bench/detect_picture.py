#!/usr/bin/python3
"""Draws docs/detection.svg: value, expected band and alarms of one series of bench_detect_score's output joined with the data.
usage: detect_picture.py DATA_DIR VERDICTS.csv SERIES > detection.svg"""
import csv
import os
import sys

data, verdicts, series = sys.argv[1:4]
value = {r['ts']: float(r['value']) for r in csv.DictReader(open(os.path.join(data, 'synth.csv'))) if r['series'] == series}
rows = [r for r in csv.DictReader(open(verdicts)) if r['series'] == series and r['ts'] in value][120:280]
top = 1.05 * max(max(value[r['ts']], 0) for r in rows)
W, H, L, B = 900, 300, 60, 30
x = lambda i: L + i * (W - L - 10) / (len(rows) - 1)
y = lambda v: H - B - min(max(v, 0), top) * (H - B - 20) / top
line = lambda f: ' '.join(f'{x(i):.1f},{y(f(r)):.1f}' for i, r in enumerate(rows))
band = line(lambda r: float(r['upper'])) + ' ' + ' '.join(f"{x(i):.1f},{y(float(rows[i]['lower'])):.1f}" for i in reversed(range(len(rows))))
print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {W} {H}" font-family="sans-serif" font-size="12">')
print(f'<title>Value, expected band and alarms of {series}</title><rect width="{W}" height="{H}" fill="#fff"/>')
print(f'<polygon points="{band}" fill="#cfe3f5"/><polyline points="{line(lambda r: float(r["expected"]))}" fill="none" stroke="#7aa7cf"/>')
print(f'<polyline points="{line(lambda r: value[r["ts"]])}" fill="none" stroke="#223"/>')
for i, r in enumerate(rows):
    if r['is_anomaly'] == '1':
        print(f'<circle cx="{x(i):.1f}" cy="{y(value[r["ts"]]):.1f}" r="4" fill="#c0392b"/>')
for i in range(0, len(rows), 28):
    print(f'<text x="{x(i):.1f}" y="{H - 10}">{rows[i]["ts"][:10]}</text>')
print(f'<text x="8" y="20">{top:,.0f}</text><text x="8" y="{H - B}">0</text>')
print('<text x="70" y="16" fill="#c0392b">● alarm</text><text x="140" y="16" fill="#7aa7cf">— expected, band at the threshold</text></svg>')
