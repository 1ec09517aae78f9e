/** A piece of what a server sends, and which request it answers, when that is one whose answer may be lost. */
export interface Answer {
  readonly bytes: Buffer;
  readonly to: string | undefined;
}

/** One connection, cut into messages as its protocol does. Pure: it only looks. */
export interface Dialogue {
  /** Sees what the client sends. */
  asked(chunk: Buffer): void;
  /** Cuts what the server sends. What is not whole yet comes with a later chunk. */
  answered(chunk: Buffer): readonly Answer[];
}

/** Nothing is known of what is said. */
export function opaque(): Dialogue {
  return { asked: () => {}, answered: (bytes) => [{ bytes, to: undefined }] };
}

const KAFKA_REQUESTS: Readonly<Record<number, string>> = { 0: 'Produce', 1: 'Fetch' };

/** Kafka: a length of four bytes before each message; an answer has the number of its request. Tells answers to Produce and Fetch. */
export function kafkaDialogue(): Dialogue {
  const open = new Map<number, string>();
  const requests = cutter((bytes) => (bytes.length < 4 ? undefined : 4 + bytes.readInt32BE(0)));
  const answers = cutter((bytes) => (bytes.length < 4 ? undefined : 4 + bytes.readInt32BE(0)));
  return {
    asked(chunk) {
      for (const frame of requests(chunk)) {
        const name = KAFKA_REQUESTS[frame.readInt16BE(4)];
        if (name !== undefined) open.set(frame.readInt32BE(8), name);
      }
    },
    answered(chunk) {
      return answers(chunk).map((bytes) => {
        const number = bytes.readInt32BE(4);
        const to = open.get(number);
        open.delete(number);
        return { bytes, to };
      });
    },
  };
}

const SSL_REQUEST = 80_877_103;
const COMMAND_COMPLETE = 'C'.charCodeAt(0);

/** Postgres: a type, then a length. Tells the CommandComplete of COMMIT. The answer to SSLRequest is a single byte, and must be no. */
export function postgresDialogue(): Dialogue {
  let isFirst = true;
  let bare = 0;
  const answers = cutter((bytes) => {
    if (bare > 0) return 1;
    return bytes.length < 5 ? undefined : 1 + bytes.readInt32BE(1);
  });
  return {
    asked(chunk) {
      if (isFirst && chunk.length === 8 && chunk.readInt32BE(4) === SSL_REQUEST) bare = 1;
      isFirst = false;
    },
    answered(chunk) {
      const messages: Answer[] = [];
      for (const bytes of answers(chunk)) {
        const isCommit = bare === 0 && bytes[0] === COMMAND_COMPLETE && bytes.toString('latin1', 5) === 'COMMIT\0';
        bare = 0;
        messages.push({ bytes, to: isCommit ? 'COMMIT' : undefined });
      }
      return messages;
    },
  };
}

/** Gives the whole messages of a stream; `lengthOf` says how long the one at the beginning is, as soon as it can be known. */
function cutter(lengthOf: (bytes: Buffer) => number | undefined): (chunk: Buffer) => Buffer[] {
  let parts: Buffer[] = [];
  let held = 0;
  let needed = 1;
  return (chunk) => {
    parts.push(chunk);
    held += chunk.length;
    const messages: Buffer[] = [];
    if (held < needed) return messages;
    let rest = parts.length === 1 ? chunk : Buffer.concat(parts);
    for (;;) {
      const length = rest.length === 0 ? undefined : lengthOf(rest);
      if (length === undefined || rest.length < length) {
        needed = length ?? rest.length + 1;
        break;
      }
      messages.push(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
    parts = rest.length === 0 ? [] : [rest];
    held = rest.length;
    return messages;
  };
}
