import type { Progress } from './context.ts';

/** One line on where a step is, or was at its end: `480 records in 1.2 s (400/s), 3 epochs, at 17`. */
export function summarise(progress: Progress, elapsedMs: number): string {
  const seconds = elapsedMs / 1000;
  const parts = [`${group(progress.records)} ${progress.records === 1 ? 'record' : 'records'} in ${seconds.toFixed(1)} s`];
  if (seconds >= 0.05 && progress.records > 0) parts[0] += ` (${group(Math.round(progress.records / seconds))}/s)`;
  if (progress.epochs > 0) parts.push(`${group(progress.epochs)} ${progress.epochs === 1 ? 'epoch' : 'epochs'}`);
  if (progress.dead > 0) parts.push(`${group(progress.dead)} dead ${progress.dead === 1 ? 'letter' : 'letters'}`);
  if (progress.position !== undefined && progress.position !== '') parts.push(`at ${progress.position}`);
  if (progress.lagMs !== undefined && progress.lagMs >= 1000) parts.push(`${Math.round(progress.lagMs / 1000)} s behind`);
  if (progress.note !== undefined) parts.push(progress.note);
  return parts.join(', ');
}

function group(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}
