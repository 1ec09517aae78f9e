import type { Expectation, Scene } from './expectation.ts';
import { DEBEZIUM, NOTHING, row, sent } from './rows.ts';

const POST = 'POST /connectors';
const PUT = 'PUT /connectors/x/config';
const NO_METHOD = /^HTTP 405 Method Not Allowed$/;
const NO_TYPE = /^HTTP 415 Unsupported Media Type$/;
const NO_CLASS =
  /^Failed to find any class that implements Connector and which name matches .*, available connectors are: /;
const ONE_ERROR = /^Connector configuration is invalid and contains the following 1 error\(s\):\n/;

function created(config: object, status: number, answers: RegExp, about: string): Expectation {
  return sent(POST, { name: 'x', config }, status, answers, about);
}

function createdLike(change: (scene: Scene) => object, answers: RegExp, about: string): Expectation {
  return sent(POST, (scene: Scene) => ({ name: 'x', ...change(scene) }), 400, answers, about);
}

/** Requests that are wrong in themselves; none of them changes anything. */
export const WRONG: readonly Expectation[] = [
  row('GET /bogus', 404, /^HTTP 404 Not Found$/),
  row('GET /connectors/broken/bogus', 404, /^HTTP 404 Not Found$/),
  row('GET /connectors/%E0%A4%A', 404, undefined, { about: 'a name that is not UTF-8' }),
  row('GET /connectors/%00', 404, undefined, { about: 'a name of one zero' }),
  row('GET /connectors/../../etc/passwd', 404, undefined, { about: 'a way out of the tree' }),
  row('GET /connectors/..%2F..%2Fx', 404, /not found$/, { about: 'an encoded slash in a name' }),
  row('DELETE /connectors/..%2F..%2Fx', 404, /not found$/, { about: 'an encoded slash in a name' }),
  row('GET /connectors/__proto__/status', 404, undefined, { about: 'the name of a prototype' }),
  row('DELETE /connectors', 405, NO_METHOD),
  row('POST /connectors/broken/pause', 405, NO_METHOD),
  row('GET /connectors/broken/restart', 405, NO_METHOD),
  row('PUT /connectors/broken/offsets', 405, NO_METHOD),
  row('PROPFIND /connectors', 405, NO_METHOD),
  row('OPTIONS /connectors', 200, NOTHING),
  row(POST, 415, NO_TYPE, { headers: { 'content-type': 'text/plain' }, body: '{}', about: 'another type of body' }),
  row(PUT, 415, NO_TYPE, {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: '{}',
    about: 'as curl -d sends it',
  }),
  row(PUT, 415, NO_TYPE, {
    headers: { 'content-type': 'application/json-patch+json' },
    body: '{}',
    about: 'almost the type',
  }),
  row(POST, 400, /^The body is not JSON$/, { about: 'no body' }),
  sent(POST, '{"name":"half","config":{"database.password":"secret-half', 400, /^The body is not JSON$/, 'half a body'),
  sent(POST, '{"name":"x"}{}', 400, /^The body is not JSON$/, 'two bodies'),
  sent(POST, '\u0000\u0001', 400, /^The body is not JSON$/, 'bytes that are no text'),
  sent(POST, [], 400, /not a JSON object/, 'a list'),
  sent(PUT, '"{\\"a\\": 1}"', 400, /not a JSON object/, 'a text'),
  sent('PUT /connector-plugins/PostgresSink/config/validate', '"a"', 400, /not JSON/, 'a text that is no object'),
  sent(PUT, 'null', 400, /not a JSON object/, 'null'),
  sent(PUT, '1e999', 400, /not a JSON object/, 'a number'),
  sent(POST, `${'['.repeat(200_000)}${']'.repeat(200_000)}`, 400, undefined, 'a body deeper than a stack'),
  sent(POST, `{"name":"${'x'.repeat(1_100_000)}"}`, 413, undefined, 'a body that is too large'),
  sent(POST, '\ufeff{"name":"x"}x', 400, /^The body is not JSON$/, 'a byte order mark and too much'),
  sent(POST, '{"name":"x","config":{"a":NaN}}', 400, /^The body is not JSON$/, 'a number that JSON does not have'),
  sent(POST, '{"name":"x","config":{"a":"\t"}}', 400, /^The body is not JSON$/, 'a tab inside of a text'),
  sent(POST, "{'name':'x'}", 400, /^The body is not JSON$/, 'the quotes of another language'),
  sent(POST, '{"name":"x"} // note', 400, /^The body is not JSON$/, 'a comment'),
  sent(POST, '{"name":"\\u12', 400, /^The body is not JSON$/, 'half an escape'),
  sent(POST, '{"name":"x","name":1,"config":{}}', 400, /^name must be a text$/, 'a key that stands twice'),
  sent(POST, '{"name":"x","config":{},"config":[]}', 400, /^config must be an object/, 'two configs'),
  sent(POST, '{"name":1e400,"config":{}}', 400, /^name must be a text$/, 'a number larger than all'),
  sent(POST, '{"name":"x","config":{"a":[[[1]]]}}', 400, /^a must be a text/, 'lists in lists as a setting'),
  sent(POST, '{"__proto__":{"name":"x"},"config":{}}', 400, undefined, 'a prototype instead of a name'),
  row(POST, 415, NO_TYPE, { headers: { 'content-type': 'application/xml' }, body: '<a/>', about: 'XML' }),
  row(POST, 415, NO_TYPE, {
    headers: { 'content-type': 'multipart/form-data' },
    body: '{}',
    about: 'a form with a file',
  }),
  row(POST, 415, NO_TYPE, { headers: { 'content-type': '/' }, body: '{}', about: 'a type that is none' }),
  row(POST, 400, /^The body is not JSON$/, {
    headers: { 'content-encoding': 'gzip' },
    body: '\u001f\u008b\u0008\u0000',
    about: 'a body that says it is compressed',
  }),
  row('GET /connectors', 403, undefined, { headers: { host: 'evil.example' }, about: 'another host' }),
  row(POST, 403, undefined, {
    headers: { origin: 'http://evil.example' },
    body: {},
    about: 'a page of another origin',
  }),
  row('DELETE /connectors/broken', 403, undefined, { headers: { origin: 'null' }, about: 'a page of no origin' }),
  row('PUT /connectors/broken/stop', 403, undefined, {
    headers: { origin: 'http://localhost:1' },
    about: 'another local page',
  }),
];

