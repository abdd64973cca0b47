import type { Picture } from '../vega/svg.ts';
import type { Chart } from './points.ts';
import { isApart } from './terminal.ts';

interface PictureWords {
  title: string | undefined;
  x: string;
  y: string;
  series: string | undefined;
}

const palette = [
  '#2c4bff',
  '#e8833a',
  '#1f9d6a',
  '#c0392b',
  '#7d4fc4',
  '#1697a6',
  '#b58900',
  '#d6409f',
  '#5b6770',
  '#8a9a0b',
  '#a0522d',
  '#34495e',
];

/** The picture of a chart: one panel, or one above the other where the series are of very different sizes. */
export function pictureOf({ kind, xs, series }: Chart, type: 'line' | 'bar', words: PictureWords): Picture {
  const isSlots = type === 'bar' || kind === 'word';
  const values = xs.flatMap((x, i) =>
    series.flatMap(({ name, values: own }) => {
      const y = own[i];
      return y === undefined ? [] : [{ x: isSlots ? x : kind === 'number' ? Number(x) : Date.parse(x), y, series: name }];
    }),
  );
  const hasSeries = words.series !== undefined && series.length > 1;
  const isPanels = isApart({ kind, xs, series });
  const isMonths = kind === 'time' && xs.every((x) => x.length === 7);
  const x = isSlots
    ? {
        field: 'x',
        type: 'ordinal',
        sort: null,
        ...(type === 'bar' ? { scale: { paddingInner: 0.3, paddingOuter: 0.15 } } : {}),
        axis: {
          title: words.x,
          labelAngle: xs.length > 12 ? -45 : 0,
          labelOverlap: true,
        },
      }
    : {
        field: 'x',
        type: kind === 'time' ? 'temporal' : 'quantitative',
        scale: { zero: false, nice: false, ...(kind === 'time' ? { type: 'utc' } : {}) },
        axis: {
          title: words.x,
          grid: false,
          labelOverlap: true,
          ...(kind === 'number' ? { format: ',~f' } : {}),
          ...(isMonths ? { format: '%b %Y', tickCount: Math.min(12, xs.length) } : {}),
        },
      };
  const y = { field: 'y', type: 'quantitative', axis: { title: words.y, format: ',~f', tickCount: 6 }, scale: { zero: true } };
  const colour = {
    field: 'series',
    type: 'nominal',
    sort: null,
    scale: { range: palette },
    legend: isPanels ? null : { title: words.series },
  };
  const mark =
    type === 'line' ? { type: 'line', strokeWidth: 2, point: xs.length <= 40 ? { size: 24 } : false } : { type: 'bar' };
  const encoding = {
    x,
    y,
    ...(hasSeries ? { color: colour } : {}),
    ...(hasSeries && type === 'bar' && !isPanels ? { xOffset: { field: 'series', sort: null } } : {}),
  };
  const size = { width: Math.max(480, Math.min(960, isSlots ? xs.length * 28 : 640)), height: isPanels ? 160 : 320 };
  const unit = { mark, encoding };
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    ...(words.title === undefined ? {} : { title: { text: words.title, anchor: 'start', fontSize: 16, offset: 12 } }),
    data: { values },
    background: 'white',
    padding: 16,
    config: {
      font: 'Helvetica, Arial, sans-serif',
      range: { category: palette },
      mark: { color: palette[0] },
      axis: {
        labelFontSize: 11,
        titleFontSize: 12,
        titleFontWeight: 'normal',
        titleColor: '#555',
        labelColor: '#333',
        gridColor: '#e6e6e6',
        domainColor: '#999',
        tickColor: '#999',
        titlePadding: 8,
      },
      legend: { labelFontSize: 11, titleFontSize: 12, titleFontWeight: 'normal', titleColor: '#555' },
      header: { labelFontSize: 12, labelFontWeight: 'bold' },
      view: { stroke: null },
    },
    ...(isPanels && hasSeries
      ? {
          facet: {
            row: {
              field: 'series',
              type: 'nominal',
              sort: series.map(({ name }) => name),
              header: { title: null, labelAngle: 0, labelAlign: 'left', labelOrient: 'top', labelAnchor: 'start' },
            },
          },
          spec: { ...size, ...unit },
          resolve: { scale: { y: 'independent' } },
        }
      : { ...size, ...unit }),
  } as unknown as Picture;
}
