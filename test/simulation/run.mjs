// Runs the simulation of the protocol and both loops.
import { runBundled } from '../support/run-bundled.mjs';

await runBundled(import.meta.url);
