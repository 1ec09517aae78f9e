import { sinkConnection, sourceConnection } from '../../connector/connection-of.ts';
import { type ConnectorFile, isSource } from '../../connector/load-file.ts';
import { OperatorError } from '../../errors.ts';
import { dropProgress } from '../../sink/postgres/stored-progress.ts';
import { compileFilter } from '../../source/capture/filter.ts';
import { findSetUp } from '../../source/trigger/tables.ts';
import { triggerNames } from '../../source/trigger/names.ts';
import { uninstall } from '../../source/trigger/set-up.ts';
import { dropPublication } from '../../source/wal/publication.ts';
import { dropSlot, reportSlot } from '../../source/wal/slot.ts';
import type { OperatorAnswer, OperatorRequest } from '../rest/daemon-view.ts';
import { replayedPrefix, walSourceSettings } from '../settings.ts';
import { onDatabase, onIdleSource } from './connections.ts';
import { noConnector, type OperateContext } from './context.ts';
import type { SinkFile } from './sink-offsets.ts';
import type { SourceFile } from './source-offsets.ts';

type DeleteRequest = Extract<OperatorRequest, { kind: 'delete' }>;

/** What was removed, and what stays with how it is removed. */
interface Deleted {
  readonly done: string[];
  readonly stays: string[];
}

/**
 * Removes what a connector leaves on its servers, as far as it is asked for, and tells of the rest. A log that keeps records for its readers
 * forgets this one in any case. A connector whose file is gone already is only forgotten.
 */
export async function deleteConnector(
  context: Pick<OperateContext, 'connectors' | 'forget' | 'readers'>,
  request: DeleteRequest,
  signal: AbortSignal,
): Promise<OperatorAnswer> {
  const { connector: name } = request;
  const connector = context.connectors.find((each) => each.name === name);
  const isTidied = request.dropSlot || request.dropPublication || request.dropProgress;
  if (connector === undefined) {
    if (!context.readers.includes(name))
      throw noConnector(
        context.connectors.map((each) => each.name),
        name,
      );
    if (isTidied) throw unknown(name);
  }
  const deleted: Deleted = { done: [], stays: [] };
  if (connector?.kind === 'PostgresWalSource') await deleteSource(context, connector, request, deleted, signal);
  else if (connector?.kind === 'PostgresTriggerSource') await deleteTriggers(connector, request, deleted, signal);
  else if (connector?.kind === 'PostgresQuerySource') deleted.stays.push(topicsOf(connector.config));
  else if (connector?.kind === 'PostgresSink') await deleteSink(connector, request, deleted, signal);
  if (context.forget !== undefined && (connector === undefined || !isSource(connector))) {
    await context.forget(name, signal);
    deleted.done.push('the log keeps nothing for it any more');
  }
  const { done, stays } = deleted;
  return {
    lines: [...done.map((line) => `${name}: ${line}`), ...stays.map((line) => `${name}: stays: ${line}`)],
    value: { connector: name, done, stays },
  };
}

function unknown(name: string): OperatorError {
  return new OperatorError(`Nothing is known of connector "${name}" any more, so nothing can be dropped`, {
    advice: 'Put its file back, and give the command again.',
  });
}

