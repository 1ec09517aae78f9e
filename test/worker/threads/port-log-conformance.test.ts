import { MessageChannel } from 'node:worker_threads';
import { openEmbeddedLog } from '../../../src/log/embedded/embedded-log.ts';
import type { Log } from '../../../src/log/log.ts';
import { LogLink } from '../../../src/worker/threads/log-client.ts';
import { serveLog } from '../../../src/worker/threads/log-server.ts';
import { logConformance } from '../../log/conformance.ts';
import { newDirectory } from '../../log/embedded/directory.ts';

const maxRecordBytes = 2_000_000;

logConformance('An embedded log behind a port', async () => {
  const directory = await newDirectory();
  let close = async (): Promise<void> => {};
  const open = async (): Promise<Log> => {
    const embedded = await openEmbeddedLog(directory, { maxBatchBytes: maxRecordBytes });
    const { port1, port2 } = new MessageChannel();
    const server = serveLog(embedded, port1);
    const link = new LogLink(port2);
    close = async () => {
      link.close();
      await server.close();
      await embedded[Symbol.asyncDispose]();
    };
    return await link.open(new AbortController().signal);
  };
  return {
    log: await open(),
    maxRecordBytes,
    reopen: async () => {
      await close();
      return await open();
    },
    close: async () => await close(),
  };
});
