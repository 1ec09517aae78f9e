/**
 * The text that Postgres 12 and later print for a float: its shortest digits, with an exponent below 1e-4 and from 1e6
 * (`isSingle`) or 1e15 on. For the few values whose shortest digits lie exactly between two floats Postgres prints others.
 * @see https://www.postgresql.org/docs/current/datatype-numeric.html#DATATYPE-FLOAT
 */
export function floatText(value: number, isSingle: boolean): string {
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  if (!Number.isFinite(value)) return String(value);
  const shortest = (isSingle ? shortestSingle(value) : value).toExponential();
  const at = shortest.indexOf('e');
  const exponent = Number(shortest.slice(at + 1));
  const sign = value < 0 ? '-' : '';
  const digits = shortest.slice(sign.length, at).replace('.', '');
  if (exponent < -4 || exponent >= (isSingle ? 6 : 15)) return sign + withExponent(digits, exponent);
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  const fraction = digits.slice(exponent + 1);
  return fraction === '' ? sign + whole : `${sign}${whole}.${fraction}`;
}

function withExponent(digits: string, exponent: number): string {
  const mantissa = digits.length === 1 ? digits : `${digits[0]}.${digits.slice(1)}`;
  const size = `${Math.abs(exponent)}`.padStart(2, '0');
  return `${mantissa}e${exponent < 0 ? '-' : '+'}${size}`;
}

const SMALLEST_NORMAL_SINGLE = 2 ** -126;

/**
 * The double with the fewest digits that still is this 4-byte float. Six digits survive in any but the subnormal ones, so
 * that there is no need to try fewer; nine always suffice.
 */
function shortestSingle(value: number): number {
  const fewest = Math.abs(value) < SMALLEST_NORMAL_SINGLE ? 1 : 6;
  for (let precision = fewest; precision < 9; precision++) {
    const candidate = Number(value.toPrecision(precision));
    if (Math.fround(candidate) === value) return candidate;
  }
  return Number(value.toPrecision(9));
}