async function deleteSource(
  { connectors }: Pick<OperateContext, 'connectors'>,
  connector: SourceFile,
  request: DeleteRequest,
  deleted: Deleted,
  signal: AbortSignal,
): Promise<void> {
  const { name, config } = connector;
  const settings = walSourceSettings(name, config);
  const { slotName, publicationName } = settings;
  const onSource = request.dropSlot || request.dropPublication ? onIdleSource : onAnySource;
  await onSource(name, settings.connection, signal, async (client) => {
    if (request.dropSlot) await dropTheSlot(client, slotName, deleted, signal);
    else if ((await reportSlot(client, slotName)) !== undefined) {
      deleted.stays.push(
        `slot "${slotName}", which keeps WAL until it is dropped: select pg_drop_replication_slot('${slotName}')`,
      );
    }
    const drop = `drop publication "${publicationName}"`;
    const user = connectors.find((other) => other.name !== name && usesPublication(other, config));
    if (!request.dropPublication) deleted.stays.push(`publication "${publicationName}": ${drop}`);
    else if (user !== undefined) {
      deleted.stays.push(`publication "${publicationName}", because connector "${user.name}" uses it`);
    } else {
      const outcome = await dropPublication(client, settings, compileFilter(settings));
      if (outcome.kind === 'dropped') deleted.done.push(`publication "${publicationName}" is dropped`);
      if (outcome.kind === 'absent') deleted.done.push(`publication "${publicationName}" does not exist`);
      if (outcome.kind === 'kept')
        deleted.stays.push(`publication "${publicationName}", because ${outcome.why}: ${drop}`);
    }
  });
  deleted.stays.push(topicsOf(config));
}

function topicsOf({ topicPrefix }: { readonly topicPrefix: string }): string {
  return `the topics ${topicPrefix}.*: delete them when nobody reads them any more`;
}

/** What the triggers write into goes with them: unread events are as lost as those of a slot. */
async function deleteTriggers(
  { name, config }: Extract<ConnectorFile, { kind: 'PostgresTriggerSource' }>,
  { dropSlot: drop }: DeleteRequest,
  deleted: Deleted,
  signal: AbortSignal,
): Promise<void> {
  const { triggerName } = config;
  const onSource = drop ? onIdleSource : onAnySource;
  await onSource(name, sourceConnection(config), signal, async (client) => {
    const isThere = (await findSetUp(client, triggerNames(triggerName))) !== undefined;
    if (drop) {
      await uninstall(client, triggerName);
      deleted.done.push(`triggers "${triggerName}" and their events ${isThere ? 'are dropped' : 'do not exist'}`);
    } else if (isThere) {
      deleted.stays.push(
        `triggers "${triggerName}", whose events fill the disk: rowcast check --remove-triggers ${name} --yes`,
      );
    }
  });
  deleted.stays.push(topicsOf(config));
}

/** Only looks. */
const onAnySource: typeof onIdleSource = (_name, ...rest) => onDatabase(...rest);

async function dropTheSlot(
  client: Parameters<typeof dropSlot>[0],
  slot: string,
  deleted: Deleted,
  signal: AbortSignal,
): Promise<void> {
  const isThere = (await reportSlot(client, slot)) !== undefined;
  await dropSlot(client, slot, signal);
  deleted.done.push(`slot "${slot}" ${isThere ? 'is dropped' : 'does not exist'}`);
}

function usesPublication(other: ConnectorFile, config: SourceFile['config']): boolean {
  if (other.kind !== 'PostgresWalSource' || other.config.publication !== config.publication) return false;
  const [a, b] = [sourceConnection(other.config), sourceConnection(config)];
  return a.host === b.host && a.port === b.port && a.database === b.database;
}

async function deleteSink(
  { name, config }: SinkFile,
  request: DeleteRequest,
  deleted: Deleted,
  signal: AbortSignal,
): Promise<void> {
  const key = { name, prefix: replayedPrefix(config) };
  deleted.stays.push('the tables of the replica');
  if (!request.dropProgress) {
    deleted.stays.push(
      `its progress, from which a connector of this name goes on: delete from rowcast.progress where connector = '${name}'; ` +
        `delete from rowcast.tables where connector = '${name}'`,
    );
    return;
  }
  const { rows, schema } = await onDatabase(sinkConnection(config), signal, (client) => dropProgress(client, key));
  deleted.done.push(rows > 0 ? 'its progress is removed from schema rowcast' : 'it has no progress in schema rowcast');
  if (schema) deleted.done.push('schema rowcast was empty and is dropped');
}
