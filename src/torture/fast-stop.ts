import { seconds } from './recoveries.ts';
import type { Stage } from './stage.ts';

/** How long a stop may take before it is broken off: longer than any that ends by itself. */
const LONGEST_MS = 30_000;

/** Times `pg_ctl stop -m fast` of the source with Rowcast attached, and without. The workload must have stopped; the service is, too, then. */
export async function measureFastStop({ servers, report }: Stage, stopService: () => Promise<void>): Promise<void> {
  const attached = await timeFastStop(servers.sourceServer);
  await servers.sourceServer.start();
  await stopService();
  const alone = await timeFastStop(servers.sourceServer);
  report.line(`fast stop of the source: ${seconds(attached)} with Rowcast attached, ${seconds(alone)} without`);
  if (attached >= LONGEST_MS) report.problem('The source does not stop while Rowcast is attached');
}

async function timeFastStop(server: Stage['servers']['sourceServer']): Promise<number> {
  const startedAt = performance.now();
  const impatient = setTimeout(() => void server.stop('immediate').catch(() => {}), LONGEST_MS);
  await server.stop('fast');
  clearTimeout(impatient);
  return performance.now() - startedAt;
}
