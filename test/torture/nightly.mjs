// Runs the long proofs one after another and writes a summary: `npm run nightly -- [--quick] [--to FILE]`. Exit code 1 when one of them fails.
import { execFileSync, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    to: { type: 'string', default: 'nightly.txt' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(
    'npm run nightly -- [--quick] [--to FILE]\n  --quick    a hundredth of everything, to see that it runs\n  --to FILE  where the summary goes (nightly.txt)',
  );
  process.exit(0);
}

/**
 * A command, and the script of package.json that it needs.
 * @typedef {{ name: string, command: string, args: string[], needs: string }} Proof
 */

/** How often, and with --quick. */
const times = (count, least) => String(values.quick ? Math.max(least, Math.round(count / 100)) : count);

/** @type {(name: string, script: string, ...args: string[]) => Proof} */
const proof = (name, script, ...args) => ({
  name,
  command: 'npm',
  args: ['run', '--silent', script, '--', ...args],
  needs: script,
});
/** @type {(name: string, ...args: string[]) => Proof} */
const torture = (name, ...args) => proof(name, 'torture', ...args);
/** @type {(log: string, ...faults: string[]) => string[]} */
const only = (log, ...faults) => ['--log', log, '--kills', '0', '--faults', faults.join(',')];

const PROOFS = [
  proof('simulation', 'simulate', '--seeds', times(100_000, 200)),
  proof('mutants', 'simulate', '--mutants'),
  proof('fuzz of the decoders', 'fuzz', '--seconds', times(300, 3)),
  proof('fuzz of the replica', 'fuzz:replica', '--rounds', times(2000, 5)),
  // What only the first start of a log passes is passed once in a round.
  torture('kills, Kafka', '--log', 'kafka', '--kills', times(1000, 4), '--rounds', times(10, 1)),
  torture('kills, embedded log', '--log', 'embedded', '--kills', times(500, 4), '--rounds', times(10, 1)),
  torture('kills, query source', '--source', 'query', '--kills', times(200, 4)),
  torture('kills, trigger source', '--source', 'trigger', '--kills', times(200, 4)),
  torture('lost responses', ...only('kafka', `lost-response=${times(300, 3)}`)),
  torture('zombies', ...only('kafka', `zombie=${times(200, 1)}`)),
  torture('zombies, embedded log', ...only('embedded', `zombie=${times(100, 1)}`)),
  ...['source', 'replica', 'broker'].map((server) =>
    torture(`restarts of the ${server}`, ...only('kafka', `restart-${server}=${times(200, 1)}`)),
  ),
  torture(
    'three brokers',
    '--log',
    'kafka',
    '--brokers',
    '3',
    '--kills',
    times(200, 4),
    '--faults',
    `restart-broker=${times(100, 3)},stop-broker=${times(60, 3)}`,
  ),
  torture(
    'network',
    ...only(
      'both',
      `walsender=${times(100, 1)}`,
      `cut=${times(100, 2)}`,
      `stall=${times(100, 2)}`,
      `half-open=${times(20, 1)}`,
    ),
  ),
  torture(
    'soak',
    ...only('kafka', ...['walsender', 'cut', 'stall', 'lost-response'].map((kind) => `${kind}=${times(45, 1)}`)),
    '--every',
    '20',
  ),
  torture('full disk', ...only('embedded', `disk-full=${times(50, 1)}`)),
  torture('clock', ...only('both', `clock=${times(100, 4)}`)),
];

const scripts = JSON.parse(execFileSync('npm', ['pkg', 'get', 'scripts'], { encoding: 'utf8' }));
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
const summary = [`commit ${commit}, Node.js ${process.version}, ${new Date().toISOString()}`];
let failed = 0;
/** @type {string[]} */
const said = [];

/** What a proof says that is worth keeping: its figures, its seeds, and what went wrong. */
const isTelling = (line) =>
  /^(source \w+,|PROBLEM|FAILED|cannot be caused|\d+ (kills|fail points|seeds|mutants|stray|transactions|executions)|fail points:|[a-z-]+: .* \d+|from the restart|resources:|kept:)|equal|caught|violations|differ/.test(
    line,
  );

for (const { name, command, args, needs } of PROOFS) {
  if (!(needs in scripts)) continue;
  const startedAt = performance.now();
  const code = await run(command, args, (line) => {
    console.log(line);
    if (isTelling(line)) said.push(line);
  });
  const minutes = ((performance.now() - startedAt) / 60_000).toFixed(1);
  if (code !== 0) failed++;
  summary.push('', `${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${minutes} min): ${[command, ...args].join(' ')}`);
  summary.push(...said.splice(0).map((line) => `       ${line}`));
  writeFileSync(values.to, `${summary.join('\n')}\n`);
}
console.log(`\n${summary.join('\n')}\n\n${failed === 0 ? 'all proofs hold' : `${failed} proofs failed`}; ${values.to}`);
process.exitCode = failed === 0 ? 0 : 1;

/** Runs a command, tells each line of what it says, and resolves with its exit code. */
async function run(command, args, tell) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const stop = () => child.kill('SIGTERM');
  process.once('SIGINT', stop).once('SIGTERM', stop);
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream.setEncoding('utf8').on('data', (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop();
      for (const line of lines) tell(line);
    });
  }
  const code = await new Promise((resolve) => child.once('close', resolve));
  process.off('SIGINT', stop).off('SIGTERM', stop);
  return code;
}
