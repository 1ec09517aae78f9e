import type { AvroInput } from './avro-input.ts';
import { appendText, type Conversion, writeString } from './converting.ts';
import { writeInteger } from './long.ts';
import type { CellReader } from './number-reader.ts';
import type { CellWriter } from './number-writer.ts';

/** A key and its value, in hstore's order. */
type Entry = readonly [key: string, value: string | null];

/** Postgres's text and a JSON object whose values are strings and nulls, in the same order (a parsed object would sort its numbers first). */
export const HSTORE_JSON: Conversion<string> = {
  to: (text) => {
    const entries = parse(text, '=>', 'NULL', unescaped);
    return entries && `{${entries.map((entry) => entry.map((part) => JSON.stringify(part)).join(':')).join(',')}}`;
  },
  from: (json) => {
    const isObject = json.startsWith('{') && json.endsWith('}');
    const entries = isObject ? parse(json.slice(1, -1), ':', 'null', unescapedJson) : undefined;
    return entries === undefined ? json : hstoreText(entries);
  },
};

/** hstore as an Avro map whose values may be null, in the same order. */
export const writeHstoreMap: CellWriter = (bytes, start, end, out) => {
  const text = bytes.toString('utf8', start, end);
  const entries = parse(text, '=>', 'NULL', unescaped);
  if (entries === undefined || hstoreText(entries) !== text) return false;
  if (entries.length > 0) writeInteger(out, entries.length);
  for (const [key, value] of entries) {
    writeString(out, key);
    out.byte(value === null ? 0 : 2);
    if (value !== null) writeString(out, value);
  }
  out.byte(0);
  return true;
};

/** An Avro map of `["null", "string"]` as hstore's text. */
export const readHstoreMap: CellReader = (input, batch) => {
  const entries: Entry[] = [];
  for (let count = input.int(); count !== 0; count = input.int()) {
    if (count < 0) input.long(); // the block's size in bytes
    const size = Math.abs(count);
    if (size > input.end - input.at) throw input.error('is cut off');
    for (let i = 0; i < size; i++) {
      const key = readString(input);
      const branch = input.int();
      if (branch !== 0 && branch !== 1) throw input.error('has a union branch that there is not');
      entries.push([key, branch === 0 ? null : readString(input)]);
    }
  }
  appendText(batch, hstoreText(entries));
};

function readString(input: AvroInput): string {
  const size = input.length();
  const start = input.take(size);
  return input.bytes.toString('utf8', start, start + size);
}

function hstoreText(entries: readonly Entry[]): string {
  return entries.map(([key, value]) => `${quoted(key)}=>${value === null ? 'NULL' : quoted(value)}`).join(', ');
}

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}

/** Pairs of quoted texts, or of one and the word for null, with commas between them; undefined for what is not written so. */
function parse(
  text: string,
  arrow: string,
  nothing: string,
  read: (quoted: string) => string | undefined,
): Entry[] | undefined {
  const entries: Entry[] = [];
  const skipBlanks = (from: number): number => {
    let at = from;
    while (text[at] === ' ') at++;
    return at;
  };
  for (let at = skipBlanks(0); at < text.length; ) {
    const keyEnd = closingQuote(text, at);
    const arrowAt = skipBlanks(keyEnd);
    const valueAt = skipBlanks(arrowAt + arrow.length);
    const isNull = text.startsWith(nothing, valueAt);
    const valueEnd = isNull ? valueAt + nothing.length : closingQuote(text, valueAt);
    if (keyEnd < 0 || valueEnd < 0 || !text.startsWith(arrow, arrowAt)) return undefined;
    const key = read(text.slice(at + 1, keyEnd - 1));
    const value = isNull ? null : read(text.slice(valueAt + 1, valueEnd - 1));
    if (key === undefined || value === undefined) return undefined;
    entries.push([key, value]);
    at = skipBlanks(valueEnd);
    if (at === text.length) break;
    if (text[at] !== ',') return undefined;
    at = skipBlanks(at + 1);
    if (at === text.length) return undefined;
  }
  return entries;
}

/** The place behind the quote that ends what begins with the one at `from`; -1 when there is none. */
function closingQuote(text: string, from: number): number {
  if (from < 0 || text[from] !== '"') return -1;
  for (let i = from + 1; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === '"') return i + 1;
  }
  return -1;
}

function unescaped(text: string): string {
  return text.includes('\\') ? text.replaceAll(/\\(.)/gsu, '$1') : text;
}

function unescapedJson(text: string): string | undefined {
  try {
    return JSON.parse(`"${text}"`) as string;
  } catch {
    return undefined; // then the text is no JSON, and is passed on as it is
  }
}
