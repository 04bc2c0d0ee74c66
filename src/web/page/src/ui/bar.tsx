// The top bar: what this is, whether it is live, how old the numbers are, language and theme.
import { useState } from 'preact/hooks';
import { usePage } from '../context';
import { LANGUAGES, type Language } from '../i18n';
import { storedTheme, useTheme, type Theme } from '../theme';
import { Icon } from './icons';

/** How many incidents are open, and the way to them: on a phone they are far below. */
function Alerted() {
    const { board, words } = usePage();
    const open = (board.slots.incidents.data?.incidents ?? []).filter((one) => one.state !== 'resolved');
    if (open.length === 0) return null;
    const worst = open.some((one) => one.severity === 'critical') ? 'critical' : 'warning';
    return <a class={`alerted tag ${worst}`} href="#incidents-title"><Icon name="alert" />{words.plural('incidents.count', open.length)}</a>;
}

const THEMES: Theme[] = ['system', 'light', 'dark'];

export function Bar({ language, onLanguage }: { language: Language; onLanguage: (chosen: Language) => void }) {
    const { board, words } = usePage();
    const { t } = words;
    const [theme, setTheme] = useState<Theme>(storedTheme);
    const asOf = board.slots.summary.data?.as_of;
    return (
        <header class="bar">
            <h1 class="brand">
                <svg viewBox="0 0 32 32" aria-hidden="true" focusable="false">
                    <rect width="32" height="32" rx="8" />
                    <path d="M7 22l6-7 4 4 8-10" />
                </svg>
                <span>{t('page.title')}</span>
                {board.slots.meta.data && <span class="database">{board.slots.meta.data.database}</span>}
            </h1>
            <div class="bar-state">
                <Alerted />
                <p class="live" data-state={board.live} role="status" title={t(`live.help.${board.live}`)}>
                    <span class="dot" aria-hidden="true" />
                    {t(`live.${board.live}`)}
                    <span class="hidden">. {t(`live.help.${board.live}`)}</span>
                </p>
                {asOf && (
                    <p class="as-of">
                        <time dateTime={asOf}>{t('asOf', { time: words.time(asOf, board.timezone) })}</time>
                    </p>
                )}
            </div>
            <div class="bar-tools">
                <label class="pick">
                    <Icon name="globe" />
                    <span class="hidden">{t('language')}</span>
                    <select value={language} onChange={(event) => onLanguage(event.currentTarget.value as Language)}>
                        {Object.entries(LANGUAGES).map(([code, { name }]) => <option key={code} value={code} lang={code}>{name}</option>)}
                    </select>
                </label>
                <label class="pick">
                    <Icon name="sun" />
                    <span class="hidden">{t('theme')}</span>
                    <select
                        value={theme}
                        onChange={(event) => {
                            const chosen = event.currentTarget.value as Theme;
                            useTheme(chosen);
                            setTheme(chosen);
                        }}
                    >
                        {THEMES.map((one) => <option key={one} value={one}>{t(`theme.${one}`)}</option>)}
                    </select>
                </label>
            </div>
        </header>
    );
}
