import { expect, test } from 'vitest';
import { CalendarDate, daysInMonth, daysOf } from '../../../src/converter/avro/calendar.ts';

test('every day of four centuries on both sides of 1970 and of year 1 is the one that JavaScript has', () => {
  const date = new CalendarDate();
  const wrong: number[] = [];
  for (const first of [-1_000_000, -800_000, -146_097, 0]) {
    for (let days = first; days < first + 146_098; days++) {
      const expected = new Date(days * 86_400_000);
      const [year, month, day] = [expected.getUTCFullYear(), expected.getUTCMonth() + 1, expected.getUTCDate()];
      date.setDays(days);
      const isRight = date.year === year && date.month === month && date.day === day;
      if (!isRight || daysOf(year, month, day) !== days || day > daysInMonth(year, month)) wrong.push(days);
    }
  }
  expect(wrong).toEqual([]);
});

test('months have their days, and there is no month 0 or 13', () => {
  const lengths = Array.from({ length: 14 }, (_, month) => daysInMonth(2023, month));
  expect(lengths).toEqual([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0]);
  expect([2024, 2000, 1900, 0].map((year) => daysInMonth(year, 2))).toEqual([29, 29, 28, 29]);
});
