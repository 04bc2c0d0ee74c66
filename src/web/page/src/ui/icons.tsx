// Icons, drawn in the text's colour. They say nothing by themselves: a text beside or behind them does.
const PATHS = {
    up: 'M8 13V3M3.5 7.5 8 3l4.5 4.5',
    down: 'M8 3v10M3.5 8.5 8 13l4.5-4.5',
    same: 'M3 8h10',
    caret: 'M4 6l4 4 4-4',
    check: 'M3 8.5l3.2 3.2L13 5',
    close: 'M4 4l8 8M12 4l-8 8',
    sun: 'M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM8 1v1.6M8 13.4V15M1 8h1.6M13.4 8H15M3 3l1.2 1.2M11.8 11.8 13 13M13 3l-1.2 1.2M4.2 11.8 3 13',
    download: 'M8 2.5v8M4.5 7.5 8 11l3.5-3.5M3 13.5h10',
    table: 'M2.5 3.5h11v9h-11zM2.5 7h11M6.5 7v5.5',
    chart: 'M2.5 12.5l3.5-4 3 2.5 4.5-6.5',
    why: 'M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8zM6.3 6.300a1.800 1.800 0 1 1 2.500 1.700c-.5.200-.8.600-.8 1.200M8 11.200v.1',
    alert: 'M8 2.5 14 13H2zM8 6.8v2.8M8 11.3v.1',
    good: 'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM5.4 8.2l1.8 1.8 3.4-3.6',
    search: 'M7 3a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM10 10l3.5 3.5',
    globe: 'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM2 8h12M8 2c2 2 2.6 4 2.6 6S10 12 8 14c-2-2-2.600-4-2.600-6S6 4 8 2z',
    cloud: 'M2.500 2.500l11 11M5 5.500A3.500 3.500 0 0 0 4.500 12.500H11M7.500 4.200A3.800 3.800 0 0 1 12 7.500a2.600 2.600 0 0 1 1.500 3.800',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
    return (
        <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
            <path d={PATHS[name]} />
        </svg>
    );
}
