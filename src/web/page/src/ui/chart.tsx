// The series as a picture: the period, what it is compared with, the range it was expected in, the open bucket and its pace.
// The keyboard moves the same cursor as the mouse; screen readers hear each bucket as a sentence.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { usePage } from '../context';
import type { Timeseries } from '../types';
import { axisRange, columns, type Columns } from './chart_data';
import { Tooltip, sentence } from './chart_tooltip';

interface Props {
    series: Timeseries;
    title: string;
    onPick?: (place: number) => void;
}

interface Colours {
    accent: string; soft: string; band: string; muted: string; grid: string; none: string; text: string; bad: string; surface: string;
}

// What the canvas needs of the style sheet.
function colours(element: Element): Colours {
    const style = getComputedStyle(element);
    const read = (name: string) => style.getPropertyValue(`--${name}`).trim();
    return {
        accent: read('accent'), soft: read('accent-soft'), band: read('band'), muted: read('compared'), grid: read('grid'),
        none: read('accent-none'),
        text: read('text-soft'), bad: read('bad'), surface: read('surface'),
    };
}

function aligned(of: Columns): uPlot.AlignedData {
    return [of.at, of.upper, of.lower, of.compared, of.value, of.open] as uPlot.AlignedData;
}

// A label a day at most: between two days there is nothing to name.
const DAYS = [1, 2, 3, 7, 14, 28, 61, 91, 182, 365].map((days) => days * 86400);
const HEIGHT = { narrow: 230, wide: 320, wall: 420 };

function heightFor(width: number): number {
    return width < 560 ? HEIGHT.narrow : width < 1500 ? HEIGHT.wide : HEIGHT.wall;
}

// uPlot draws lines; what it has no word for is drawn after them.
function drawMarks(plot: uPlot, of: Columns, paint: Colours, expectedSoFar: number | null): void {
    const ratio = devicePixelRatio || 1;
    const { ctx } = plot;
    const dot = (place: number, value: number | null | undefined, colour: string, isHollow: boolean) => {
        if (value === null || value === undefined) return;
        ctx.beginPath();
        ctx.arc(plot.valToPos(of.at[place]!, 'x', true), plot.valToPos(value, 'y', true), 4.5 * ratio, 0, 2 * Math.PI);
        ctx.fillStyle = isHollow ? paint.surface : colour;
        ctx.strokeStyle = isHollow ? colour : paint.surface;
        ctx.lineWidth = 2 * ratio;
        ctx.fill();
        ctx.stroke();
    };
    ctx.save();
    ctx.setLineDash([]);
    for (const place of of.anomalies) dot(place, of.value[place] ?? of.open[place], paint.bad, false);
    if (of.openAt >= 0) {
        if (expectedSoFar !== null) {
            // A tick where the bucket should be by now.
            const x = plot.valToPos(of.at[of.openAt]!, 'x', true), y = plot.valToPos(expectedSoFar, 'y', true);
            ctx.strokeStyle = paint.text;
            ctx.lineWidth = 2 * ratio;
            ctx.beginPath();
            ctx.moveTo(x - 7 * ratio, y);
            ctx.lineTo(x + 7 * ratio, y);
            ctx.stroke();
        }
        dot(of.openAt, of.open[of.openAt], of.anomalies.includes(of.openAt) ? paint.bad : paint.accent, true);
    }
    ctx.restore();
}

