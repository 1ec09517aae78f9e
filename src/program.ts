/**
 * The folder that the program runs from: `src`, or `dist` with everything in the same places. As it is built a module may be a part of another file
 * there, so none looks for files from where it was written itself.
 */
export const PROGRAM: string = import.meta.dirname;
