// Can the numbers be trusted: worker, freshness, checks, query times.
import type { Key } from '../i18n/en';
import { usePage } from '../context';
import type { Check, Quality as Answer } from '../types';
import { Panel } from './panel';

const FINE = ['ok', 'new', 'building'];

export function Quality() {
    const { board, words } = usePage();
    const slot = board.slots.quality;
    return (
        <Panel id="quality" class="quality" title={words.t('quality.title')} slot={slot} reads={['quality']} lines={5}>
            {slot.data && <Body quality={slot.data} />}
        </Panel>
    );
}

function Lamp({ state }: { state: 'good' | 'warn' | 'bad' | 'unknown' }) {
    return <span class={`lamp ${state}`} aria-hidden="true" />;
}

function freshness(days: number | null): 'good' | 'warn' | 'bad' | 'unknown' {
    if (days === null) return 'unknown';
    return days <= 0 ? 'good' : days <= 1 ? 'warn' : 'bad';
}

/** Milliseconds without decimals that nobody can feel. */
function whole(ms: number | null): number | null {
    return ms !== null && ms >= 10 ? Math.round(ms) : ms;
}

function Body({ quality }: { quality: Answer }) {
    const { words } = usePage();
    const { t } = words;
    const { running, heartbeat_age_s: age } = quality.worker;
    const bad = quality.checks.filter((check) => !FINE.includes(check.state));
    const probes = quality.probes.filter((probe) => probe.median_ms !== null);
    return (
        <dl class="quality-list">
            <div>
                <dt><Lamp state={running === null ? 'unknown' : running ? 'good' : 'bad'} />{t('quality.worker')}</dt>
                <dd>
                    {t(running === null ? 'quality.worker.unknown' : running ? 'quality.worker.running' : 'quality.worker.stopped')}
                    {age !== null && <span class="note">{t('quality.heartbeat', { ago: words.ago(age) })}</span>}
                </dd>
            </div>
            {quality.sources.map((source) => (
                <div key={source.source}>
                    <dt><Lamp state={source.dirty ? 'warn' : freshness(source.days_behind)} /><span>{t('quality.sources')}: <bdi>{words.name(source.source)}</bdi></span></dt>
                    <dd>
                        {source.age_seconds === null ? t('quality.noRows') : t('quality.last', { ago: words.ago(source.age_seconds) })}
                        {source.dirty && <span class="note">{t('quality.building')}</span>}
                    </dd>
                </div>
            ))}
            {quality.null_revenue_pct !== null && (
                <div>
                    <dt><Lamp state={quality.null_revenue_pct < 1 ? 'good' : quality.null_revenue_pct < 5 ? 'warn' : 'bad'} />{t('quality.nulls')}</dt>
                    <dd>{words.number(quality.null_revenue_pct, '%')}</dd>
                </div>
            )}
            <div>
                <dt><Lamp state={quality.checks.length === 0 ? 'unknown' : bad.length ? 'bad' : 'good'} />{t('quality.checks')}</dt>
                <dd>
                    {quality.checks.length === 0 ? t('quality.checks.none')
                        : bad.length ? t('quality.checks.bad', { bad: bad.length, count: quality.checks.length })
                        : t('quality.checks.good', { count: quality.checks.length })}
                </dd>
            </div>
            {bad.slice(0, 4).map((check) => <FailingCheck key={check.name} check={check} />)}
            {probes.slice(0, 4).map((probe) => (
                <div key={probe.name}>
                    <dt><Lamp state={probe.slow_above_ms !== null && (probe.last_ms ?? 0) > probe.slow_above_ms ? 'bad' : 'good'} /><span>{t('quality.probes')}: <bdi>{probe.name}</bdi></span></dt>
                    <dd>{t('quality.probe', { median: words.number(whole(probe.median_ms)), p95: words.number(whole(probe.p95_ms)) })}</dd>
                </div>
            ))}
        </dl>
    );
}

function FailingCheck({ check }: { check: Check }) {
    const { words } = usePage();
    const state = (['failing', 'error'].includes(check.state) ? `quality.state.${check.state}` : 'quality.state.failing') as Key;
    return (
        <div class="sub">
            <dt><bdi>{check.name}</bdi> <span class="tag bad">{words.t(state)}</span></dt>
            {check.message && <dd class="note"><bdi>{check.message}</bdi></dd>}
        </div>
    );
}
