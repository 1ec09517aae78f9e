import type { Mutant } from './mutant.ts';

const SOURCE = 'src/pipeline/publisher.ts';
const WRITER = 'src/pipeline/checkpoint-writer.ts';
const OWNERSHIP = 'src/pipeline/ownership.ts';
const LEDGER = 'src/pipeline/ledger.ts';

/** Bugs in how a source becomes the owner of a log. */
export const OWNERSHIP_MUTANTS: readonly Mutant[] = [
  {
    name: 'A1-epoch-computed',
    seed: 3183,
    why: 'two claimants compute the same epoch',
    patches: [
      {
        file: OWNERSHIP,
        find: 'const claim = await appendClaim(options, held, before.logId, creating, signal);',
        replace:
          'const claim = { ...(await appendClaim(options, held, before.logId, creating, signal)), offset: end };',
      },
    ],
  },
  {
    name: 'A11-keepalive-acknowledged-without-checkpoint',
    seed: 2,
    why: 'what was received is taken for what was stored',
    patches: [
      {
        file: SOURCE,
        find: 'await this.#writer.publish([], position, { committedAt: 0, consistent, copy, requests });\n',
        replace: '',
      },
    ],
  },
  {
    name: 'V2-slot-without-checkpoint-stops',
    seed: 8,
    why: 'a crash between the slot and checkpoint 0 needs a person',
    patches: [
      {
        file: OWNERSHIP,
        find: 'if (claims.some(({ claim }) => claim.creating && claim.slot === held.slot)) return;',
        replace: 'if (checkpoint !== undefined) return;',
      },
    ],
  },
  {
    name: 'V2-unfinished-snapshot-gone-on-with',
    seed: 1,
    why: 'what the crashed copy had not read is never read',
    patches: [
      {
        file: OWNERSHIP,
        find: 'if (!checkpoint.consistent) {',
        replace: 'if (false) {',
      },
    ],
  },
  {
    name: 'V2-snapshot-called-consistent',
    seed: 1,
    why: 'a replica is called a state of the source while it is being copied',
    patches: [
      {
        file: SOURCE,
        find: 'const { consistent, position, copy, requests } = batch;',
        replace: 'const { position, requests } = batch; const consistent = true;',
      },
      {
        file: WRITER,
        find: 'if (position === last && (!this.#consistent || requests !== undefined)) return;',
        replace: 'if (position === last) return;',
      },
    ],
  },
  {
    name: 'V3-no-order-of-incarnations',
    seed: 88,
    why: 'a process that wakes up and its replacement end each other for ever',
    patches: [
      {
        file: 'src/source/source.ts',
        find: 'return a.daemon === b.daemon && (a.offset > b.offset || (a.offset === b.offset && a.id > b.id));',
        replace: 'return a.daemon === b.daemon;',
      },
      {
        file: OWNERSHIP,
        find: 'if (!claims.some(({ claim }) => isNewer(incarnationOf(claim), self))) {',
        replace: 'if (true) {',
      },
      {
        file: OWNERSHIP,
        find: 'const newer = claims.find(({ claim }) => isNewer(incarnationOf(claim), self));',
        replace: 'const newer = undefined;',
      },
    ],
  },
  {
    name: 'V3-refused-by-a-dead-process-for-ever',
    seed: 88,
    why: 'a newer process dies for good and nobody is left',
    patches: [
      { file: OWNERSHIP, find: 'if (clock.monotonic() - memory.quiet.since < QUIET_MS) return;', replace: 'return;' },
    ],
  },
  {
    name: 'V4-newer-claim-ends-the-task',
    seed: 12,
    why: 'a late claim of a dead process stops the living one',
    patches: [
      {
        file: LEDGER,
        find: 'throw new TransientError(\n          `A newer claim',
        replace: 'throw new PositionLostError(\n          `A newer claim',
      },
    ],
  },
  {
    name: 'C7-two-log-ids',
    seed: 1522,
    why: 'a claim under another id than the log got counts for nobody',
    patches: [
      {
        file: OWNERSHIP,
        find: 'if (history.logId !== undefined && history.logId !== claim.logId) {',
        replace: 'if (false) {',
      },
    ],
  },
  {
    name: 'S2-refused-claim-covers',
    seed: 177,
    why: 'a start that was refused for its wider lists is repeated, and nobody objects',
    patches: [
      {
        file: 'src/pipeline/capture.ts',
        find: 'const owner = ownerOf(history);',
        replace: 'const owner = history.claims.at(-1)?.claim; void ownerOf;',
      },
    ],
  },
  {
    name: 'V7-owner-by-last-claim',
    seed: 1782,
    why: 'a late claim of the other daemon makes both refuse',
    patches: [
      {
        file: OWNERSHIP,
        find: 'claims.findLast(({ offset }) => checkpoint === undefined || offset === checkpoint.claim)',
        replace: 'claims.at(-1)',
      },
    ],
  },
  {
    name: 'V7-refused-is-an-end',
    seed: 2,
    why: 'the owner dies later and nobody is left',
    patches: [{ file: OWNERSHIP, find: 'throw new RefusedError(`Daemon', replace: 'throw new OperatorError(`Daemon' }],
  },
  {
    name: 'C1-read-back-before-the-claim',
    seed: 80,
    why: "a dead owner's checkpoint lands in between and is not seen",
    patches: [{ file: OWNERSHIP, find: 'await readHistory(log, prefix, claim.offset, signal);', replace: 'before;' }],
  },
  {
    name: 'C5-numbers-start-again-with-a-claim',
    seed: 2,
    why: 'checkpoints of a new owner look like copies of old ones',
    patches: [{ file: OWNERSHIP, find: 'nextNumber: checkpoint.number + 1,', replace: 'nextNumber: 0,' }],
  },
  {
    name: 'C8-claim-before-the-slot',
    seed: 2,
    why: 'whoever cannot get the slot fences the one that has it',
    patches: [
      { file: OWNERSHIP, find: 'async function appendClaim(', replace: 'export async function appendClaim(' },
      {
        file: OWNERSHIP,
        find: 'import { type History,',
        replace: 'export { readHistory } from "./ledger.ts"; import { type History,',
      },
      {
        file: 'src/pipeline/source-loop.ts',
        find: 'takeOwnership } from',
        replace: 'takeOwnership, appendClaim, readHistory } from',
      },
      {
        file: 'src/pipeline/source-loop.ts',
        find: 'return await source.open(memory.incarnation,',
        replace:
          'const at = await log.bounds(`${prefix}.checkpoints`, 0, signal);' +
          'const known = await readHistory(log, prefix, at.end, signal);' +
          'const held = { slot: "rowcast_slot", identity: { system: "7123456789012345678", timeline: 1, publication: "16400" } };' +
          'await appendClaim(early, held, known.logId, false, signal);' +
          'return await source.open(memory.incarnation,',
      },
      {
        file: 'src/pipeline/source-loop.ts',
        find: 'await openSource(options, signal)',
        replace: 'await openSource(options, signal, options)',
      },
      {
        file: 'src/pipeline/source-loop.ts',
        find: '  signal: AbortSignal,\n): Promise<HeldSource> {',
        replace: '  signal: AbortSignal, early: SourceLoopOptions,\n): Promise<HeldSource> {',
      },
    ],
  },
];
