import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PlainBytes } from '../../src/sink/plain-bytes.ts';

const SPECIAL = ['\t', '\n', '\r', '\\'];

test('never calls a stretch plain that has to be escaped', () => {
  const bytes = Buffer.from('plain text '.repeat(20_000));
  const spots = fc.array(fc.nat(bytes.length - 1), { maxLength: 20 });
  const asked = fc.array(fc.tuple(fc.nat(bytes.length), fc.nat(3000)), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(spots, asked, (at, stretches) => {
      const marked = Buffer.from(bytes);
      at.forEach((spot, n) => marked.write(SPECIAL[n % 4] as string, spot));
      const plain = new PlainBytes(marked);
      for (const [start, size] of stretches) {
        const end = Math.min(start + size, marked.length);
        const isSafe = !SPECIAL.some((byte) => marked.toString('latin1', start, end).includes(byte));
        if (plain.isPlain(start, end)) expect(isSafe).toBe(true);
      }
    }),
  );
});

test('knows plain stretches when it is asked from the beginning to the end', () => {
  const bytes = Buffer.from('plain text '.repeat(20_000));
  bytes.write('\\', 100_000);
  const plain = new PlainBytes(bytes);
  const known: number[] = [];
  for (let at = 0; at < bytes.length; at += 1000)
    if (plain.isPlain(at, Math.min(at + 1000, bytes.length))) known.push(at);
  expect(known.length).toBeGreaterThan(bytes.length / 1000 - 3);
  expect(known).not.toContain(100_000);
});
