// Runs the fuzzers of decoders.
import { runBundled } from '../support/run-bundled.mjs';

await runBundled(import.meta.url);
