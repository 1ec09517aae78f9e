/** Where the demo writes: lines that stay, and one line that is written over on a terminal. */
export interface Screen {
  /** A line that stays. */
  line(text: string): void;
  /** The line of this moment: replaces the one before on a terminal, else a plain line. */
  live(text: string): void;
}

/** Of a terminal that does not say how wide it is. */
const DEFAULT_COLUMNS = 120;

/** A screen on a stream; the live line is cut at the terminal's width, because a wrapped one cannot be written over. */
export function createScreen(stream: NodeJS.WriteStream): Screen {
  let isLive = false;
  return {
    line(text) {
      stream.write(`${isLive ? '\n' : ''}${text}\n`);
      isLive = false;
    },
    live(text) {
      if (!stream.isTTY) {
        stream.write(`${text}\n`);
        return;
      }
      stream.write(`\r\u001B[K${text.slice(0, (stream.columns || DEFAULT_COLUMNS) - 1)}`);
      isLive = true;
    },
  };
}
