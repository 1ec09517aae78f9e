import type { ConnectorFile } from '../connector/load-file.ts';
import type { Environment } from '../connector/reference.ts';
import { findDaemon } from '../worker/daemon-file.ts';
import { connectorOf } from '../worker/operate/context.ts';
import { askDaemon } from '../worker/operate/daemon-client.ts';
import { operateOnLog } from '../worker/operate/on-log.ts';
import type { OperatorAnswer, OperatorRequest } from '../worker/rest/daemon-view.ts';
import { confirm } from './confirm.ts';
import { type OperatorFlags, operatorConfig, validConnectors } from './operator-options.ts';
import { stopSignal } from './stop-signal.ts';

export interface OffsetsOptions extends OperatorFlags {
  readonly json?: boolean;
  readonly yes?: boolean;
}

/** Shows or changes offsets, through the daemon when one runs on the state directory, else on the log itself. Returns 0. */
export async function runOffsets(request: OperatorRequest, options: OffsetsOptions, env: Environment): Promise<number> {
  const config = operatorConfig(options, env);
  using stop = stopSignal();
  const daemon = await findDaemon(config.stateDir);
  const connectors = validConnectors(config.connectorsDir, env);
  if (request.kind !== 'offsets') {
    const plan = planOf(request.kind, connectorOf({ connectors }, request.connector));
    await confirm(plan, options.yes === true, stop.signal);
  }
  const answer =
    (daemon?.url === undefined ? undefined : await askDaemon(daemon.url, config.rest, request, stop.signal)) ??
    (await operateOnLog(config, connectors, request, stop.signal));
  print(answer, options.json === true);
  return 0;
}

function planOf(kind: OperatorRequest['kind'], connector: ConnectorFile): readonly string[] {
  const { name } = connector;
  if (kind === 'accept') return [`The server, publication and slot of ${name} as they are now will be accepted.`];
  if (connector.kind === 'PostgresWalSource') {
    return [
      `The position of ${name} will be made void and slot "${connector.config.slot}" dropped:`,
      'its next start copies every captured table again, and its sinks empty and fill theirs.',
    ];
  }
  return [`The progress of ${name} will be forgotten: its next start replays the log from its beginning.`];
}

/** Lines for a person, or one JSON document for a program. */
export function print({ lines, value }: OperatorAnswer, json: boolean): void {
  process.stdout.write(json ? `${JSON.stringify(value, undefined, 2)}\n` : `${lines.join('\n')}\n`);
}
