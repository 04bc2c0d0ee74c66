// The metrics of the period, and the chosen one over time.
import { useState } from 'preact/hooks';
import { usePage } from '../context';
import { NOTHING } from '../format';
import { comparison, grains, type Grain } from '../period';
import type { Point, Timeseries } from '../types';
import { Chart } from './chart';
import { bucketName, paceText } from './chart_tooltip';
import { Delta } from './delta';
import type { Question } from './drivers';
import { Export } from './export';
import { Icon } from './icons';
import { Empty, isShown, Panel } from './panel';
import { columns } from './chart_data';

export function Performance({ onExplain }: { onExplain: (question: Question) => void }) {
    const { board, words } = usePage();
    const { t } = words;
    const [isTable, setTable] = useState(false);
    const series = board.slots.series;
    const metric = board.shownMetric;
    const possible = grains(board.days);
    const tools = (
        <>
            {board.metricNames.length > board.tabs.length && (
                <label class="pick">
                    <span class="hidden">{t('chart.metrics')}</span>
                    <select value={metric} onChange={(event) => board.change({ metric: event.currentTarget.value })}>
                        {board.metricNames.map((one) => <option key={one} value={one}>{words.name(one)}</option>)}
                    </select>
                </label>
            )}
            {possible.length > 1 && (
                <div class="segmented small" role="group" aria-label={t('chart.grain')}>
                    {possible.map((one) => (
                        <button key={one} type="button" aria-pressed={board.grain === one} onClick={() => board.change({ grain: one })}>{t(`chart.grain.${one}`)}</button>
                    ))}
                </div>
            )}
            <button type="button" class="button icon-only" aria-pressed={isTable} aria-label={t(isTable ? 'chart.asChart' : 'chart.asTable')} title={t(isTable ? 'chart.asChart' : 'chart.asTable')} onClick={() => setTable(!isTable)}>
                <Icon name={isTable ? 'chart' : 'table'} />
            </button>
            <Export name={metric} parameters={board.seriesParameters} />
        </>
    );
    return (
        <Panel id="series" class="performance" title={t('chart.title')} slot={series} reads={['series', 'totals']} tools={tools} lines={1}>
            <Metrics />
            {series.data && <Series series={series.data} isTable={isTable} onExplain={onExplain} />}
        </Panel>
    );
}

/** One button a metric: its total over the period, and the change. */
function Metrics() {
    const { board, words } = usePage();
    const { t } = words;
    const slot = board.slots.totals;
    const totals = (isShown(slot) && slot.data) || {};
    return (
        <div class={`metrics ${slot.failure ? 'old' : ''}`} role="group" aria-label={t('chart.metrics')}>
            {board.tabs.map((name) => {
                const metric = board.metric(name), total: Point | null = totals[name] ?? null;
                return (
                    <button key={name} type="button" class="metric" aria-pressed={board.shownMetric === name} title={metric?.description ?? undefined} onClick={() => board.change({ metric: name })}>
                        <span class="metric-name">{words.name(name)}</span>
                        <span class="metric-value">{words.figure(total?.value ?? null, metric?.unit)}</span>
                        {board.view.compare !== 'none' && <Delta value={total?.value ?? null} compared={total?.compared ?? null} unit={metric?.unit ?? null} good={metric?.good ?? 'up'} />}
                    </button>
                );
            })}
        </div>
    );
}

function Series({ series, isTable, onExplain }: { series: Timeseries; isTable: boolean; onExplain: (question: Question) => void }) {
    const { board, words } = usePage();
    const { t } = words;
    // A metric that is 0 where others have values is 0; where nothing has any there were no rows.
    const hasOthers = Object.values(board.slots.totals.data ?? {}).some((total) => Boolean(total?.value));
    if (series.points.length === 0 || (columns(series.points).isEmpty && !hasOthers)) return <Empty title={t('empty.title')} text={t('empty.text')} icon="chart" />;
    const canPick = series.grain === 'day' || series.grain === 'hour';
    const pick = (place: number) => {
        const point = series.points[place];
        if (point) onExplain({ metric: series.metric, at: series.grain === 'hour' ? point.at : point.day, grain: series.grain as 'day' | 'hour', when: bucketName(point, series, words), filters: {} });
    };
    const open = series.points.find((point) => !point.is_complete && (point.elapsed_fraction ?? 0) > 0);
    const hasBand = series.points.some((point) => point.lower !== null);
    const compared = series.points.some((point) => point.compared !== null) ? comparison(board.view.compare, series.grain as Grain) : undefined;
    return (
        <>
            {isTable ? <SeriesTable series={series} /> : <Chart series={series} title={words.name(series.metric)} onPick={canPick ? pick : undefined} />}
            <ul class="legend">
                <li><span class="swatch value" />{t('chart.value')}</li>
                {compared && <li><span class="swatch compared" />{t(`compare.${compared}`)}</li>}
                {hasBand && <li><span class="swatch band" />{t('chart.band')}</li>}
                {series.points.some((point) => point.is_anomaly) && <li><span class="swatch anomaly" />{t('chart.anomaly')}</li>}
                {open && <li class="open-note" data-test="open"><span class="swatch open" />{paceText(open, words)}</li>}
            </ul>
        </>
    );
}

function SeriesTable({ series }: { series: Timeseries }) {
    const { board, words } = usePage();
    const { t } = words;
    const isCompared = board.view.compare !== 'none';
    return (
        <div class="scroll tall" tabIndex={0} role="region" aria-label={words.name(series.metric)}>
            <table class="rows">
                <thead>
                    <tr>
                        <th scope="col">{t('chart.time')}</th><th scope="col" class="right">{words.name(series.metric)}</th>
                        {isCompared && <><th scope="col" class="right">{t('chart.compared')}</th><th scope="col" class="right">{t('segments.change')}</th></>}
                        <th scope="col" class="right">{t('chart.band')}</th>
                    </tr>
                </thead>
                <tbody>
                    {[...series.points].reverse().map((point) => (
                        <tr key={point.at} class={point.is_complete ? '' : 'open'}>
                            <th scope="row">{bucketName(point, series, words)}{point.is_anomaly && <span class="tag bad">{t('chart.anomaly')}</span>}{!point.is_complete && <span class="tag">{t('chart.open')}</span>}</th>
                            <td class="right">{words.number(point.value, series.unit)}</td>
                            {isCompared && <><td class="right">{words.number(point.compared, series.unit)}</td><td class="right"><Delta value={point.value} compared={point.compared} unit={series.unit} good={series.good} /></td></>}
                            <td class="right">{point.lower === null ? NOTHING : `${words.number(point.lower, series.unit)} – ${words.number(point.upper, series.unit)}`}</td>
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}
