// Measures what triggers cost whoever writes.
import { runBundled } from '../support/run-bundled.mjs';

await runBundled(import.meta.url);
