// Several values of one dimension: a searchable list of checkboxes. Values come from the data and are shown as text.
import { useState } from 'preact/hooks';
import { usePage } from '../context';
import { Icon } from './icons';
import { Menu } from './menu';

interface Props {
    dimension: string;
    values: (string | null)[];
    chosen: string[];
    onChange: (chosen: string[]) => void;
}

export function MultiSelect({ dimension, values, chosen, onChange }: Props) {
    const { words } = usePage();
    const { t } = words;
    const [wanted, setWanted] = useState('');
    const title = words.name(dimension);
    const first = chosen[0];
    const shown = first === undefined ? t('filter.all') : chosen.length === 1 ? words.value(dimension, first) : t('filter.several', { count: chosen.length });
    // What is chosen stays in the list, also when the data no longer has it.
    const all = [...new Set([...values.map((value) => value ?? ''), ...chosen])];
    const text = wanted.trim().toLocaleLowerCase();
    const found = all.filter((value) => `${words.value(dimension, value)} ${value}`.toLocaleLowerCase().includes(text));
    const toggle = (value: string) => onChange(chosen.includes(value) ? chosen.filter((one) => one !== value) : [...chosen, value]);
    return (
        <Menu
            class="multi"
            name={`${title}: ${shown}`}
            label={<><span class="label">{title}</span><span class="chosen">{shown}</span></>}
        >
            {() => (
                <fieldset>
                    <legend class="hidden">{title}</legend>
                    {all.length > 7 && (
                        <label class="search">
                            <Icon name="search" />
                            <span class="hidden">{t('filter.search')}</span>
                            <input type="search" placeholder={t('filter.search')} value={wanted} onInput={(event) => setWanted(event.currentTarget.value)} />
                        </label>
                    )}
                    <div class="options">
                        {found.map((value) => (
                            <label key={value} class="option">
                                <input type="checkbox" checked={chosen.includes(value)} onChange={() => toggle(value)} />
                                <span class="option-text">{words.value(dimension, value)}</span>
                            </label>
                        ))}
                        {found.length === 0 && <p class="nothing">{t('filter.noMatch')}</p>}
                    </div>
                    {chosen.length > 0 && <button type="button" class="link" onClick={() => onChange([])}>{t('filter.clear')}</button>}
                </fieldset>
            )}
        </Menu>
    );
}
