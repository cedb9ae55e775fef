// Numbers, times and ids as people read them, in the reader's own notation.

const number = (options) => {
  const format = new Intl.NumberFormat(undefined, options);
  return (value) => format.format(value);
};
const unit = (name, digits = 0) =>
  number({ style: 'unit', unit: name, unitDisplay: 'short', minimumFractionDigits: digits, maximumFractionDigits: digits });

export const count = number({ maximumFractionDigits: 0 });
export const percent = number({ style: 'percent', maximumFractionDigits: 0 });
const rateFine = number({ maximumFractionDigits: 2, minimumFractionDigits: 2 });
const rateCoarse = number({ maximumFractionDigits: 1, minimumFractionDigits: 1 });

/** So many a second. */
export function rate(value) {
  if (value >= 100) return count(value);
  return value >= 10 || value === 0 ? rateCoarse(value) : rateFine(value);
}

const tenths = unit('second', 1);
const seconds = unit('second');
const minutes = unit('minute');
const hours = unit('hour');
const days = unit('day');

/** Large and small unit of a long duration, and the seconds of each. */
const STEPS = [
  { large: minutes, step: 60, small: seconds, part: 1 },
  { large: hours, step: 3_600, small: minutes, part: 60 },
  { large: days, step: 86_400, small: hours, part: 3_600 },
];

/** A duration, with as much of it as matters. */
export function duration(value) {
  const all = Math.max(0, value);
  if (all < 9.95) return tenths(all);
  const whole = Math.round(all);
  if (whole < 60) return seconds(whole);
  const { large, step, small, part } = STEPS.findLast(({ step }) => whole >= step);
  const rest = Math.floor((whole % step) / part);
  const first = large(Math.floor(whole / step));
  return rest === 0 ? first : `${first} ${small(rest)}`;
}

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });

/** How long ago something was; within the last minute in steps of so many seconds, not to flicker. */
export function ago(ms, step = 10) {
  const passed = Math.max(0, ms) / 1000;
  if (passed < 60) return relative.format(-step * Math.floor(passed / step), 'second');
  if (passed < 3600) return relative.format(-Math.floor(passed / 60), 'minute');
  if (passed < 86_400) return relative.format(-Math.floor(passed / 3600), 'hour');
  return relative.format(-Math.floor(passed / 86_400), 'day');
}

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/** The time of day of Unix milliseconds. */
export const timeOfDay = (ms) => clock.format(new Date(ms));
/** Date and time of Unix milliseconds. */
export const dateAndTime = (ms) => moment.format(new Date(ms));

const BYTE_UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];
const byteFormats = BYTE_UNITS.map((name) => [unit(name), unit(name, 1)]);

/** Bytes. */
export function bytes(value) {
  let scaled = value;
  let index = 0;
  while (scaled >= 999.5 && index < BYTE_UNITS.length - 1) {
    scaled /= 1000;
    index += 1;
  }
  return byteFormats[index][index > 0 && scaled < 10 ? 1 : 0](scaled);
}

const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** A power, as 2¹⁶. */
export const power = (base, exponent) => base + [...String(exponent)].map((digit) => SUPERSCRIPTS[Number(digit)]).join('');

/**
 * An amount in a token's smallest unit, written `0x` hexadecimal. A token's decimals are not known here, so a long amount is shown as
 * a multiple of a power of ten, and all of its digits beside that.
 */
export function amount(hexadecimal) {
  const value = BigInt(hexadecimal);
  const exact = count(value);
  const digits = value.toString();
  if (digits.length <= 12) return { short: exact, exact };
  const exponent = 3 * Math.floor((digits.length - 1) / 3);
  const scaled = Number(value / 10n ** BigInt(exponent - 3)) / 1000;
  // A line does not end within it.
  return { short: `${number({ maximumFractionDigits: 3 })(scaled)}\u00a0×\u00a0${power(10, exponent)}`, exact };
}

/** The first digits of an id. */
export const shortId = (id) => id.slice(0, 8);

/** A hash or an address, its middle left out. */
export const shortHash = (hash) => (hash.length > 14 ? `${hash.slice(0, 8)}…${hash.slice(-4)}` : hash);

/** One or several of something. */
export const plural = (value, one, several = `${one}s`) => `${count(value)} ${value === 1 ? one : several}`;
