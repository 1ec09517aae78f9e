/** The ways to capture. */
export const CAPTURES = ['wal', 'query', 'trigger'] as const;
export type CaptureName = (typeof CAPTURES)[number];

/** What lies between source and replica. */
export const LOGS = ['embedded', 'kafka'] as const;
export type LogName = (typeof LOGS)[number];