export function Chart({ series, title, onPick }: Props) {
    const { words } = usePage();
    const { t } = words;
    const place = useRef<HTMLDivElement>(null);
    const plot = useRef<uPlot | null>(null);
    const [cursor, setCursor] = useState<number | null>(null);
    const [width, setWidth] = useState(0);
    const of = useMemo(() => columns(series.points), [series]);
    const points = useMemo(() => series.points.slice(0, of.at.length), [series, of]);
    const latest = useRef({ of, points });
    latest.current = { of, points };

    useEffect(() => {
        const watch = new ResizeObserver(([entry]) => setWidth(Math.floor(entry!.contentRect.width)));
        watch.observe(place.current!);
        return () => watch.disconnect();
    }, []);

    // Made anew when its looks change, not when numbers do.
    const [theme, setTheme] = useState(0);
    useEffect(() => {
        const watch = new MutationObserver(() => setTheme((count) => count + 1));
        watch.observe(document.documentElement, { attributeFilter: ['data-theme'] });
        return () => watch.disconnect();
    }, []);

    const { unit, grain, timezone } = series;
    const isReady = width > 0;
    useEffect(() => {
        if (!isReady) return;
        const paint = colours(place.current!);
        const zone = timezone ?? undefined;
        const font = `12px ${getComputedStyle(document.body).fontFamily}`;
        const label = (at: number, step: number) => (grain === 'hour' && step < 86400 ? words.time(at * 1000, zone) : words.date(at * 1000, zone));
        const axis = { stroke: paint.text, font, ticks: { show: false } };
        const none = { show: false };
        const made = new uPlot({
            width, height: heightFor(width),
            legend: none,
            padding: [12, 26, 0, 0],
            tzDate: (at) => (zone ? uPlot.tzDate(new Date(at * 1000), zone) : new Date(at * 1000)),
            cursor: { y: false, points: { size: 8, fill: paint.surface, width: 2, stroke: (_, line) => (line >= 4 ? paint.accent : 'transparent') }, drag: { x: false, y: false } },
            scales: { x: { time: true }, y: { range: (_, low, high) => axisRange(low, high, unit) } },
            axes: [
                { ...axis, space: 72, size: 34, grid: none, ...(grain === 'hour' ? {} : { incrs: DAYS }), values: (_, splits, __, ___, step) => splits.map((at) => label(at, step)) },
                {
                    ...axis, size: 54, space: 56, grid: { stroke: paint.grid, width: 1 },
                    values: (_, splits) => splits.map((value) => words.compact(value, unit)),
                },
            ],
            bands: [{ series: [1, 2], fill: paint.band }],
            series: [
                {},
                { stroke: 'transparent', width: 0, points: none }, { stroke: 'transparent', width: 0, points: none },
                { stroke: paint.muted, width: 1.75, dash: [5, 5], points: none },
                {
                    stroke: paint.accent, width: 2.5, points: none,
                    fill: (self) => {
                        const shade = self.ctx.createLinearGradient(0, self.bbox.top, 0, self.bbox.top + self.bbox.height);
                        shade.addColorStop(0, paint.soft);
                        shade.addColorStop(1, paint.none);
                        return shade;
                    },
                },
                { stroke: paint.accent, width: 2.5, dash: [3, 4], points: none },
            ],
            hooks: {
                draw: [(self) => {
                    const { of: now, points: all } = latest.current;
                    drawMarks(self, now, paint, all[now.openAt]?.expected_so_far ?? null);
                }],
                setCursor: [(self) => setCursor(self.cursor.left !== undefined && self.cursor.left >= 0 ? (self.cursor.idx ?? null) : null)],
            },
        }, aligned(latest.current.of), place.current!);
        plot.current = made;
        // The picture is described by the slider around it.
        made.root.setAttribute('aria-hidden', 'true');
        return () => {
            made.destroy();
            plot.current = null;
        };
    }, [isReady, theme, unit, grain, timezone, words]);

    useEffect(() => plot.current?.setSize({ width, height: heightFor(width) }), [width]);
    useEffect(() => plot.current?.setData(aligned(of)), [of]);

    const move = (to: number) => {
        const now = plot.current;
        if (!now || of.at.length === 0) return;
        const next = Math.max(0, Math.min(of.at.length - 1, to));
        now.setCursor({ left: now.valToPos(of.at[next]!, 'x'), top: now.over.clientHeight / 2 });
        setCursor(next);
    };
    const key = (event: KeyboardEvent) => {
        const last = of.at.length - 1, at = cursor ?? last + 1;
        const to = { ArrowLeft: at - 1, ArrowRight: cursor === null ? last : at + 1, Home: 0, End: last }[event.key];
        if (to !== undefined) move(to);
        else if (event.key === 'Enter' && cursor !== null) onPick?.(cursor);
        else return;
        event.preventDefault();
    };
    const last = of.at.length - 1;
    const heard = points[cursor ?? last];
    return (
        <div class="chart">
            <div
                class="chart-canvas" ref={place} tabIndex={0} role="slider" aria-label={`${title}. ${t('chart.help')}`} aria-orientation="horizontal"
                aria-valuemin={0} aria-valuemax={Math.max(0, last)} aria-valuenow={cursor ?? Math.max(0, last)}
                aria-valuetext={heard ? sentence(heard, series, words) : t('empty.title')}
                data-points={of.at.length} data-open={of.openAt} data-anomalies={of.anomalies.length}
                onKeyDown={key} onBlur={() => setCursor(null)}
                onClick={() => cursor !== null && onPick?.(cursor)}
            />
            {cursor !== null && points[cursor] && plot.current && (
                <Tooltip point={points[cursor]} series={series} left={plot.current.valToPos(of.at[cursor]!, 'x') + plot.current.over.offsetLeft} width={width} canPick={Boolean(onPick)} />
            )}
        </div>
    );
}
