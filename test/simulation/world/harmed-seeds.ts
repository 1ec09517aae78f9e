/** The last digits of seeds in which history is taken away. */
export const HARMED_SEEDS: readonly number[] = [4, 9];
