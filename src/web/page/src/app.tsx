// The page as a whole.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Board } from './board';
import { PageContext, useBoard } from './context';
import { NOTHING } from './format';
import { chooseLanguage, storedLanguage, storeLanguage, words, type Language } from './i18n';
import { Bar } from './ui/bar';
import { Banner } from './ui/banner';
import { Drivers, type Question } from './ui/drivers';
import { Filters } from './ui/filters';
import { Incidents } from './ui/incidents';
import { Now } from './ui/now';
import { Empty } from './ui/panel';
import { Performance } from './ui/performance';
import { Quality } from './ui/quality';
import { RecentRows } from './ui/recent';
import { SegmentTable } from './ui/segments';
import { TokenDialog } from './ui/token_dialog';

interface Said {
    text: string;
    isBad: boolean;
}

export function App({ board }: { board: Board }) {
    useBoard(board);
    const [language, setLanguage] = useState<Language>(() => chooseLanguage(location.search, storedLanguage(), navigator.languages));
    const [question, ask] = useState<Question | null>(null);
    const [said, setSaid] = useState<Said | null>(null);
    const timer = useRef<ReturnType<typeof setTimeout>>();
    const page = useMemo(() => {
        const say = (text: string, isBad = false) => {
            setSaid({ text, isBad });
            clearTimeout(timer.current);
            timer.current = setTimeout(() => setSaid(null), 6000);
        };
        return { board, words: words(language), say };
    }, [board, language]);
    const { t } = page.words;

    useEffect(() => {
        document.documentElement.lang = language;
        document.title = t('page.title');
    }, [language, t]);

    const choose = (chosen: Language) => {
        storeLanguage(chosen);
        const search = new URLSearchParams(location.search);
        if (search.has('lang')) {
            search.set('lang', chosen);
            history.replaceState(null, '', `${location.pathname}?${search}`);
        }
        setLanguage(chosen);
    };
    const footer = board.slots.meta.data;
    return (
        <PageContext.Provider value={page}>
            <a class="skip" href="#numbers">{t('page.skip')}</a>
            <Bar language={language} onLanguage={choose} />
            <Filters />
            <main id="numbers" class={board.isBare ? 'bare' : ''} tabIndex={-1}>
                <Banner />
                {board.isBare ? <section class="panel performance"><Empty title={t('bare.title')} text={t('bare.text')} icon="chart" /></section> : (
                    <>
                        <Now />
                        <Performance onExplain={ask} />
                        <SegmentTable onExplain={ask} />
                        <RecentRows />
                    </>
                )}
                <div class="side">
                    <Incidents />
                    <Quality />
                </div>
            </main>
            <footer>
                {footer && (
                    <span>
                        {t('footer.version', { version: footer.version, database: footer.database, zone: footer.timezone ?? NOTHING })}
                    </span>
                )}
                <a href="./licences.txt">{t('footer.licences')}</a>
            </footer>
            <div class="toast" role="status" aria-live="polite">
                {said && <p class={said.isBad ? 'bad' : ''}>{said.text}</p>}
            </div>
            {question && <Drivers question={question} onClose={() => ask(null)} />}
            {board.needsToken && <TokenDialog />}
        </PageContext.Provider>
    );
}
