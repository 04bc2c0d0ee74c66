// The strip at the top: the last hour, the last day, today's pace, leads by priority.
import { usePage } from '../context';
import type { Priority, Summary } from '../types';
import { Delta } from './delta';
import { Failed, isShown, Skeleton } from './panel';
import { Spark } from './spark';

export function Now() {
    const { board, words } = usePage();
    const { t } = words;
    const slot = board.slots.summary;
    const isOld = slot.failure !== null || board.staleness !== null;
    if (slot.data === null || !isShown(slot)) {
        return (
            <section class="now" aria-label={t('now.title')}>
                {slot.failure
                    ? <div class="panel wide"><Failed failure={slot.failure} onRetry={() => void board.refresh(['summary'])} /></div>
                    : [0, 1, 2, 3].map((one) => <div key={one} class="panel card"><Skeleton lines={3} /></div>)}
            </section>
        );
    }
    return (
        <section class={`now ${isOld ? 'old' : ''} ${slot.isLoading && !slot.isCurrent ? 'waiting' : ''}`} aria-label={t('now.title')}>
            <Cards summary={slot.data} isOld={isOld} />
        </section>
    );
}

function Cards({ summary, isOld }: { summary: Summary; isOld: boolean }) {
    const { board, words } = usePage();
    const { t } = words;
    const revenue = summary.metrics.find((one) => one.metric === 'revenue');
    const unit = revenue?.unit ?? board.metric('revenue')?.unit ?? null;
    const hasPriority = summary.leads_by_priority.length > 0 || board.metric('leads')?.dimensions.includes('priority');
    const hour = summary.revenue_last_hour, day = summary.last_24h;
    // Closed hours: the open one would always look like a fall.
    const hours = (board.slots.hours.data?.points ?? []).filter((point) => point.is_complete).map((point) => point.value);
    const mark = isOld ? <span class="tag stale">{t('stale.mark')}</span> : null;
    return (
        <>
            <article class="panel card hero">
                <h2>{t('now.hour')}{mark}</h2>
                <p class="figure" data-test="last-hour">{words.figure(hour.value, unit)}</p>
                <Delta value={hour.value} compared={hour.compared} unit={unit} good="up" versus={t('now.week')} />
            </article>
            <article class="panel card with-spark">
                <h2>{t('now.day')}{mark}</h2>
                <p class="figure" data-test="last-day">{words.figure(day.revenue, unit)}</p>
                <Delta value={day.revenue} compared={day.revenue_compared} unit={unit} good="up" versus={t('now.week')} />
                <p class="note">{t('now.counts.text', { leads: words.number(day.leads), payments: words.number(day.payments) })}</p>
                {hours.length > 1 && <Spark values={hours} width={240} height={56} />}
            </article>
            <article class="panel card">
                <h2>{t('now.today')}{mark}</h2>
                <p class="figure">{words.figure(revenue?.today ?? null, unit)}</p>
                <Pace value={revenue?.today ?? null} usual={revenue?.today_expected ?? null} elapsed={revenue?.today_elapsed ?? null} />
            </article>
            {hasPriority && (
                <article class="panel card">
                    <h2>{t('now.priority')}{mark}</h2>
                    <Priorities rows={summary.leads_by_priority} />
                </article>
            )}
        </>
    );
}

/** How far today is beside what the same weekday usually has by now. */
function Pace({ value, usual, elapsed }: { value: number | null; usual: number | null; elapsed: number | null }) {
    const { words } = usePage();
    if (value === null || usual === null || usual <= 0) return <p class="note">{words.t('now.pace.unknown')}</p>;
    const fraction = value / usual;
    // The bar ends a fifth beyond whichever is greater; the mark is the usual pace.
    const span = 1.2 * Math.max(1, fraction);
    return (
        <div class="pace">
            <svg class="meter" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" focusable="false">
                <rect class="meter-rest" width="100" height="8" />
                <rect class="pace-now" width={Math.max(0, (100 * fraction) / span)} height="8" />
                <rect class="pace-usual" x={100 / span - 0.5} width="1" height="8" />
            </svg>
            <p class="note pace-note">
                <strong>{words.t('now.pace', { percent: words.percent(fraction, 0) })}</strong>{' '}
                {elapsed !== null && <span>{words.t('now.elapsed', { percent: words.percent(elapsed, 0) })}</span>}
            </p>
        </div>
    );
}

const ORDER = ['critical', 'urgent', 'high', 'medium', 'normal', 'low'];

export function byUrgency(rows: Priority[]): Priority[] {
    const place = (row: Priority) => {
        const found = ORDER.indexOf((row.priority ?? '').toLowerCase());
        return found < 0 ? ORDER.length : found;
    };
    return [...rows].sort((a, b) => place(a) - place(b) || (b.today ?? 0) - (a.today ?? 0));
}

function Priorities({ rows }: { rows: Priority[] }) {
    const { words } = usePage();
    if (rows.length === 0) return <p class="note">{words.t('now.priority.nothing')}</p>;
    const shown = byUrgency(rows).slice(0, 5);
    const most = Math.max(1, ...shown.map((row) => row.today ?? 0));
    return (
        <ul class="priorities">
            {shown.map((row, place) => (
                <li key={row.priority ?? ''} class={`p${Math.min(place, 4)}`}>
                    <span class="priority-name">{words.value('priority', row.priority)}</span>
                    <svg class="meter" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" focusable="false">
                        <rect class="meter-rest" width="100" height="8" />
                        <rect class="meter-fill" width={Math.max(0, (100 * (row.today ?? 0)) / most)} height="8" />
                    </svg>
                    <span class="priority-count">{words.number(row.today)}</span>
                </li>
            ))}
        </ul>
    );
}
