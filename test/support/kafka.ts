import { inject } from 'vitest';

/**
 * The real broker that the run's global setup started, for *.kafka.test.ts and *.e2e.test.ts; undefined where none can be started (no Java, no Maven):
 * such tests say `describe.skipIf(kafkaForTests() === undefined)`. Topics outlive a test: name them by `uniqueName`.
 */
export function kafkaForTests(): { readonly bootstrap: string } | undefined {
  const bootstrap = inject('kafkaBootstrap');
  return bootstrap === undefined ? undefined : { bootstrap };
}

let names = 0;

/** A name that no other test of this or an earlier run uses. */
export function uniqueName(stem: string): string {
  return `${stem}-${process.pid}-${Date.now().toString(36)}-${names++}`;
}
