// Sends DDL in the middle of load through dist/main.js, or with --from-source through what src/ compiles to now.
import { runBundled } from '../support/run-bundled.mjs';

await runBundled(import.meta.url);
