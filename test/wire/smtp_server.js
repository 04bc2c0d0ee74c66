// A mail server for the tests of the smtp sink, on npm's smtp-server.
//
//   node smtp_server.js '{"cert": FILE, "key": FILE, "methods": ["PLAIN"], "size": bytes, ...}'
//   other options go to SMTPServer as they are
//   stdout: one JSON text a line: {"port"}, then {"login": {method, user}} and {"letter": {...}}
//   A byte on stdin is answered by {"mark"}; it ends when its stdin does.
//
// What it does depends on the address. Recipients: nobody@ 550; later@ 451; greylisted@ 451 the
// first time; busy@ 451 after the message; picky@ 554 after the message. Sender: later@ 451.
// User later: 454.
'use strict';
const fs = require('fs');
const { SMTPServer } = require('smtp-server');

const { cert, key, methods, ...options } = JSON.parse(process.argv[2]);
const USER = 'kpi', PASSWORD = 'päss: word';
const seen = new Set();

const tell = (what) => process.stdout.write(JSON.stringify(what) + '\n');
const name = (address) => address.split('@')[0];
const no = (responseCode, text) => Object.assign(new Error(text), { responseCode });

function onAuth(auth, session, done) {
    tell({ login: { method: auth.method, user: auth.username, encrypted: session.secure } });
    if (auth.username === 'later') return done(no(454, 'temporary failure'));
    if (auth.username !== USER || auth.password !== PASSWORD) return done(no(535, 'bad credentials'));
    return done(null, { user: auth.username });
}

function onMailFrom(address, session, done) {
    done(name(address.address) === 'later' ? no(451, 'sender waits') : null);
}

function onRcptTo(address, session, done) {
    const who = name(address.address);
    const first = !seen.has(who);
    seen.add(who);
    if (who === 'nobody') return done(no(550, 'no such user here'));
    if (who === 'later' || (who === 'greylisted' && first)) return done(no(451, 'come back later'));
    return done();
}

function onData(stream, session, done) {
    const parts = [];
    stream.on('data', (part) => parts.push(part));
    stream.on('end', () => {
        const to = session.envelope.rcptTo.map((one) => one.address);
        if (stream.sizeExceeded) return done(no(552, 'message exceeds the fixed maximum size'));
        if (to.some((one) => name(one) === 'busy')) return done(no(451, 'no room at the moment'));
        if (to.some((one) => name(one) === 'picky')) return done(no(554, 'message refused'));
        tell({ letter: { from: session.envelope.mailFrom.address, to, encrypted: session.secure,
                         user: session.user, raw: Buffer.concat(parts).toString('base64') } });
        return done();
    });
}

const server = new SMTPServer({
    ...options, authMethods: methods, cert: fs.readFileSync(cert), key: fs.readFileSync(key),
    disableReverseLookup: true, onAuth, onMailFrom, onRcptTo, onData,
});
// a client that breaks off is no reason to end
server.on('error', (error) => tell({ error: error.message }));
server.listen(0, '127.0.0.1', () => tell({ port: server.server.address().port }));
// behind everything that happened before it
process.stdin.on('data', () => tell({ mark: true })).on('end', () => process.exit(0));
