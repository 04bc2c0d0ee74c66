import { describe, expect, it } from 'vitest';
import { change, changeText, formats, NOTHING } from '../src/format';

const en = formats('en-US'), es = formats('es-MX'), de = formats('de');
const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, ' ');

describe('numbers', () => {
    it('shows a missing value as a dash, never as 0', () => {
        expect(en.number(null)).toBe(NOTHING);
        expect(en.number(Number.NaN)).toBe(NOTHING);
        expect(en.number(0)).toBe('0');
    });
    it('groups, and keeps fewer decimals the greater a number is', () => {
        expect(en.number(1234567.891)).toBe('1,234,568');
        expect(en.number(123.456)).toBe('123.46');
        expect(en.number(1.256)).toBe('1.26');
        expect(en.number(69.6)).toBe('69.60');
        expect(en.number(-1234567.891)).toBe('-1,234,568');
        expect(de.number(1234567)).toBe('1.234.567');
    });
    it('knows rates, currencies and other units', () => {
        expect(plain(en.number(12.34, '%'))).toBe('12.3%');
        expect(plain(en.number(2500, 'USD'))).toBe('$2,500');
        expect(plain(es.number(2500, 'MXN'))).toBe('$2,500');
        expect(plain(en.number(12, 'ms'))).toBe('12 ms');
    });
    it('keeps what a small number has', () => {
        expect(en.number(0.00031)).toBe('0.00031');
        expect(en.number(0.04, '%')).toBe('0.04%');
        expect(en.number(0.3, '%')).toBe('0.3%');
    });
    it('is short where a great number stands alone', () => {
        expect(en.figure(999_999_999)).toBe('999,999,999');
        expect(en.figure(-449_190_000_000_000)).toBe('-449.2T');
        expect(plain(en.figure(12_345_678_901, 'USD'))).toBe('$12.35B');
        expect(en.figure(null)).toBe(NOTHING);
        expect(en.figure(12.34, '%')).toBe('12.3%');
    });
    it('is short on axes', () => {
        expect(en.compact(12_345)).toBe('12.3K');
        expect(plain(en.compact(40, '%'))).toBe('40%');
    });
});

describe('changes', () => {
    it('is a fraction of what it is compared with', () => {
        expect(change(110, 100, null, 'up')).toEqual({ amount: 0.1, isPoints: false, mood: 'better', direction: 'up' });
        expect(change(90, 100, null, 'up').mood).toBe('worse');
        expect(change(90, 100, null, 'down').mood).toBe('better');
        expect(change(110, 100, null, 'none').mood).toBe('same');
        expect(change(-50, -100, null, 'up')).toEqual({ amount: 0.5, isPoints: false, mood: 'better', direction: 'up' });
    });
    it('is in points for rates', () => {
        const of = change(42, 40, '%', 'up');
        expect(of).toEqual({ amount: 2, isPoints: true, mood: 'better', direction: 'up' });
        expect(plain(changeText(of, 'en'))).toBe('+2 pp');
    });
    it('is unknown without something to compare with', () => {
        expect(change(1, null, null, 'up').amount).toBeNull();
        expect(change(1, 0, null, 'up').amount).toBeNull();
        expect(change(null, 1, null, 'up').amount).toBeNull();
        expect(changeText(change(1, 0, null, 'up'), 'en')).toBe(NOTHING);
    });
    it('says nothing of a change that rounds to nothing', () => {
        expect(change(100.01, 100, null, 'up').mood).toBe('same');
        expect(changeText(change(100, 100, null, 'up'), 'en')).toBe('0%');
        expect(change(32.71, 32.72, '%', 'up').direction).toBe('same');
    });
    it('drops decimals of great changes', () => {
        expect(changeText(change(350, 100, null, 'up'), 'en')).toBe('+250%');
    });
});

describe('times', () => {
    it('are those of the source, not of the reader', () => {
        const at = '2026-11-27T03:30:00+00:00';
        expect(en.date(at, 'America/Mexico_City')).toBe('Nov 26');
        expect(en.date(at, 'UTC')).toBe('Nov 27');
        expect(plain(en.time(at, 'UTC'))).toBe('03:30 AM');
    });
    it('is a dash where there is none', () => expect(en.time('never', 'UTC')).toBe(NOTHING));
    it('says how long ago', () => {
        expect(en.ago(0)).toBe('now');
        expect(plain(en.ago(90))).toBe('2 min. ago');
        expect(plain(es.ago(7200))).toContain('2');
        expect(plain(en.duration(7200))).toBe('2 hr');
    });
});
