#!/usr/bin/env node
import { run } from './cli/run.ts';

// The one place where the process's environment is read and its exit code is set.
process.exitCode = await run(process.argv.slice(2), process.env);
