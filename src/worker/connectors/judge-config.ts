import { validate } from '../../connector/config-def.ts';
import { maskConnector } from '../../connector/connector-classes.ts';
import { readConnector } from '../../connector/connector-file.ts';
import { findPlugin, noPlugin } from '../../connector/find-plugin.ts';
import { clashes, type ConnectorFile } from '../../connector/load-file.ts';
import type { RawConfig } from '../../connector/parse-config.ts';
import type { Environment } from '../../connector/reference.ts';
import { RefusedChange } from './refused-change.ts';

/** Against what a new config is judged. */
export interface Surroundings {
  /** What it may refer to. */
  readonly env: Environment;
  /** The connectors that it has to run beside. */
  readonly others: readonly ConnectorFile[];
}

/**
 * The config as it is to be stored, its class by its whole name. RefusedChange, with status 400 and in Connect's words, when it could not run:
 * all that is wrong with it, and what it would share with others that only one can have.
 */
export function judgedConfig(name: string, config: RawConfig, file: string, { env, others }: Surroundings): RawConfig {
  const wanted = config['connector.class'];
  if (wanted === undefined || wanted.trim() === '') throw noClass(config);
  const plugin = findPlugin(wanted.trim());
  if (plugin === undefined) throw new RefusedChange(400, noPlugin(wanted));
  const whole = { ...config, 'connector.class': plugin.name };
  const read = readConnector(file, JSON.stringify({ name, config: whole }), env);
  if ('connector' in read) {
    refuseIfAny(others.flatMap((other) => clashes(read.connector, other)));
    return whole;
  }
  const told = validate(plugin.connector, whole, env).configs.flatMap(({ value }) => value.errors);
  refuseIfAny(told.length > 0 ? told : read.problems);
  return whole;
}

/** Says that a config names no class, in the words of Connect, which shows the config; secrets masked. */
export function noClass(config: RawConfig): RefusedChange {
  const shown = Object.entries(maskConnector(config)).map(([key, value]) => `${key}=${value}`);
  return new RefusedChange(400, `Connector config {${shown.join(', ')}} contains no connector type`);
}

function refuseIfAny(errors: readonly string[]): void {
  if (errors.length === 0) return;
  throw new RefusedChange(
    400,
    [
      `Connector configuration is invalid and contains the following ${errors.length} error(s):`,
      ...errors,
      'You can also find the above list of errors at the endpoint `/connector-plugins/{connectorType}/config/validate`',
    ].join('\n'),
  );
}
