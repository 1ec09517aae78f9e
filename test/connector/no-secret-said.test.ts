import { expect, test } from 'vitest';
import { validate } from '../../src/connector/config-def.ts';
import type { AnyDeclaration } from '../../src/connector/connector-class.ts';
import { knownKeys } from '../../src/connector/known-keys.ts';
import { maskConfig, parseConfig, type RawConfig } from '../../src/connector/parse-config.ts';
import { POSTGRES_SINK } from '../../src/connector/postgres-sink.ts';
import { POSTGRES_WAL_SOURCE } from '../../src/connector/postgres-wal-source.ts';
import { settingsOf } from '../../src/connector/read-settings.ts';
import { WORKER_SETTINGS } from '../../src/worker/worker-settings.ts';

/** A word that no setting takes and every message could repeat, with what trips patterns and encodings. */
const WORD = 'c4n4ry';
const CANARY = `%${WORD}" \\$&\n;`;
const VALUES = [
  CANARY,
  `http://u:${WORD}%@h:1`,
  `https://u:${WORD}@a, http://v:${WORD}@b`,
  `postgres://u:${CANARY}@h:1/d`,
  `x.PlainLoginModule required username="u" password="${WORD}`,
  `-----BEGIN PRIVATE KEY-----\n${WORD}`,
  `\${vault:a:b}${WORD}`,
  `{"password": "${WORD}"}`,
];
/** Settings that say which expression or file is wrong: no place for a secret. */
const TOLD =
  /\.(include|exclude)\.(collection\.)?list$|^snapshot\.select\.statement\.overrides$|^topics\.regex$|\.location$/;

const SOURCE = { 'database.hostname': 'h', 'database.user': 'u', 'database.dbname': 'd', 'topic.prefix': 'p' };
const SINK = { 'connection.url': 'postgres://u@h/d', 'topic.prefix': 'p' };
const WORKER = { 'security.protocol': 'SASL_SSL', 'bootstrap.servers': 'k:1' };

test.each<readonly [string, AnyDeclaration, RawConfig]>([
  ['a WAL source', POSTGRES_WAL_SOURCE, SOURCE],
  ['a Postgres sink', POSTGRES_SINK, SINK],
  ['the worker', WORKER_SETTINGS, WORKER],
])('whatever %s is told wrong, no message repeats it', (_, declaration, right) => {
  const keys = [...knownKeys(declaration), 'my.password', 'unknown'].filter((key) => !TOLD.test(key));
  const secret = new Set(settingsOf(declaration).flatMap(([, { key, type }]) => (type === 'PASSWORD' ? [key] : [])));
  const settings = new Set(settingsOf(declaration).map(([, { key }]) => key));
  for (const key of keys) {
    for (const value of VALUES) {
      const raw = { ...right, [key]: value };
      const { problems, warnings } = parseConfig(declaration, raw, {});
      expect([...problems, ...warnings].join('\n'), `${key}=${value}`).not.toContain(WORD);
      const errors = validate(declaration, raw, {}).configs.flatMap((each) => each.value.errors);
      expect(errors.join('\n'), `${key}=${value}`).not.toContain(WORD);
      // What stands beside a reference cannot be judged without what the reference leads to.
      const isWrong = settings.has(key) && !value.includes('${') && problems.some((each) => each.startsWith(`${key} `));
      if (secret.has(key) || key === 'my.password' || key === 'unknown' || isWrong)
        expect(maskConfig(declaration, raw)[key], `${key}=${value}`).not.toContain(WORD);
    }
  }
});
