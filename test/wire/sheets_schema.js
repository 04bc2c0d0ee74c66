// Bodies of requests to Google Sheets, judged by the types of Google's own client.
//   const faults = require('./sheets_schema.js')();   faults('append', body) -> null or a text
// The types are @googleapis/sheets; properties that they do not have are refused.
const fs = require('fs');
const os = require('os');
const path = require('path');
const Ajv = require('ajv');
const { createGenerator } = require('ts-json-schema-generator');

const TYPES = `import { sheets_v4 } from '@googleapis/sheets';
export type values = sheets_v4.Schema$BatchUpdateValuesRequest;
export type append = sheets_v4.Schema$ValueRange;
export type update = sheets_v4.Schema$ValueRange;
export type clear = sheets_v4.Schema$BatchClearValuesRequest;
export type batch = sheets_v4.Schema$BatchUpdateSpreadsheetRequest;
`;

module.exports = () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sheets-types-'));
    try {
        const file = path.join(folder, 'bodies.ts'), tsconfig = path.join(folder, 'tsconfig.json');
        const types = require.resolve('@googleapis/sheets').replace(/\.js$/, '.d.ts');
        fs.writeFileSync(file, TYPES);
        fs.writeFileSync(tsconfig, JSON.stringify({ compilerOptions: {
            baseUrl: folder, paths: { '@googleapis/sheets': [types] }, types: [], moduleResolution: 'node', target: 'es2020' } }));
        const schema = createGenerator({ path: file, tsconfig, type: '*', skipTypeCheck: true }).createSchema('*');
        const ajv = new Ajv({ strict: false });
        ajv.addSchema(schema, 'sheets');
        return (name, body) => {
            const judge = ajv.getSchema(`sheets#/definitions/${name}`);
            return judge(body) ? null : ajv.errorsText(judge.errors);
        };
    } finally {
        fs.rmSync(folder, { recursive: true });
    }
};
