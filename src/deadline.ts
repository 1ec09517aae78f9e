/**
 * A signal that aborts with a TimeoutError after `ms`, as AbortSignal.timeout does; but it also does so within AbortSignal.any, where Node.js 20
 * forgets a timeout that nobody else holds (nodejs/node#54614): then nothing would ever end. The timer keeps no process alive.
 */
export function endAfter(ms: number): AbortSignal {
  const ending = new AbortController();
  const end = (): void => ending.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'));
  setTimeout(end, ms).unref();
  return ending.signal;
}
