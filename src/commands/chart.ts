import { Points } from '../lib/chart/points.ts';
import { drawBars, drawLines } from '../lib/chart/terminal.ts';
import { command } from '../lib/command.ts';
import { writeDurably } from '../lib/durable.ts';
import { Failure } from '../lib/errors.ts';
import { BadLine, type Line, readBatches } from '../lib/lines.ts';
import { choice, number, size, text } from '../lib/options.ts';
import { checkProtocol } from '../lib/protocol.ts';

/** A terminal that says less does not know its width. */
const narrowest = 20;

export default command({
  role: 'tool',
  description:
    'Draws what comes as lines or bars in the terminal, and as SVG into a file. Months, days and times stand in their order on the x axis, numbers too, words as they came; values of one series at the same place are added up. Series of very different sizes, as of several currencies, get an axis each. Marks are passed over: a chart commits nothing.',
  options: {
    x: text('--x <FIELD>', 'what stands on the x axis', 'x'),
    y: text('--y <FIELD>', 'the values', 'y'),
    series: text('--series <FIELD>', 'a line, or a colour of bars, for each value of this field'),
    type: choice('--type <TYPE>', 'how it is drawn', ['line', 'bar'], 'line'),
    title: text('--title <TEXT>', 'a title above it'),
    divide: number('--divide <N>', 'divide the values by this: 100 makes dollars of cents', 1),
    svg: text('--svg <FILE>', 'draw it into this file too, as SVG'),
    maxLine: size('--max-line <SIZE>', 'the longest line that passes', 16 * 1024 ** 2, '16MiB'),
  },
  examples: [
    {
      run: 'buda chart --x month --y closing --series currency --divide 100 --title MRR --svg mrr.svg < months.ndjson',
      shows: 'monthly MRR by currency, in the terminal and as a picture',
    },
    {
      run: `buda query 'select type, count(*) as movements from mrr_movements group by all' | buda chart --type bar --x type --y movements`,
      shows: 'bars of what a query counted',
    },
  ],
  async run({ options, context }) {
    const { x, y, series, type, title, divide, svg, maxLine } = options;
    if (divide === 0) throw new Failure('usage', '--divide takes a number above 0');
    const points = new Points({ x, y, series }, divide);
    const batches = readBatches(context.stdin.chunks(), {
      maxLineBytes: maxLine,
      reject: ({ number: line, reason, sha256 }) => {
        throw new Failure('badData', `line ${line}: ${reason} (sha256 ${sha256})`, 'mend the line, or leave it out');
      },
    });
    for await (const { lines, control } of checkProtocol(batches)) {
      for (const line of lines) add(points, line);
      if (control?.kind === 'end' && control.end.exit !== 0)
        throw new Failure(
          control.end.exit,
          `upstream ended with ${control.end.exit}: ${control.end.why ?? 'it did not say why'}`,
        );
    }
    const chart = points.chart();
    if (points.leftOut > 0) context.say(`${points.leftOut} records have no ${x} or no ${y}: they are left out`);
    if (chart.series.length === 0)
      throw new Failure('badData', 'there is nothing to draw', 'see what comes: put `| head` in its place');
    const terminal = {
      columns: context.stdout.columns < narrowest ? 80 : context.stdout.columns,
      hasColours: context.stdout.isTerminal && !context.env.NO_COLOR,
    };
    const draw = type === 'bar' ? drawBars : drawLines;
    await context.stdout.write(`${draw(chart, { title, y }, terminal).join('\n')}\n`);
    if (svg !== undefined) {
      const [{ drawSvg }, { pictureOf }] = await Promise.all([import('../lib/vega/svg.ts'), import('../lib/chart/picture.ts')]);
      await writeDurably(svg, await drawSvg(pictureOf(chart, type, { title, x, y, series })), 0o644);
    }
  },
});

function add(points: Points, line: Line): void {
  try {
    points.add(line);
  } catch (error) {
    if (!(error instanceof BadLine)) throw error;
    throw new Failure('badData', `line ${line.number}: ${error.message}`, 'mend the line, or leave it out');
  }
}
