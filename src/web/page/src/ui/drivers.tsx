// What drove a value: the parts of the cube that explain the change, as kpi.explain ranks them.
import { useEffect, useRef, useState } from 'preact/hooks';
import { Failure, type Parameters } from '../api';
import { usePage } from '../context';
import { changeText } from '../format';
import type { Words } from '../i18n';
import type { Driver, Explanation } from '../types';
import { Empty, Failed, Skeleton } from './panel';
import { Icon } from './icons';

export interface Question {
    metric: string;
    /** A day, `yesterday`, or an hour's instant. */
    at: string;
    grain: 'day' | 'hour';
    /** The same for people. */
    when: string;
    filters: Parameters;
    /** The segment asked about. */
    within?: string;
}

const COMPARES = ['expected', 'week', 'month', 'year'] as const;
type Compare = (typeof COMPARES)[number];

export function Drivers({ question, onClose }: { question: Question; onClose: () => void }) {
    const { board, words } = usePage();
    const { t } = words;
    const dialog = useRef<HTMLDialogElement>(null);
    const [compare, setCompare] = useState<Compare>('expected');
    const [answer, setAnswer] = useState<Explanation | null>(null);
    const [failure, setFailure] = useState<Failure | null>(null);
    const [tries, setTries] = useState(0);

    useEffect(() => {
        const element = dialog.current!;
        const before = document.activeElement as HTMLElement | null;
        element.showModal();
        return () => before?.focus?.();
    }, []);
    useEffect(() => {
        const request = new AbortController();
        setAnswer(null);
        setFailure(null);
        board.explain(question.metric, question.at, question.grain, compare, question.filters, request.signal)
            .then(setAnswer)
            .catch((cause) => {
                if (!request.signal.aborted) setFailure(cause instanceof Failure ? cause : new Failure(0, 'page', String(cause)));
            });
        return () => request.abort();
    }, [question, compare, tries]);

    const title = t('drivers.title', { metric: words.name(question.metric) });
    const intro = compare === 'expected' ? t('drivers.intro', { when: question.when }) : t('drivers.intro.compare', { when: question.when, compare: t(`versus.${compare}`) });
    return (
        <dialog ref={dialog} class="drivers" aria-labelledby="drivers-title" onClose={onClose} onClick={(event) => event.target === event.currentTarget && event.currentTarget.close()}>
            <div class="dialog-body">
                <header class="panel-head">
                    <h2 id="drivers-title">{title}</h2>
                    <button type="button" class="button icon-only quiet" aria-label={t('close')} onClick={() => dialog.current!.close()}><Icon name="close" /></button>
                </header>
                <p class="intro">{intro} {question.within && <bdi>{t('drivers.within', { name: question.within })}</bdi>}</p>
                <div class="segmented small" role="group" aria-label={t('compare')}>
                    {COMPARES.map((one) => (
                        <button key={one} type="button" aria-pressed={compare === one} onClick={() => setCompare(one)}>{one === 'expected' ? t('drivers.expected') : t(`compare.${one}`)}</button>
                    ))}
                </div>
                <div aria-live="polite">
                    {failure ? <Failed failure={failure} onRetry={() => setTries(tries + 1)} />
                        : answer === null ? <Skeleton lines={5} />
                        : answer.drivers.length === 0 ? <Empty title={t('drivers.none')} text={t('empty.text')} />
                        : <DriverList drivers={answer.drivers} metric={question.metric} />}
                </div>
            </div>
        </dialog>
    );
}

export function driverName(driver: Driver, words: Words): string {
    const parts = Object.entries(driver.segment).map(([dimension, value]) => {
        const values = Array.isArray(value) ? value : [value];
        return `${words.name(dimension)}: ${values.map((one) => words.value(dimension, one)).join(', ')}`;
    });
    return parts.length ? parts.join(' · ') : words.t('drivers.overall');
}

function DriverList({ drivers, metric }: { drivers: Driver[]; metric: string }) {
    const { board, words } = usePage();
    const { t } = words;
    const about = board.metric(metric);
    const unit = about?.unit ?? null;
    const most = Math.max(...drivers.map((driver) => Math.abs(driver.change ?? 0))) || 1;
    const effect = (of: number | null) => (of === null ? null : changeText({ amount: of, isPoints: true }, words.language));
    return (
        <ol class="driver-list">
            {drivers.map((driver) => {
                const size = (50 * Math.abs(driver.change ?? 0)) / most, isDown = (driver.change ?? 0) < 0;
                const isGood = about?.good === 'down' ? isDown : !isDown;
                const rate = effect(driver.rate_effect), mix = effect(driver.mix_effect);
                return (
                    <li key={driver.rank}>
                        <div class="driver-head">
                            <bdi class="driver-name">{driverName(driver, words)}</bdi>
                            {(driver.presence === 'new' || driver.presence === 'vanished') && <span class="tag">{t(`drivers.${driver.presence}`)}</span>}
                            <strong class={isGood ? 'better' : 'worse'}>{isDown ? '−' : '+'}{words.number(Math.abs(driver.change ?? 0), unit)}</strong>
                        </div>
                        <svg class={`contribution ${isGood ? 'better' : 'worse'}`} viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" focusable="false">
                            <rect class="meter-rest" width="100" height="6" />
                            <rect class="meter-fill" x={isDown ? 50 - size : 50} width={size} height="6" />
                        </svg>
                        <p class="note">
                            {words.number(driver.value, unit)} · {t('drivers.expected')} {words.number(driver.expected, unit)}
                            {driver.share !== null && <> · {t('drivers.share', { share: words.percent(driver.share, 0) })}</>}
                            {rate && <> · {t('drivers.rate', { change: rate })}</>}
                            {mix && <> · {t('drivers.mix', { change: mix })}</>}
                        </p>
                    </li>
                );
            })}
        </ol>
    );
}
