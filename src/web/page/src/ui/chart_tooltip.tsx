// One bucket in words: beside the cursor for the eye, as a sentence for screen readers.
import { usePage } from '../context';
import type { Words } from '../i18n';
import type { Point, Timeseries } from '../types';
import { Delta } from './delta';

export function bucketName(point: Point, series: Timeseries, words: Words): string {
    if (series.grain === 'hour') return words.moment(point.at, series.timezone);
    // A day is a day of the source's zone, whatever zone the reader is in.
    return words.date(`${point.day}T12:00:00Z`, 'UTC', 'long');
}

export function paceText(point: Point, words: Words): string {
    const elapsed = words.percent(point.elapsed_fraction, 0);
    if (point.value === null || !point.expected_so_far) return words.t('chart.open.text', { elapsed });
    return words.t('chart.open.pace', { elapsed, pace: words.percent(point.value / point.expected_so_far, 0) });
}

export function sentence(point: Point, series: Timeseries, words: Words): string {
    const { t } = words;
    const parts = [`${bucketName(point, series, words)}: ${words.number(point.value, series.unit)}`];
    if (point.compared !== null) parts.push(`${t('chart.compared')} ${words.number(point.compared, series.unit)}`);
    if (point.expected !== null && point.is_complete) parts.push(`${t('chart.expected')} ${words.number(point.expected, series.unit)}`);
    if (point.is_anomaly) parts.push(t('chart.anomaly'));
    if (!point.is_complete) parts.push(paceText(point, words));
    return parts.join('. ');
}

interface Props {
    point: Point;
    series: Timeseries;
    /** Pixels from the chart's left edge. */
    left: number;
    width: number;
    canPick: boolean;
}

export function Tooltip({ point, series, left, width, canPick }: Props) {
    const { words } = usePage();
    const { t } = words;
    const isRight = left > width / 2;
    // Set through the object model, which a strict content security policy allows.
    const place = isRight ? { right: `${Math.round(width - left + 14)}px` } : { left: `${Math.round(left + 14)}px` };
    return (
        <div class="tooltip" style={place} aria-hidden="true">
            <p class="tooltip-when">{bucketName(point, series, words)}{point.is_anomaly && <span class="tag bad">{t('chart.anomaly')}</span>}</p>
            <p class="tooltip-value">
                <strong>{words.number(point.value, series.unit)}</strong>
                {point.compared !== null && <Delta value={point.value} compared={point.compared} unit={series.unit} good={series.good} />}
            </p>
            <dl>
                {point.compared !== null && <><dt>{t('chart.compared')}</dt><dd>{words.number(point.compared, series.unit)}</dd></>}
                {point.lower !== null && point.upper !== null && point.is_complete && (
                    <><dt>{t('chart.band')}</dt><dd>{words.number(point.lower, series.unit)} – {words.number(point.upper, series.unit)}</dd></>
                )}
            </dl>
            {!point.is_complete && <p class="tooltip-open">{paceText(point, words)}</p>}
            {canPick && <p class="tooltip-why">{t('chart.why')}</p>}
        </div>
    );
}
