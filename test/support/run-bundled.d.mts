/** Bundles what begins at `entry` into a file of the folder, and returns its path. */
export declare function bundle(entry: string, folder: string, name?: string): Promise<string>;
