import net from 'node:net';
import type { Database } from '../../support/postgres.ts';

/** A proxy that can fall silent: it keeps its connections and passes nothing on. */
export async function falling(database: Database): Promise<{ port: number; fallSilent(): void } & AsyncDisposable> {
  let isSilent = false;
  const sockets = new Set<net.Socket>();
  const server = net.createServer((client) => {
    const upstream = net.connect(database.settings.port, database.settings.host);
    for (const socket of [client, upstream]) sockets.add(socket.on('error', () => {}));
    client.on('data', (data) => isSilent || upstream.write(data));
    upstream.on('data', (data) => isSilent || client.write(data));
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as net.AddressInfo).port,
    fallSilent() {
      isSilent = true;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Resolves when a session of the database waits for a lock. */
export async function untilWaiting(database: Database): Promise<void> {
  for (;;) {
    const rows = await database.query(
      "select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()",
    );
    if (rows.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** A proxy that, once armed, cuts the connection at the next COMMIT: behind it (the server gets it, its answer is lost) or before. */
export async function losing(
  database: Database,
  reaches: boolean,
): Promise<{ port: number; arm(): void } & AsyncDisposable> {
  let armed = false;
  const sockets = new Set<net.Socket>();
  const server = net.createServer((client) => {
    const upstream = net.connect(database.settings.port, database.settings.host);
    for (const socket of [client, upstream]) sockets.add(socket.on('error', () => {}));
    let cut = false;
    client.on('data', (data) => {
      if (armed && data.includes('commit')) {
        armed = false;
        cut = true;
        if (!reaches) {
          client.destroy();
          upstream.destroy();
          return;
        }
      }
      upstream.write(data);
    });
    upstream.on('data', (data) => {
      if (!cut) client.write(data);
      else client.destroy();
    });
    client.on('close', () => upstream.end());
    upstream.on('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as net.AddressInfo).port,
    arm() {
      armed = true;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** A proxy that notes what the client sends, and on demand holds it back until it is let go, as a network may. */
export async function holding(
  database: Database,
): Promise<{ port: number; readonly sent: Buffer[]; hold(): Promise<void>; letGo(): void } & AsyncDisposable> {
  const sent: Buffer[] = [];
  const sockets = new Set<net.Socket>();
  let held: (() => void)[] | undefined;
  let arrived = (): void => undefined;
  const server = net.createServer((client) => {
    const upstream = net.connect(database.settings.port, database.settings.host);
    for (const socket of [client, upstream]) sockets.add(socket.on('error', () => {}));
    client.on('data', (data) => {
      sent.push(data);
      if (held === undefined) return void upstream.write(data);
      held.push(() => upstream.write(data));
      arrived();
    });
    upstream.on('data', (data) => client.write(data));
    client.on('close', () => upstream.end());
    upstream.on('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as net.AddressInfo).port,
    sent,
    hold() {
      held = [];
      return new Promise((resolve) => {
        arrived = resolve;
      });
    },
    letGo() {
      for (const pass of held ?? []) pass();
      held = undefined;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
