import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { sinkConnection, sourceConnection } from '../../connector/connection-of.ts';
import { type ConnectorFile, isSource, type SourceConnector } from '../../connector/load-file.ts';
import { OperatorError } from '../../errors.ts';
import { checkpointsTopic, schemaChangesTopic } from '../../log/protocol/topics.ts';
import { fallsBack } from '../../pipeline/gap.ts';
import { type LogPlace, lowestOffsets } from '../../pipeline/ledger.ts';
import { resetSource } from '../../pipeline/reset.ts';
import { lsnToPosition } from '../../postgres/lsn.ts';
import { forgetProgress, readStoredProgress } from '../../sink/postgres/stored-progress.ts';
import { triggerNames } from '../../source/trigger/names.ts';
import { forgetReader } from '../../source/trigger/reader-row.ts';
import { walEnd } from '../../source/wal/identity.ts';
import { dropSlot } from '../../source/wal/slot.ts';
import type { OperatorAnswer } from '../rest/daemon-view.ts';
import { replayedPrefix } from '../settings.ts';
import { onDatabase, onIdleSource } from './connections.ts';
import type { OperateContext } from './context.ts';
import type { SinkFile } from './sink-offsets.ts';
import { historyOf } from './source-offsets.ts';
import { positionText } from './text.ts';

/** Makes a connector begin again at its next start: a source copies, a sink replays the log. */
export async function reset(
  context: OperateContext,
  connector: ConnectorFile,
  signal: AbortSignal,
): Promise<OperatorAnswer> {
  if (!isSource(connector)) return await resetTheSink(context, connector, signal);
  if (connector.kind === 'PostgresQuerySource') return await resetPolls(context, connector, signal);
  return await resetTheSource(context, connector, signal);
}

/** A source whose server keeps how far it has come. */
type PlacedSource = Exclude<SourceConnector, PollingSource>;
type PollingSource = Extract<ConnectorFile, { kind: 'PostgresQuerySource' }>;

/** Nothing of a source that polls stands on its server. */
async function resetPolls(
  { log, clock }: OperateContext,
  { name, config }: PollingSource,
  signal: AbortSignal,
): Promise<OperatorAnswer> {
  return await onIdleSource(name, sourceConnection(config), signal, async () => {
    const outcome = await resetSource({ log, clock, random: randomUUID, prefix: config.topicPrefix }, '', signal);
    const value = { connector: name, ...outcome };
    if (outcome.kind === 'empty') return { lines: [`${name}: ${NOTHING_STORED}`], value };
    const at = positionText(outcome.position);
    const first = outcome.kind === 'reset' ? `the position ${at} is void` : 'its first copy was not finished';
    return { lines: [`${name}: ${first}`, ...aftermath('initial', at)], value };
  });
}

const NOTHING_STORED = 'nothing was stored yet, so the next start copies everything anyway';

async function resetTheSource(
  { log, clock }: OperateContext,
  connector: PlacedSource,
  signal: AbortSignal,
): Promise<OperatorAnswer> {
  const { name, config } = connector;
  const { topicPrefix: prefix, snapshotMode } = config;
  return await onIdleSource(name, sourceConnection(config), signal, async (client) => {
    const position = (await historyOf(log, prefix, signal))?.checkpoint?.position;
    const end = lsnToPosition(await walEnd(client));
    if (position !== undefined && end < position.slice(0, 16)) throw fallsBack(prefix, position, end);
    const outcome = await resetSource({ log, clock, random: randomUUID, prefix }, placeOf(connector).name, signal);
    const value = { connector: name, ...outcome };
    if (outcome.kind === 'empty') {
      return { lines: [`${name}: ${NOTHING_STORED}`], value };
    }
    const place = placeOf(connector);
    await place.drop(client, signal); // the next start makes it anew; a lost one would stop it
    const at = positionText(outcome.position);
    const first = outcome.kind === 'reset' ? `the position ${at} is void` : 'its first copy was not finished';
    return { lines: [`${name}: ${first}, ${place.text} is dropped`, ...aftermath(snapshotMode, at)], value };
  });
}

function aftermath(mode: PlacedSource['config']['snapshotMode'], at: string): string[] {
  if (mode === 'no_data') {
    return [
      `snapshot.mode is no_data: the next start copies nothing, and what was committed after ${at} until then is missing`,
    ];
  }
  return [
    'the next start copies every captured table again into the same topics',
    'sinks empty the tables that they have made or filled and fill them again; until the copy is finished they show a part of it',
  ];
}

/** Where a source's server keeps how far it has come. */
interface Place {
  readonly name: string;
  readonly text: string;
  drop(client: pg.ClientBase, signal: AbortSignal): Promise<void>;
}

function placeOf(connector: PlacedSource): Place {
  switch (connector.kind) {
    case 'PostgresWalSource': {
      const { slot } = connector.config;
      return { name: slot, text: `slot "${slot}"`, drop: (client, signal) => dropSlot(client, slot, signal) };
    }
    case 'PostgresTriggerSource': {
      const { triggerName: name } = connector.config;
      return {
        name,
        text: `how far triggers "${name}" were read`,
        drop: (client) => forgetReader(client, triggerNames(name)),
      };
    }
    default:
      return connector satisfies never;
  }
}

async function resetTheSink(
  { log }: OperateContext,
  { name, config }: SinkFile,
  signal: AbortSignal,
): Promise<OperatorAnswer> {
  const key = { name, prefix: replayedPrefix(config) };
  return await onDatabase(sinkConnection(config), signal, async (client) => {
    const stored = await readStoredProgress(client, key);
    if (stored?.progress === undefined) {
      return { lines: [`${name}: nothing was applied yet`], value: { connector: name, kind: 'empty' } };
    }
    const places = await wholeLog(log, key.prefix, signal);
    await log.release(name, `${key.prefix}.`, places, signal); // first: what it needs again must not go meanwhile
    await forgetProgress(client, key);
    const { position } = stored.progress;
    return {
      lines: [
        `${name}: its progress at ${positionText(position)} is forgotten`,
        'the next start replays the log from its beginning: the first copy in it empties the tables that the sink has made or filled',
      ],
      value: { connector: name, kind: 'reset', position },
    };
  });
}

/** Where a replay begins in every partition. Throws OperatorError when the log has forgotten a part of it. */
async function wholeLog(log: OperateContext['log'], prefix: string, signal: AbortSignal): Promise<readonly LogPlace[]> {
  const advice = `Nothing was changed. Copy everything again: rowcast offsets reset with the name of the source of ${prefix}.`;
  const topic = checkpointsTopic(prefix);
  if (!(await log.topics([topic], signal)).has(topic)) {
    throw new OperatorError(`Topic ${topic} does not exist: there is nothing to replay`, { advice });
  }
  const places = await lowestOffsets(log, prefix, signal);
  const there = await log.topics([...new Set(places.map((each) => each.topic)), schemaChangesTopic(prefix)], signal);
  for (const { topic: name, partition, offset } of places) {
    const start = there.has(name) ? (await log.bounds(name, partition, signal)).start : undefined;
    if (start !== undefined && start <= offset) continue;
    const state = start === undefined ? 'does not exist any more' : `begins at offset ${start}, ${offset} is needed`;
    throw new OperatorError(`The log cannot be replayed from its beginning: topic ${name} ${state}`, { advice });
  }
  return places;
}
