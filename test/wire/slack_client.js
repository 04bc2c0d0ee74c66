// Slack's own clients, for comparison with the slack sink.
//
//   node slack_client.js < job
//   stdin: {"webhook": URL, "message": {...}} for @slack/webhook, or
//          {"api": URL, "token", "calls": [[method, arguments]]} for @slack/web-api; a file's
//          content as "file_base64"
//   stdout: a list with one entry for each call: {"answer"} or {"fault", "status", "retry_after"}
'use strict';
const fs = require('fs');
const { IncomingWebhook } = require('@slack/webhook');
const { LogLevel, WebClient } = require('@slack/web-api');

async function outcome(call) {
    try {
        return { answer: await call() };
    } catch (error) {
        const answer = error.original && error.original.response;  // of the webhook
        return {
            fault: answer ? answer.data : error.data ? error.data.error : error.code,
            status: answer ? answer.status : error.statusCode,
            retry_after: error.retryAfter,
        };
    }
}

async function main() {
    const job = JSON.parse(fs.readFileSync(0, 'utf8'));
    // {}: the client's own defaults (a timeout) would be sent along in the message
    if (job.webhook) return [await outcome(() => new IncomingWebhook(job.webhook, {}).send(job.message))];
    const client = new WebClient(job.token, {
        slackApiUrl: job.api + '/', retryConfig: { retries: 0 }, rejectRateLimitedCalls: true, logLevel: LogLevel.ERROR,
    });
    const done = [];
    for (const [method, { file_base64: file, ...given }] of job.calls) {
        const all = file === undefined ? given : { ...given, file: Buffer.from(file, 'base64') };
        done.push(await outcome(() => client.apiCall(method, all)));
    }
    return done;
}

main().then((done) => process.stdout.write(JSON.stringify(done)));
