// Judges Grafana's files by JSON Schemas that are generated from the types of @grafana/grafana-foundation-sdk.
//
//   node grafana_schema.js FOLDER < lines
//   stdin: one JSON a line: {"kind": "dashboard" or "rules", "value": ...}
//   stdout: for each a JSON text: "" when it is valid, else what is wrong
//
// Generating takes some seconds: the schemas are kept in FOLDER (build/npm) until the lock changes.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const readline = require('readline');
const Ajv = require('ajv');

const folder = process.argv[2];
const lock = crypto.createHash('sha256').update(fs.readFileSync(path.join(folder, 'package-lock.json'))).digest('hex');
const KINDS = { dashboard: ['dashboard', 'Dashboard'], rules: ['alerting', 'RuleGroup'] };

function generated(kind) {
    const { createGenerator } = require('ts-json-schema-generator');
    const [module, type] = KINDS[kind];
    // beside node_modules, where the types are found
    const source = path.join(folder, `grafana_${kind}.ts`);
    fs.writeFileSync(source, `import * as ${module} from '@grafana/grafana-foundation-sdk/${module}';\nexport interface Kpi extends ${module}.${type} {}\n`);
    const config = path.join(folder, 'grafana_tsconfig.json');
    fs.writeFileSync(config, JSON.stringify({ compilerOptions: { module: 'node16', moduleResolution: 'node16', skipLibCheck: true } }));
    const schema = createGenerator({ path: source, tsconfig: config, type: 'Kpi', skipTypeCheck: true, additionalProperties: false }).createSchema('Kpi');
    // What a query holds is a matter of its data source.
    for (const name of Object.keys(schema.definitions).filter((each) => /Dataquery$/.test(each))) schema.definitions[name].additionalProperties = true;
    return schema;
}

function schema(kind) {
    const kept = path.join(folder, `grafana_${kind}-${lock.slice(0, 16)}.json`);
    if (!fs.existsSync(kept)) {
        const mine = `${kept}.${process.pid}`;
        fs.writeFileSync(mine, JSON.stringify(generated(kind)));
        fs.renameSync(mine, kept);
    }
    return JSON.parse(fs.readFileSync(kept, 'utf8'));
}

const judges = {};
readline.createInterface({ input: process.stdin }).on('line', (line) => {
    const { kind, value } = JSON.parse(line);
    judges[kind] = judges[kind] || new Ajv({ strict: false, allErrors: true }).compile(schema(kind));
    const fault = judges[kind](value) ? '' : new Ajv().errorsText(judges[kind].errors.slice(0, 6));
    process.stdout.write(JSON.stringify(fault) + '\n');
});
