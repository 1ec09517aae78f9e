/** Tells a person of something that does not stop the source, and what to do about it. */
export type Warn = (message: string, advice: string) => void;
