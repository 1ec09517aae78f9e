// Measures dist/main.js, or with --from-source what src/ compiles to now.
import { runBundled } from '../test/support/run-bundled.mjs';

await runBundled(import.meta.url);
