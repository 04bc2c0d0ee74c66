// A fake of Google Sheets and of its token server, with cells that stay: nobody but Google runs Google Sheets.
//   node sheets_fake.js PUBLIC_KEY_FILE CLIENT_EMAIL    prints its port
//
// Written from Google's documentation: "Using OAuth 2.0 for Server to Server Applications", the reference of
// spreadsheets.values and spreadsheets.batchUpdate. Held to Google's own client by test_sheets.py. Where Google may forgive
// (names of sheets without quotes, ranges that go beyond the grid) it refuses. POST /control with JSON changes its mood:
//   {"reset": true, "answers": [[status, body, headers], null, ...], "token_answers": [...], "lost": n, "skew": s, "lifetime": s,
//    "refuse_tokens": true}; answers are for the next requests, null: the true one; lost: the n-th request from now is done
//    and its connection cut without an answer. It replies with {"calls", "tokens", "sheets"}.
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const judge = require('./sheets_schema.js')();

const PUBLIC_KEY = fs.readFileSync(process.argv[2], 'utf8'), EMAIL = process.argv[3];
const SCOPE = 'https://www.googleapis.com/auth/spreadsheets';
let state;

function reset() {
    const sheet = (sheetId, title, hidden) => ({ sheetId, title, hidden, rows: 20, columns: 6, cells: new Map() });
    state = { calls: [], tokens: 0, valid: new Map(), answers: [], token_answers: [], lost: 0, skew: 0, lifetime: 3600,
              sheets: { book: [sheet(1, 'Hidden', true), sheet(0, 'Leads', false), sheet(7, 'Día 1', false)],
                        other: [sheet(0, 'Leads', false), sheet(7, 'Día 1', false)] } };
}

class Refusal extends Error {
    constructor(code, status, message, more) { super(message); Object.assign(this, { code, status, more }); }
}
const bad = message => { throw new Refusal(400, 'INVALID_ARGUMENT', message); };
const now = () => Math.floor(Date.now() / 1000) + state.skew;

function grant(form) {
    const refuse = description => [400, { error: 'invalid_grant', error_description: description }];
    if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer')
        return [400, { error: 'unsupported_grant_type', error_description: 'Invalid grant_type' }];
    const parts = (form.get('assertion') || '').split('.');
    if (parts.length !== 3 || parts.some(part => !/^[A-Za-z0-9_-]+$/.test(part))) return refuse('Bad Request');
    const [header, claims] = parts.slice(0, 2).map(part => JSON.parse(Buffer.from(part, 'base64url')));
    const signature = Buffer.from(parts[2], 'base64url');
    if (header.alg !== 'RS256' || (header.typ ?? 'JWT') !== 'JWT' ||  // Google's own client sends none
        !crypto.verify('RSA-SHA256', Buffer.from(parts[0] + '.' + parts[1]), PUBLIC_KEY, signature))
        return refuse('Invalid JWT Signature.');
    if (claims.iss !== EMAIL) return refuse('Invalid grant: account not found');
    if (claims.aud !== `${address()}/token`) return refuse('Invalid JWT: Failed audience check.');
    if (!(claims.iat <= now() + 5 && claims.exp > now() && claims.exp - claims.iat <= 3600))
        return refuse('Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.');
    if (claims.scope !== SCOPE) return [400, { error: 'invalid_scope', error_description: 'Invalid OAuth scope' }];
    const token = `canary-token-${++state.tokens}`;
    state.valid.set(token, state.refuse_tokens ? 0 : now() + state.lifetime);
    return [200, { access_token: token, expires_in: state.lifetime, token_type: 'Bearer' }];
}

function column(letters) {
    return [...letters].reduce((sum, c) => sum * 26 + c.charCodeAt(0) - 64, 0);
}

