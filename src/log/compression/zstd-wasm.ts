import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { loadPackage } from './load-package.ts';
import type { Zstd } from './zstd-node.ts';

const PACKAGE = '@bokuweb/zstd-wasm';

interface Simple {
  readonly compress: (bytes: Uint8Array, level: number) => Uint8Array;
  readonly decompress: (bytes: Uint8Array, options: { readonly defaultHeapSize: number }) => Uint8Array;
}

interface WasmInstance {
  readonly exports: object;
}

/** The part of WebAssembly that is used; Node.js has it, its types do not. */
interface Wasm {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => WasmInstance;
}

/** Of the package's inner module, which its own `init` starts too, but not before a promise has settled. */
interface Inner {
  readonly Module: {
    instantiateWasm: (imports: object, done: (instance: WasmInstance) => void) => object;
    init(bytes: Buffer): void;
  };
}

/** Zstandard for a Node.js that has none of its own (before 22.15). */
export function loadZstdWasm(): Zstd {
  const { compress, decompress } = loadPackage(PACKAGE, 'zstd', start);
  return {
    compress,
    decompress: (bytes, mostBytes) => viewOf(decompress(bytes, { defaultHeapSize: mostBytes })),
  };
}

/** Starts it at once: record batches are read synchronously. */
function start(require: NodeJS.Require): Simple {
  const entry = require.resolve(PACKAGE);
  const { Module } = require(join(dirname(entry), 'module.js')) as Inner;
  const bytes = readFileSync(join(dirname(entry), 'zstd.wasm'));
  const { WebAssembly: wasm } = globalThis as unknown as { readonly WebAssembly: Wasm };
  Module.instantiateWasm = (imports, done) => {
    const instance = new wasm.Instance(new wasm.Module(bytes), imports);
    done(instance);
    return instance.exports;
  };
  Module.init(bytes);
  return require(entry) as Simple;
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
