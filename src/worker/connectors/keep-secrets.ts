import { maskConnector } from '../../connector/connector-classes.ts';
import type { RawConfig } from '../../connector/parse-config.ts';
import { MASK } from '../../connector/secret.ts';
import { RefusedChange } from './refused-change.ts';

/**
 * The config that somebody sends who was shown `stored` with its secrets masked: what comes back masked stays as it is stored, be it a
 * secret or a reference to one. RefusedChange for a mask where nothing is stored that was shown so.
 */
export function keepSecrets(given: RawConfig, stored: RawConfig): RawConfig {
  const shown = maskConnector(stored);
  return Object.fromEntries(
    Object.entries(given).map(([key, value]): [string, string] => {
      if (!value.includes(MASK)) return [key, value];
      if (Object.hasOwn(stored, key) && value === shown[key]) return [key, stored[key] as string];
      throw new RefusedChange(
        400,
        `${key} contains ${MASK}, which stands for a secret that is not shown and was not changed: send the secret itself, or a reference such as \${env:NAME}`,
      );
    }),
  );
}
