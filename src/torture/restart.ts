import type { Servers } from './servers.ts';
import type { Watcher } from './watcher.ts';

/** What is restarted while the service goes on. */
export const RESTARTS = ['source, fast', 'source, immediate', 'replica, immediate', 'broker, SIGKILL'] as const;
export type Restart = (typeof RESTARTS)[number];

/** Stops a server and starts it again. */
export async function restartServer(what: Restart, servers: Servers, watcher: Watcher): Promise<void> {
  const { sourceServer, replicaServer, kafka } = servers;
  switch (what) {
    case 'source, fast':
      await sourceServer.stop('fast');
      return await sourceServer.start();
    case 'source, immediate':
      await sourceServer.stop('immediate');
      return await sourceServer.start();
    case 'replica, immediate':
      await replicaServer.stop('immediate');
      watcher.crashed();
      return await replicaServer.start();
    case 'broker, SIGKILL':
      kafka?.kill();
      return await kafka?.restart();
    default:
      return what satisfies never;
  }
}
