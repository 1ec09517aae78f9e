import { openEmbeddedLog } from '../../../src/log/embedded/embedded-log.ts';
import { logConformance } from '../conformance.ts';
import { newDirectory } from './directory.ts';

const maxRecordBytes = 2_000_000;

for (const [segmentBytes, compression] of [
  [undefined, 'none'],
  [1000, 'none'],
  [1000, 'lz4'],
  [undefined, 'zstd'],
] as const) {
  const options = { maxBatchBytes: maxRecordBytes, ...(segmentBytes !== undefined && { segmentBytes }) };
  logConformance(
    `An embedded log with ${segmentBytes ?? 'usual'} bytes in a segment, compressed with ${compression},`,
    async () => {
      const directory = await newDirectory();
      let log = await openEmbeddedLog(directory, options);
      return {
        log,
        maxRecordBytes,
        reopen: async () => {
          await log[Symbol.asyncDispose]();
          return (log = await openEmbeddedLog(directory, options));
        },
        close: async () => await log[Symbol.asyncDispose](),
      };
    },
    compression,
  );
}
