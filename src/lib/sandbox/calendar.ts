/** An hour, in seconds. */
export const hourS = 3600;
/** A day in UTC, in seconds. */
export const dayS = 86_400;

/** The second `count` months later by the calendar: the same day, or the last one of a shorter month. */
export function addMonths(second: number, count: number): number {
  const date = new Date(second * 1000);
  const day = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + count);
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  date.setUTCDate(Math.min(day, lastDay));
  return date.getTime() / 1000;
}

/** The end of a billing period that begins at this second. */
export function addPeriod(second: number, interval: 'day' | 'week' | 'month' | 'year', count: number): number {
  if (interval === 'day') return second + count * dayS;
  if (interval === 'week') return second + count * 7 * dayS;
  return addMonths(second, interval === 'year' ? 12 * count : count);
}

/** `2026-11`: the month in UTC. */
export function monthOf(second: number): string {
  return new Date(second * 1000).toISOString().slice(0, 7);
}
