import type { ByteWriter } from '../../change/byte-writer.ts';
import type { Conversion } from './converting.ts';
import { decimalWriter } from './decimal-writer.ts';
import { floatText } from './float-text.ts';
import { approximateDoubleWriter, type CellWriter } from './number-writer.ts';

/** More digits than money has. */
const PRECISION = 64;

/** money as a decimal with this many digits behind the point; says false for cents that these do not tell. */
export function moneyWriter(digits: number): CellWriter {
  return (bytes, start, end, out) => {
    const text = bytes.toString('latin1', start, end);
    const decimal = roundedMoney(text, digits);
    if (decimal === undefined || moneyOfDecimal(decimal) !== text) return false;
    return writeAsDecimal(decimal, digits, out);
  };
}

/** The same, rounded. */
export function approximateMoneyWriter(digits: number): CellWriter {
  return (bytes, start, end, out) => {
    const decimal = roundedMoney(bytes.toString('latin1', start, end), digits);
    return decimal !== undefined && writeAsDecimal(decimal, digits, out);
  };
}

/** money as a double; says false where the cents of a large amount would be lost, unless `isLoose`. */
export function moneyDoubleWriter(isLoose: boolean): CellWriter {
  return (bytes, start, end, out) => {
    const text = bytes.toString('latin1', start, end);
    const decimal = decimalOfMoney(text);
    if (decimal === undefined || (!isLoose && moneyOfDecimal(floatText(Number(decimal), false)) !== text)) return false;
    const digits = Buffer.from(decimal);
    return approximateDoubleWriter(digits, 0, digits.length, out);
  };
}

/** `-$1,234.56` and `-1234.56`. */
export const MONEY_STRING: Conversion<string> = { to: decimalOfMoney, from: moneyOfDecimal };

function writeAsDecimal(decimal: string, digits: number, out: ByteWriter): boolean {
  const bytes = Buffer.from(decimal);
  return decimalWriter(PRECISION, digits)(bytes, 0, bytes.length, out);
}

/** money as Postgres prints it under lc_monetary C, `-$1,234.56`, as a plain decimal, `-1234.56`; undefined for another text. */
function decimalOfMoney(text: string): string | undefined {
  return /^-?\$\d{1,3}(?:,\d{3})*\.\d\d$/.test(text) ? text.replaceAll(/[$,]/g, '') : undefined;
}

/** The same with this many digits behind the point; fewer than two round half away from zero, as money does. */
function roundedMoney(text: string, digits: number): string | undefined {
  const decimal = decimalOfMoney(text);
  if (decimal === undefined) return undefined;
  if (digits >= 2) return decimal.padEnd(decimal.length + digits - 2, '0');
  const isNegative = decimal.startsWith('-');
  const cents = BigInt(decimal.replaceAll(/[-.]/g, ''));
  const unit = digits === 1 ? 10n : 100n;
  const rounded = `${(cents + unit / 2n) / unit}`;
  const shown = digits === 1 ? rounded.padStart(2, '0').replace(/(\d)$/, '.$1') : rounded;
  return isNegative && /[1-9]/.test(shown) ? `-${shown}` : shown;
}

/** A plain decimal as Postgres prints it as money; what is no number of cents is given back as it is. */
export function moneyOfDecimal(decimal: string): string {
  const parts = /^(-?)(\d+)(?:\.(\d*?)0*)?$/.exec(decimal);
  const [, sign = '', whole = '', fraction = ''] = parts ?? [];
  if (parts === null || fraction.length > 2) return decimal;
  return `${sign}$${whole.replaceAll(/\B(?=(\d{3})+$)/g, ',')}.${fraction.padEnd(2, '0')}`;
}
