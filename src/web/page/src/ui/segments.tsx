// The period cut by one dimension: value, share, change, shape, and the way down to what drove it.
import { useState } from 'preact/hooks';
import { usePage } from '../context';
import type { SegmentRow } from '../types';
import { Delta } from './delta';
import type { Question } from './drivers';
import { Export } from './export';
import { Icon } from './icons';
import { Empty, Panel } from './panel';
import { Spark } from './spark';

const FEW = 8; // rows before "show all"
const MOST_BUTTONS = 4; // dimensions; more are a list

export function SegmentTable({ onExplain }: { onExplain: (question: Question) => void }) {
    const { board, words } = usePage();
    const { t } = words;
    const [showsAll, setAll] = useState(false);
    const slot = board.slots.segments;
    const rows = slot.data?.rows ?? [];
    const shown = showsAll ? rows : rows.slice(0, FEW);
    const tools = (
        <>
            {board.dimensions.length > MOST_BUTTONS ? (
                <label class="pick">
                    <span class="hidden">{t('segments.by')}</span>
                    <select value={board.by} onChange={(event) => board.change({ by: event.currentTarget.value })}>
                        {board.dimensions.map((one) => <option key={one} value={one}>{words.name(one)}</option>)}
                    </select>
                </label>
            ) : board.dimensions.length > 0 && (
                <div class="segmented small" role="group" aria-label={t('segments.by')}>
                    {board.dimensions.map((one) => (
                        <button key={one} type="button" aria-pressed={board.by === one} onClick={() => board.change({ by: one })}>{words.name(one)}</button>
                    ))}
                </div>
            )}
            <Export name={`${board.shownMetric}-${board.by}`} parameters={{ ...board.seriesParameters, grain: 'total', by: board.by }} />
        </>
    );
    return (
        <Panel id="segments" class="segments" title={t('segments.title')} slot={slot} reads={['segments']} tools={tools} lines={6}>
            {rows.length === 0 ? <Empty title={t('empty.title')} text={t('empty.text')} /> : (
                <>
                    <table class="rows segment-rows">
                        <thead>
                            <tr>
                                <th scope="col">{words.name(slot.data!.by[0] ?? board.by)}</th>
                                {slot.data!.metrics.map((name, place) => <th key={name} scope="col" class={`right ${place ? 'extra' : ''}`}>{words.name(name)}</th>)}
                                <th scope="col" class="right">{t('segments.change')}</th>
                                <th scope="col" class="trend">{t('segments.trend')}</th>
                                <th scope="col"><span class="hidden">{t('segments.why', { name: '' })}</span></th>
                            </tr>
                        </thead>
                        <tbody>
                            {shown.map((row) => <Row key={JSON.stringify(row.segment)} row={row} isRest={isRest(row, rows)} onExplain={onExplain} />)}
                        </tbody>
                    </table>
                    {rows.length > FEW && <button type="button" class="link more" onClick={() => setAll(!showsAll)}>{showsAll ? t('segments.less') : t('segments.more', { count: rows.length })}</button>}
                </>
            )}
        </Panel>
    );
}

/** What is beyond the top comes as one row more, last, with "others" in every dimension. */
function isRest(row: SegmentRow, rows: SegmentRow[]): boolean {
    return rows.length > 50 && row === rows[rows.length - 1] && Object.values(row.segment).every((value) => value === 'others');
}

function Row({ row, isRest: rest, onExplain }: { row: SegmentRow; isRest: boolean; onExplain: (question: Question) => void }) {
    const { board, words } = usePage();
    const { t } = words;
    const { by, metrics } = board.slots.segments.data!;
    const dimension = by[0] ?? board.by, value = row.segment[dimension] ?? null;
    const name = rest ? t('value.others') : words.value(dimension, value);
    const first = metrics[0] ?? board.shownMetric, main = row.values[first];
    const about = board.metric(first);
    // The last bucket is open unless the period ended before today: it would always look like a fall.
    const closed = board.view.period === 'custom' || row.spark.length < 3 ? row.spark : row.spark.slice(0, -1);
    // Rates do not add up: a share of them means nothing.
    const share = about?.unit === '%' ? null : (main?.share ?? null);
    const canFilter = !rest && (dimension === 'country' || dimension === 'source');
    const toggle = () => {
        const key = dimension as 'country' | 'source', text = value ?? '';
        board.change({ [key]: board.view[key].includes(text) ? board.view[key].filter((one) => one !== text) : [...board.view[key], text] });
    };
    // The day explained is the last full one, or today in a short period.
    const at = board.days <= 1 ? 'today' : 'yesterday';
    const ask = () => onExplain({ metric: first, at, grain: 'day', when: t(at === 'today' ? 'period.today' : 'drivers.yesterday'), filters: { filters: JSON.stringify({ [dimension]: value }) }, within: name });
    return (
        <tr>
            <th scope="row">
                <span class="segment-name">
                    {share !== null && (
                        <svg class="share" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true" focusable="false"><rect width={Math.max(0, Math.min(100, 100 * share))} height="1" /></svg>
                    )}
                    {canFilter
                        ? <button type="button" class="plain" title={t('segments.filter', { name })} onClick={toggle}><bdi>{name}</bdi></button>
                        : <bdi>{name}</bdi>}
                    {share !== null && <span class="share-text">{words.percent(share, 0)}</span>}
                </span>
            </th>
            {metrics.map((metric, place) => <td key={metric} class={`right ${place ? 'extra' : 'main'}`}>{words.figure(row.values[metric]?.value ?? null, board.metric(metric)?.unit)}</td>)}
            <td class="right"><Delta value={main?.value ?? null} compared={main?.compared ?? null} unit={about?.unit ?? null} good={about?.good ?? 'up'} /></td>
            <td class="trend"><Spark values={closed} /></td>
            <td class="right">
                {!rest && <button type="button" class="button icon-only quiet" aria-label={t('segments.why', { name })} title={t('segments.why', { name })} onClick={ask}><Icon name="why" /></button>}
            </td>
        </tr>
    );
}
