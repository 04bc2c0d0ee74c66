// Google's own client against the fake: what the fake is held to.
//   node sheets_client.js PORT KEY_FILE SPREADSHEET CLAIMS   stdin: JSON [[resource, method, parameters]]; CLAIMS: JSON
// Prints the answers, or {"error", "status"} of the first that failed. The library asks Google for its token whatever the key
// file says, so the request is sent to the file's token_uri, and the audience is that of the claims.
const fs = require('fs');
const { sheets: service } = require('@googleapis/sheets');
const { JWT } = require('google-auth-library');
const { Gaxios } = require('gaxios');

const [port, file, spreadsheetId, claims] = process.argv.slice(2);
const key = JSON.parse(fs.readFileSync(file, 'utf8'));

class ToTheFake extends Gaxios {
    request(options) {
        const url = String(options.url) === 'https://oauth2.googleapis.com/token' ? key.token_uri : options.url;
        return super.request({ ...options, url });
    }
}

async function main() {
    const auth = new JWT({ email: key.client_email, key: key.private_key, keyId: key.private_key_id,
                           scopes: ['https://www.googleapis.com/auth/spreadsheets'], transporter: new ToTheFake(),
                           additionalClaims: { aud: key.token_uri, ...JSON.parse(claims || '{}') } });
    const api = service({ version: 'v4', rootUrl: `http://127.0.0.1:${port}/`, auth, retry: false });
    const answers = [];
    for (const [resource, method, parameters] of JSON.parse(fs.readFileSync(0, 'utf8'))) {
        const owner = resource.split('.').reduce((object, name) => object[name], api);
        answers.push((await owner[method]({ spreadsheetId, ...parameters })).data);
    }
    return answers;
}

main().then(answers => console.log(JSON.stringify(answers)),
            fault => console.log(JSON.stringify({ error: fault.message, status: fault.response ? fault.response.status : String(fault.stack) })));
