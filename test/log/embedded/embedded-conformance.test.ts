import { openEmbeddedLog } from '../../../src/log/embedded/embedded-log.ts';
import { logConformance } from '../conformance.ts';
import { newDirectory } from './directory.ts';

const maxRecordBytes = 2_000_000;

for (const segmentBytes of [undefined, 1000]) {
  const options = { maxBatchBytes: maxRecordBytes, ...(segmentBytes !== undefined && { segmentBytes }) };
  logConformance(`An embedded log with ${segmentBytes ?? 'usual'} bytes in a segment`, async () => {
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
  });
}
