import { hostname } from 'node:os';

/** Where this process runs, its number there and when it began (ISO 8601), as people look for it. */
export function thisProcess(): { readonly host: string; readonly pid: number; readonly started: string } {
  const started = new Date(Date.now() - 1000 * process.uptime()).toISOString();
  return { host: hostname(), pid: process.pid, started };
}
