import { defineConfig, type TestProjectConfiguration, type ViteUserConfig } from 'vitest/config';

/** One project per kind of server that a test needs; the file's suffix says which (see CONTRIBUTING.md). */
function project(
  name: string,
  include: string[],
  exclude: string[],
  testTimeout: number,
  globalSetup: string[] = [],
): TestProjectConfiguration {
  return {
    test: {
      name,
      include,
      exclude: ['node_modules/**', ...exclude],
      testTimeout,
      globalSetup,
      hookTimeout: 120_000,
      // A busy machine is no failure.
      expect: { poll: { timeout: 20_000 } },
      pool: 'forks',
    },
  };
}

const POSTGRES = 'test/support/postgres.global-setup.ts';
const KAFKA = 'test/support/kafka.global-setup.ts';

const config: ViteUserConfig = defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      project('unit', ['test/**/*.test.ts'], ['test/**/*.{pg,kafka,e2e}.test.ts'], 60_000),
      project('pg', ['test/**/*.pg.test.ts'], [], 120_000, [POSTGRES]),
      project('kafka', ['test/**/*.kafka.test.ts'], [], 120_000, [KAFKA]),
      project('e2e', ['test/**/*.e2e.test.ts'], [], 240_000, [POSTGRES, KAFKA]),
    ],
  },
});
export default config;
