// Runs the replica fuzzer.
import { runBundled } from '../support/run-bundled.mjs';

await runBundled(import.meta.url);
