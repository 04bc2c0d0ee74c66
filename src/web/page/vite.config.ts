// How the page is built: one script, one style sheet, two font files, and the licences of what went into them.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

/** Writes licences.txt: the licence of every package that is part of the build, as its authors ask. */
function licences(): Plugin {
    return {
        name: 'licences',
        generateBundle(_, bundle) {
            const folders = new Set<string>();
            for (const part of Object.values(bundle)) {
                const sources = part.type === 'chunk' ? Object.keys(part.modules) : part.originalFileNames;
                for (const source of sources) {
                    const found = /(.*)?node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(source);
                    if (found) folders.add(join('node_modules', found[2]!));
                }
            }
            // Style sheets name their fonts and rules without a trace in the bundle.
            for (const name of ['@fontsource-variable/inter', 'uplot']) folders.add(join('node_modules', name));
            const texts = [...folders].sort().map((folder) => {
                const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
                const file = readdirSync(folder).find((one) => /^licen[sc]e/i.test(one));
                if (!file) throw new Error(`${name} comes without its licence`);
                return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
            });
            this.emitFile({ type: 'asset', fileName: 'licences.txt', source: texts.join(`\n${'-'.repeat(80)}\n\n`) });
        },
    };
}

export default defineConfig({
    base: './',
    plugins: [licences()],
    build: {
        // Kept out of the sources; kpi_web serves it from here or from where it is installed.
        outDir: '../../../build/page',
        emptyOutDir: true,
        // The content security policy allows no data: fonts or scripts.
        assetsInlineLimit: 0,
        modulePreload: { polyfill: false },
        target: 'es2021',
    },
    // One file after the other: the machine builds C++ beside it.
    test: { fileParallelism: false, testTimeout: 30_000 },
    server: { proxy: { '/api': process.env.KPI_WEB ?? 'http://127.0.0.1:8088' } },
});
