import type { Cast } from '../cast.ts';
import { NAMES } from './rows.ts';
import type { Partition } from './storage.ts';
import { CHECKPOINTS, type World } from './world.ts';

/** Takes history away; false when there is nothing that it could take. */
type Harm = (world: World, cast: Cast) => boolean;

const HARM_RATE = 0.006;

/** What people do, and what breaks in ways that nobody can mend. */
const HARMS: Readonly<Record<string, Harm>> = {
  'slot dropped': ({ postgres }) => {
    postgres.terminate();
    if (postgres.slot === undefined) return false;
    postgres.slot = undefined;
    return true;
  },
  'slot moved': ({ postgres }) => {
    const { lsn } = postgres.database;
    if (postgres.slot === undefined) return false;
    postgres.terminate();
    postgres.slot = { ...postgres.slot, confirmed: lsn, saved: lsn };
    return true;
  },
  'failed over': ({ postgres, random }) => {
    const { transactions, lsn } = postgres.database;
    postgres.failOver(random.chance(0.3) ? lsn : (random.pick(transactions)?.endLsn ?? lsn), random.chance(0.7));
    return true;
  },
  'other server': ({ postgres }) => {
    postgres.failOver(postgres.database.lsn, true);
    postgres.identity = { ...postgres.identity, system: `${postgres.identity.system}0` };
    return true;
  },
  'log put back': ({ storage, random, checker }) => {
    const place = storage.stored - random.between(1, 12);
    const cut = partitionsOf(storage).map((partition) => partition.cut(place));
    rereadLedger({ storage, checker });
    return cut.includes(true);
  },
  'tail lost': ({ storage, random, checker }) => {
    const partition = random.pick(partitionsOf(storage));
    const isCut = partition?.cut(storage.stored - random.between(1, 12)) ?? false;
    if (isCut && partition.topic !== CHECKPOINTS && partition.end % 2 > 0) storage.writeGarbage(partition);
    rereadLedger({ storage, checker });
    return isCut;
  },
  'log emptied': ({ storage, random, checker }) => {
    const names = [...storage.topics.keys()];
    for (const name of names) storage.recreate(name);
    if (random.chance(0.5)) storage.clusterId += '!';
    rereadLedger({ storage, checker });
    return true;
  },
  'topic made again': ({ storage, random, checker }) => {
    const names = [...storage.topics.keys()];
    if (names.length === 0) return false;
    storage.recreate(random.pick(names));
    rereadLedger({ storage, checker });
    return true;
  },
  expired: ({ storage, random, checker }) => {
    const partition = random.pick(partitionsOf(storage));
    if (partition?.topic === CHECKPOINTS && checker.ledger.position === undefined) return false; // nothing is promised
    partition?.trim(random.between(partition.start, partition.end));
    return partition !== undefined;
  },
  compacted: ({ storage, random }) => {
    const { batches } = random.pick(partitionsOf(storage)) ?? { batches: [] };
    return batches.length > 1 && batches.splice(random.below(batches.length - 1), 1).length > 0;
  },
  'target put back': ({ target }, cast) => {
    cast.crashSinks();
    target.putBack();
    return true;
  },
};

/** In this run history is taken away now and then, or sinks are started with other lists of tables. */
export function mayHarm(world: World): void {
  const { random, hazards } = world;
  hazards.harm = HARM_RATE;
  hazards.foreignWrite = 0; // strangers could fill the very offsets that were lost
  world.isHarmed = true;
  world.copiesAgain = random.chance(0.2);
  if (random.chance(0.2)) world.filters = [NAMES, ...NAMES.map((name) => NAMES.filter((other) => other !== name))];
}

export function harm(world: World, cast: Cast): void {
  const name = world.random.pick(Object.keys(HARMS));
  if (!(HARMS[name] as Harm)(world, cast)) return;
  world.count(name);
  world.scheduler.note(name, 0);
}

function partitionsOf(storage: World['storage']): Partition[] {
  return [...storage.topics.values()].flatMap(({ partitions }) => partitions);
}

function rereadLedger({ storage, checker }: Pick<World, 'storage' | 'checker'>): void {
  const ledger = storage.topics.get(CHECKPOINTS)?.partitions[0];
  if (ledger !== undefined) checker.reread(ledger.records());
}
