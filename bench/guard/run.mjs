// Times the transcoders of src/ as they stand against a fixed loop.
import { runBundled } from '../../test/support/run-bundled.mjs';

await runBundled(import.meta.url);
