import { describe, expect, it } from 'vitest';
import { queryString } from '../src/api';
import { comparison, grainOf, grains, length, range } from '../src/period';
import { DEFAULTS, parse, serialize, type View } from '../src/url';

describe('the address', () => {
    it('is empty for the default view', () => {
        expect(serialize(DEFAULTS)).toBe('');
        expect(parse('')).toEqual(DEFAULTS);
    });
    it('brings every choice back', () => {
        const view: View = {
            period: 'custom', from: '2026-01-02', to: '2026-02-03', compare: 'year', metric: 'conversion_pct', grain: 'week',
            country: ['MX', '', 'a & b=c', '<img src=x onerror=alert(1)>'], source: ['çé☃', '"+%00'], by: 'priority', recent: 'leads', incidents: 'all',
        };
        expect(parse(serialize(view))).toEqual(view);
    });
    it('leaves out what it does not know', () => {
        expect(parse('?period=eon&compare=moon&grain=minute&recent=x&incidents=y&nonsense=1')).toEqual(DEFAULTS);
        expect(parse('?period=custom&from=2026-99-01&to=2026-01-01').period).toBe('30d');
        expect(parse('?period=7d&from=2026-01-01&to=2026-01-02')).toEqual({ ...DEFAULTS, period: '7d' });
        expect(parse('?metric=&by=')).toEqual(DEFAULTS);
    });
    it('turns days around that are the wrong way round', () => {
        const view = parse('?period=custom&from=2026-02-01&to=2026-01-01');
        expect([view.from, view.to]).toEqual(['2026-01-01', '2026-02-01']);
    });
    it('keeps a value once, and not thousands of them', () => {
        expect(parse('?country=MX&country=MX').country).toEqual(['MX']);
        expect(parse(`?${Array.from({ length: 500 }, (_, n) => `source=s${n}`).join('&')}`).source).toHaveLength(50);
    });
    it('keeps the language', () => {
        expect(serialize({ ...DEFAULTS, period: '7d' }, '?lang=es&period=30d')).toBe('?lang=es&period=7d');
    });
});

describe('query strings', () => {
    it('repeats lists, writes null in a list as empty, leaves null out', () => {
        expect(queryString({ country: ['MX', null], source: null, top: 5, grain: undefined })).toBe('?country=MX&country=&top=5');
        expect(queryString({})).toBe('');
    });
});

describe('periods', () => {
    const now = Date.parse('2026-11-27T10:25:00Z');
    it('are words of kpi.query', () => {
        expect(range('7d', null, null, now)).toEqual({ start_date: '7d' });
        expect(range('24h', null, null, now)).toEqual({ start_date: '2026-11-26T11:00:00Z' });
        expect(range('custom', '2026-01-01', '2026-01-31', now)).toEqual({ start_date: '2026-01-01', end_date: '2026-01-31' });
    });
    it('decide the grains', () => {
        expect(grains(length('today', null, null, now))).toEqual(['hour']);
        expect(length('mtd', null, null, now)).toBe(27);
        expect(length('ytd', null, null, now)).toBe(331);
        expect(length('custom', '2026-01-01', '2026-01-31', now)).toBe(31);
        expect(grainOf('hour', 90)).toBe('day');
        expect(grainOf('week', 90)).toBe('week');
        expect(grainOf(null, 331)).toBe('week');
    });
    it('never asks months for a week earlier', () => {
        expect(comparison('week', 'month')).toBe('previous');
        expect(comparison('week', 'day')).toBe('week');
        expect(comparison('none', 'day')).toBeUndefined();
    });
});
