// Period, comparison and filters; everything chosen here is in the address.
import { useEffect, useRef } from 'preact/hooks';
import { usePage } from '../context';
import { COMPARISONS, PERIODS, type Comparison, type Period } from '../period';
import { Icon } from './icons';
import { Menu } from './menu';
import { MultiSelect } from './multi_select';

const FILTERED = ['country', 'source'] as const;

export function Filters() {
    const { board, words } = usePage();
    const { t } = words;
    const { view } = board;
    const periods = useRef<HTMLDivElement>(null);
    // On a phone the chosen period may be beyond the edge. Only the row scrolls, never the page.
    useEffect(() => {
        const row = periods.current!, chosen = row.querySelector<HTMLElement>('[aria-pressed="true"]');
        if (chosen) row.scrollLeft = chosen.offsetLeft - (row.clientWidth - chosen.offsetWidth) / 2;
    }, [view.period]);
    const dimensions = board.slots.meta.data?.dimensions ?? {};
    return (
        <nav class="filters" aria-label={t('period')}>
            <div ref={periods} class="segmented periods" role="group" aria-label={t('period')}>
                {PERIODS.filter((one) => one !== 'custom').map((one) => (
                    <button key={one} type="button" aria-pressed={view.period === one} onClick={() => board.change({ period: one as Period, from: null, to: null })}>
                        {t(`period.${one}`)}
                    </button>
                ))}
            </div>
            <CustomPeriod />
            <label class="pick compare">
                <span class="label">{t('compare')}</span>
                <select value={view.compare} onChange={(event) => board.change({ compare: event.currentTarget.value as Comparison })}>
                    {COMPARISONS.map((one) => <option key={one} value={one}>{t(`compare.${one}`)}</option>)}
                </select>
            </label>
            <div class="filter-set">
                {FILTERED.filter((one) => one in dimensions || view[one].length > 0).map((one) => (
                    <MultiSelect key={one} dimension={one} values={dimensions[one] ?? []} chosen={view[one]} onChange={(chosen) => board.change({ [one]: chosen })} />
                ))}
            </div>
            {board.isFiltered && (
                <ul class="chips">
                    {FILTERED.flatMap((one) => view[one].map((value) => {
                        const name = words.value(one, value);
                        return (
                            <li key={`${one} ${value}`}>
                                <button type="button" class="chip" aria-label={t('filter.remove', { name })} onClick={() => board.change({ [one]: view[one].filter((other) => other !== value) })}>
                                    <span>{name}</span>
                                    <Icon name="close" />
                                </button>
                            </li>
                        );
                    }))}
                    <li><button type="button" class="link" onClick={() => board.change({ country: [], source: [] })}>{t('filter.clear')}</button></li>
                </ul>
            )}
        </nav>
    );
}

function CustomPeriod() {
    const { board, words } = usePage();
    const { t } = words;
    const { view } = board;
    const isOn = view.period === 'custom';
    const label = isOn ? `${words.date(`${view.from}T12:00:00Z`, 'UTC')} – ${words.date(`${view.to}T12:00:00Z`, 'UTC')}` : t('period.custom');
    return (
        <Menu class={`custom ${isOn ? 'on' : ''}`} label={label} name={`${t('period.custom')} ${isOn ? label : ''}`.trim()}>
            {(close) => (
                <form
                    class="dates"
                    onSubmit={(event) => {
                        event.preventDefault();
                        const form = new FormData(event.currentTarget);
                        const [from, to] = [String(form.get('from')), String(form.get('to'))].sort();
                        if (from && to) board.change({ period: 'custom', from, to });
                        close();
                    }}
                >
                    <label>{t('period.from')}<input type="date" name="from" required value={view.from ?? undefined} /></label>
                    <label>{t('period.to')}<input type="date" name="to" required value={view.to ?? undefined} /></label>
                    <button type="submit" class="button primary">{t('period.apply')}</button>
                </form>
            )}
        </Menu>
    );
}
