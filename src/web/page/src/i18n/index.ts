// Texts in the reader's language: the address says (?lang=es), else what was chosen before, else the browser.
import { formats, type Formats } from '../format';
import { countryCode } from './countries';
import { en, type Catalogue, type Key } from './en';
import { es } from './es';

export type Language = 'en' | 'es';
export const LANGUAGES: Record<Language, { name: string; texts: Catalogue }> = {
    en: { name: 'English', texts: en },
    es: { name: 'Español', texts: es },
};
const STORED = 'kpi.language';

export interface Words extends Formats {
    language: Language;
    /** The text of a key with {names} filled in. */
    t(key: Key, values?: Record<string, string | number>): string;
    /** The form of `key` (`key.one`, `key.other`) for a number. */
    plural(key: string, count: number): string;
    /** What people call a metric, dimension or column; what has no entry is shown as it is named. */
    name(id: string): string;
    /** A segment's value. */
    value(dimension: string, value: string | null): string;
}

function isLanguage(text: string | null | undefined): text is Language {
    return text === 'en' || text === 'es';
}

export function chooseLanguage(search: string, stored: string | null, preferred: readonly string[]): Language {
    const asked = new URLSearchParams(search).get('lang');
    if (isLanguage(asked)) return asked;
    if (isLanguage(stored)) return stored;
    return preferred.map((tag) => tag.slice(0, 2).toLowerCase()).find(isLanguage) ?? 'en';
}

export function storedLanguage(): string | null {
    try {
        return localStorage.getItem(STORED);
    } catch {
        return null;
    }
}

export function storeLanguage(language: Language): void {
    try {
        localStorage.setItem(STORED, language);
    } catch {
        // The address keeps it.
    }
}

/** region_name -> Region name */
function readable(id: string): string {
    const text = id.replace(/_/g, ' ').trim();
    return text.charAt(0).toUpperCase() + text.slice(1);
}

export function words(language: Language): Words {
    const { texts } = LANGUAGES[language];
    const plurals = new Intl.PluralRules(language);
    const regions = new Intl.DisplayNames([language], { type: 'region', fallback: 'none' });
    // The browser's own tag has the reader's digits and dates where the language is the same (es-MX, en-GB).
    const tag = typeof navigator === 'undefined' ? language : (navigator.languages?.find((one) => one.startsWith(language)) ?? language);
    const t = (key: Key, values: Record<string, string | number> = {}) =>
        texts[key].replace(/\{(\w+)\}/g, (whole, name: string) => (name in values ? String(values[name]) : whole));
    return {
        ...formats(tag),
        language,
        t,
        plural: (key, count) => {
            const form = `${key}.${plurals.select(count)}`;
            return t((form in texts ? form : `${key}.other`) as Key, { count });
        },
        name: (id) => {
            const key = `name.${id}`;
            return key in texts ? texts[key as Key] : readable(id);
        },
        value: (dimension, value) => {
            if (value === null || value === '') return t('value.none');
            const country = dimension === 'country' ? countryCode(value) : null;
            if (country) return regions.of(country) ?? value;
            const key = `value.${dimension}.${value.toLowerCase()}`;
            return key in texts ? texts[key as Key] : value;
        },
    };
}
