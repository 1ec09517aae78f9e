import { join } from 'node:path';
import { bundle } from '../support/run-bundled.mjs';

/** Compiles what the processes run into the folder; returns its file. */
export async function compileProgram(root: string, folder: string): Promise<string> {
  return await bundle(join(root, 'test/fuzz-decoders/child-program.ts'), folder, 'child-program.mjs');
}
