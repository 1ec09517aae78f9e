// Prints which functions cost most by themselves: node bench/profile.mjs FOLDER-or-FILE… [--top N] [--from SECONDS] [--all] [--callers NAME]
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    top: { type: 'string', default: '25' },
    from: { type: 'string', default: '0' },
    all: { type: 'boolean', default: false },
    callers: { type: 'string' },
  },
});
if (positionals.length === 0) {
  process.stderr.write(
    'node bench/profile.mjs FOLDER-or-FILE… [--top N] [--from SECONDS: what came before is left out] [--all: of threads that did next to nothing, too] [--callers NAME: who calls that function]\n',
  );
  process.exit(2);
}
for (const file of positionals.flatMap(profilesIn)) print(file, Number(values.top));

function profilesIn(path) {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.cpuprofile'))
    .map((name) => join(path, name))
    .toSorted();
}

/** Self time is the sum of the times between samples that ended in a function; idle time is nobody's. */
function print(file, top) {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8'));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])));
  /** The four that called it, the nearest first. */
  const callersOf = (id, name) => {
    if (name !== values.callers) return undefined;
    const names = [];
    for (let at = parents.get(id); at !== undefined && names.length < 4; at = parents.get(at)) {
      names.push(byId.get(at).callFrame.functionName || '(anonymous)');
    }
    return `${name} < ${names.join(' < ')}\t`;
  };
  const self = new Map();
  let [busy, whole, leftOut] = [0, 0, Number(values.from) * 1e6];
  samples.forEach((id, i) => {
    const { functionName, url, lineNumber } = byId.get(id).callFrame;
    const us = Math.max(0, timeDeltas[i + 1] ?? 0);
    leftOut -= us;
    if (leftOut > 0) return;
    whole += us;
    if (functionName === '(idle)' || functionName === '(program)') return;
    busy += us;
    const place = url === '' ? '' : `${placeOf(url)}:${lineNumber + 1}`;
    const key =
      values.callers === undefined ? `${functionName || '(anonymous)'}\t${place}` : callersOf(id, functionName);
    if (key === undefined) return;
    self.set(key, (self.get(key) ?? 0) + us);
  });
  if (!values.all && busy < 0.05 * whole && busy < 500_000) return;
  process.stdout.write(
    `\n${relative('.', file)}\n${(busy / 1e6).toFixed(2)} s busy of ${(whole / 1e6).toFixed(2)} s\n`,
  );
  const sorted = [...self].toSorted(([, a], [, b]) => b - a).slice(0, top);
  for (const [key, us] of sorted) {
    const [name, place] = key.split('\t');
    process.stdout.write(`${((us / busy) * 100).toFixed(1).padStart(6)} %  ${name.padEnd(28)} ${place}\n`);
  }
}

function placeOf(url) {
  const path = url.replace(/^file:\/\//, '');
  const at = path.lastIndexOf('/node_modules/');
  if (at >= 0) return path.slice(at + '/node_modules/'.length);
  return /\/(?:dist|src|service-\d+)\/(.*)$/.exec(path)?.[1] ?? (url.startsWith('node:') ? url : basename(path));
}
