/** The ways to capture. */
export const CAPTURES = ['wal', 'query', 'trigger'] as const;
export type CaptureName = (typeof CAPTURES)[number];
