import { describe, inject, test } from 'vitest';
import { startPostgres } from '../../src/servers/postgres-server.ts';
import { SOURCE_CHECKS } from '../../src/conformance/source-conformance.ts';
import { SOURCE_KITS } from './kits.ts';
import { scratchEmbeddedLog } from './logs.ts';

/** Modes whose ways another mode goes as well: `npm run conformance` has them, every commit need not wait for them. */
const CONTAINED = ['query incrementing', 'query timestamp'];
const KITS = SOURCE_KITS.filter(({ name }) => !CONTAINED.includes(name));

describe.each(KITS)('source $name on the embedded log', (kit) => {
  test.each(SOURCE_CHECKS)('$property: $promise', async (check) => {
    // Who repeats itself when anybody writes is idle only where nobody else does.
    const needsQuiet = kit.claims.repeats && check.property === 'idle';
    await using own = needsQuiet ? await startPostgres() : undefined;
    const server = own?.settings() ?? inject('postgres');
    await check.run(kit, { source: server, replica: server, openLog: scratchEmbeddedLog, effort: 'short' });
  });
});
