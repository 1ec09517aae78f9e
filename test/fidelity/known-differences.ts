/** Lines that differ, by their name, with the reason. One that becomes equal fails the run until it is taken off this list. */
export const KNOWN_DIFFERENCES: ReadonlyMap<string, string> = new Map([]);
