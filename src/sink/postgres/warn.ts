/** Tells an operator of something that is left out, with what to do about it. */
export type Warn = (message: string, advice: string) => void;

/** The same, for messages that have not been told yet. */
export function onceEach(warn: Warn): Warn {
  const told = new Set<string>();
  return (message, advice) => {
    if (told.has(message)) return;
    told.add(message);
    warn(message, advice);
  };
}
