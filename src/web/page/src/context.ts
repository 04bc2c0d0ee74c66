// What every part of the page draws from: the board, and the words of the reader's language.
import { createContext } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';
import type { Board } from './board';
import type { Words } from './i18n';

export interface Page {
    board: Board;
    words: Words;
    /** Says something once, for eyes and screen readers. */
    say: (text: string, isBad?: boolean) => void;
}

export const PageContext = createContext<Page | null>(null);

export function usePage(): Page {
    return useContext(PageContext)!;
}

/** Draws again whenever the board tells. */
export function useBoard(board: Board): void {
    const [, draw] = useState(0);
    useEffect(() => board.subscribe(() => draw((count) => count + 1)), [board]);
}