// {sheet, top, left, bottom, right}; bottom and right undefined: a single cell
function place(sheets, range) {
    const found = /^(?:(?:'((?:[^']|'')+)'|(\w+))!)?([A-Z]+)(\d+)?(?::([A-Z]+)(\d+)?)?$/.exec(range);
    if (!found || (!found[4] && !found[5])) bad(`Unable to parse range: ${range}`);
    const title = found[1] ? found[1].replaceAll("''", "'") : found[2];
    const sheet = title ? sheets.find(one => one.title === title) : sheets.find(one => !one.hidden);
    if (!sheet) bad(`Unable to parse range: ${range}`);
    const area = { sheet, left: column(found[3]), top: Number(found[4] || 1), text: range };
    if (found[5]) Object.assign(area, { right: column(found[5]), bottom: found[6] ? Number(found[6]) : Infinity });
    const last = area.bottom === Infinity ? 0 : area.bottom || 0;
    if (Math.max(area.top, last) > sheet.rows || Math.max(area.left, area.right || 0) > sheet.columns)
        bad(`Range (${range}) exceeds grid limits. Max rows: ${sheet.rows}, max columns: ${sheet.columns}`);
    return area;
}

const key = (row, col) => `${row},${col}`;
const letters = col => (col > 26 ? letters(Math.floor((col - 1) / 26)) : '') + String.fromCharCode(65 + (col - 1) % 26);
const text = (sheet, top, left, bottom, right) =>
    `'${sheet.title.replaceAll("'", "''")}'!${letters(left)}${top}:${letters(right)}${bottom}`;

function entered(value, option) {
    if (option === 'RAW' || typeof value !== 'string') return value;
    if (value.startsWith('=')) return { formula: value };
    return value !== '' && !isNaN(value) ? Number(value) : value;
}

function write(area, values, option) {
    const { sheet } = area;
    if (!['RAW', 'USER_ENTERED'].includes(option)) bad("'valueInputOption' is required but not specified");
    const width = Math.max(0, ...values.map(row => row.length));
    if (area.right && (width > area.right - area.left + 1 || values.length > area.bottom - area.top + 1))
        bad(`Requested writing within range [${area.text}], but tried writing beyond it`);
    if (area.top + values.length - 1 > sheet.rows || area.left + width - 1 > sheet.columns)
        bad(`Range (${area.text}) exceeds grid limits. Max rows: ${sheet.rows}, max columns: ${sheet.columns}`);
    let cells = 0;
    values.forEach((row, y) => row.forEach((value, x) => {
        if (value !== null && !['string', 'number', 'boolean'].includes(typeof value)) bad('Invalid values');
        if (typeof value === 'string' && value.length > 50000) bad('Your input contains more than the maximum of 50000 characters');
        if (value === null) return;
        ++cells;
        if (value === '') sheet.cells.delete(key(area.top + y, area.left + x));
        else sheet.cells.set(key(area.top + y, area.left + x), entered(value, option));
    }));
    return { updatedRange: text(sheet, area.top, area.left, area.top + values.length - 1, area.left + Math.max(width, 1) - 1),
             updatedRows: values.length, updatedColumns: width, updatedCells: cells };
}

function read(area) {
    const { sheet } = area;
    const bottom = Math.min(area.bottom || area.top, sheet.rows), right = area.right || area.left, rows = [];
    for (let y = area.top; y <= bottom; ++y) {
        const row = [];
        for (let x = area.left; x <= right; ++x) row.push(sheet.cells.get(key(y, x)) ?? '');
        while (row.length && row[row.length - 1] === '') row.pop();
        rows.push(row);
    }
    while (rows.length && !rows[rows.length - 1].length) rows.pop();
    return { range: text(sheet, area.top, area.left, bottom, right), majorDimension: 'ROWS', ...(rows.length && { values: rows }) };
}

function clear(area) {
    const bottom = Math.min(area.bottom || area.top, area.sheet.rows), right = area.right || area.left;
    for (const where of [...area.sheet.cells.keys()]) {
        const [y, x] = where.split(',').map(Number);
        if (y >= area.top && y <= bottom && x >= area.left && x <= right) area.sheet.cells.delete(where);
    }
    return text(area.sheet, area.top, area.left, bottom, right);
}

