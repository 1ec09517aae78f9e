import { createRequire } from 'node:module';
import { OperatorError } from '../../errors.ts';

/**
 * Loads what a codec is made of when it is used for the first time: most daemons never do, and native code takes its time to start.
 * Throws OperatorError when there is none for this platform.
 */
export function loadPackage<T>(name: string, codec: string, load?: (require: NodeJS.Require) => T): T {
  const require = createRequire(import.meta.url);
  try {
    return load === undefined ? (require(name) as T) : load(require);
  } catch (cause) {
    const platform = `${process.platform} on ${process.arch}`;
    throw new OperatorError(`Compression ${codec} cannot be used: package ${name} does not load (${platform})`, {
      cause,
      advice:
        'Install Rowcast again, with its optional dependencies (not npm --omit=optional). Where the package has nothing for the platform, ' +
        'gzip always works: producer.override.compression.type=gzip for what a connector writes, and for what others write the ' +
        "topic's own compression.type=gzip, which brokers apply to what is written from then on.",
    });
  }
}
