// Kills dist/main.js in the middle of a copy, or with --from-source what src/ compiles to now.
import { runBundled } from '../support/run-bundled.mjs';

await runBundled(import.meta.url);
