// A button with something that opens below it; closes by Escape, by a click elsewhere, and when the focus leaves.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Icon } from './icons';

interface Props {
    label: ComponentChildren;
    /** The button's name for screen readers, when the label alone is too short. */
    name?: string;
    class?: string;
    children: (close: () => void) => ComponentChildren;
}

export function Menu({ label, name, class: more = '', children }: Props) {
    const [isOpen, setOpen] = useState(false);
    const root = useRef<HTMLDivElement>(null);
    const button = useRef<HTMLButtonElement>(null);
    const close = () => {
        setOpen(false);
        button.current?.focus();
    };
    useEffect(() => {
        if (!isOpen) return;
        const outside = (event: Event) => {
            if (!root.current?.contains(event.target as Node)) setOpen(false);
        };
        const key = (event: KeyboardEvent) => {
            if (event.key === 'Escape') close();
        };
        document.addEventListener('pointerdown', outside);
        document.addEventListener('focusin', outside);
        document.addEventListener('keydown', key);
        root.current?.querySelector<HTMLElement>('.menu-body input, .menu-body button')?.focus();
        return () => {
            document.removeEventListener('pointerdown', outside);
            document.removeEventListener('focusin', outside);
            document.removeEventListener('keydown', key);
        };
    }, [isOpen]);
    return (
        <div class={`menu ${more}`} ref={root}>
            <button type="button" class="button" ref={button} aria-expanded={isOpen} aria-label={name} onClick={() => setOpen(!isOpen)}>
                {label}
                <Icon name="caret" />
            </button>
            {isOpen && <div class="menu-body">{children(close)}</div>}
        </div>
    );
}
