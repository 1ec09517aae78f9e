// Prints the fidelity table.
import { runBundled } from '../support/run-bundled.mjs';

await runBundled(import.meta.url);
