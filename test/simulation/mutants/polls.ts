import type { Mutant } from './mutant.ts';

const WINDOW = 'src/source/query/xid-window.ts';
const POLL = 'src/source/query/open-poll.ts';
const READING = 'src/source/trigger/reading.ts';
const POSITION = 'src/source/trigger/position.ts';

/** Bugs in what a source of polls takes for known. */
const QUERY_MUTANTS: readonly Mutant[] = [
  {
    name: 'F19-window-from-the-last-xmax',
    seed: 2,
    why: 'transactions that were running at the last poll are never read',
    patches: [
      {
        file: WINDOW,
        find: 'return { from: before.xmin, to: now.xmax };',
        replace: 'return { from: before.xmax, to: now.xmax };',
      },
    ],
  },
  {
    name: 'F19-position-says-xmax',
    seed: 2,
    why: 'the same, by what the position says',
    patches: [
      {
        file: POLL,
        find: 'this.state = { timeline, xmin: snapshot.xmin,',
        replace: 'this.state = { timeline, xmin: snapshot.xmax,',
      },
    ],
  },
  {
    name: 'F19-delivered-without-being-seen',
    seed: 2,
    why: 'a transaction that ended between two polls is taken for one whose rows were sent',
    patches: [{ file: 'src/source/query/delivered.ts', find: 'return at >= 0 && (', replace: 'return at >= 0 || (' }],
  },
  {
    name: 'F19-quiet-though-somebody-writes',
    seed: 20,
    why: 'a poll is left out while a transaction is running that commits before the next one',
    patches: [
      {
        file: WINDOW,
        find: 'return before.xmin === before.xmax && now.xmin === now.xmax && before.xmax === now.xmax;',
        replace: 'return before.xmax === now.xmax;',
      },
    ],
  },
  {
    name: 'F19-poll-not-on-disk',
    seed: 432,
    why: 'a crash of the server gives the ids of rows that were sent to others, which are taken for known',
    patches: [
      {
        file: POLL,
        find: 'await keepOnDisk(this.#parts.client, this.#parts.snapshot.wal);',
        replace: 'void keepOnDisk;',
      },
    ],
  },
  {
    name: 'F19-keys-not-compared-after-a-restart',
    seed: 4,
    why: 'a row that was deleted while nobody polled stays for ever',
    patches: [
      {
        file: POLL,
        find: 'else if (keys.count !== known?.keys?.count || keys.digest !== known.keys.digest) isWhole = true;',
        replace: '',
      },
    ],
  },
  {
    name: 'F19-keys-only-counted',
    seed: 10,
    why: 'the same, where another row has come',
    patches: [{ file: POLL, find: ' || keys.digest !== known.keys.digest) isWhole', replace: ') isWhole' }],
  },
];

/** Bugs in what a source of triggers takes for read. */
const TRIGGER_MUTANTS: readonly Mutant[] = [
  {
    name: 'I2-snapshot-of-the-reading-before',
    seed: 1,
    why: 'what was read is read once more',
    patches: [
      {
        file: POSITION,
        find: 'if (lsn > floor) return formatPosition({ lsn, count: 0, snapshot });',
        replace: 'if (lsn > floor) return formatPosition({ lsn, count: 0, snapshot: last?.snapshot ?? snapshot });',
      },
    ],
  },
  {
    name: 'I6-end-of-wal-behind-the-snapshot',
    seed: 1,
    why: 'a position promises commits that its snapshot does not show',
    patches: [
      {
        file: READING,
        find: 'const lsn = await walInsert(client);\n      await client.query(BEGIN);',
        replace: 'await client.query(BEGIN);',
      },
      {
        file: READING,
        find: 'return new Reading(parts, client, before, lsn, head);',
        replace: 'return new Reading(parts, client, before, await walInsert(client), head);',
      },
    ],
  },
  {
    name: 'I6-reading-not-on-disk',
    seed: 67,
    why: 'a crash of the server takes back what the log has, and its ids come again',
    patches: [{ file: READING, find: 'await keepOnDisk(this.#client, this.#wal);', replace: 'void keepOnDisk;' }],
  },
];

export const POLL_MUTANTS: readonly Mutant[] = [
  ...QUERY_MUTANTS.map((mutant) => ({ ...mutant, digits: [0, 2, 4, 6, 8] })),
  ...TRIGGER_MUTANTS.map((mutant) => ({ ...mutant, digits: [1, 3, 5, 7, 9] })),
];
