/** Aborts at the first SIGINT or SIGTERM. */
export interface StopSignal extends Disposable {
  readonly signal: AbortSignal;
}

/** Takes over SIGINT and SIGTERM until it is disposed of. A second signal has its usual effect: for a shutdown that hangs. */
export function stopSignal(): StopSignal {
  const controller = new AbortController();
  const stop = (): void => {
    release();
    controller.abort(new DOMException('Asked to stop', 'AbortError'));
  };
  const release = (): void => {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return { signal: controller.signal, [Symbol.dispose]: release };
}
