// Judges blocks by a JSON Schema that is generated from the types of @slack/types.
//
//   node slack_schema.js FOLDER < lines
//   stdin: one JSON array of blocks a line
//   stdout: for each a JSON text: "" when it is valid, else what is wrong
//
// Generating takes a second: the schema is kept in FOLDER (build/npm) until the lock changes.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const readline = require('readline');
const Ajv = require('ajv');

const folder = process.argv[2];
const lock = crypto.createHash('sha256').update(fs.readFileSync(path.join(folder, 'package-lock.json'))).digest('hex');
const kept = path.join(folder, `slack_blocks-${lock.slice(0, 16)}.json`);

function generated() {
    const { createGenerator } = require('ts-json-schema-generator');
    // beside node_modules, where the types are found
    const source = path.join(folder, 'slack_blocks.ts');
    fs.writeFileSync(source, "import type { KnownBlock } from '@slack/types';\nexport type Blocks = KnownBlock[];\n");
    return createGenerator({ path: source, type: 'Blocks', skipTypeCheck: true }).createSchema('Blocks');
}

function schema() {
    if (!fs.existsSync(kept)) {
        const mine = `${kept}.${process.pid}`;
        fs.writeFileSync(mine, JSON.stringify(generated()));
        fs.renameSync(mine, kept);
    }
    return JSON.parse(fs.readFileSync(kept, 'utf8'));
}

const ajv = new Ajv({ strict: false });
const valid = ajv.compile(schema());
readline.createInterface({ input: process.stdin }).on('line', (line) => {
    const fault = valid(JSON.parse(line)) ? '' : ajv.errorsText(valid.errors.slice(0, 4));
    process.stdout.write(JSON.stringify(fault) + '\n');
});
