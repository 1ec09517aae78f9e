// Runs the conformance suite of sources and prints its table.
import { runBundled } from '../support/run-bundled.mjs';

await runBundled(import.meta.url);
