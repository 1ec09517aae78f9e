import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freshDatabase } from '../support/postgres.ts';
import { type BuiltCommand, buildCommand, root } from './command.ts';
import { makeWorkplace, sinkConfig, sourceConfig } from './workplace.ts';

let command: BuiltCommand;
beforeAll(async () => {
  command = await buildCommand();
});
afterAll(() => command[Symbol.asyncDispose]());

/** Names that lead elsewhere where they are taken for paths. */
const ELSEWHERE = ['..', '../../evil', '/tmp/evil', '..\\evil', 'a/../../../evil', '%2e%2e%2fevil'];

/** Has each thread of a daemon write down the paths that it gives to functions of node:fs. */
function recordPaths(log: string): Record<string, string> {
  const preload = `
    import fs from 'node:fs'; import { syncBuiltinESMExports } from 'node:module'; import { resolve } from 'node:path';
    const keep = fs.appendFileSync;
    let isKeeping = false;
    for (const api of [fs, fs.promises])
      for (const [name, original] of Object.entries(api)) {
        if (typeof original !== 'function' || !/^[a-z]/.test(name)) continue;
        const recorded = function (...args) {
          if (!isKeeping) {
            isKeeping = true;
            const paths = args.slice(0, /rename|link|copy|cp/.test(name) ? 2 : 1).filter((each) => typeof each === 'string');
            for (const path of paths) keep(${JSON.stringify(log)}, resolve(path) + '\\n');
            isKeeping = false;
          }
          return Reflect.apply(original, this, args);
        };
        api[name] = Object.assign(recorded, original);
      }
    syncBuiltinESMExports();`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(preload)}` };
}

/** As it stands there: fetch would take the dots out of the path. */
async function ask(url: string, method: string, path: string, body?: object): Promise<number> {
  const { hostname, port } = new URL(url);
  const sent = request({ hostname, port, method, path, headers: { 'content-type': 'application/json' } });
  sent.end(body && JSON.stringify(body));
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  await once(answer.resume(), 'end');
  return answer.statusCode as number;
}

test('whatever tables, connectors and files are named, what is opened stays in the given directories', async () => {
  await using source = await freshDatabase('paths_source');
  await using replica = await freshDatabase('paths_replica');
  await using place = await makeWorkplace();
  const outside = join(place.directory, 'outside');
  mkdirSync(outside);
  for (const name of ELSEWHERE)
    await source.query(`create table "${name}" (id int primary key); insert into "${name}" values (1)`);
  const sink = sinkConfig(replica.settings, 'paths');
  await place.write('source.json', { name: 'source', config: sourceConfig(source.settings, 'paths') });
  await place.write('sink.json', { name: 'sink', config: sink });
  const linked = JSON.stringify({ name: 'linked', config: { ...sink, 'topic.prefix': 'other' } });
  writeFileSync(join(outside, 'linked.json'), linked);
  execFileSync('mkfifo', [join(place.connectors, 'pipe.json'), join(outside, 'pipe')]);
  mkdirSync(join(place.connectors, 'folder.json'));
  for (const [file, to] of Object.entries({
    linked: '../outside/linked.json',
    held: '../outside/pipe',
    zero: '/dev/zero',
  }))
    symlinkSync(to, join(place.connectors, `${file}.json`));

  const log = join(place.directory, 'opened');
  const run = place.start(command, [], recordPaths(log));
  const url = await place.url();
  for (const name of ELSEWHERE) {
    const path = encodeURIComponent(name);
    const config = { ...sink, 'topic.prefix': 'other' };
    const asked = [
      await ask(url, 'POST', '/connectors', { name, config }),
      await ask(url, 'PUT', `/connectors/${path}/config`, { ...config, 'topic.prefix': name }),
      await ask(url, 'GET', `/ui/${path}`),
      await ask(url, 'GET', `/../${name}`),
      await ask(url, 'GET', `/subjects/${path}/versions`),
      await ask(url, 'DELETE', `/connectors/${path}`),
    ];
    expect(
      asked.filter((status) => status >= 500),
      name,
    ).toEqual([]);
  }
  expect(await ask(url, 'DELETE', '/connectors/linked')).toBe(204); // the link, not what it leads to
  for (const name of ELSEWHERE) {
    const rows = (): Promise<unknown> => replica.query(`select id from "${name}"`).catch(() => 'not there yet');
    await expect.poll(rows, { timeout: 60_000 }).toEqual([{ id: 1 }]);
  }
  run.process.kill('SIGTERM');
  const { code, output } = await run.ended;
  expect(code, output).toBe(0);

  for (const file of ['pipe', 'held', 'zero', 'folder'])
    expect(output).toMatch(new RegExp(`"file":"[^"]*/${file}\\.json"[^\\n]*"problem":"is no regular file"`));
  expect(readdirSync(place.connectors)).not.toContain('linked.json');
  expect(readFileSync(join(outside, 'linked.json'), 'utf8')).toBe(linked);
  expect(readdirSync(place.directory).sort()).toEqual(['connectors', 'opened', 'outside', 'state']);
  const opened = new Set(readFileSync(log, 'utf8').trim().split('\n'));
  expect([...opened].filter((path) => path.startsWith(place.state)).length).toBeGreaterThan(10);
  // The program itself, what it asks of the system, and how a compression library tells which libc there is.
  const program = [root, realpathSync(join(root, 'node_modules')), '/proc', '/usr/bin/ldd'];
  const given = [place.connectors, place.state, ...program];
  expect(
    [...opened].filter((path) => !given.some((folder) => path === folder || path.startsWith(`${folder}/`))),
  ).toEqual([]);
});
