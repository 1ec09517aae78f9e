import { NULL } from '../../change/batch.ts';

const [QUOTE, OPEN, CLOSE, COMMA, BACKSLASH] = [0x22, 0x28, 0x29, 0x2c, 0x5c];

/**
 * Reads the text of a composite value in `bytes[start..end)`, in place: `field` hears of each field its number and where its own text stands then
 * (what was quoted is moved together), or `NULL` as its end. Returns the number of fields; a row of no columns and one of a single NULL look alike, and
 * count as one. Throws a plain Error for what is no such text.
 * @see https://www.postgresql.org/docs/current/rowtypes.html#ROWTYPES-IO-SYNTAX
 */
export function readComposite(
  bytes: Buffer,
  start: number,
  end: number,
  field: (number: number, start: number, end: number) => void,
): number {
  if (bytes[start] !== OPEN || bytes[end - 1] !== CLOSE || end - start < 2) throw malformed();
  const last = end - 1;
  let number = 0;
  let at = start + 1;
  for (;;) {
    const next = fieldEnd(bytes, at, last);
    if (next.end === at) field(number, 0, NULL);
    else field(number, at, next.isEscaped ? unescape(bytes, at, next.end) : next.end);
    number++;
    if (next.end === last) return number;
    at = next.end + 1;
  }
}

/** One object for all calls: a field is read a million times. */
const found = { end: 0, isEscaped: false };

/** Where the field that begins at `at` ends: at a comma outside of quotes, or at the row's end. */
function fieldEnd(bytes: Buffer, at: number, last: number): typeof found {
  let isQuoted = false;
  found.isEscaped = false;
  let i = at;
  for (; i < last; i++) {
    const byte = bytes[i];
    if (byte === QUOTE) {
      isQuoted = !isQuoted; // a doubled one ends and begins
      found.isEscaped = true;
    } else if (byte === BACKSLASH) {
      i++;
      found.isEscaped = true;
    } else if (byte === COMMA && !isQuoted) break;
  }
  if (isQuoted || i > last) throw malformed();
  found.end = i;
  return found;
}

/** Takes quotes and escapes out; returns the new end. */
function unescape(bytes: Buffer, start: number, end: number): number {
  let to = start;
  let isQuoted = false;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    if (byte === BACKSLASH) bytes[to++] = bytes[++i] as number;
    else if (byte !== QUOTE) bytes[to++] = byte;
    else if (isQuoted && bytes[i + 1] === QUOTE && i + 1 < end) bytes[to++] = bytes[++i] as number;
    else isQuoted = !isQuoted;
  }
  return to;
}

function malformed(): Error {
  return new Error('A captured row is not the text of a composite value');
}
