// A change as a coloured pill: arrow and number for the eye, a sentence for the ear. Colour never says anything alone.
import { usePage } from '../context';
import { change, changeText } from '../format';
import type { Good } from '../types';

interface Props {
    value: number | null;
    compared: number | null;
    unit: string | null;
    good: Good;
    /** Said after the number: "vs a week earlier". */
    versus?: string;
}

const ARROWS = { up: '↑', down: '↓', same: '→', unknown: '' };

export function Delta({ value, compared, unit, good, versus }: Props) {
    const { words } = usePage();
    const of = change(value, compared, unit, good);
    const text = changeText(of, words.language);
    return (
        <span class={`delta ${of.mood}`}>
            <span aria-hidden="true" class="delta-pill">
                {of.amount !== null && <span class="arrow">{ARROWS[of.direction]}</span>}
                {text.replace(/^[+-]/, '')}
            </span>
            <span class="hidden">{words.t(`change.${of.direction}`, { change: text.replace(/^[+-]/, '') })}</span>
            {versus && <span class="versus">{versus}</span>}
        </span>
    );
}
