import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// Loaded before anything else (`--import`), it shifts what this thread takes for the time of day: `Date.now()` and `new Date()` are so many milliseconds
// off as the file says that `?file=` of its own address names. Timers, and clocks that nobody sets, go on as they are.

/** How often it is looked whether the clock was set. */
const LOOK_MS = 50;

const TimeOfDay = Date;
const real = Date.now;
const file = fileURLToPath(new URL(import.meta.url).searchParams.get('file') ?? '');

let offsetMs = read();
setInterval(() => {
  offsetMs = read();
}, LOOK_MS).unref();

TimeOfDay.now = (): number => real() + offsetMs;
globalThis.Date = new Proxy(TimeOfDay, {
  construct: (target, given: unknown[], asked) =>
    Reflect.construct(target, given.length === 0 ? [target.now()] : given, asked) as object,
  apply: (target) => new target(target.now()).toString(),
});
TimeOfDay.prototype.constructor = Date;

/** 0 before anybody has written it. */
function read(): number {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}