// Below the rows without a gap from the range's first row on; what is further down makes room.
function append(area, values, query) {
    const { sheet } = area;
    if (query.get('insertDataOption') !== 'INSERT_ROWS') bad('the fake knows INSERT_ROWS only');
    const filled = new Set([...sheet.cells.keys()].map(where => Number(where.split(',')[0])));
    let at = area.top;
    while (filled.has(at)) ++at;
    const moved = [...sheet.cells].map(([where, value]) => {
        const [y, x] = where.split(',').map(Number);
        return [key(y >= at ? y + values.length : y, x), value];
    });
    sheet.cells = new Map(moved);
    sheet.rows += values.length;
    return write({ sheet, top: at, left: area.left, text: area.text }, values, query.get('valueInputOption'));
}

const REQUESTS = {
    addSheet(sheets, { properties }) {
        if (sheets.some(one => one.title === properties.title)) bad(`A sheet with the name "${properties.title}" already exists.`);
        const grid = properties.gridProperties || {};
        const sheet = { sheetId: 100 + sheets.length, title: properties.title, hidden: false, rows: grid.rowCount || 1000,
                        columns: grid.columnCount || 26, cells: new Map() };
        sheets.push(sheet);
        return { addSheet: { properties: shown(sheet) } };
    },
    appendDimension(sheets, { sheetId, dimension, length }) {
        const sheet = sheets.find(one => one.sheetId === sheetId);
        if (!sheet || !['ROWS', 'COLUMNS'].includes(dimension) || !(length > 0)) bad('Invalid requests[0].appendDimension');
        sheet[dimension.toLowerCase()] += length;
        return {};
    },
    deleteSheet(sheets, { sheetId }) {
        const at = sheets.findIndex(one => one.sheetId === sheetId);
        if (at < 0) bad(`Invalid requests[0].deleteSheet: No sheet with id: ${sheetId}`);
        sheets.splice(at, 1);
        return {};
    },
};

function shown(sheet) {
    return { sheetId: sheet.sheetId, title: sheet.title, ...(sheet.hidden && { hidden: true }),
             gridProperties: { rowCount: sheet.rows, columnCount: sheet.columns } };
}

function copied(sheets) {
    return sheets.map(sheet => ({ ...sheet, cells: new Map(sheet.cells) }));
}

function checked(name, body) {
    const faults = judge(name, body);
    if (faults) bad(`Invalid JSON payload received: ${faults}`);
    return body;
}

function same_range(body, range) {
    if (body.range !== undefined && body.range !== range) bad('The range in the body is not that of the path');
}

// One request: what is answered and, unless it throws, what `sheets` became.
function call(method, id, rest, query, body, sheets) {
    const one = /^\/values\/([^/:]+(?::[A-Z]+\d*)?)(?::(append|clear))?$/.exec(rest);
    const range = one && decodeURIComponent(one[1]);
    if (method === 'GET' && rest === '') return { sheets: sheets.map(sheet => ({ properties: shown(sheet) })) };
    if (method === 'GET' && one && !one[2]) return read(place(sheets, range));
    if (method === 'POST' && rest === ':batchUpdate') {
        const requests = checked('batch', body).requests || [];
        if (!requests.length) bad('Must specify at least one request.');
        return { spreadsheetId: id, replies: requests.map(request => {
            const name = Object.keys(request)[0];
            if (!REQUESTS[name]) bad(`the fake does not know ${name}`);
            return REQUESTS[name](sheets, request[name]);
        }) };
    }
    if (method === 'POST' && rest === '/values:batchUpdate') {
        const { data, valueInputOption } = checked('values', body);
        const responses = data.map(({ range: where, values }) => ({ spreadsheetId: id, ...write(place(sheets, where), values, valueInputOption) }));
        return { spreadsheetId: id, totalUpdatedCells: responses.reduce((sum, said) => sum + said.updatedCells, 0), responses };
    }
    if (method === 'POST' && rest === '/values:batchClear')
        return { spreadsheetId: id, clearedRanges: checked('clear', body).ranges.map(where => clear(place(sheets, where))) };
    if (method === 'PUT' && one && !one[2]) {
        same_range(checked('update', body), range);
        return { spreadsheetId: id, ...write(place(sheets, range), body.values, query.get('valueInputOption')) };
    }
    if (method === 'POST' && one && one[2] === 'append') {
        same_range(checked('append', body), range);
        return { spreadsheetId: id, updates: { spreadsheetId: id, ...append(place(sheets, range), body.values, query) } };
    }
    if (method === 'POST' && one && one[2] === 'clear') return { spreadsheetId: id, clearedRange: clear(place(sheets, range)) };
    throw new Refusal(404, 'NOT_FOUND', 'Method not found.');
}

