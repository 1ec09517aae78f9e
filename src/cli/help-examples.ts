import type { Command } from 'commander';

type Example = readonly [line: string, what: string];

/** By the words of the command; `tail`, `config` and `completion` have theirs with what they explain. */
const EXAMPLES: Readonly<Record<string, readonly Example[]>> = {
  start: [
    ['rowcast start --connectors connectors', 'with the log built in'],
    ['rowcast start --bootstrap-servers kafka1:9092,kafka2:9092', 'through Kafka'],
    [
      'rowcast start --config worker.properties --listeners http://127.0.0.1:0',
      'on any free port, which the log tells',
    ],
  ],
  status: [
    ['rowcast status', 'all connectors'],
    ['rowcast status shop-source --watch 5', 'one, anew every five seconds'],
    ['rowcast status --json | jq ".[] | select(.problem)"', 'what is wrong, for programs'],
  ],
  pause: [['rowcast pause shop-source', 'and later: rowcast resume shop-source']],
  resume: [['rowcast resume shop-source', 'waits until it runs']],
  stop: [['rowcast stop shop-replica && rowcast offsets reset shop-replica', 'and then: rowcast resume shop-replica']],
  restart: [['rowcast restart shop-source', 'also one that has failed']],
  validate: [['rowcast validate connectors/*.json', 'before they are merged']],
  check: [
    ['rowcast check --connectors connectors', 'everything that a start would need'],
    ['rowcast check shop-source --json', 'one connector, for programs'],
    ['rowcast check --install-ddl shop-source', 'prints the SQL that lets DDL be replayed'],
    ['rowcast check --recommend postgres://rowcast@db/shop', 'which way of capture suits this database'],
  ],
  demo: [
    ['rowcast demo --seconds 10', 'on two servers of its own'],
    ['rowcast demo --source query', 'by polling'],
  ],
  torture: [
    ['rowcast torture --kills 10 --log embedded', 'without Java, in some minutes'],
    ['rowcast torture --kills 0 --faults zombie,cut=20', 'a daemon that wakes up too late, and broken connections'],
    [
      'rowcast torture --log kafka --brokers 3 --kills 0 --faults restart-broker,stop-broker',
      'three brokers, of which one is away at a time',
    ],
    ['rowcast torture --source query --seed 7', 'by polling; the seed that was printed gives the same plan again'],
  ],
  offsets: [
    ['rowcast offsets', 'where every connector stands'],
    ['rowcast offsets shop-replica --json', 'one, as Kafka Connect answers'],
    ['rowcast offsets reset shop-source', 'copies everything again'],
  ],
  'offsets accept': [
    ['rowcast offsets accept shop-source', 'after a failover: says what may be missing'],
    ['rowcast offsets accept shop-source --from-now --yes', 'also without its slot'],
  ],
  'offsets reset': [['rowcast offsets reset shop-source', 'asks first; --yes does not']],
  snapshot: [
    ['rowcast snapshot shop-source public.orders', 'in chunks, while changes go on'],
    [`rowcast snapshot shop-source public.orders --where "status = 'open'"`, 'only these rows'],
    ['rowcast snapshot shop-source --stop', 'gives up what is under way'],
  ],
  'sync-sequences': [['rowcast sync-sequences shop-source', 'then write to the replica']],
  delete: [['rowcast delete shop-source --drop-slot --drop-publication', 'leaves nothing on the source']],
  version: [['rowcast version --json', 'for a report']],
};

const EXIT_CODES = 'Exit codes: 0 done, 1 failed, 2 wrong usage';

/** Adds examples to the help of every command below `program`, and its exit codes where the command has not said them. */
export function addExamples(program: Command, path: string = ''): void {
  for (const command of program.commands) {
    const words = `${path} ${command.name()}`.trim();
    const examples = EXAMPLES[words] ?? [];
    const width = Math.max(0, ...examples.map(([line]) => line.length));
    const lines = examples.map(([line, what]) => `\n  ${line.padEnd(width)}   ${what}`);
    if (lines.length > 0) command.addHelpText('after', `\nExamples:${lines.join('')}`);
    if (!SAY_EXIT_CODES.has(words)) command.addHelpText('after', `\n${EXIT_CODES}`);
    addExamples(command, words);
  }
}

/** Those that say them in their own words. */
const SAY_EXIT_CODES: ReadonlySet<string> = new Set([
  'start',
  'status',
  'pause',
  'resume',
  'stop',
  'restart',
  'validate',
  'check',
  'torture',
]);
