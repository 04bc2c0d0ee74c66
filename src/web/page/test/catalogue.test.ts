import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { chooseLanguage, LANGUAGES, words } from '../src/i18n';
import { en } from '../src/i18n/en';
import { COMPARISONS, GRAINS, PERIODS } from '../src/period';

const SOURCES = new URL('../src', import.meta.url).pathname;

function sources(folder: string): string[] {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
        const path = join(folder, entry.name);
        if (entry.isDirectory()) return entry.name === 'i18n' ? [] : sources(path);
        return /\.tsx?$/.test(entry.name) ? [readFileSync(path, 'utf8')] : [];
    });
}

const text = [...sources(SOURCES), readFileSync(join(SOURCES, 'i18n', 'index.ts'), 'utf8')].join('\n');
const placeholders = (of: string) => (of.match(/\{\w+\}/g) ?? []).sort();

describe('the catalogue', () => {
    const keys = Object.keys(en);
    for (const [code, { texts }] of Object.entries(LANGUAGES)) {
        it(`has every key in ${code}, with the same places to fill in`, () => {
            expect(Object.keys(texts).sort()).toEqual([...keys].sort());
            for (const key of keys) {
                const here = texts[key as keyof typeof en];
                if (key !== 'versus.none') expect(here.trim(), key).not.toBe('');
                // A sentence may leave a value out, never ask for one that nobody gives.
                for (const place of placeholders(here)) expect(placeholders(en[key as keyof typeof en]), `${code} ${key}`).toContain(place);
            }
        });
    }
    it('is what the page asks for', () => {
        const asked = [...text.matchAll(/\bt\(\s*'([a-zA-Z0-9_.]+)'/g)].map((found) => found[1]!);
        expect(asked.length).toBeGreaterThan(80);
        for (const key of asked) expect(keys).toContain(key);
    });
    it('has nothing that nobody asks for', () => {
        const literal = new Set([...text.matchAll(/'([a-zA-Z0-9_.]+)'/g)].map((found) => found[1]!));
        // t(`period.${one}`): everything that begins so counts.
        const prefixes = [...text.matchAll(/`([a-z]+(?:\.[a-z]+)*\.)\$\{/g)].map((found) => found[1]!);
        const unused = keys.filter((key) => !literal.has(key) && !prefixes.some((prefix) => key.startsWith(prefix))
            && !key.startsWith('name.') && !literal.has(key.replace(/\.(one|other)$/, '')));
        expect(unused).toEqual([]);
    });
    it('knows every period, comparison and grain', () => {
        for (const one of PERIODS) expect(keys).toContain(`period.${one}`);
        for (const one of COMPARISONS) for (const group of ['compare', 'versus']) expect(keys).toContain(`${group}.${one}`);
        for (const one of GRAINS) expect(keys).toContain(`chart.grain.${one}`);
    });
});

describe('words', () => {
    const english = words('en'), spanish = words('es');
    it('fill in and count', () => {
        expect(english.t('asOf', { time: '10:00' })).toBe('As of 10:00');
        expect(english.plural('incidents.members', 1)).toBe('1 part');
        expect(english.plural('incidents.members', 3)).toBe('3 parts');
        expect(spanish.plural('incidents.members', 3)).toBe('3 partes');
        expect(spanish.plural('incidents.members', 1_000_000)).toBe('1000000 partes');
    });
    it('name what they know, and what they do not', () => {
        expect(english.name('conversion_pct')).toBe('Conversion');
        expect(english.name('lost_revenue')).toBe('Lost revenue');
        expect(english.name('toString')).toBe('ToString');
        expect(english.value('country', 'MX')).toBe('Mexico');
        expect(spanish.value('country', 'MX')).toBe('México');
        expect(english.value('country', 'XQ')).toBe('XQ');
        expect(english.value('country', null)).toBe('(none)');
        expect(english.value('country', 'PRT')).toBe('Portugal');
        expect(spanish.value('country', 'GBR')).toBe('Reino Unido');
        expect(english.value('country', 'XQQ')).toBe('XQQ');
        expect(spanish.value('priority', 'HIGH')).toBe('Alta');
        expect(spanish.value('priority', 'p1')).toBe('p1');
        expect(english.value('source', 'MX')).toBe('MX');
        expect(english.value('source', '<b>x</b>')).toBe('<b>x</b>');
    });
    it('come in the language asked for', () => {
        expect(chooseLanguage('?lang=es', 'en', ['en'])).toBe('es');
        expect(chooseLanguage('?lang=xx', 'es', ['en'])).toBe('es');
        expect(chooseLanguage('', null, ['fr-FR', 'es-MX'])).toBe('es');
        expect(chooseLanguage('', null, ['fr'])).toBe('en');
    });
});