function api(request, url, raw) {
    const bearer = /^Bearer (.+)$/.exec(request.headers.authorization || '');
    if (!bearer || !(state.valid.get(bearer[1]) > now()))
        throw new Refusal(401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials.');
    const found = /^\/v4\/spreadsheets\/([\w-]+)(.*)$/.exec(url.pathname);
    if (!found) throw new Refusal(404, 'NOT_FOUND', 'Requested entity was not found.');
    if (found[1] === 'private') throw new Refusal(403, 'PERMISSION_DENIED', 'The caller does not have permission');
    if (!state.sheets[found[1]]) throw new Refusal(404, 'NOT_FOUND', 'Requested entity was not found.');
    if (raw.length && !(request.headers['content-type'] || '').startsWith('application/json')) bad('Invalid content type');
    const body = raw.length ? JSON.parse(raw) : undefined;
    state.calls.push([request.method, decodeURIComponent(url.pathname), Object.fromEntries(url.searchParams), body ?? null]);
    const sheets = copied(state.sheets[found[1]]);
    const said = call(request.method, found[1], found[2], url.searchParams, body, sheets);
    state.sheets[found[1]] = sheets;  // whole or not at all
    return [200, said];
}

function control(orders) {
    if (orders.reset) reset();
    for (const name of ['answers', 'token_answers', 'lost', 'skew', 'lifetime', 'refuse_tokens'])
        if (name in orders) state[name] = orders[name];
    const sheets = {};
    for (const [id, list] of Object.entries(state.sheets)) {
        sheets[id] = {};
        for (const sheet of list)
            sheets[id][sheet.title] = { rows: sheet.rows, columns: sheet.columns,
                                        values: read({ sheet, top: 1, left: 1, bottom: sheet.rows, right: sheet.columns }).values || [] };
    }
    return [200, { calls: state.calls, tokens: state.tokens, sheets }];
}

function answer(request, raw) {
    const url = new URL(request.url, address());
    if (url.pathname === '/control') return control(JSON.parse(raw));
    const canned = (url.pathname === '/token' ? state.token_answers : state.answers).shift();
    if (canned) return canned;
    if (url.pathname === '/token') return grant(new URLSearchParams(raw.toString()));
    try {
        return api(request, url, raw);
    } catch (refusal) {
        if (!(refusal instanceof Refusal)) throw refusal;
        return [refusal.code, { error: { code: refusal.code, message: refusal.message, status: refusal.status } }];
    }
}

const server = http.createServer((request, response) => {
    const pieces = [];
    request.on('data', piece => pieces.push(piece));
    request.on('end', () => {
        const counted = request.url.startsWith('/v4/');
        const [status, said, headers] = answer(request, Buffer.concat(pieces));
        if (counted && state.lost > 0 && --state.lost === 0) return request.socket.destroy();
        const date = new Date((Math.floor(Date.now() / 1000) + state.skew) * 1000).toUTCString();
        response.writeHead(status, { Date: date, 'Content-Type': 'application/json', ...headers });
        response.end(typeof said === 'string' ? said : JSON.stringify(said));
    });
});
const address = () => `http://127.0.0.1:${server.address().port}`;
reset();
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