/** Connectors that cannot be; none of them is created. */
export const WRONG_CONNECTORS: readonly Expectation[] = [
  sent(POST, { name: 'x', 'connector.class': 'PostgresSink' }, 400, /^config must be an object/, 'a flat config'),
  sent(POST, { name: 'x', config: [] }, 400, /^config must be an object/, 'a list of settings'),
  sent(POST, { name: 'x', config: 'PostgresSink' }, 400, /^config must be an object/, 'a text as config'),
  created({ a: {} }, 400, /^a must be a text/, 'a setting that is an object'),
  sent(PUT, { topics: ['a'] }, 400, /^topics must be a text/, 'a setting that is a list'),
  sent(POST, { config: {} }, 400, ONE_ERROR, 'no name'),
  sent(POST, { name: '  ', config: {} }, 400, /name must not be empty/, 'a name of blanks'),
  sent(POST, { name: '..', config: {} }, 400, /"\." or "\.\."/, 'a name that no URL leads to'),
  sent(POST, { name: 1, config: {} }, 400, /^name must be a text$/, 'a name that is a number'),
  sent(POST, { name: 'a\u0000b', config: {} }, 400, /control characters/, 'a name with a zero'),
  createdLike(({ sink }) => ({ name: '../x', config: sink }), /neither blanks nor slashes/, 'a name with a slash'),
  createdLike(({ sink }) => ({ name: 'a b', config: sink }), /neither blanks nor slashes/, 'a name with a blank'),
  createdLike(({ sink }) => ({ name: 'x'.repeat(101), config: sink }), /at most 100 characters/, 'a long name'),
  created(
    { name: 'y' },
    400,
    /^Connector name configuration \(y\) doesn't match connector name in the URL \(x\)$/,
    'two names',
  ),
  sent(PUT, { name: 'y' }, 400, /\(y\) doesn't match connector name in the URL \(x\)$/, 'another name than the path'),
  sent(
    PUT,
    { 'database.password': 'secret-q', 'tasks.max': 1 },
    400,
    /^Connector config \{database.password=\*{8}, tasks.max=1\} contains no connector type$/,
    'no class',
  ),
  created({ 'connector.class': ' ' }, 400, /contains no connector type$/, 'a class of blanks'),
  created({ 'connector.class': 'Bogus' }, 400, NO_CLASS, 'a class that nobody knows'),
  created(
    { 'connector.class': 'org.apache.kafka.connect.file.FileStreamSinkConnector' },
    400,
    NO_CLASS,
    "another product's class",
  ),
  created({ 'connector.class': 'constructor' }, 400, NO_CLASS, 'the name of a prototype as class'),
  created(
    {
      'connector.class': DEBEZIUM,
      'database.port': '70000',
      'database.user': 'u',
      'topic.prefix': 'x',
      'database.dbname': 'd',
    },
    400,
    /^Connector configuration is invalid and contains the following 2 error\(s\):\n.*required\n.*whole number.*\nYou can also find the above list of errors at the endpoint `\/connector-plugins\/\{connectorType\}\/config\/validate`$/,
    'all that is wrong with the settings',
  ),
  createdLike(
    ({ source }) => ({ config: { ...source, 'snapshot.mode': 'custom' } }),
    /1 error\(s\):\nsnapshot.mode/,
    'what is not supported',
  ),
  createdLike(
    () => ({ config: {}, initial_state: 'SLEEPING' }),
    /^initial_state must be one of/,
    'a state that nobody knows',
  ),
  createdLike(() => ({ config: {}, initial_state: 1 }), /^initial_state must be one of/, 'a state that is a number'),
  createdLike(
    ({ source }) => ({ config: { ...source, 'database.password': '********' } }),
    /^database.password contains \*{8}/,
    'a masked secret of nobody',
  ),
  createdLike(
    ({ source }) => ({ config: { ...source, 'database.password': '${env:NOT_THERE}' } }),
    /environment variable NOT_THERE, which is not set/,
    'a reference that leads nowhere',
  ),
  createdLike(
    ({ source }) => ({ config: { ...source, 'database.password': '${vault:x}' } }),
    /config provider "vault"/,
    'a provider that there is not',
  ),
  createdLike(
    ({ source }) => ({ config: { ...source, 'database.password': '${file:/dev/zero:x}' } }),
    /cannot be read/,
    'a file that never ends',
  ),
  createdLike(
    ({ source }) => ({ config: { ...source, 'database.password': '${dir:/dev:zero}' } }),
    /cannot be read/,
    'a secret that never ends',
  ),
  createdLike(
    ({ source }) => ({ config: { ...source, 'table.include.list': '(' } }),
    /1 error\(s\):\ntable.include.list/,
    'an expression that is none',
  ),
  createdLike(
    ({ source }) => ({ config: { ...source, 'topic.prefix': '../x' } }),
    /1 error\(s\):\ntopic.prefix/,
    'a prefix that is no name of topics',
  ),
  row('GET /connectors', 200, ['broken'], { about: 'none of these was created' }),
];
