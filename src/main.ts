#!/usr/bin/env node
import { run } from './cli/run.ts';

/** A command that has ended keeps its process no longer than this for what it left open: an attempt to connect in the background. */
const LINGER_MS = 1000;

// The one place where the process's environment is read and its exit code is set.
process.exitCode = await run(process.argv.slice(2), process.env);
setTimeout(() => process.exit(), LINGER_MS).unref();
