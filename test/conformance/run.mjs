// Runs the conformance suite of sources and prints its table.
import { runBundled } from '../support/run-bundled.mjs';

await runBundled(import.meta.url);
// Timers of sources that were killed in this process go on: a process of their own would have taken them with it.
process.exit();
