/** Aborts at the first SIGINT, SIGTERM or SIGHUP. */
export interface StopSignal extends Disposable {
  readonly signal: AbortSignal;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** npm passes a Ctrl-C on to a child that the terminal has told already: what comes this soon is the same wish. */
const SAME_WISH_MS = 1000;

/** Takes over these signals until it is disposed of. A second one has its usual effect: for a shutdown that hangs. */
export function stopSignal(): StopSignal {
  const controller = new AbortController();
  let askedAt = 0;
  const stop = (name: NodeJS.Signals): void => {
    const now = performance.now();
    if (!controller.signal.aborted) {
      askedAt = now;
      controller.abort(new DOMException('Asked to stop', 'AbortError'));
    } else if (now - askedAt > SAME_WISH_MS) {
      release();
      process.kill(process.pid, name);
    }
  };
  const release = (): void => {
    for (const name of SIGNALS) process.off(name, stop);
  };
  for (const name of SIGNALS) process.on(name, stop);
  return { signal: controller.signal, [Symbol.dispose]: release };
}
