import { Batch, NULL } from '../../../src/change/batch.ts';
import { ByteWriter } from '../../../src/change/byte-writer.ts';
import { conditionOfSelect, conditionProblem } from '../../../src/postgres/condition.ts';
import { isContained, isSimpleDefault } from '../../../src/postgres/expression.ts';
import { findBranch } from '../../../src/postgres/timeline.ts';
import { writeCopyRows } from '../../../src/sink/postgres/copy-text.ts';
import { hasLooseComma } from '../../../src/sink/postgres/ddl-replay/safe.ts';
import { qualifiedNames } from '../../../src/sink/postgres/trusted-expressions.ts';
import { RowCells } from '../../../src/sink/row-cells.ts';
import { appendCopyLine } from '../../../src/source/snapshot/copy-rows.ts';
import { readComposite } from '../../../src/source/trigger/composite-text.ts';
import { EventAssembler } from '../../../src/source/trigger/event-assembler.ts';
import { parsePosition } from '../../../src/source/trigger/position.ts';
import { column, table } from '../../converter/fixture.ts';
import type { Target } from '../target.ts';

function texts(...all: string[]): () => readonly Buffer[] {
  return () => all.map((text) => Buffer.from(text));
}

export const TEXT_TARGETS: readonly Target[] = [
  {
    name: 'copy-lines',
    reads: 'lines of COPY TO STDOUT',
    refusal: 'plain',
    corpus: texts('1\tfirst\t\\N\n', '2\ta\\tb\\\\c\\n\\r\\b\\f\\v\t\\\\x00ff\n', '\n', '\\N\n'),
    run: (input) => {
      const batch = new Batch(1, 4, 16);
      for (let at = 0; at < input.length; ) {
        const end = input.indexOf(10, at) + 1 || input.length;
        appendCopyLine(batch, input.subarray(at, end));
        at = end;
      }
      boundsOf(batch);
    },
  },
  {
    name: 'composites',
    reads: 'text of composite values: rows that triggers have written down',
    refusal: 'plain',
    corpus: texts('(1,first,)', '(1,"a ""quoted"", \\\\ one",,"(2,""x"")")', '()', '(,,)'),
    run: (input) => {
      const bytes = Buffer.from(input); // fields are moved together in place
      readComposite(bytes, 0, bytes.length, (_, start, end) => inside(bytes, start, end));
    },
  },
  {
    name: 'trigger-events',
    reads: 'lines of captured events: COPY around composite values',
    refusal: 'plain',
    corpus: texts(
      '1\t771\t1700000000000000\t1\ti\t\\N\t(1,first,)\n2\t771\t1700000000000000\t1\tu\t(1,first,)\t(2,"se cond",x)\n',
      '3\t772\t1700000000000000\t1\td\t(1,a,b)\t\\N\n4\t772\t1700000000000001\t1\tt\t\\N\t\\N\n5\t773\t0\t2\tx\t\\N\t\\N\n',
    ),
    run: assembleEvents,
  },
  {
    name: 'copy-text-writer',
    reads: 'cells of any bytes, written as COPY text and read back',
    corpus: texts('a\0b\0c', 'tab\there\0new\nline\0\\N', '\\.\0\r\0é'),
    run: writeAndRead,
  },
  {
    name: 'sql-text',
    reads: 'conditions, defaults and expressions that come from elsewhere and go into SQL',
    corpus: texts(
      `select * from public.orders where id > 9 and note = 'it''s'`,
      `(lower(("a b")::text) || pg_catalog.upper('x'::text))`,
      `nextval('public.s'::regclass)`,
      `CASE WHEN (a[1] = 2) THEN 'x' ELSE "Y"."z" END`,
      `'2020-01-01 00:00:00'::timestamp without time zone`,
    ),
    run: (input) => {
      const text = input.toString('utf8');
      conditionProblem(text);
      conditionOfSelect(text, 'public.orders');
      isContained(text);
      isSimpleDefault(text);
      hasLooseComma(text);
      qualifiedNames(text);
    },
  },
  {
    name: 'server-words',
    reads: 'a timeline history, positions: what the server and the log say of where to go on',
    refusal: 'plain',
    corpus: texts(
      '1\t0/3000148\tno recovery target specified\n2\t1/40000A0\tx\n',
      '00000000016B3748.00000001.771:773:771,772',
    ),
    run: (input) => {
      const text = input.toString('utf8');
      findBranch(text, 1);
      parsePosition(text);
    },
  },
];

function assembleEvents(input: Buffer): void {
  const tables = [1, 2].map((relationId) =>
    table([column('id', 'int8', { nullable: false }), column('a', 'text'), column('b', 'text')], { relationId }),
  );
  const assembler = new EventAssembler({
    layoutOf: (shape) => {
      const layout = tables[shape - 1];
      if (layout === undefined) throw new Error('An event is of a shape that nobody has written down');
      return { table: layout, isCaptured: true, cells: Int32Array.of(0, 1, 2) };
    },
    announced: new Set(),
    lsn: 7,
    maxBatchBytes: 4096,
  });
  for (let at = 0; at < input.length; ) {
    const end = input.indexOf(10, at) + 1 || input.length;
    if (assembler.add(Buffer.from(input.subarray(at, end)))) boundsOf(assembler.take());
    at = end;
  }
  boundsOf(assembler.end());
}

/** Rows of one value each, `\0` alone for NULL: what is read back is what was written. */
function writeAndRead(input: Buffer): void {
  const batch = new Batch(1, 4, 16);
  const rows: number[] = [];
  for (let at = 0; at <= input.length; ) {
    const zero = input.indexOf(0, at);
    const end = zero < 0 ? input.length : zero;
    rows.push(batch.cellCount);
    if (end === at) batch.addCell(batch.reserve(1), NULL);
    else batch.copyCell(input, at, end);
    at = end + 1;
  }
  const out = new ByteWriter(1);
  const columns = [{ ordinal: 0, alias: 'c0', type: 'text' }];
  writeCopyRows(out, { cells: new RowCells(batch), rows, columns }, 0, Number.POSITIVE_INFINITY);
  const text = Buffer.from(out.view());
  const read = new Batch(1, 4, 16);
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf(10, at) + 1;
    appendCopyLine(read, text.subarray(at, end));
    at = end;
  }
  if (read.cellCount !== rows.length) throw new Error(`${rows.length} rows were written, ${read.cellCount} were read`);
  for (const row of rows) if (!isSame(batch, read, row)) throw new Error(`Row ${row} was read as another one`);
}

function isSame(written: Batch, read: Batch, cell: number): boolean {
  const [start, end] = [written.cells[2 * cell] as number, written.cells[2 * cell + 1] as number];
  const [from, to] = [read.cells[2 * cell] as number, read.cells[2 * cell + 1] as number];
  return end === NULL
    ? to === NULL
    : to >= 0 && written.bytes.subarray(start, end).equals(read.bytes.subarray(from, to));
}

/** Cells lie in the batch's bytes. */
function boundsOf({ cells, cellCount, byteLength }: Batch): void {
  for (let cell = 0; cell < cellCount; cell++) {
    const [start, end] = [cells[2 * cell] as number, cells[2 * cell + 1] as number];
    if (end >= 0 && (start < 0 || start > end || end > byteLength))
      throw new TypeError(`Cell ${cell} lies at ${start} to ${end} of ${byteLength}`);
  }
}

function inside(bytes: Buffer, start: number, end: number): void {
  if (end === NULL) return;
  if (start < 0 || start > end || end > bytes.length)
    throw new TypeError(`A field lies at ${start} to ${end} of ${bytes.length}`);
}
